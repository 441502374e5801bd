//! Each declared metric moves: a node is taken through everything that it counts, the full and the broken disk included.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use konsul_config::{Config, LogLevel};
use konsul_http::{Server, Settings};
use konsul_operations::arguments::{EventFire, KvPut, LockAcquire, SessionCreate};
use konsul_operations::local::{Local, OperationLimits};
use konsul_operations::ports::{LocalAgent as _, LogFilter, Replica as _};
use konsul_operations::{Context, Operations as _, reconcile};
use konsul_raft::contract::Options;
use konsul_replica::{ReplicaOptions, ServerReplica};
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Duration, timeout};
use konsul_runtime::trace::Tracer;
use konsul_storage::contract::{
    Entry, FinishedSnapshot, LogId, NewestSnapshot, SnapshotMeta, SnapshotWriter, Storage, StorageError,
    StorageUsage, Vote,
};
use konsul_storage::{DiskOptions, DiskStorage, RealVfs};
use konsul_types::kv::PutMode;
use konsul_types::session::Behavior;
use konsul_types::{Key, LockName, Namespace, Request, RequestId, Value};
use konsul_watch::{FeedLimits, Start, Topic};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Figure, Requests, Sources, table};
use crate::backups::{Keeper, Replicated, Settings as BackupSettings};
use crate::health::{Board, Weight};
use crate::identity::Identity;
use crate::local_agent::ThisAgent;
use crate::logs::Logs;
use crate::serving::{Phase, Serving};
use crate::settings;
use crate::telemetry::{self, Tracing};

mod discover;
mod disk;

/// How long any one thing may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What never changes in the life of a process: to be told, and not zero, is all that it can do.
const CONSTANT: [&str; 6] = [
    "konsul_build_info",
    "konsul_raft_queue_limit_bytes",
    "konsul_raft_term",
    "konsul_raft_voters",
    "process_max_fds",
    "process_start_time_seconds",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Works = 0,
    Waits = 1,
    Full = 2,
    Breaks = 3,
    NoSnapshots = 4,
}

/// A disk that does as it is told.
#[derive(Clone, Default)]
struct Disk(Arc<(AtomicU8, Mutex<()>, Condvar)>);

impl Disk {
    fn set(&self, mode: Mode) {
        let _turn = self.0.1.lock().unwrap();
        self.0.0.store(mode as u8, Ordering::SeqCst);
        self.0.2.notify_all();
    }

    fn is(&self, mode: Mode) -> bool {
        self.0.0.load(Ordering::SeqCst) == mode as u8
    }

    fn pass(&self) {
        let turn = self.0.1.lock().unwrap();
        drop(self.0.2.wait_while(turn, |()| self.is(Mode::Waits)).unwrap());
    }

    fn broken(&self, operation: &'static str) -> StorageError {
        StorageError::Io { operation, path: "the disk".into(), source: std::io::Error::other("told to") }
    }
}

struct Told {
    disk: Disk,
    inner: DiskStorage,
}

impl Storage for Told {
    fn vote(&self) -> Option<Vote> {
        self.inner.vote()
    }
    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError> {
        self.inner.save_vote(vote)
    }
    fn log_bounds(&self) -> (LogId, LogId) {
        self.inner.log_bounds()
    }
    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        if self.disk.is(Mode::Full) {
            return Err(StorageError::Full { path: "the disk".into() });
        }
        self.inner.append(entries)
    }
    fn sync(&mut self) -> Result<(), StorageError> {
        self.disk.pass();
        if self.disk.is(Mode::Breaks) { Err(self.disk.broken("fdatasync")) } else { self.inner.sync() }
    }
    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        self.inner.read(from, to)
    }
    fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        self.inner.truncate(from)
    }
    fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        self.inner.purge(upto)
    }
    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        if self.disk.is(Mode::NoSnapshots) {
            return Err(self.disk.broken("create"));
        }
        self.inner.begin_snapshot(meta)
    }
    fn latest_snapshot(&self) -> Result<NewestSnapshot, StorageError> {
        self.inner.latest_snapshot()
    }
    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        self.inner.install_snapshot(finished)
    }
    fn usage(&self) -> StorageUsage {
        self.inner.usage()
    }
}

/// A console whose reader reads when it is told to.
#[derive(Clone, Default)]
struct Console(Arc<(Mutex<bool>, Condvar)>);

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let reads = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(reads, |reads| !*reads).unwrap());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every value that each metric was seen with, its labels added up.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, BTreeSet<u64>>);

impl Seen {
    fn look(&mut self, figures: &[Figure]) {
        for figure in figures {
            let shapes = figure.shapes.iter().map(|shape| shape.count() as f64);
            let sum: f64 = figure.samples.iter().map(|sample| sample.value).chain(shapes).sum();
            self.0.entry(figure.name).or_default().insert(sum.to_bits());
        }
    }

    fn has_moved(&self, name: &str) -> bool {
        let zero = 0.0_f64.to_bits();
        let Some(values) = self.0.get(name) else { return false };
        values.len() > 1 || (CONSTANT.contains(&name) && !values.contains(&zero))
    }
}

struct Node {
    agent: Arc<ThisAgent>,
    operations: Local<ServerReplica>,
    address: SocketAddr,
    disk: Disk,
    seen: Seen,
}

impl Node {
    fn sources(&self) -> &Sources {
        &self.agent.sources
    }

    fn replica(&self) -> &Arc<ServerReplica> {
        self.operations.replica()
    }

    fn look(&mut self) {
        let told = self.agent.sources.read();
        self.seen.look(&told);
    }

    /// Looks again and again until a metric has a value that is wanted.
    async fn until(&mut self, metric: &table::Metric, wanted: impl Fn(f64) -> bool) {
        let watching = async {
            loop {
                let told = self.agent.sources.read();
                self.seen.look(&told);
                let figure = told.iter().find(|figure| figure.name == metric.name).unwrap();
                if wanted(figure.samples.iter().map(|sample| sample.value).sum()) {
                    return;
                }
                konsul_runtime::yield_now().await;
            }
        };
        timeout(PATIENCE, watching).await.unwrap_or_else(|_| panic!("{} did not come", metric.name));
    }

    fn context() -> Context {
        Context::new(Namespace::default_namespace())
    }

    /// Writes in the background, whatever comes of it.
    fn write(&self, key: &str) -> tokio::task::JoinHandle<bool> {
        let (operations, key) = (self.operations.clone(), key.to_owned());
        tokio::spawn(async move { operations.kv_put(&Node::context(), put(&key)).await.is_ok() })
    }

    async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let text = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn park(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let text = "GET /v1/kv/parked?index=1000000&wait=10m HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

fn put(key: &str) -> KvPut {
    let value = Value::from(vec![b'x'; 600]);
    KvPut { key: Key::new(key).unwrap(), value, flags: 0, mode: PutMode::Set, ttl_ms: None }
}

/// Who a node is, and how it is configured.
fn settled(dir: &std::path::Path) -> (Config, Identity) {
    let words = ["-dev".to_owned(), "-http-port=0".to_owned(), "-dns-port=0".to_owned()];
    let none: [(&str, &str); 0] = [];
    let files = konsul_config::MemoryFiles::new(none);
    let mut config = Config::load(&words, &[], &files).unwrap().config;
    config.backup.directory = Some(dir.join("backups"));
    let identity = Identity::settle(&config).unwrap();
    (config, identity)
}

async fn replica(
    dir: &std::path::Path,
    disk: &Disk,
    (config, identity): &(Config, Identity),
) -> Arc<ServerReplica> {
    let inner = DiskStorage::open(Arc::new(RealVfs), &dir.join("log"), DiskOptions::small()).unwrap();
    let feed = FeedLimits { entries: 8, bytes: 1 << 20, parked: 3, subscribers: 3 };
    let raft = Options { snapshot_every: 1 << 30, ..settings::raft(config, identity) };
    let options = ReplicaOptions { raft, feed, node: "n".into(), address: "127.0.0.1:8300".into() };
    ServerReplica::start(options, Box::new(Told { disk: disk.clone(), inner })).await.unwrap()
}

/// Leaves a cluster of one behind that has led.
async fn found(dir: &std::path::Path, node: &(Config, Identity)) {
    let replica = replica(dir, &Disk::default(), node).await;
    let leads = async {
        while replica.barrier().await.is_err() {
            konsul_runtime::yield_now().await;
        }
    };
    timeout(PATIENCE, leads).await.unwrap();
    replica.shutdown().await;
}

async fn start(
    dir: &std::path::Path,
    disk: Disk,
    node: (Config, Identity),
) -> (Node, telemetry::Sending, TcpListener, Console) {
    let replica = replica(dir, &disk, &node).await;
    let (config, identity) = node;
    let keeper = BackupSettings::of(&config).map(|settings| {
        Keeper::new(settings, crate::agent::origin(&config, &identity), Arc::new(Replicated(replica.clone())))
    });
    let (tracing, sending, collector, tracer) = trace();
    let console = Console::default();
    let sources = Sources {
        replica: replica.clone(),
        serving: Arc::new(Serving::new()),
        logs: Logs::new(Box::new(console.clone()), LogLevel::Info, false),
        backups: keeper,
        requests: Arc::new(Requests::new(Some(tracer))),
        calls: OnceLock::new(),
        registry: OnceLock::new(),
        dns: OnceLock::new(),
        board: Arc::new(Board::default()),
        tracing: Some(tracing),
    };
    let agent = Arc::new(ThisAgent {
        wanted: watch::channel(settings::wanted(&config, &identity)).0,
        watches: watch::channel(Vec::new()).0,
        identity,
        config: Mutex::new(config),
        reread: None,
        sources,
        history: Arc::default(),
        stop: watch::channel(None).0,
        started: time::now(),
        registry: OnceLock::new(),
        dns: OnceLock::new(),
    });
    let operations = Local::new(replica, agent.clone(), OperationLimits::default());
    agent.sources.calls.get_or_init(|| operations.kv_figures());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = vec![listener];
    let requests = agent.sources.requests.clone();
    let server =
        Server::start(Arc::new(operations.clone()), requests, Settings::default(), listeners).unwrap();
    let address = server.addresses()[0];
    agent.sources.serving.open(server);
    (Node { agent, operations, address, disk, seen: Seen::default() }, sending, collector, console)
}

/// Traces go to a collector that takes the connection and never answers.
fn trace() -> (Tracing, telemetry::Sending, TcpListener, Tracer) {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::default();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    config.telemetry.otlp_endpoint = Some(endpoint.parse().unwrap());
    config.telemetry.sample_ratio = konsul_config::Ratio(1.0);
    let identity = telemetry::Identity { node: "n".into(), node_id: "i".into(), datacenter: "d".into() };
    let wanted = telemetry::Settings::of(&config, identity, |_| None).unwrap().unwrap();
    let line = Arc::new(Board::default()).line("traces", Weight::Told);
    let (tracer, tracing, sending) = Tracing::start(&wanted, line).unwrap();
    (tracing, sending, collector, tracer)
}

#[test]
fn each_declared_metric_moves() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let seen = runtime.block_on(async {
        // A cluster of one that leads answers consistent reads at once. They wait while its disk keeps it from that.
        let node = settled(dir.path());
        found(dir.path(), &node).await;
        let slow = Disk::default();
        slow.set(Mode::Waits);
        let (mut node, _sending, _collector, console) = start(dir.path(), slow, node).await;
        node.look();
        barriers(&mut node).await;
        begin(&mut node).await;
        serve(&mut node).await;
        discover::discover(&mut node).await;
        hold(&mut node).await;
        feed(&mut node).await;
        traces(&mut node).await;
        logs(&mut node, &console).await;
        snapshots(&mut node).await;
        backups(&mut node, &dir.path().join("backups")).await;
        disk::disk(&mut node).await;
        node.seen
    });
    let still: Vec<_> = table::all().map(|metric| metric.name).filter(|name| !seen.has_moved(name)).collect();
    assert!(still.is_empty(), "these never moved: {still:?}");
    let declared: BTreeSet<_> = table::all().map(|metric| metric.name).collect();
    assert!(seen.0.keys().all(|name| declared.contains(name)));
    runtime.shutdown_background();
}

/// The agent leads, registers its node, and serves.
async fn begin(node: &mut Node) {
    let wanted = node.agent.wanted.subscribe();
    drop(tokio::spawn(reconcile::run_changing(node.replica().clone(), wanted)));
    node.agent.sources.serving.enter(Phase::Serving);
    node.until(&table::READY, |ready| ready > 0.0).await;
    node.until(&table::CHECKS, |checks| checks > 0.0).await;
}

/// Requests, sessions, locks, events, repeated writes.
async fn serve(node: &mut Node) {
    assert!(node.ask("PUT /v1/kv/a").await.starts_with("HTTP/1.1 200"));
    assert!(node.ask("PUT /v1/kv/a?flags=1").await.starts_with("HTTP/1.1 200"));
    assert!(node.ask("GET /v1/kv/a").await.starts_with("HTTP/1.1 200"));
    let ctx = Node::context();
    let behavior = Behavior::Release;
    let wanted = SessionCreate {
        name: String::new(),
        node: None,
        lock_delay_ms: 0,
        behavior,
        ttl_nanos: 0,
        ttl_text: String::new(),
        node_checks: Vec::new(),
        service_checks: Vec::new(),
    };
    let holder = node.operations.session_create(&ctx, wanted.clone()).await.unwrap();
    let waiter = node.operations.session_create(&ctx, wanted).await.unwrap();
    let take = |session, wait| LockAcquire {
        name: LockName::new("l").unwrap(),
        session,
        value: Value::from(Vec::new()),
        wait,
    };
    node.operations.lock_acquire(&ctx, take(holder.spec.id, Duration::ZERO)).await.unwrap();
    let operations = node.operations.clone();
    let waits = take(waiter.spec.id, PATIENCE);
    let waiting = tokio::spawn(async move { operations.lock_acquire(&Node::context(), waits).await.is_ok() });
    node.until(&table::LOCK_WAITERS, |waiters| waiters > 0.0).await;
    waiting.abort();
    let filter = String::new;
    let event = EventFire {
        name: "e".into(),
        payload: Value::from(Vec::new()),
        node_filter: filter(),
        service_filter: filter(),
        tag_filter: filter(),
    };
    node.operations.event_fire(&ctx, event).await.unwrap();
    let request = Some(Request { id: RequestId(konsul_runtime::random::uuid_v7()), fingerprint: None });
    node.operations.kv_put(&Context { request, ..ctx.clone() }, put("once")).await.unwrap();
    node.operations.backup_run(&ctx).await.unwrap();
    node.look();
}

/// A reader that is parked, one whose client goes away, memory, descriptors and threads.
async fn hold(node: &mut Node) {
    let gone = node.park().await;
    let parked = node.park().await;
    node.until(&table::FEED_PARKED, |parked| parked >= 2.0).await;
    drop(gone);
    node.until(&table::HTTP_ABANDONED, |abandoned| abandoned > 0.0).await;
    assert!(node.ask("PUT /v1/kv/parked").await.starts_with("HTTP/1.1 200"));
    drop(parked);
    let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
    let memory = std::thread::spawn(move || {
        let held_bytes = vec![1_u8; 32 << 20];
        let _ = held.recv();
        held_bytes.len()
    });
    node.look();
    drop(release);
    assert_eq!(memory.join().unwrap(), 32 << 20);
    let cpu = table::CPU.name;
    let first = node.seen.0[cpu].len();
    while node.seen.0[cpu].len() == first {
        node.look();
    }
}

/// A subscriber that falls out of the history, one whose state is replaced, and readers over the bound.
async fn feed(node: &mut Node) {
    let replica = node.replica().clone();
    let mut slow = replica.feed().subscribe(Topic::All, Start::Now).unwrap();
    for number in 0..20 {
        assert!(node.write(&format!("feed/{number}")).await.unwrap());
    }
    slow.next().await;
    node.until(&table::FEED_FELL_OUT, |fell| fell > 0.0).await;
    let mut replaced = replica.feed().subscribe(Topic::All, Start::Now).unwrap();
    replica.feed().reset(replica.feed().head());
    replaced.next().await;
    node.until(&table::FEED_REPLACED, |told| told > 0.0).await;
    let head = replica.feed().head();
    let readers: Vec<_> = (0..4).map(|_| replica.feed().park(Topic::All, head)).collect();
    assert!(readers.iter().any(Result::is_err));
    node.until(&table::FEED_REFUSED, |refused| refused > 0.0).await;
}

/// More spans than a batch wait behind one that the collector does not take, and more than may wait are dropped.
async fn traces(node: &mut Node) {
    let tracer = konsul_http::Observer::tracer(&*node.agent.sources.requests).unwrap().clone();
    (0..10_000).for_each(|_| drop(tracer.begin("span", None)));
    node.look();
    node.until(&table::SPANS, |counted| counted > 0.0).await;
}

async fn logs(node: &mut Node, console: &Console) {
    let logs = node.sources().logs.clone();
    let _reader = logs.monitor(&LogFilter { level: "info".into(), json: false }).unwrap();
    logs.within(|| (0..1000).for_each(|number| tracing::info!(number, "line")));
    node.look();
    *console.0.0.lock().unwrap() = true;
    console.0.1.notify_all();
    node.until(&table::LOG_WAITING, |waiting| waiting == 0.0).await;
}

async fn snapshots(node: &mut Node) {
    for round in 0..3 {
        assert!(node.write(&format!("snapshot/{round}")).await.unwrap());
        node.replica().snapshot_now().await.unwrap();
        node.look();
    }
    node.until(&table::PURGED, |purged| purged > 0.0).await;
    node.disk.set(Mode::NoSnapshots);
    assert!(node.write("snapshot/none").await.unwrap());
    node.replica().snapshot_now().await.unwrap_err();
    node.disk.set(Mode::Works);
    node.look();
}

/// Backups that take longer or shorter than the first one, and one for which there is no directory.
async fn backups(node: &mut Node, directory: &std::path::Path) {
    let told = [&table::BACKUP_SUCCESS, &table::BACKUP_TOOK, &table::DRILL_SUCCESS, &table::DRILL_TOOK];
    let running = async {
        while !told.iter().all(|metric| node.seen.has_moved(metric.name)) {
            assert!(node.write("backup").await.unwrap());
            node.operations.backup_run(&Node::context()).await.unwrap();
            node.look();
        }
    };
    timeout(PATIENCE, running).await.expect("no two backups take the same milliseconds for so long");
    std::fs::remove_dir_all(directory).unwrap();
    std::fs::write(directory, "a file in its place").unwrap();
    node.operations.backup_run(&Node::context()).await.unwrap_err();
    node.look();
}

/// Consistent reads come before any can be confirmed.
async fn barriers(node: &mut Node) {
    let done = Arc::new(AtomicU8::new(0));
    let crowd: Vec<_> = (0..4)
        .map(|_| {
            let (replica, done) = (node.replica().clone(), done.clone());
            tokio::spawn(async move {
                while done.load(Ordering::Relaxed) == 0 {
                    let round = (0..500).map(|_| replica.barrier());
                    futures_util::future::join_all(round).await;
                }
            })
        })
        .collect();
    node.until(&table::BARRIERS, |waiting| waiting > 0.0).await;
    done.store(1, Ordering::Relaxed);
    node.disk.set(Mode::Works);
    for one in crowd {
        one.await.unwrap();
    }
    node.until(&table::BARRIERS, |waiting| waiting == 0.0).await;
}

#[test]
fn series_do_not_grow_with_keys_paths_or_clients() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let (mut node, _sending, _collector, _console) =
            start(dir.path(), Disk::default(), settled(dir.path())).await;
        begin(&mut node).await;
        let few = crowd(&node, 0..10).await;
        let many = crowd(&node, 10..2_500).await;
        assert_eq!(few, many, "thousands of keys, paths and namespaces make no series");
    });
    runtime.shutdown_background();
}

/// Serves requests for distinct keys, paths, namespaces and agents; answers how many series are told then.
async fn crowd(node: &Node, numbers: std::ops::Range<u32>) -> usize {
    // The namespaces of the first crowd fill the bound, so that only a broken bound lets the second one add to it.
    let spaces = if numbers.start == 0 { 0..200 } else { 1000..1200 };
    let spaced = spaces.map(|number| format!("PUT /v1/kv/k?ns=space-{number}"));
    let paths = numbers.flat_map(|number| {
        // A write in ten, since each of them waits for a disk.
        let write = (number % 10 == 0).then(|| format!("PUT /v1/kv/key-{number}"));
        write.into_iter().chain([format!("GET /v1/kv/key-{number}"), format!("GET /odd/{number}/path")])
    });
    for request in spaced.chain(paths) {
        assert!(node.ask(&request).await.starts_with("HTTP/1.1 "), "{request}");
    }
    let text = node.agent.metrics(konsul_operations::ports::MetricsFormat::Prometheus);
    text.lines().filter(|line| !line.starts_with('#')).count()
}
