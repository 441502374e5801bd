//! A server around real operations, and a client that holds every answer to the document.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use konsul_api::v2::operations::{Id, find};
use konsul_api::v2::problem::{MEDIA_TYPE, Problem};
use konsul_api::v2::shape;
use konsul_http::{Answered, Slot};
use konsul_http::{Observer, Server, Settings};
use konsul_storage::MemoryStorage;
use konsul_testkit::TestNode;
use serde_json::Value;

use crate::support::client::{Answer, Client};

/// Keeps the labels of all requests.
#[derive(Default)]
pub struct Labels(Mutex<Vec<(&'static str, u16)>>);

impl Labels {
    /// What was heard since the last call.
    pub fn take(&self) -> Vec<(&'static str, u16)> {
        self.0.lock().unwrap().drain(..).filter(|(_, status)| *status != 0).collect()
    }
}

impl Observer for Labels {
    fn began(&self, operation: &'static str) -> Slot {
        let mut all = self.0.lock().unwrap();
        all.push((operation, 0));
        Slot::try_from(all.len() - 1).unwrap()
    }

    fn ended(&self, slot: Slot, answered: &Answered) {
        let mut all = self.0.lock().unwrap();
        let operation = all[usize::from(slot)].0;
        all.push((answered.operation.unwrap_or(operation), answered.status));
    }

    fn abandoned(&self, _: Slot) {}
}

/// The server, and a connection to it.
pub struct Api {
    pub node: TestNode,
    pub server: Server,
    pub labels: Arc<Labels>,
    pub address: SocketAddr,
    pub client: Client,
    document: Value,
}

impl Api {
    pub async fn start() -> Api {
        Api::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Api {
        let node = TestNode::start(Box::new(MemoryStorage::new())).await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let labels = Arc::new(Labels::default());
        let operations = Arc::new(node.operations.clone());
        let server = Server::start(operations, labels.clone(), settings, vec![listener]).unwrap();
        let address = server.addresses()[0];
        let client = Client::connect(address).await;
        let document = serde_json::from_str(konsul_api::v2::OPENAPI).unwrap();
        Api { node, server, labels, address, client, document }
    }

    /// Asks, and holds the answer to the document.
    pub async fn ask(&mut self, id: Id, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (_, operation) = find(id).unwrap();
        let answer = self.client.request(operation.method.as_str(), target, headers, body).await;
        self.check(id, target, &answer);
        answer
    }

    /// A JSON body, and its answer.
    pub async fn json(&mut self, id: Id, target: &str, body: &Value) -> Answer {
        self.ask(id, target, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    /// No body.
    pub async fn plain(&mut self, id: Id, target: &str) -> Answer {
        self.ask(id, target, &[], b"").await
    }

    fn check(&self, id: Id, target: &str, answer: &Answer) {
        let (resource, operation) = find(id).unwrap();
        let what =
            format!("{} {target}: {} {}", id.as_str(), answer.status, String::from_utf8_lossy(&answer.body));
        let method = operation.method.as_str().to_lowercase();
        let stated = &self.document["paths"][resource.path][&method]["responses"][answer.status.to_string()];
        assert!(!stated.is_null(), "an undocumented status: {what}");
        let stated = match stated["$ref"].as_str() {
            Some(target) => self.document.pointer(target.trim_start_matches('#')).unwrap(),
            None => stated,
        };
        assert!(answer.header("x-konsul-index").unwrap().parse::<u64>().unwrap() > 0, "{what}");
        assert_eq!(answer.header("x-request-id").unwrap().len(), 32, "{what}");
        let Some(kind) = answer.header("content-type") else {
            return assert!(answer.body.is_empty() && stated["content"].is_null(), "{what}");
        };
        let schema = &stated["content"][kind]["schema"];
        assert!(!schema.is_null(), "an undocumented form {kind}: {what}");
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next())
            && name != "OpenApi"
        {
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(shape::faults(name, &body), [], "{what}");
        }
        if kind == MEDIA_TYPE {
            self.check_problem(id, answer, &what);
        }
    }

    fn check_problem(&self, id: Id, answer: &Answer, what: &str) {
        let problem = problem(answer);
        let (_, operation) = find(id).unwrap();
        let known: BTreeSet<&str> = operation.codes().iter().map(|code| code.id).collect();
        assert!(known.contains(problem.code.as_str()), "an undocumented code: {what}");
        assert_eq!(problem.status, answer.status, "{what}");
        assert_eq!(problem.kind, format!("urn:konsul:problem:{}", problem.code), "{what}");
        assert_eq!(Some(problem.request_id.as_str()), answer.header("x-request-id"), "{what}");
    }

    /// Puts a text and answers the key's index.
    pub async fn put(&mut self, key: &str, value: &str) -> u64 {
        let body = serde_json::json!({ "value": value });
        let answer = self.json(Id::KvPut, &format!("/v2/kv/{key}"), &body).await;
        assert_eq!(answer.status, 200);
        value_of(&answer)["modify_index"].as_u64().unwrap()
    }

    /// Makes a session without a time to live.
    pub async fn session(&mut self) -> String {
        let answer =
            self.json(Id::SessionCreate, "/v2/sessions", &serde_json::json!({ "lock_delay": "0s" })).await;
        assert_eq!(answer.status, 201);
        value_of(&answer)["id"].as_str().unwrap().to_owned()
    }
}

/// An answer's JSON.
pub fn value_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// An answer's lines of JSON.
pub fn lines_of(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An answer's problem.
pub fn problem(answer: &Answer) -> Problem {
    assert_eq!(answer.header("content-type"), Some(MEDIA_TYPE), "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

/// Status, code and the places of the faults.
pub fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let problem = problem(answer);
    let places = problem.errors.iter().map(|fault| {
        let place = fault.pointer.as_ref().or(fault.parameter.as_ref()).or(fault.header.as_ref());
        place.cloned().unwrap_or_default()
    });
    (answer.status, problem.code.clone(), places.collect())
}
