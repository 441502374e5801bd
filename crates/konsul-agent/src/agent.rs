//! [`Agent::start`] and [`Running`]: from a configuration to a serving node, and back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use konsul_config::Config;
use konsul_http::Server;
use konsul_operations::local::Local;
use konsul_operations::ports::{Health, LocalAgent, ReloadReport, Replica as _};
use konsul_operations::reconcile::{self, Wanted};
use konsul_replica::{ReplicaOptions, ServerReplica};
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Duration};
use konsul_runtime::{JoinHandle, spawn};
use konsul_storage::{DiskStorage, MemoryStorage, RealVfs, Storage};
use konsul_types::node::SERF_HEALTH;
use konsul_types::{CheckId, Index, Node};
use konsul_watch::Topic;

use crate::figures::{Requests, Sources};
use crate::identity::Identity;
use crate::local_agent::{ThisAgent, request_stop};
use crate::serving::{Phase, Serving};
use crate::{AgentError, Logs, Reread, StopReason, about, listen, settings};

/// Consul keeps graves of removed keys for so long.
const GRAVES_MS: u64 = 15 * 60 * 1000;

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
    asked: watch::Receiver<Option<StopReason>>,
    grace: Duration,
}

impl Agent {
    /// Starts an agent inside the calling tokio runtime, and answers when it is ready to serve.
    ///
    /// # Errors
    /// [`AgentError`]; then nothing of it runs any more.
    pub async fn start(self, config: Config) -> Result<Running, AgentError> {
        let sockets = listen::bind(&config.http_listen())?;
        let http = settings::http(&config)?;
        let identity = Identity::settle(&config)?;
        let storage = open_storage(&config, &identity).await?;
        let replica = ServerReplica::start(replica_options(&config, &identity), storage).await?;
        let serving = Arc::new(Serving::new());
        let requests = Arc::new(Requests::new());
        let (stop, asked) = watch::channel(None);
        let sources = Sources { replica: replica.clone(), serving: serving.clone(), logs: self.logs };
        let wanted = wanted(&config, &identity);
        let (grace, limits) = (config.graceful_stop_timeout.to_std(), settings::operations(&config));
        let agent = Arc::new(ThisAgent {
            identity,
            config: Mutex::new(config),
            reread: self.reread,
            sources,
            requests: requests.clone(),
            stop,
            started: time::now(),
        });
        let operations = Local::new(replica.clone(), agent.clone(), limits);
        let server =
            Server::start(Arc::new(operations.clone()), requests, http, sockets).map_err(AgentError::Http)?;
        let addresses = server.addresses().to_vec();
        serving.open(server);
        let reconcilers = spawn(reconcile::run(replica, wanted));
        let running = Running { addresses, operations, agent, serving, reconcilers, asked, grace };
        running.become_ready().await?;
        Ok(running)
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

fn replica_options(config: &Config, identity: &Identity) -> ReplicaOptions {
    ReplicaOptions {
        raft: settings::raft(config, identity),
        feed: settings::feed(config),
        node: identity.name.to_string(),
        address: SocketAddr::new(about::advertised(config), about::SERVER_PORT).to_string(),
    }
}

fn wanted(config: &Config, identity: &Identity) -> Wanted {
    let address = about::advertised(config);
    let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
    let kinds = ["lan".to_owned(), "wan".to_owned(), format!("lan_{family}"), format!("wan_{family}")];
    let node = Node {
        id: Some(identity.id),
        name: identity.name.clone(),
        address: address.to_string(),
        tagged_addresses: kinds.into_iter().map(|kind| (kind, address.to_string())).collect(),
        meta: std::collections::BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    Wanted { node, limits: settings::replicated(config), graves_ms: GRAVES_MS }
}

impl Running {
    /// Where HTTP is served, in the order of the configuration. Empty if it is off.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.addresses
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
            self.serving.enter(Phase::Serving);
            return Ok(());
        }
        let reasons = self.health().reasons.join("; ");
        Err(AgentError::NotReady { seconds: READY_WITHIN.as_secs(), reasons })
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
        let deadline = time::now() + self.grace;
        self.serving.enter(Phase::Stopping);
        self.operations.stop_parking();
        self.agent.sources.logs.end_monitors();
        let stopped = match self.serving.take() {
            Some(server) => server.stop(self.grace).await.cut,
            None => 0,
        };
        self.reconcilers.abort();
        // What was proposed is on the disk or answered as unknown; at most the time that is left, and one second more.
        let left = (deadline - time::now()) + Duration::from_secs(1);
        if time::timeout(left, self.operations.replica().shutdown()).await.is_err() {
            tracing::error!("the log did not close in time; what was acknowledged is on the disk");
        }
        tracing::info!(cut_connections = stopped, "stopped");
        self.agent.sources.logs.flush();
        stopped
    }
}
