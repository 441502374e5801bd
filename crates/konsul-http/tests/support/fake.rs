//! A small stand-in for the operations: a map, a lock, and a bell that rings on every change.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

use super::store::{State, unmet};
use konsul_operations::answer::{Answer, KvEntry, Meta, NodeWithServices, TxnAnswer};
use konsul_operations::arguments::*;
use konsul_operations::operations::{BackupBytes, Operations, Reply, RestoreSink};
use konsul_operations::ports::*;
use konsul_operations::{Blocking, Consistency, Context, Error};
use konsul_runtime::sync::{Notify, mpsc};
use konsul_runtime::time::timeout;
use konsul_types::txn::TxnError;
use konsul_types::*;

/// The stand-in.
#[derive(Default)]
pub struct Fake {
    state: Mutex<State>,
    bell: Notify,
    /// Readers that are parked now.
    pub parked: AtomicUsize,
    /// What every operation answers instead, if set.
    pub failing: Mutex<Option<Error>>,
    /// The last context that came in.
    pub last: Mutex<Option<Context>>,
    /// Log lines go out through this.
    pub log: Mutex<Option<mpsc::Sender<String>>>,
    pub left: AtomicUsize,
    /// Nobody is parked any more.
    released: AtomicBool,
}

struct Parked<'a>(&'a AtomicUsize);

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn enter(&self, ctx: &Context) -> Result<(), Error> {
        *self.last.lock().unwrap() = Some(ctx.clone());
        if let Some(error) = self.failing.lock().unwrap().clone() {
            return Err(error);
        }
        match &ctx.datacenter {
            Some(other) if other != "dc1" => Err(Error::NoPathToDatacenter(other.clone())),
            _ => Ok(()),
        }
    }

    fn change<T>(
        &self,
        ctx: &Context,
        change: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.enter(ctx)?;
        let done = change(&mut self.state());
        self.bell.notify_waiters();
        done
    }

    /// Reads until the answer is newer than what the client knows, or the wait is over.
    async fn read<T>(
        &self,
        ctx: &Context,
        blocking: Option<Blocking>,
        parks: impl Fn(Index, Index) -> bool,
        query: impl Fn(&State) -> (T, Index),
    ) -> Result<Answer<T>, Error> {
        self.enter(ctx)?;
        let meta = |index| Meta {
            index,
            known_leader: true,
            last_contact_ms: if matches!(ctx.consistency, Consistency::Stale { .. }) { 7 } else { 0 },
            consistency: ctx.consistency.name(),
        };
        let wait = async {
            loop {
                let rung = self.bell.notified();
                tokio::pin!(rung);
                rung.as_mut().enable();
                let index = query(&self.state()).1;
                match blocking {
                    Some(blocking) if parks(index, blocking.index) && !self.released.load(SeqCst) => {}
                    _ => return,
                }
                self.parked.fetch_add(1, SeqCst);
                let _parked = Parked(&self.parked);
                rung.await;
            }
        };
        if let Some(blocking) = blocking {
            let _ = timeout(blocking.wait, wait).await;
        }
        let (value, index) = query(&self.state());
        Ok(Answer { value, meta: meta(index) })
    }

    /// Lets all parked readers go, as a stopping agent does.
    pub fn release(&self) {
        self.released.store(true, SeqCst);
        self.bell.notify_waiters();
    }

    pub fn keys(&self) -> usize {
        self.state().kv.len()
    }
}

fn older(now: Index, known: Index) -> bool {
    now <= known
}

fn entries(state: &State, namespace: &Namespace, prefix: &str) -> Vec<KvEntry> {
    let under = state.under(namespace, prefix);
    under
        .map(|((_, key), record)| KvEntry {
            namespace: namespace.clone(),
            key: Key::new(key.as_str()).unwrap(),
            record: record.clone(),
        })
        .collect()
}

fn cut(key: &str, prefix: &str, separator: &str) -> String {
    match key[prefix.len()..].find(separator) {
        Some(at) if !separator.is_empty() => key[..prefix.len() + at + separator.len()].to_owned(),
        _ => key.to_owned(),
    }
}

impl Operations for Fake {
    fn kv_get<'a>(&'a self, ctx: &'a Context, args: KvGet) -> Reply<'a, Answer<Option<KvEntry>>> {
        Box::pin(async move {
            let place = (ctx.namespace.to_string(), args.key.to_string());
            self.read(ctx, args.blocking, older, |state| match state.kv.get(&place) {
                Some(record) => {
                    let entry = KvEntry {
                        namespace: ctx.namespace.clone(),
                        key: args.key.clone(),
                        record: record.clone(),
                    };
                    (Some(entry), record.modify_index)
                }
                None => (None, Index(state.index)),
            })
            .await
        })
    }

    fn kv_list<'a>(&'a self, ctx: &'a Context, args: KvList) -> Reply<'a, Answer<Vec<KvEntry>>> {
        Box::pin(async move {
            self.read(ctx, args.blocking, older, |state| {
                (
                    entries(state, &ctx.namespace, &args.prefix),
                    state.prefix_index(&ctx.namespace, &args.prefix),
                )
            })
            .await
        })
    }

    fn kv_keys<'a>(&'a self, ctx: &'a Context, args: KvKeys) -> Reply<'a, Answer<Vec<Arc<str>>>> {
        Box::pin(async move {
            self.read(ctx, args.blocking, older, |state| {
                let under = state.under(&ctx.namespace, &args.prefix);
                let names: BTreeSet<String> =
                    under.map(|((_, key), _)| cut(key, &args.prefix, &args.separator)).collect();
                (names.into_iter().map(Arc::from).collect(), state.prefix_index(&ctx.namespace, &args.prefix))
            })
            .await
        })
    }

    fn kv_put<'a>(&'a self, ctx: &'a Context, args: KvPut) -> Reply<'a, KvEntry> {
        Box::pin(async move {
            let key = args.key.clone();
            let record = self.change(ctx, |state| state.put(&ctx.namespace, args))?;
            Ok(KvEntry { namespace: ctx.namespace.clone(), key, record })
        })
    }

    fn kv_delete<'a>(&'a self, ctx: &'a Context, key: Key, cas: Option<Index>) -> Reply<'a, ()> {
        Box::pin(async move { self.change(ctx, |state| state.delete(&ctx.namespace, key.as_str(), cas)) })
    }

    fn kv_delete_tree<'a>(&'a self, ctx: &'a Context, prefix: String) -> Reply<'a, u64> {
        Box::pin(async move { self.change(ctx, |state| Ok(state.delete_tree(&ctx.namespace, &prefix))) })
    }

    fn txn<'a>(&'a self, ctx: &'a Context, args: Txn) -> Reply<'a, TxnAnswer> {
        Box::pin(async move {
            let reads_only = !args.ops.iter().any(TxnOp::is_write);
            self.change(ctx, |state| {
                let before = state.clone();
                let (mut results, mut errors) = (vec![], vec![]);
                for (at, op) in args.ops.into_iter().enumerate() {
                    let TxnOp::Kv { namespace, op } = op else {
                        panic!(
                            "the stand-in has no catalogue: such transactions are shown on the real thing"
                        );
                    };
                    match state.member(&namespace, op) {
                        Ok(more) => results.extend(more),
                        Err(why) => errors.push(TxnError { op: at as u32, why }),
                    }
                }
                if !errors.is_empty() {
                    *state = before;
                    return Ok(TxnAnswer::RolledBack(errors));
                }
                let meta = Meta {
                    index: Index(state.index),
                    known_leader: true,
                    last_contact_ms: 0,
                    consistency: "leader",
                };
                Ok(TxnAnswer::Committed(results, reads_only.then_some(meta)))
            })
        })
    }

    fn session_create<'a>(&'a self, ctx: &'a Context, args: SessionCreate) -> Reply<'a, Arc<Session>> {
        Box::pin(async move {
            if args.ttl_nanos != 0 && !(10_000_000_000..=86_400_000_000_000).contains(&args.ttl_nanos) {
                let text = format!("Invalid Session TTL '{}', must be between [10s=24h0m0s]", args.ttl_nanos);
                return Err(Error::invalid("ttl", text));
            }
            if args.node.as_ref().is_some_and(|node| node.as_str() != "test-node") {
                return Err(unmet(Refusal::MissingNode));
            }
            if let Some(unknown) = args.node_checks.iter().find(|id| id.as_str() != "serfHealth") {
                return Err(unmet(Refusal::MissingCheck { id: unknown.to_string() }));
            }
            self.change(ctx, |state| {
                let (id, index) = (SessionId(state.draw()), state.next());
                let session = Arc::new(Session {
                    spec: Arc::new(SessionSpec {
                        id,
                        name: args.name,
                        node: NodeName::new("test-node").unwrap(),
                        lock_delay_ms: args.lock_delay_ms,
                        behavior: args.behavior,
                        ttl_ms: (args.ttl_nanos > 0).then_some(args.ttl_nanos as u64 / 1_000_000),
                        ttl_text: args.ttl_text,
                        node_checks: args.node_checks,
                        service_checks: args.service_checks,
                    }),
                    create_index: index,
                    modify_index: index,
                    renewal: 0,
                    renewed_at: Millis(0),
                    deadline: None,
                    grace_used: false,
                });
                state.sessions.insert(id, (ctx.namespace.to_string(), session.clone()));
                Ok(session)
            })
        })
    }

    fn session_destroy<'a>(&'a self, ctx: &'a Context, id: SessionId) -> Reply<'a, ()> {
        Box::pin(async move {
            self.change(ctx, |state| {
                if state.sessions.remove(&id).is_some() {
                    state.next();
                }
                Ok(())
            })
        })
    }

    fn session_renew<'a>(&'a self, ctx: &'a Context, id: SessionId) -> Reply<'a, Arc<Session>> {
        Box::pin(async move {
            self.change(ctx, |state| {
                state.sessions.get(&id).map(|(_, session)| session.clone()).ok_or(Error::SessionNotFound(id))
            })
        })
    }

    fn session_info<'a>(
        &'a self,
        ctx: &'a Context,
        args: SessionRead,
    ) -> Reply<'a, Answer<Option<Arc<Session>>>> {
        Box::pin(async move {
            self.read(ctx, args.blocking, older, |state| {
                (state.sessions.get(&args.id).map(|(_, session)| session.clone()), Index(state.index))
            })
            .await
        })
    }

    fn session_list<'a>(
        &'a self,
        ctx: &'a Context,
        args: SessionList,
    ) -> Reply<'a, Answer<Vec<Arc<Session>>>> {
        Box::pin(async move {
            self.read(ctx, args.blocking, older, |state| {
                let here =
                    state.sessions.values().filter(|(namespace, _)| namespace == ctx.namespace.as_str());
                let of_node = here
                    .filter(|(_, session)| args.node.as_ref().is_none_or(|node| *node == session.spec.node));
                (of_node.map(|(_, session)| session.clone()).collect(), Index(state.index))
            })
            .await
        })
    }

    fn datacenter_list<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Vec<String>> {
        Box::pin(async move { self.enter(ctx).map(|()| vec!["dc1".to_owned()]) })
    }

    /// The agent's own node, as the catalogue has it: it changes with what the agent keeps.
    fn node_services<'a>(
        &'a self,
        ctx: &'a Context,
        args: NodeServices,
    ) -> Reply<'a, Answer<Option<NodeWithServices>>> {
        Box::pin(
            async move { self.read(ctx, args.blocking, older, |state| (None, Index(state.index))).await },
        )
    }

    fn agent_services<'a>(&'a self, ctx: &'a Context, _: String) -> Reply<'a, Vec<Arc<Service>>> {
        Box::pin(async move {
            self.enter(ctx)?;
            Ok(self.state().registry.services.values().cloned().collect())
        })
    }

    fn agent_checks<'a>(&'a self, ctx: &'a Context, _: String) -> Reply<'a, Vec<Arc<Check>>> {
        Box::pin(async move {
            self.enter(ctx)?;
            Ok(self.state().registry.checks.values().cloned().collect())
        })
    }

    fn agent_service_register<'a>(&'a self, ctx: &'a Context, args: AgentServiceRegister) -> Reply<'a, ()> {
        Box::pin(async move {
            self.change(ctx, |state| {
                state.next();
                state.registry.register(&args.definition, args.replace_checks);
                Ok(())
            })
        })
    }

    fn agent_service_deregister<'a>(&'a self, ctx: &'a Context, id: ServiceId) -> Reply<'a, ()> {
        Box::pin(async move {
            self.change(ctx, |state| {
                state.next();
                state.registry.deregister(&id)
            })
        })
    }

    fn agent_check_register<'a>(&'a self, ctx: &'a Context, args: AgentCheckRegister) -> Reply<'a, ()> {
        Box::pin(async move { self.change(ctx, |state| state.registry.register_check(&args.definition)) })
    }

    fn agent_check_deregister<'a>(&'a self, ctx: &'a Context, id: CheckId) -> Reply<'a, ()> {
        Box::pin(async move { self.change(ctx, |state| state.registry.deregister_check(&id)) })
    }

    fn agent_check_update<'a>(&'a self, ctx: &'a Context, args: AgentCheckUpdate) -> Reply<'a, ()> {
        Box::pin(async move { self.change(ctx, |state| state.registry.update(args)) })
    }

    fn agent_maintenance<'a>(&'a self, ctx: &'a Context, args: AgentMaintenance) -> Reply<'a, ()> {
        Box::pin(async move { self.change(ctx, |state| state.registry.maintenance(args)) })
    }

    fn event_fire<'a>(&'a self, ctx: &'a Context, args: EventFire) -> Reply<'a, Arc<Event>> {
        Box::pin(async move {
            if !args.tag_filter.is_empty() && args.service_filter.is_empty() {
                return Err(Error::invalid("tag", "Cannot provide tag filter without service filter"));
            }
            self.change(ctx, |state| {
                let event = Arc::new(Event {
                    id: EventId(state.draw()),
                    name: args.name,
                    payload: args.payload,
                    node_filter: args.node_filter,
                    service_filter: args.service_filter,
                    tag_filter: args.tag_filter,
                    ltime: state.events.len() as u64 + 1,
                    index: state.next(),
                });
                state.events.push(event.clone());
                Ok(event)
            })
        })
    }

    fn event_list<'a>(&'a self, ctx: &'a Context, args: EventList) -> Reply<'a, Answer<Vec<Arc<Event>>>> {
        Box::pin(async move {
            let hash = |event: &Arc<Event>| {
                let (high, low) = event.id.0.as_u64_pair();
                Index(high ^ low)
            };
            self.read(
                ctx,
                args.blocking,
                |now, known| now == known,
                |state| {
                    let named = state
                        .events
                        .iter()
                        .filter(|event| args.name.as_ref().is_none_or(|name| *name == event.name));
                    let events: Vec<_> = named.cloned().collect();
                    let index = events.last().map_or(Index(1), hash);
                    (events, index)
                },
            )
            .await
        })
    }

    fn status_leader<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Option<String>> {
        Box::pin(async move { self.enter(ctx).map(|()| Some("127.0.0.1:8300".to_owned())) })
    }

    fn status_peers<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Vec<String>> {
        Box::pin(async move { self.enter(ctx).map(|()| vec!["127.0.0.1:8300".to_owned()]) })
    }

    fn raft_configuration<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<Vec<RaftServer>>> {
        Box::pin(async move {
            let server = RaftServer {
                id: "aaaa".to_owned(),
                node: String::new(),
                address: "127.0.0.1:8300".to_owned(),
                leader: true,
                voter: true,
                last_index: Index(9),
                feature_level: 1,
            };
            self.read(ctx, None, older, |_| (vec![server.clone()], Index(1))).await
        })
    }

    fn usage<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<UsageReport>> {
        Box::pin(async move {
            let one = NamespaceUsage {
                name: "default".to_owned(),
                keys: 1,
                bytes: 2,
                sessions: 3,
                ..NamespaceUsage::default()
            };
            let report = UsageReport { nodes: 1, checks: 1, namespaces: vec![one], ..UsageReport::default() };
            self.read(ctx, None, older, |_| (report.clone(), Index(5))).await
        })
    }

    fn snapshot_save<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<BackupBytes>> {
        Box::pin(async move {
            let bytes = (0..1000_u32).map(|at| bytes::Bytes::from(format!("piece {at}\n")));
            self.enter(ctx)?;
            let meta =
                Meta { index: Index(5), known_leader: true, last_contact_ms: 0, consistency: "leader" };
            Ok(Answer { value: Box::new(bytes) as BackupBytes, meta })
        })
    }

    fn snapshot_restore<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Box<dyn RestoreSink>> {
        Box::pin(async move { self.enter(ctx).map(|()| Box::new(Sink(Vec::new())) as Box<dyn RestoreSink>) })
    }

    fn agent_self<'a>(&'a self, ctx: &'a Context) -> Reply<'a, AgentInfo> {
        Box::pin(async move {
            self.enter(ctx)?;
            Ok(AgentInfo {
                datacenter: "dc1".to_owned(),
                node_name: "test-node".to_owned(),
                node_id: "aaaa".to_owned(),
                bootstrap: true,
                server: true,
                version: "0.1.0".to_owned(),
                revision: "0123456789".to_owned(),
                build_date: "2026-01-01T00:00:00Z".to_owned(),
                address: "127.0.0.1".to_owned(),
                server_port: 8300,
                debug_config: [("ACLsEnabled".to_owned(), "false".to_owned())].into(),
                ..AgentInfo::default()
            })
        })
    }

    fn agent_host<'a>(&'a self, ctx: &'a Context) -> Reply<'a, HostInfo> {
        Box::pin(async move {
            self.enter(ctx).map(|()| HostInfo { hostname: "h".to_owned(), cpus: 1, ..HostInfo::default() })
        })
    }

    fn agent_reload<'a>(&'a self, ctx: &'a Context) -> Reply<'a, ReloadReport> {
        Box::pin(async move {
            self.enter(ctx).map(|()| ReloadReport {
                applied: vec!["log_level".to_owned()],
                needs_restart: vec!["ports.http".to_owned()],
            })
        })
    }

    fn agent_leave<'a>(&'a self, ctx: &'a Context) -> Reply<'a, ()> {
        Box::pin(async move {
            self.left.fetch_add(1, SeqCst);
            self.enter(ctx)
        })
    }

    fn agent_monitor<'a>(&'a self, ctx: &'a Context, filter: LogFilter) -> Reply<'a, LogLines> {
        Box::pin(async move {
            self.enter(ctx)?;
            let (sender, lines) = mpsc::channel(8);
            sender.try_send(format!("level {} json {}\n", filter.level, filter.json)).unwrap();
            *self.log.lock().unwrap() = Some(sender);
            Ok(lines)
        })
    }

    fn agent_metrics<'a>(&'a self, ctx: &'a Context, format: MetricsFormat) -> Reply<'a, String> {
        Box::pin(async move {
            self.enter(ctx)?;
            Ok(match format {
                MetricsFormat::Prometheus => "konsul_up 1\n".to_owned(),
                MetricsFormat::OpenMetrics => "konsul_up 1\n# EOF\n".to_owned(),
                MetricsFormat::ConsulJson => "{\"Gauges\":[]}".to_owned(),
            })
        })
    }

    fn health(&self) -> Health {
        match &*self.failing.lock().unwrap() {
            None => Health { live: true, ready: true, ..Health::default() },
            Some(why) => Health { live: true, reasons: vec![why.to_string()], ..Health::default() },
        }
    }
}

/// Takes only a backup that begins as one.
struct Sink(Vec<u8>);

impl RestoreSink for Sink {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Reply<'a, ()> {
        self.0.extend_from_slice(bytes);
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>) -> Reply<'static, Index> {
        Box::pin(async move {
            if self.0.starts_with(b"piece 0\n") {
                return Ok(Index(6));
            }
            Err(Error::Refused(Refusal::RestoreRefused { why: "no snapshot".to_owned() }))
        })
    }
}
