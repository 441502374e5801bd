//! Where the state comes from that is written down.

use std::sync::Arc;

use konsul_operations::ports::Replica as _;
use konsul_replica::ServerReplica;
use konsul_state::State;

/// Whoever has the state.
pub(crate) trait Source: Send + Sync + 'static {
    /// The state as it is now, or why it is not here yet.
    fn state(&self) -> Result<Arc<State>, String>;
}

/// A server's replica. It need not lead: a backup of a state a little behind is a backup.
#[derive(Debug)]
pub(crate) struct Replicated(pub(crate) Arc<ServerReplica>);

impl Source for Replicated {
    fn state(&self) -> Result<Arc<State>, String> {
        match self.0.staleness() {
            Ok(_) => Ok(self.0.state()),
            Err(why) => Err(format!("this node has not caught up with its cluster yet: {why}")),
        }
    }
}
