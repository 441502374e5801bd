//! What every operation takes first: on whose behalf, where, how fresh, until when.

use konsul_runtime::time::{Duration, Instant};
use konsul_runtime::trace::Scope;
use konsul_types::{Index, Namespace, Request};

/// How fresh a read must be. See the table in the book's page on consistency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consistency {
    /// The leader's lease, with a bound on clock drift: Consul's `default`.
    #[default]
    Default,
    /// Leadership confirmed by a quorum after the read arrived.
    Consistent,
    /// Whatever this server has, if it lags no more than `max_stale`.
    Stale {
        /// The bound; over it the read is repeated with [`Consistency::Default`]. `None` for no bound.
        max_stale: Option<Duration>,
    },
}

impl Consistency {
    /// Consul's name for it, as in `X-Consul-Effective-Consistency`.
    pub fn name(self) -> &'static str {
        match self {
            Consistency::Default => "leader",
            Consistency::Consistent => "consistent",
            Consistency::Stale { .. } => "stale",
        }
    }
}

/// That a read waits until its answer is newer than an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocking {
    /// The index that the client knows.
    pub index: Index,
    /// How long to wait at most. The edge has applied its default, its cap and its jitter.
    pub wait: Duration,
}

/// What every operation takes first.
#[derive(Debug, Clone)]
pub struct Context {
    /// The namespace meant.
    pub namespace: Namespace,
    /// The datacentre meant; `None` for this one.
    pub datacenter: Option<String>,
    /// How fresh reads must be.
    pub consistency: Consistency,
    /// When the caller stops waiting for a write; `None` for the server's own bound.
    pub deadline: Option<Instant>,
    /// Set when the caller may send the same request again and wants one effect. An edge whose clients name their requests
    /// by a key of their own makes it with [`konsul_types::RequestId::of_key`] and the hash of what they sent.
    pub request: Option<Request>,
    /// Where the request's spans hang, if it is recorded.
    pub trace: Scope,
}

impl Context {
    /// A context for a namespace with everything else as usual.
    pub fn new(namespace: Namespace) -> Context {
        Context {
            namespace,
            datacenter: None,
            consistency: Consistency::Default,
            deadline: None,
            request: None,
            trace: Scope::NONE,
        }
    }
}
