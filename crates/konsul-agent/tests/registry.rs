//! What is registered with an agent, against its own catalogue: whose tags count, files and their mistakes, aliases, and one
//! who comes and goes all the time.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use konsul_agent::{Agent, Logs, Reread, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(60);

fn config(text: &str) -> Result<Config, String> {
    let args = ["-dev", "-http-port=0", "-dns-port=-1", "-config-file=k.hcl"].map(str::to_owned);
    let loaded = Config::load(&args, &[], &MemoryFiles::new([("k.hcl", text)]));
    loaded.map(|loaded| loaded.config).map_err(|errors| errors[0].to_string())
}

/// An agent, and the text that its next reload reads.
struct Node {
    running: Running,
    file: Arc<Mutex<String>>,
}

impl Node {
    async fn start(text: &str) -> Node {
        let file = Arc::new(Mutex::new(text.to_owned()));
        let read = Arc::clone(&file);
        let reread: Reread = Box::new(move || config(&read.lock().unwrap()));
        let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
        let agent = Agent { logs, reread: Some(reread) };
        Node { running: agent.start(config(text).unwrap()).await.unwrap(), file }
    }

    async fn send(&self, request: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.running.http_addresses()[0]).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn put(&self, path: &str, body: &Value) {
        let (status, said) = self.send(&format!("PUT {path}"), &body.to_string()).await;
        assert_eq!(status, 200, "{path}: {said}");
    }

    async fn get(&self, path: &str) -> Value {
        let (status, said) = self.send(&format!("GET {path}"), "").await;
        assert_eq!(status, 200, "{path}: {said}");
        serde_json::from_str(&said).unwrap()
    }

    /// Waits until what a path answers is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path).await;
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < DEADLINE, "{path}: {found}");
            // tidy: sleep because it asks again until it is so
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn tags(&self, service: &str) -> Value {
        self.get(&format!("/v1/catalog/service/{service}")).await[0]["ServiceTags"].clone()
    }

    async fn name(&self) -> Value {
        self.get("/v1/agent/self").await["Config"]["NodeName"].clone()
    }

    async fn stop(self) {
        self.running.stop(StopReason::Asked).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_the_catalogue_stand_until_the_owner_says_others() {
    let node = Node::start("").await;
    let name = node.name().await;
    for overrides in [true, false] {
        let of =
            |tag: &str| json!({ "Name": "db", "Tags": [tag], "Port": 1, "EnableTagOverride": overrides });
        node.put("/v1/agent/service/register", &of("replica")).await;
        assert_eq!(node.tags("db").await, json!(["replica"]));
        let service =
            json!({ "Service": "db", "Tags": ["chosen"], "Port": 1, "EnableTagOverride": overrides });
        node.put(
            "/v1/catalog/register",
            &json!({ "Node": name, "SkipNodeUpdate": true, "Service": service }),
        )
        .await;
        // A registration that says nothing new is compared too, and waits for that.
        node.put("/v1/agent/service/register", &of("replica")).await;
        let stands = if overrides { json!(["chosen"]) } else { json!(["replica"]) };
        node.until("/v1/catalog/service/db", |found| found[0]["ServiceTags"] == stands).await;
        assert_eq!(node.tags("db").await, stands);
        node.put("/v1/agent/service/register", &of("primary")).await;
        assert_eq!(node.tags("db").await, json!(["primary"]), "what its owner says anew counts at once");
    }
    node.stop().await;
}

const FILE: &str = r#"
service { name = "web" port = 80 address = "10.0.0.9" tags = ["first"] check { ttl = "1h" status = "passing" } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_a_mistake_keeps_what_was_and_is_named_with_its_line() {
    let node = Node::start(FILE).await;
    let web = "/v1/health/service/web?passing";
    let found = node.until(web, |found| !found[0].is_null()).await;
    // As with what comes over HTTP, the address is also that of its family.
    let lan = json!({ "Address": "10.0.0.9", "Port": 80 });
    assert_eq!(found[0]["Service"]["TaggedAddresses"], json!({ "lan_ipv4": lan, "wan_ipv4": lan }));
    assert_eq!(node.get("/v1/agent/services").await["web"]["TaggedAddresses"]["lan_ipv4"], lan);

    let index = |found: &Value| found[0]["Service"]["ModifyIndex"].as_u64().unwrap();
    for (text, place) in [
        ("service { name = \"web\" port = 81 }\nservice {\n  title = \"db\"\n}", "k.hcl:3:3"),
        ("service { name = \"web\" port = 81 }\nservice { name = \"db\" port = \"x\" }", "k.hcl:2:"),
        ("service { name = \"web\" port = 81 check { http = \"http://h/\" } }", "k.hcl:1:"),
        ("service { name = \"web\"", "k.hcl:1:"),
    ] {
        *node.file.lock().unwrap() = text.to_owned();
        let (status, said) = node.send("PUT /v1/agent/reload", "").await;
        assert!(status == 500 && said.contains(place), "{text}: {status} {said}");
        let kept = node.get(web).await;
        assert_eq!(index(&kept), index(&found), "{kept}");
    }
    *node.file.lock().unwrap() =
        FILE.replace("first", "second").replace("10.0.0.9", "") + "service { name = \"db\" }";
    assert_eq!(node.send("PUT /v1/agent/reload", "").await.0, 200);
    let changed = node.until(web, |found| found[0]["Service"]["Tags"] == json!(["second"])).await;
    assert_eq!(changed[0]["Service"]["TaggedAddresses"], Value::Null);
    node.until("/v1/catalog/services", |found| found["db"] == json!([])).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_follows_an_instance_here_and_a_node_elsewhere() {
    let node = Node::start("").await;
    let beat = json!({ "CheckID": "beat", "TTL": "1h", "Status": "passing" });
    node.put("/v1/agent/service/register", &json!({ "Name": "db", "Check": beat })).await;
    let elsewhere = |status: &str| {
        let check = json!({ "CheckID": "disk", "Status": status });
        json!({ "Node": "far", "Address": "10.0.0.2", "Check": check })
    };
    node.put("/v1/catalog/register", &elsewhere("passing")).await;
    for (name, check) in
        [("front", json!({ "AliasService": "db" })), ("tunnel", json!({ "AliasNode": "far" }))]
    {
        node.put("/v1/agent/service/register", &json!({ "Name": name, "Check": check })).await;
    }
    for (status, update) in
        [("passing", "pass"), ("critical", "fail"), ("passing", "pass"), ("critical", "fail")]
    {
        node.put(&format!("/v1/agent/check/{update}/beat"), &json!(null)).await;
        node.put("/v1/catalog/register", &elsewhere(status)).await;
        for path in ["/v1/health/checks/front", "/v1/health/checks/tunnel"] {
            let found = node.until(path, |found| found[0]["Status"] == status).await;
            assert_eq!(found[0]["Type"], "alias");
        }
    }
    // Who is gone is critical, and says so.
    node.put("/v1/agent/check/pass/beat", &json!(null)).await;
    node.until("/v1/health/checks/front", |found| found[0]["Status"] == "passing").await;
    node.put("/v1/agent/service/deregister/db", &json!(null)).await;
    node.until("/v1/health/checks/front", |found| found[0]["Status"] == "critical").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_comes_and_goes_leaves_nothing_and_stops_nobody() {
    const ROUNDS: usize = 300;
    let node = Node::start("").await;
    node.put(
        "/v1/agent/service/register",
        &json!({ "Name": "calm", "Check": { "TTL": "1h", "Status": "passing" } }),
    )
    .await;
    let calm = |found: &Value| found[0]["Service"]["ModifyIndex"].as_u64().unwrap();
    let before = calm(&node.get("/v1/health/service/calm?passing").await);
    let begun = Instant::now();
    for round in 0..ROUNDS {
        let checks = json!([{ "TTL": "1h" }, { "TCP": "127.0.0.1:1", "Interval": "1h" }]);
        node.put(
            "/v1/agent/service/register",
            &json!({ "Name": "restless", "Port": round + 1, "Checks": checks }),
        )
        .await;
        // Each answer holds what was told before it.
        let found = node.get("/v1/catalog/service/restless").await;
        assert_eq!(found[0]["ServicePort"], round + 1);
        node.put("/v1/agent/service/deregister/restless", &json!(null)).await;
        assert_eq!(node.get("/v1/catalog/service/restless").await, json!([]));
    }
    let rate = ROUNDS as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(calm(&node.get("/v1/health/service/calm?passing").await), before, "others are left alone");
    assert_eq!(node.get("/v1/agent/checks").await.as_object().unwrap().len(), 1);
    assert_eq!(node.get("/v1/health/state/any").await.as_array().unwrap().len(), 2, "serfHealth and calm's");
    let usage = node.get("/v1/operator/usage").await;
    assert_eq!(usage["Usage"]["dc1"]["ServiceInstances"], 2, "{usage}");
    assert_eq!(usage["Usage"]["dc1"]["BillableServiceInstances"], 1, "{usage}");
    assert!(rate > 10.0, "{rate:.0} rounds a second");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_nobody_knows_is_not_updated() {
    let node = Node::start("").await;
    let told = "Unknown check ID \"none\". Ensure that the check ID is passed, not the check name.";
    for (request, body) in [
        ("PUT /v1/agent/check/pass/none", ""),
        ("PUT /v1/agent/check/warn/none", ""),
        ("PUT /v1/agent/check/fail/none", ""),
        ("PUT /v1/agent/check/update/none", "{\"Status\":\"passing\"}"),
    ] {
        assert_eq!(node.send(request, body).await, (404, told.to_owned()), "{request}");
    }
    node.stop().await;
}
