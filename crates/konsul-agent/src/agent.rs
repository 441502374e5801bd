//! [`Agent::start`] and [`Running`]: from a configuration to a serving node, and back.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use konsul_config::Config;
use konsul_http::Server;
use konsul_operations::local::Local;
use konsul_operations::ports::{Health, LocalAgent, ReloadReport, Replica as _};
use konsul_operations::{Operations, reconcile};
use konsul_replica::{ReplicaOptions, ServerReplica};
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Duration};
use konsul_runtime::trace::Tracer;
use konsul_runtime::{JoinHandle, spawn};
use konsul_state::archive::Origin;
use konsul_storage::{DiskStorage, MemoryStorage, RealVfs, Storage};
use konsul_types::node::SERF_HEALTH;
use konsul_types::{CheckId, Millis};
use konsul_watch::Topic;

use crate::backups::{Keeper, Replicated, Settings as BackupSettings};
use crate::figures::history::STEP;
use crate::figures::{Requests, Sources};
use crate::health::{Board, Weight};
use crate::identity::Identity;
use crate::listen::SocketFile;
use crate::local_agent::{ThisAgent, request_stop};
use crate::registry::{Registry, RegistryOptions};
use crate::serving::{Phase, Serving};
use crate::telemetry::{self, Sending, Tracing};
use crate::{AgentError, Logs, Reread, StopReason, about, dns, listen, settings, watches};

/// How long a start may take after the log's newest snapshot was restored. A long log is replayed in this time; a node
/// that needs more has something wrong with it.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What stands around an agent.
pub struct Agent {
    /// Where it logs to. Not installed as the process's log by this crate's [`Agent::start`].
    pub logs: Logs,
    /// How a reload reads the configuration; `None` if it cannot be read again.
    pub reread: Option<Reread>,
}

/// An agent that serves. Dropping it cuts everything; [`Running::stop`] is the orderly way.
pub struct Running {
    addresses: Vec<SocketAddr>,
    operations: Local<ServerReplica>,
    agent: Arc<ThisAgent>,
    serving: Arc<Serving>,
    reconcilers: JoinHandle<()>,
    /// Makes backups, if that is wanted.
    backups: Option<JoinHandle<()>>,
    /// Runs handlers on changes.
    watches: Option<JoinHandle<()>>,
    /// The files of unix sockets, which go with the agent.
    files: Vec<SocketFile>,
    /// Answers DNS, if it is on.
    dns: Option<Arc<konsul_dns::Server>>,
    /// Keeps the last hour's figures.
    history: Option<JoinHandle<()>>,
    /// Sends traces, if any are recorded.
    sending: Option<Sending>,
    asked: watch::Receiver<Option<StopReason>>,
}

impl Agent {
    /// Starts an agent inside the calling tokio runtime, and answers when it is ready to serve.
    ///
    /// # Errors
    /// [`AgentError`]; then nothing of it runs any more.
    pub async fn start(self, config: Config) -> Result<Running, AgentError> {
        let listen::Sockets { listeners, files } = listen::bind(&config)?;
        let endpoints = dns::bind(&config)?;
        let http = settings::http(&config)?;
        let identity = Identity::settle(&config)?;
        let storage = open_storage(&config, &identity).await?;
        let replica = ServerReplica::start(replica_options(&config, &identity), storage).await?;
        let serving = Arc::new(Serving::new());
        let board = Arc::new(Board::default());
        let (tracer, tracing, sending) = trace(&config, &identity, &board)?;
        let requests = Arc::new(Requests::new(tracer));
        let (stop, asked) = watch::channel(None);
        let keeper = backups(&config, &identity, &replica);
        let sources = Sources {
            replica: replica.clone(),
            serving: serving.clone(),
            logs: self.logs,
            backups: keeper.clone(),
            requests: requests.clone(),
            calls: OnceLock::new(),
            registry: OnceLock::new(),
            dns: OnceLock::new(),
            board,
            tracing,
        };
        let (wanted, to_be_true) = watch::channel(settings::wanted(&config, &identity));
        let (watches, to_be_watched) = watch::channel(config.watches.clone());
        let limits = settings::operations(&config);
        let agent = Arc::new(ThisAgent {
            identity,
            config: Mutex::new(config),
            reread: self.reread,
            sources,
            history: Arc::default(),
            stop,
            wanted,
            watches,
            started: time::now(),
            registry: OnceLock::new(),
            dns: OnceLock::new(),
        });
        let operations = Local::new(replica.clone(), agent.clone(), limits);
        agent.sources.calls.get_or_init(|| operations.kv_figures());
        let server = Server::start(Arc::new(operations.clone()), requests, http, listeners)
            .map_err(AgentError::Http)?;
        let addresses = server.addresses().to_vec();
        serving.open(server);
        let reconcilers = spawn(reconcile::run_changing(replica, to_be_true));
        let mut running = Running {
            addresses,
            operations,
            agent,
            serving,
            reconcilers,
            backups: None,
            watches: None,
            files,
            dns: None,
            history: None,
            sending,
            asked,
        };
        running.become_ready().await?;
        running.dns = dns::start(&running.config(), endpoints, &running.operations)?.map(Arc::new);
        if let Some(dns) = &running.dns {
            running.agent.sources.dns.get_or_init(|| dns.figures());
        }
        running.agent.dns.get_or_init(|| running.dns.as_ref().map(Arc::downgrade));
        let watched: Arc<dyn Operations> = Arc::new(running.operations.clone());
        running.watches = Some(spawn(watches::supervise(watched, to_be_watched)));
        running.backups = keeper.map(|keeper| spawn(keeper.keep()));
        running.history = Some(spawn(remember(Arc::downgrade(&running.agent))));
        Ok(running)
    }
}

/// What traces have: who records them, how, and who sends them.
type Traces = (Option<Tracer>, Option<Tracing>, Option<Sending>);

/// Begins to trace, if that is wanted.
fn trace(config: &Config, identity: &Identity, board: &Arc<Board>) -> Result<Traces, AgentError> {
    let known = telemetry::Identity {
        node: identity.name.to_string(),
        node_id: identity.id.to_string(),
        datacenter: config.datacenter.clone(),
    };
    let Some(settings) = telemetry::Settings::of(config, known, |name| std::env::var(name).ok())? else {
        return Ok((None, None, None));
    };
    let (tracer, tracing, sending) = Tracing::start(&settings, board.line("traces", Weight::Told))?;
    Ok((Some(tracer), Some(tracing), Some(sending)))
}

/// Takes a row of the history at every step, for as long as there is an agent.
async fn remember(agent: Weak<ThisAgent>) {
    while let Some(agent) = agent.upgrade() {
        agent.history.take(&agent.sources.read());
        drop(agent);
        time::sleep(STEP).await;
    }
}

async fn open_storage(config: &Config, identity: &Identity) -> Result<Box<dyn Storage>, AgentError> {
    let Some(dir) = identity.log_dir.clone() else {
        return Ok(Box::new(MemoryStorage::new()));
    };
    let options = settings::disk(config);
    // Reading a long log back takes a while, and blocks.
    let opened =
        tokio::task::spawn_blocking(move || DiskStorage::open(Arc::new(RealVfs), &dir, options)).await;
    let opened = opened.map_err(|e| AgentError::Runtime(std::io::Error::other(e)))?;
    Ok(Box::new(opened?))
}

/// Where a backup of this agent comes from.
pub(crate) fn origin(config: &Config, identity: &Identity) -> Origin {
    Origin {
        // A cluster of one has the id of its only server.
        cluster_id: identity.id.to_string(),
        datacenter: config.datacenter.clone(),
        node: identity.name.to_string(),
        konsul: konsul_config::build::VERSION.to_owned(),
        taken_at: Millis::default(),
    }
}

fn backups(config: &Config, identity: &Identity, replica: &Arc<ServerReplica>) -> Option<Arc<Keeper>> {
    let source = Arc::new(Replicated(replica.clone()));
    BackupSettings::of(config).map(|settings| Keeper::new(settings, origin(config, identity), source))
}

fn replica_options(config: &Config, identity: &Identity) -> ReplicaOptions {
    ReplicaOptions {
        raft: settings::raft(config, identity),
        feed: settings::feed(config),
        node: identity.name.to_string(),
        address: SocketAddr::new(about::advertised(config), about::SERVER_PORT).to_string(),
    }
}

impl Running {
    /// Where HTTP is served, in the order of the configuration. Empty if it is off.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The unix sockets on which HTTP is served.
    pub fn http_sockets(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(SocketFile::path)
    }

    /// Where DNS is served, over UDP and TCP. Empty if it is off.
    pub fn dns_addresses(&self) -> &[SocketAddr] {
        self.dns.as_deref().map_or(&[], konsul_dns::Server::addresses)
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Config {
        self.agent.config()
    }

    /// The node's name.
    pub fn node_name(&self) -> &str {
        self.agent.identity.name.as_str()
    }

    /// The node's id.
    pub fn node_id(&self) -> String {
        self.agent.identity.id.to_string()
    }

    /// Every operation, without HTTP between.
    pub fn operations(&self) -> &Local<ServerReplica> {
        &self.operations
    }

    /// Whether it serves.
    pub fn health(&self) -> Health {
        self.agent.health()
    }

    /// Reads the configuration again and puts in force what can be.
    ///
    /// # Errors
    /// What is wrong with the configuration; the one in force stays.
    pub fn reload(&self) -> Result<ReloadReport, String> {
        self.agent.reload()
    }

    /// Says in the log where it serves.
    pub(crate) fn announce(&self) {
        for address in &self.addresses {
            tracing::info!(address = %format_args!("http://{address}"), "serving the HTTP API");
        }
        for path in self.http_sockets() {
            tracing::info!(address = %format_args!("unix://{}", path.display()), "serving the HTTP API");
        }
    }

    /// Asks the agent to stop, as `agent/leave` does.
    pub(crate) fn request_stop(&self, reason: StopReason) {
        request_stop(&self.agent.stop, reason);
    }

    /// Waits until somebody asks the agent to stop, or consensus stops by itself, and answers why.
    pub async fn asked_to_stop(&self) -> StopReason {
        let mut asked = self.asked.clone();
        loop {
            if let Some(reason) = *asked.borrow_and_update() {
                return reason;
            }
            if asked.changed().await.is_err() {
                return StopReason::Asked;
            }
        }
    }

    /// Waits until this server leads and its own node is registered, so that the first request that a client makes
    /// finds everything in its place.
    async fn become_ready(&self) -> Result<(), AgentError> {
        let ready = time::timeout(READY_WITHIN, self.registered()).await;
        if ready.is_ok() {
            self.begin_registry()?;
            self.serving.enter(Phase::Serving);
            return Ok(());
        }
        let reasons = self.health().reasons.join("; ");
        Err(AgentError::NotReady { seconds: READY_WITHIN.as_secs(), reasons })
    }

    /// Begins to keep what is registered here, now that the state is there that it is compared with.
    fn begin_registry(&self) -> Result<(), AgentError> {
        let (config, identity) = (self.config(), &self.agent.identity);
        let options = RegistryOptions {
            node: settings::wanted(&config, identity).node,
            dir: identity.log_dir.as_ref().and_then(|dir| dir.parent()).map(Path::to_path_buf),
        };
        let replica = self.operations.replica().clone();
        let registry = Registry::start(options, &config, replica).map_err(AgentError::Registrations)?;
        let registry = self.agent.registry.get_or_init(|| Arc::new(registry));
        self.agent.sources.registry.get_or_init(|| Arc::downgrade(registry));
        Ok(())
    }

    async fn registered(&self) {
        let replica = self.operations.replica();
        let mut leadership = replica.leadership();
        while leadership.borrow_and_update().is_none() && leadership.changed().await.is_ok() {}
        let check = CheckId::new(SERF_HEALTH).expect("Consul's own id is a good one");
        loop {
            let Ok(mut parked) = replica.feed().park(Topic::Checks, replica.feed().head()) else {
                return;
            };
            let state = replica.state();
            if state.catalog().check(&self.agent.identity.name, &check).is_some() {
                return;
            }
            parked.has_read(state.index());
            parked.wait(time::now() + READY_WITHIN).await;
        }
    }

    /// Stops in order, within the configured time; see the crate's head. Answers how many connections had to be cut.
    pub async fn stop(self, reason: StopReason) -> usize {
        tracing::info!(reason = reason.name(), "stopping");
        let grace = self.config().graceful_stop_timeout.to_std();
        let deadline = time::now() + grace;
        self.serving.enter(Phase::Stopping);
        // Before parked readers are answered: a watch that is would only ask again.
        if let Some(watches) = &self.watches {
            watches.abort();
        }
        if let Some(registry) = self.agent.registry.get() {
            registry.stop();
        }
        self.operations.stop_parking();
        self.agent.sources.logs.end_monitors();
        if let Some(keeper) = &self.agent.sources.backups {
            keeper.stop();
        }
        if let Some(dns) = self.dns.and_then(Arc::into_inner) {
            dns.stop(grace).await;
        }
        let stopped = match self.serving.take() {
            Some(server) => server.stop(grace).await.cut,
            None => 0,
        };
        self.reconcilers.abort();
        if let Some(history) = &self.history {
            history.abort();
        }
        if let Some(backups) = &self.backups {
            backups.abort();
        }
        // What was proposed is on the disk or answered as unknown; at most the time that is left, and one second more.
        let left = (deadline - time::now()) + Duration::from_secs(1);
        if time::timeout(left, self.operations.replica().shutdown()).await.is_err() {
            tracing::error!("the log did not close in time; what was acknowledged is on the disk");
        }
        if let Some(sending) = self.sending {
            sending.stop((deadline - time::now()) + Duration::from_secs(1)).await;
        }
        tracing::info!(cut_connections = stopped, "stopped");
        self.agent.sources.logs.flush();
        stopped
    }
}
