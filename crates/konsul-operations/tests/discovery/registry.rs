//! What is asked of the agent's own registrations: permissions and filters here, all else is the registry's.

use std::sync::{Arc, Mutex};

use konsul_operations::arguments::{
    AgentCheckRegister, AgentCheckUpdate, AgentMaintenance, EventFire, EventList, ServiceWhy,
};
use konsul_operations::local::OperationLimits;
use konsul_operations::permission::{Authorizer, Permission};
use konsul_operations::ports::{
    AgentInfo, Health, HostInfo, LocalAgent, LocalRegistry, LogFilter, LogLines, MetricsFormat, ReloadReport,
};
use konsul_operations::{Context, Error, Local, Operations, Reply};
use konsul_testkit::{TestAgent, TestNode};
use konsul_types::{
    Check, CheckDefinition, CheckId, CheckStatus, Namespace, NodeName, Service, ServiceDefinition, ServiceId,
};

use crate::support::*;

/// Notes what it is asked to do.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Notes {
    /// How much it was asked to do.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn note(&self, what: String) -> Reply<'_, ()> {
        self.0.lock().unwrap().push(what);
        Box::pin(async { Ok(()) })
    }
}

impl LocalRegistry for Notes {
    fn register_service(&self, definition: ServiceDefinition, _: bool) -> Reply<'_, ()> {
        self.note(format!("register {}", definition.id))
    }

    fn deregister_service(&self, _: Namespace, id: ServiceId) -> Reply<'_, ()> {
        self.note(format!("deregister {id}"))
    }

    fn register_check(&self, definition: CheckDefinition) -> Reply<'_, ()> {
        self.note(format!("register check {}", definition.name))
    }

    fn deregister_check(&self, _: Namespace, id: CheckId) -> Reply<'_, ()> {
        self.note(format!("deregister check {id}"))
    }

    fn update_check(&self, _: Namespace, id: CheckId, status: CheckStatus, _: String) -> Reply<'_, ()> {
        self.note(format!("{id} is {status}"))
    }

    fn maintenance(&self, service: Option<(Namespace, ServiceId)>, _: bool, _: String) -> Reply<'_, ()> {
        self.note(format!("maintenance of {:?}", service.map(|(_, id)| id)))
    }

    fn services(&self, _: &Namespace) -> Vec<Arc<Service>> {
        let service = |id: &str, name: &str, tag: &str| Arc::new(service("test-node", id, name, &[tag]));
        vec![service("db-1", "db", "primary"), service("web-1", "web", "v1")]
    }

    fn checks(&self, namespace: &Namespace) -> Vec<Arc<Check>> {
        let services = self.services(namespace);
        let of = |id: &str, of: &Service| Arc::new(check("test-node", id, of, CheckStatus::Passing));
        let own = node_check("test-node", "disk", CheckStatus::Passing);
        vec![of("c-db", &services[0]), of("c-web", &services[1]), Arc::new(own)]
    }
}

/// An agent that keeps registrations.
pub(crate) struct Keeping(pub(crate) TestAgent, pub(crate) Arc<Notes>);

impl LocalAgent for Keeping {
    fn node_name(&self) -> NodeName {
        self.0.node_name()
    }
    fn datacenter(&self) -> String {
        self.0.datacenter()
    }
    fn info(&self) -> AgentInfo {
        self.0.info()
    }
    fn host(&self) -> HostInfo {
        self.0.host()
    }
    fn reload(&self) -> Result<ReloadReport, String> {
        self.0.reload()
    }
    fn leave(&self) {}
    fn monitor(&self, filter: LogFilter) -> Result<LogLines, String> {
        self.0.monitor(filter)
    }
    fn metrics(&self, format: MetricsFormat) -> String {
        self.0.metrics(format)
    }
    fn health(&self) -> Health {
        self.0.health()
    }
    fn registry(&self) -> Option<Arc<dyn LocalRegistry>> {
        Some(Arc::clone(&self.1) as Arc<dyn LocalRegistry>)
    }
}

fn only_web(_: &Context, needed: &Permission<'_>) -> bool {
    match needed {
        Permission::ServiceRead(name) | Permission::ServiceWrite(name) => *name == "web",
        Permission::NodeWrite(_) => false,
        _ => true,
    }
}

fn keeping(server: &TestNode, authorizer: Authorizer) -> (Ops, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let agent = Keeping(TestAgent { node: node_name("test-node") }, Arc::clone(&notes));
    let replica = Arc::clone(&server.replica);
    (Local::with_authorizer(replica, Arc::new(agent), OperationLimits::default(), authorizer), notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_keeps_is_listed_filtered_and_guarded() {
    let server = start().await;
    let (all, _) = keeping(&server, Authorizer::AllowLoopback);
    let (guarded, _) = keeping(&server, Authorizer::Rule(only_web));
    let services = |ops: Ops, filter: &'static str| async move {
        let services = ops.agent_services(&ctx(), filter.into()).await.unwrap();
        services.iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(services(all.clone(), "").await, ["db-1", "web-1"]);
    assert_eq!(services(all.clone(), "primary in Tags").await, ["db-1"]);
    assert_eq!(services(guarded.clone(), "Port == 80").await, ["web-1"]);
    let checks = guarded.agent_checks(&ctx(), "Status == passing".into()).await.unwrap();
    assert_eq!(checks.iter().map(|check| check.id.as_str()).collect::<Vec<_>>(), ["c-web", "disk"]);
    assert!(matches!(all.agent_checks(&ctx(), "Nothing == 1".into()).await, Err(Error::BadFilter(_))));
    let none = server.operations.agent_services(&ctx(), String::new()).await;
    assert_eq!(none, Err(Error::NotOffered { operation: "agent_services" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_needs_its_own_permission() {
    let server = start().await;
    let (ops, notes) = keeping(&server, Authorizer::Rule(only_web));
    let denied =
        |result: Result<(), Error>| assert!(matches!(result, Err(Error::PermissionDenied(_))), "{result:?}");
    let id = |id: &str| CheckId::new(id).unwrap();
    let update =
        |check: &str| AgentCheckUpdate { id: id(check), status: CheckStatus::Warning, output: String::new() };
    let check = |service: Option<&str>| AgentCheckRegister {
        definition: CheckDefinition {
            name: "new".into(),
            service: service.map(service_id),
            ..CheckDefinition::default()
        },
    };
    let maintenance = |service: Option<&str>| AgentMaintenance {
        service: service.map(|id| (Namespace::default_namespace(), service_id(id))),
        enable: true,
        reason: String::new(),
    };
    denied(ops.agent_service_deregister(&ctx(), service_id("db-1")).await);
    denied(ops.agent_check_register(&ctx(), check(Some("db-1"))).await);
    denied(ops.agent_check_register(&ctx(), check(None)).await);
    denied(ops.agent_check_deregister(&ctx(), id("c-db")).await);
    denied(ops.agent_check_update(&ctx(), update("disk")).await);
    denied(ops.agent_maintenance(&ctx(), maintenance(None)).await);
    assert!(notes.0.lock().unwrap().is_empty());
    ops.agent_service_deregister(&ctx(), service_id("web-1")).await.unwrap();
    ops.agent_check_register(&ctx(), check(Some("web-1"))).await.unwrap();
    ops.agent_check_deregister(&ctx(), id("c-web")).await.unwrap();
    ops.agent_check_update(&ctx(), update("c-web")).await.unwrap();
    ops.agent_maintenance(&ctx(), maintenance(Some("web-1"))).await.unwrap();
    let expect = [
        "deregister web-1",
        "register check new",
        "deregister check c-web",
        "c-web is warning",
        "maintenance of Some(\"web-1\")",
    ];
    assert_eq!(*notes.0.lock().unwrap(), expect);
}

/// An event for instances is heard by the agent that keeps one of them.
#[tokio::test(flavor = "multi_thread")]
async fn events_for_instances_are_heard_where_they_are() {
    let server = start().await;
    let (ops, _) = keeping(&server, Authorizer::AllowLoopback);
    for (name, service, tag) in
        [("a", "^web", ""), ("b", "web", "^v1$"), ("c", "web", "primary"), ("d", "api", "")]
    {
        let fire = EventFire {
            name: name.into(),
            payload: Vec::new().into(),
            node_filter: String::new(),
            service_filter: service.into(),
            tag_filter: tag.into(),
        };
        ops.event_fire(&ctx(), fire).await.unwrap();
    }
    let heard = ops.event_list(&ctx(), EventList::default()).await.unwrap().value;
    assert_eq!(heard.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_the_catalogue_lacks_is_told_as_not_synced() {
    let server = start().await;
    let (ops, _) = keeping(&server, Authorizer::AllowLoopback);
    let args = ServiceWhy {
        name: service_name("web"),
        id: None,
        tags: vec![],
        filter: String::new(),
        passing: false,
    };
    let told = ops.service_why(&ctx(), args).await.unwrap().value;
    assert_eq!((told.len(), told[0].reasons[0].0), (1, "not_synced"));
}
