//! The kinds of checks that run at intervals, and what each needs to know.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use konsul_runtime::time::Duration;

/// What a check does in each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Fetches a URL: passing on 2xx, warning on 429, else critical.
    Http(HttpCheck),
    /// Connects.
    Tcp(TcpCheck),
    /// Sends a datagram: critical if it is refused.
    Udp(UdpCheck),
    /// Asks the health service of gRPC.
    Grpc(GrpcCheck),
    /// Sends a ping over HTTP/2.
    H2Ping(H2PingCheck),
    /// Runs a program: passing on 0, warning on 1, else critical.
    Script(ScriptCheck),
    /// Runs a program in a container, judged as a script.
    Docker(DockerCheck),
    /// Asks systemd about a unit.
    OsService(OsServiceCheck),
}

impl Probe {
    /// The name of the kind, as Consul shows it under `Type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Grpc(_) => "grpc",
            Self::H2Ping(_) => "h2ping",
            Self::Script(_) => "script",
            Self::Docker(_) => "docker",
            Self::OsService(_) => "os_service",
        }
    }

    /// How long a run may take where the definition does not say, as in Consul.
    pub fn timeout_default(&self) -> Duration {
        match self {
            Self::Script(_) | Self::OsService(_) => Duration::from_secs(30),
            _ => Duration::from_secs(10),
        }
    }
}

/// An HTTP check.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The URL, `http` or `https`. A user and password in it are sent as basic authentication and never shown.
    pub url: String,
    /// The method; `GET` if empty.
    pub method: String,
    /// Headers, in order. `Host` sets the host that is asked for.
    pub headers: Vec<(String, Vec<String>)>,
    /// The body.
    pub body: String,
    /// Follow redirects, where the settings allow it too. Otherwise a redirect is critical, with its status line.
    pub follow_redirects: bool,
    /// For `https`.
    pub tls: Tls,
}

impl HttpCheck {
    /// A `GET` of this URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: String::new(),
            headers: Vec::new(),
            body: String::new(),
            follow_redirects: false,
            tls: Tls::default(),
        }
    }
}

// Headers and bodies carry credentials, and so may the URL.
impl fmt::Debug for HttpCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpCheck")
            .field("url", &crate::run::without_password(&self.url))
            .field("method", &self.method)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .field("follow_redirects", &self.follow_redirects)
            .field("tls", &self.tls)
            .finish()
    }
}

/// Whom a check believes over TLS, and what it shows.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The name that the certificate must have; that of the target where none is given.
    pub server_name: Option<String>,
    /// Believe any certificate.
    pub skip_verify: bool,
    /// Authorities in PEM; the system's where none are given.
    pub authorities: Option<Arc<[u8]>>,
    /// What the agent shows of itself: a chain and its key in PEM.
    pub identity: Option<Identity>,
}

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The chain, in PEM.
    pub chain: Arc<[u8]>,
    /// The key, in PEM.
    pub key: Arc<[u8]>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .field("skip_verify", &self.skip_verify)
            .field("own_authorities", &self.authorities.is_some())
            .field("shows_identity", &self.identity.is_some())
            .finish()
    }
}

/// A TCP check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpCheck {
    /// `host:port`.
    pub address: String,
    /// With a handshake of TLS after the connection.
    pub tls: Option<Tls>,
}

/// A UDP check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpCheck {
    /// `host:port`.
    pub address: String,
}

/// A check over gRPC's health protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcCheck {
    /// `host:port`, and behind a slash the service that is asked for; the whole server without.
    pub target: String,
    /// Over TLS.
    pub tls: Option<Tls>,
}

/// A check by a ping of HTTP/2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct H2PingCheck {
    /// `host:port`.
    pub address: String,
    /// Over TLS, which is what Consul does unless told otherwise.
    pub tls: Option<Tls>,
}

/// A program on this machine. Whether programs may run at all is decided by whoever takes the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptCheck {
    /// The program and its arguments, which no shell sees.
    pub arguments: Vec<String>,
    /// Hand the arguments, joined by spaces, to this shell as `-c`.
    pub shell: Option<String>,
}

/// A program in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerCheck {
    /// The container's id or name.
    pub container: String,
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// Hand the arguments, joined by spaces, to this shell of the container as `-c`.
    pub shell: Option<String>,
}

/// A unit of systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsServiceCheck {
    /// The unit; `.service` is added where it has no suffix.
    pub unit: String,
}

/// Where the engine of containers listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A socket of this machine.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
}

impl Default for Engine {
    fn default() -> Self {
        Self::Unix(PathBuf::from("/var/run/docker.sock"))
    }
}
