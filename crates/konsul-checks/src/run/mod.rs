//! The runners: one for each kind of check. A run has a deadline and ends with a [`Finding`], whatever happens.
//!
//! A runner is made once for a definition ([`Runners::runner`]): addresses are taken apart and certificates read then,
//! not in each run. A definition that makes no sense gets a runner whose every run is critical and says what is wrong,
//! as in Consul, where a bad URL is found by running it.

mod address;
mod beside;
mod dbus;
mod dial;
mod docker;
mod errors;
mod grpc;
mod h2ping;
mod http;
mod script;
mod systemd;
mod tcp;
mod tls;
mod udp;
mod url;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use konsul_runtime::time::{Duration, Instant};

use crate::decide::Finding;
use crate::definition::{Engine, Probe};

pub use address::Reach;
pub use tls::{Anybody, roots_of_the_system};
pub(crate) use url::without_password;

/// What makes runners: [`Machine`] in production, a script in a simulation.
pub trait Runners: Send + Sync + 'static {
    /// The runner for what a definition asks.
    fn runner(&self, probe: &Probe) -> Arc<dyn Run>;
}

/// One check, ready to run.
pub trait Run: Send + Sync + 'static {
    /// Runs it once. The future ends soon after `limit.until` at the latest; dropping it cuts the run.
    fn run(&self, limit: Limit) -> RunFuture<'_>;
}

/// A run under way.
pub type RunFuture<'a> = Pin<Box<dyn Future<Output = Finding> + Send + 'a>>;

/// The bounds of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// When it has to end.
    pub until: Instant,
    /// How long that was from its start, for texts.
    pub timeout: Duration,
    /// Most bytes of output.
    pub output_max: usize,
}

impl Limit {
    /// From now on, for this long.
    pub fn of(timeout: Duration, output_max: usize) -> Self {
        Self { until: konsul_runtime::time::now() + timeout, timeout, output_max }
    }
}

/// Runs checks for real, from this machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What checks may reach.
    pub reach: Reach,
    /// Where the engine of containers listens.
    pub engine: Engine,
    /// The socket of the system's message bus, on which systemd answers.
    pub system_bus: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            reach: Reach::default(),
            engine: Engine::default(),
            system_bus: PathBuf::from("/run/dbus/system_bus_socket"),
        }
    }
}

impl Runners for Machine {
    fn runner(&self, probe: &Probe) -> Arc<dyn Run> {
        let reach = self.reach;
        match probe {
            Probe::Http(check) => made(http::HttpRunner::new(check, reach)),
            Probe::Tcp(check) => made(tcp::TcpRunner::new(check, reach)),
            Probe::Udp(check) => Arc::new(udp::UdpRunner::new(check, reach)),
            Probe::Grpc(check) => made(grpc::GrpcRunner::new(check, reach)),
            Probe::H2Ping(check) => made(h2ping::H2PingRunner::new(check, reach)),
            Probe::Script(check) => made(script::ScriptRunner::new(check)),
            Probe::Docker(check) => Arc::new(docker::DockerRunner::new(check, &self.engine)),
            Probe::OsService(check) => Arc::new(systemd::SystemdRunner::new(check, &self.system_bus)),
        }
    }
}

fn made<R: Run>(runner: Result<R, String>) -> Arc<dyn Run> {
    match runner {
        Ok(runner) => Arc::new(runner),
        Err(why) => Arc::new(Senseless(why.into())),
    }
}

/// The runner of a definition that makes no sense.
struct Senseless(Arc<str>);

impl Run for Senseless {
    fn run(&self, _: Limit) -> RunFuture<'_> {
        Box::pin(async { Finding::critical(self.0.clone()) })
    }
}
