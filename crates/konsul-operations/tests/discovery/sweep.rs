//! The authorisation sweep: every operation of the catalogue is run by somebody who may do nothing, by somebody who may do
//! just what the catalogue says that it needs, and by somebody who may do everything but that.
//!
//! An operation that is missing here ends the test, so that none can be added without it.

use std::sync::{Arc, RwLock};

use konsul_operations::arguments::*;
use konsul_operations::catalogue::{OPERATIONS, Operation};
use konsul_operations::local::OperationLimits;
use konsul_operations::permission::{Authorizer, Permission};
use konsul_operations::ports::{LogFilter, LogLevels, MetricsFormat, Replica as _};
use konsul_operations::watch::{KvWatch, RecordSelect, RecordWatch, ServiceSelect};
use konsul_operations::{Answer, Context, Error, Local, Operations};
use konsul_runtime::time::Duration;
use konsul_testkit::{TestAgent, TestNode};
use konsul_types::*;

use crate::registry::{Keeping, Notes};
use crate::support::*;

/// What somebody may do.
#[derive(Debug, Clone)]
enum Allowed {
    Only(Vec<&'static str>),
    AllBut(Vec<&'static str>),
}

static ALLOWED: RwLock<Allowed> = RwLock::new(Allowed::Only(Vec::new()));

fn rule(_: &Context, needed: &Permission<'_>) -> bool {
    let kind = kind(needed);
    kind == "public"
        || match &*ALLOWED.read().unwrap() {
            Allowed::Only(kinds) => kinds.contains(&kind),
            Allowed::AllBut(kinds) => !kinds.contains(&kind),
        }
}

/// A right as the catalogue of operations writes it.
fn kind(needed: &Permission<'_>) -> &'static str {
    match needed {
        Permission::KeyRead(_) => "key:read",
        Permission::KeyList(_) => "key:list",
        Permission::KeyWrite(_) => "key:write",
        Permission::KeyWritePrefix(_) => "key_prefix:write",
        Permission::SessionRead(_) => "session:read",
        Permission::SessionWrite(_) => "session:write",
        Permission::LockRead(_) => "lock:read",
        Permission::LockWrite(_) => "lock:write",
        Permission::NodeRead(_) => "node:read",
        Permission::NodeWrite(_) => "node:write",
        Permission::ServiceRead(_) => "service:read",
        Permission::ServiceWrite(_) => "service:write",
        Permission::QueryRead(_) => "query:read",
        Permission::QueryWrite(_) => "query:write",
        Permission::EventWrite(_) => "event:write",
        Permission::EventRead(_) => "event:read",
        Permission::AgentRead => "agent:read",
        Permission::AgentWrite => "agent:write",
        Permission::OperatorRead => "operator:read",
        Permission::Management => "management",
        Permission::Public => "public",
    }
}

/// The rights that an operation needs: ways to be allowed, each a set of rights.
fn ways(operation: &Operation) -> Vec<Vec<&'static str>> {
    match operation.needs {
        "each member's own" => vec![vec!["key:write"]],
        needs => needs.split(" or ").map(|way| way.split(" and ").collect()).collect(),
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Refused,
    /// A list of nothing, or an answer that says that there is nothing.
    Nothing,
    /// An answer, or an error that somebody who may not ask would not meet.
    Something,
}

fn judged<T>(result: &Result<T, Error>, nothing: impl Fn(&T) -> bool) -> Seen {
    match result {
        Err(Error::PermissionDenied(_)) => Seen::Refused,
        Ok(found) if nothing(found) => Seen::Nothing,
        _ => Seen::Something,
    }
}

fn done<T>(result: &Result<T, Error>) -> Seen {
    judged(result, |_| false)
}

fn list<T>(result: &Result<Answer<Vec<T>>, Error>) -> Seen {
    judged(result, |found| found.value.is_empty())
}

fn maybe<T>(result: &Result<Answer<Option<T>>, Error>) -> Seen {
    judged(result, |found| found.value.is_none())
}

/// A server with one of everything, as its owner and as somebody sees it.
struct World {
    server: TestNode,
    guarded: Ops,
    notes: Arc<Notes>,
    session: SessionId,
    query: QueryId,
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn put(name: &str, text: &str) -> KvPut {
    let value = Value::from(text.as_bytes());
    KvPut { key: key(name), value, flags: 0, mode: PutMode::Set, ttl_ms: None }
}

fn txn_put() -> Vec<TxnOp> {
    let KvPut { key, value, flags, mode, ttl_ms } = put("a", "batched");
    let op = KvTxnOp::Write(KvCommand::Put { key, value, flags, mode, ttl_ms });
    vec![TxnOp::Kv { namespace: Namespace::default_namespace(), op }]
}

fn new_session() -> SessionCreate {
    SessionCreate {
        name: String::new(),
        node: None,
        lock_delay_ms: 0,
        behavior: Behavior::Release,
        ttl_nanos: 0,
        ttl_text: String::new(),
        node_checks: vec![],
        service_checks: vec![],
    }
}

fn prepared(id: QueryId, name: &str) -> QueryWrite {
    let query = PreparedQuery {
        id,
        name: name.into(),
        session: None,
        template: None,
        service: QueryService { service: "web".into(), ..QueryService::default() },
        dns_ttl: "".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    QueryWrite { query }
}

/// An id that no query has.
fn nobody() -> QueryId {
    QueryId(uuid::Uuid::nil())
}

fn event(name: &str) -> EventFire {
    EventFire {
        name: name.into(),
        payload: Value::from(b"x".to_vec()),
        node_filter: String::new(),
        service_filter: String::new(),
        tag_filter: String::new(),
    }
}

fn place() -> NodeCoordinate {
    let zero = Real::new(0.0);
    let coordinate = Coordinate { vec: vec![zero; 8], error: zero, adjustment: zero, height: zero };
    NodeCoordinate { node: node_name("n1"), segment: "".into(), coordinate, modify_index: Index::ZERO }
}

impl World {
    async fn start() -> World {
        let server = start().await;
        let notes = Arc::new(Notes::default());
        let agent = Keeping(TestAgent { node: node_name("test-node") }, Arc::clone(&notes));
        let replica = Arc::clone(&server.replica);
        let limits = OperationLimits::default();
        let guarded = Local::with_authorizer(replica, Arc::new(agent), limits, Authorizer::Rule(rule));
        let owner = server.operations.clone();
        let session = owner.session_create(&ctx(), new_session()).await.unwrap().spec.id;
        let query = owner.query_create(&ctx(), prepared(nobody(), "found")).await.unwrap();
        let world = World { server, guarded, notes, session, query };
        world.fill().await;
        world
    }

    /// One of everything, again after a call that was allowed to remove some of it.
    async fn fill(&self) {
        let owner = &self.server.operations;
        for text in ["one", "two"] {
            owner.kv_put(&ctx(), put("a", text)).await.unwrap();
        }
        instance(owner, "n1", "web-1", "web", CheckStatus::Passing).await;
        register(owner, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Passing)]).await;
        owner.coordinate_update(&ctx(), place()).await.unwrap();
        owner.event_fire(&ctx(), event("deploy")).await.unwrap();
        owner.lock_acquire(&ctx(), self.acquire()).await.unwrap();
        let query = prepared(self.query, "found");
        if owner.query_update(&ctx(), query).await.is_err() {
            panic!("the query is gone");
        }
    }

    fn acquire(&self) -> LockAcquire {
        let name = LockName::new("l").unwrap();
        LockAcquire { name, session: self.session, value: Value::from(vec![]), wait: Duration::ZERO }
    }

    /// What a refused call may not change: the state, and what the agent keeps.
    fn traces(&self) -> (Index, usize) {
        (self.server.replica.state().index(), self.notes.count())
    }

    async fn call(&self, id: &str) -> Seen {
        match id.split('_').next().unwrap_or(id) {
            "kv" => self.keys(id).await,
            "lock" | "session" => self.sessions(id).await,
            "agent" | "log" | "metrics" => self.agent(id).await,
            "query" | "event" => self.queries(id).await,
            "node" | "service" | "check" | "catalog" | "coordinate" | "datacenter" => self.services(id).await,
            _ => self.others(id).await,
        }
    }

    async fn keys(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let page = KvPage { prefix: "".into(), delimiter: "".into(), after: None, limit: 10 };
        let needle = Needle::KeyText("a".into());
        let search = KvSearch { prefix: "".into(), needle, after: None, limit: 10 };
        let ttl = TtlPatch::Keep;
        match id {
            "kv_get" => maybe(&ops.kv_get(c, KvGet { key: key("a"), blocking: None }).await),
            "kv_list" => list(&ops.kv_list(c, KvList { prefix: "".into(), blocking: None }).await),
            "kv_keys" => {
                let args = KvKeys { prefix: "".into(), separator: "/".into(), blocking: None };
                list(&ops.kv_keys(c, args).await)
            }
            "kv_put" => done(&ops.kv_put(c, put("a", "three")).await),
            "kv_delete" => done(&ops.kv_delete(c, key("a"), None).await),
            "kv_delete_tree" => done(&ops.kv_delete_tree(c, "a".into()).await),
            "kv_patch" => {
                done(&ops.kv_patch(c, KvPatch { key: key("a"), flags: Some(7), ttl, cas: None }).await)
            }
            "kv_page" => judged(&ops.kv_page(c, page).await, |found| found.value.items.is_empty()),
            "kv_search" => judged(&ops.kv_search(c, search).await, |found| found.value.items.is_empty()),
            "kv_history" => {
                done(&ops.kv_history(c, KvHistory { key: key("a"), before: None, limit: 10 }).await)
            }
            "kv_diff" => done(&ops.kv_diff(c, KvDiff { key: key("a"), from: None, to: None }).await),
            "kv_undo" => done(&ops.kv_undo(c, KvUndo { key: key("a"), to_index: None }).await),
            _ => missing(id),
        }
    }

    async fn sessions(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let name = LockName::new("l").unwrap();
        let read = SessionRead { id: self.session, blocking: None };
        match id {
            "lock_acquire" => done(&ops.lock_acquire(c, self.acquire()).await),
            "lock_release" => {
                let args = LockRelease { name, session: self.session, fencing: None };
                done(&ops.lock_release(c, args).await)
            }
            "lock_get" => maybe(&ops.lock_get(c, LockGet { name, blocking: None }).await),
            "lock_list" => {
                list(&ops.lock_list(c, LockList { prefix: "".into(), after: None, limit: 10 }).await)
            }
            "session_create" => done(&ops.session_create(c, new_session()).await),
            "session_destroy" => {
                let spare = self.server.operations.session_create(c, new_session()).await.unwrap().spec.id;
                let before = self.traces();
                let seen = done(&ops.session_destroy(c, spare).await);
                assert!(seen != Seen::Refused || self.traces() == before, "refused and done");
                seen
            }
            "session_renew" => done(&ops.session_renew(c, self.session).await),
            "session_info" => maybe(&ops.session_info(c, read).await),
            "session_list" => list(&ops.session_list(c, SessionList { node: None, blocking: None }).await),
            _ => missing(id),
        }
    }

    async fn services(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let narrow = Narrow::default;
        let name = service_name("web");
        match id {
            "datacenter_list" => done(&ops.datacenter_list(c).await),
            "node_list" => list(&ops.node_list(c, NodeList::default()).await),
            "node_services" => {
                let args = NodeServices { node: "n1".into(), filter: "".into(), blocking: None };
                maybe(&ops.node_services(c, args).await)
            }
            "service_list" => list(&ops.service_list(c, ServiceList::default()).await),
            "service_instances" => list(&ops.service_instances(c, instances_of("web")).await),
            "service_pick" => {
                let (strategy, key, zone) = (String::new(), String::new(), String::new());
                let narrow = narrow();
                let args = ServicePick { name, tags: vec![], narrow, strategy, key, zone, count: 1 };
                judged(&ops.service_pick(c, args).await, |found| found.value.instances.is_empty())
            }
            "service_why" => {
                let args = ServiceWhy { name, id: None, tags: vec![], filter: "".into(), passing: false };
                list(&ops.service_why(c, args).await)
            }
            "service_graph" => {
                judged(&ops.service_graph(c, ServiceGraph::default()).await, |found| found.value.is_empty())
            }
            "check_list" => {
                let args = CheckList { select: CheckSelect::Status(None), narrow: narrow(), blocking: None };
                list(&ops.check_list(c, args).await)
            }
            "check_history" => {
                let args = CheckHistory { node: node_name("n1"), id: CheckId::new("c-web-1").unwrap() };
                maybe(&ops.check_history(c, args).await)
            }
            "service_timeline" => {
                let args = ServiceTimeline { name, count: 10 };
                let seen = ops.service_timeline(c, args).await;
                judged(&seen, |found| found.value.as_ref().is_none_or(Vec::is_empty))
            }
            "coordinate_distance" => {
                let args = CoordinateDistance { from: node_name("n1"), to: node_name("n1") };
                judged(&ops.coordinate_distance(c, args).await, |_| false)
            }
            "catalog_register" => {
                let registration = registration(node("n2"), Some(service("n2", "w", "web", &[])), vec![]);
                let seen = done(&ops.catalog_register(c, CatalogRegister { registration }).await);
                deregister(&self.server.operations, "n2", None, None).await;
                seen
            }
            "catalog_deregister" => {
                let args = CatalogDeregister { node: node_name("n1"), service: None, check: None };
                done(&ops.catalog_deregister(c, args).await)
            }
            "coordinate_list" => list(&ops.coordinate_list(c, CoordinateList::default()).await),
            "coordinate_update" => done(&ops.coordinate_update(c, place()).await),
            _ => missing(id),
        }
    }

    async fn queries(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let execute =
            QueryExecute { name: "found".into(), near: None, limit: None, connect: false, client: None };
        match id {
            "query_create" => done(&ops.query_create(c, prepared(nobody(), "other")).await),
            "query_update" => done(&ops.query_update(c, prepared(self.query, "found")).await),
            "query_delete" => {
                let spare =
                    self.server.operations.query_create(c, prepared(nobody(), "spare")).await.unwrap();
                let seen = done(&ops.query_delete(c, spare).await);
                if seen != Seen::Something {
                    self.server.operations.query_delete(c, spare).await.unwrap();
                }
                seen
            }
            "query_list" => list(&ops.query_list(c, QueryList::default()).await),
            "query_execute" => {
                judged(&ops.query_execute(c, execute).await, |found| found.value.instances.is_empty())
            }
            "query_explain" => done(&ops.query_explain(c, execute).await),
            "event_fire" => done(&ops.event_fire(c, event("deploy")).await),
            "event_list" => list(&ops.event_list(c, EventList::default()).await),
            _ => missing(id),
        }
    }

    async fn agent(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let check = || CheckId::new("c-web").unwrap();
        let levels = LogLevels { level: "info".into(), ..LogLevels::default() };
        match id {
            "agent_services" => judged(&ops.agent_services(c, "".into()).await, Vec::is_empty),
            "agent_checks" => judged(&ops.agent_checks(c, "".into()).await, Vec::is_empty),
            "agent_service_register" => {
                let definition = definition();
                done(
                    &ops.agent_service_register(
                        c,
                        AgentServiceRegister { definition, replace_checks: false },
                    )
                    .await,
                )
            }
            "agent_service_deregister" => done(&ops.agent_service_deregister(c, service_id("web-1")).await),
            "agent_check_register" => {
                let of = Some(service_id("web-1"));
                let definition = CheckDefinition {
                    name: "x".into(),
                    ttl_ms: 9_000,
                    service: of,
                    ..CheckDefinition::default()
                };
                done(&ops.agent_check_register(c, AgentCheckRegister { definition }).await)
            }
            "agent_check_deregister" => done(&ops.agent_check_deregister(c, check()).await),
            "agent_check_update" => {
                let (status, output) = (CheckStatus::Passing, String::new());
                done(&ops.agent_check_update(c, AgentCheckUpdate { id: check(), status, output }).await)
            }
            "agent_maintenance" => {
                let service = Some((Namespace::default_namespace(), service_id("web-1")));
                let args = AgentMaintenance { service, enable: true, reason: String::new() };
                done(&ops.agent_maintenance(c, args).await)
            }
            "agent_self" => done(&ops.agent_self(c).await),
            "agent_host" => done(&ops.agent_host(c).await),
            "agent_reload" => done(&ops.agent_reload(c).await),
            "agent_leave" => done(&ops.agent_leave(c).await),
            "agent_monitor" => {
                done(&ops.agent_monitor(c, LogFilter { level: "info".into(), json: false }).await)
            }
            "agent_metrics" => done(&ops.agent_metrics(c, MetricsFormat::Prometheus).await),
            "metrics_history" => done(&ops.metrics_history(c).await),
            "log_level_get" => done(&ops.log_level_get(c).await),
            "log_level_set" => done(&ops.log_level_set(c, levels).await),
            _ => missing(id),
        }
    }

    async fn others(&self, id: &str) -> Seen {
        let (ops, c) = (&self.guarded, &ctx());
        let select = || KvSelect::Prefix(String::new());
        match id {
            "txn" => done(&ops.txn(c, Txn { ops: txn_put() }).await),
            "batch" => self.batch().await,
            "export" => {
                let args = Export { select: select(), all_namespaces: false };
                match ops.export(c, args).await {
                    Ok(mut exported) => {
                        if exported.value.entries.next().is_none() {
                            Seen::Nothing
                        } else {
                            Seen::Something
                        }
                    }
                    refused => done(&refused),
                }
            }
            "import" => {
                let (mode, prefix) = (ImportMode::Merge, String::new());
                done(&ops.import(c, Import { mode, dry_run: false, prefix, all_namespaces: false }).await)
            }
            "watch" => {
                let args = KvWatch { select: select(), initial: true, old_values: false, from: None };
                done(&ops.watch(c, args).await)
            }
            "watch_records" => {
                let of = ServiceSelect {
                    name: service_name("web"),
                    tags: Vec::new(),
                    passing: false,
                    node_meta: Pairs::default(),
                    filter: String::new(),
                };
                let select = RecordSelect::Service(of);
                let args = RecordWatch { select, initial: true, old_values: false, from: None };
                done(&ops.watch_records(c, args).await)
            }
            "limits" => done(&ops.limits(c).await),
            "status_leader" => done(&ops.status_leader(c).await),
            "status_peers" => done(&ops.status_peers(c).await),
            "raft_configuration" => done(&ops.raft_configuration(c).await),
            "usage" => done(&ops.usage(c).await),
            "snapshot_save" => done(&ops.snapshot_save(c).await),
            "snapshot_restore" => done(&ops.snapshot_restore(c).await),
            "backup_list" => done(&ops.backup_list(c).await),
            "backup_run" => done(&ops.backup_run(c).await),
            "health" => {
                let _ = ops.health();
                Seen::Something
            }
            _ => missing(id),
        }
    }

    /// A batch answers for each member.
    async fn batch(&self) -> Seen {
        let args = Batch { atomic: false, ops: txn_put() };
        let mut run = match self.guarded.batch(&ctx(), args).await {
            Ok(run) => run,
            Err(error) => return done::<()>(&Err(error)),
        };
        let part = run.next().await.unwrap().unwrap();
        match &part.items[..] {
            [BatchItem::Failed(TxnFailure::Denied { .. })] => Seen::Refused,
            _ => Seen::Something,
        }
    }
}

fn definition() -> ServiceDefinition {
    ServiceDefinition {
        id: service_id("web-1"),
        name: service_name("web"),
        namespace: Namespace::default_namespace(),
        kind: ServiceKind::Typical,
        tags: Tags::default(),
        address: String::new(),
        port: 80,
        socket_path: String::new(),
        tagged_addresses: Vec::new(),
        meta: Pairs::default(),
        weights: Weights::default(),
        enable_tag_override: false,
        connect_native: false,
        proxy: None,
        locality: None,
        advice: None,
        checks: Vec::new(),
    }
}

fn missing(id: &str) -> Seen {
    panic!("the operation {id} is not in the authorisation sweep: add it to tests/discovery/sweep.rs")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_what_the_catalogue_says() {
    let world = World::start().await;
    let mut faults = Vec::new();
    for operation in OPERATIONS {
        let id = operation.id;
        let mut see = async |allowed: Allowed, expected: &[Seen]| {
            *ALLOWED.write().unwrap() = allowed.clone();
            let before = world.traces();
            let seen = world.call(id).await;
            if !expected.contains(&seen) {
                faults.push(format!(
                    "{id}: {seen:?} with {allowed:?}, which says that it needs {}",
                    operation.needs
                ));
            }
            // These make and remove something of their own beside the call.
            let spares = ["session_destroy", "catalog_register", "query_delete"].contains(&id);
            if seen != Seen::Something && !spares && world.traces() != before {
                faults.push(format!("{id}: changed something with {allowed:?}"));
            }
            *ALLOWED.write().unwrap() = Allowed::AllBut(Vec::new());
            world.fill().await;
        };
        if operation.needs == "public" {
            see(Allowed::Only(vec![]), &[Seen::Something]).await;
            continue;
        }
        let ways = ways(operation);
        see(Allowed::Only(vec![]), &[Seen::Refused, Seen::Nothing]).await;
        see(Allowed::AllBut(ways.concat()), &[Seen::Refused, Seen::Nothing]).await;
        see(Allowed::Only(ways.concat()), &[Seen::Something]).await;
        // Without one of several rights that are all needed.
        for part in ways.iter().filter(|way| way.len() > 1).flatten() {
            let others = ways.concat().into_iter().filter(|one| one != part).collect();
            see(Allowed::Only(others), &[Seen::Refused, Seen::Nothing]).await;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    world.server.stop().await;
}
