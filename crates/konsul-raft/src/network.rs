//! The way to other nodes: there is none yet, and this says so.
//!
//! A cluster of one sends nothing. Should a membership name others, each of them is unreachable, which is what openraft
//! makes of a peer that does not answer: no vote, no acknowledgement, no pre-vote granted on its behalf.

use std::future::Future;
use std::io;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{EmptyNode, OptionalSend};

use crate::machine::SnapshotRef;
use crate::types::{RaftVote, Types};

pub(crate) struct NoPeers;

/// A peer that cannot be reached.
pub(crate) struct Unreached(u64);

impl Unreached {
    fn error(&self) -> Unreachable<Types> {
        let text = format!("node {} cannot be reached: this build has no peer transport", self.0);
        Unreachable::new(&io::Error::new(io::ErrorKind::NotConnected, text))
    }
}

impl RaftNetworkFactory<Types> for NoPeers {
    type Network = Unreached;

    async fn new_client(&mut self, target: u64, _node: &EmptyNode) -> Unreached {
        Unreached(target)
    }
}

impl RaftNetworkV2<Types> for Unreached {
    type SnapshotData = SnapshotRef;

    async fn append_entries(
        &mut self,
        _: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        Err(self.error().into())
    }

    async fn vote(
        &mut self,
        _: VoteRequest<Types>,
        _: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        Err(self.error().into())
    }

    /// Refused here because openraft's default grants it.
    async fn pre_vote(
        &mut self,
        _: VoteRequest<Types>,
        _: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        Err(self.error().into())
    }

    async fn full_snapshot(
        &mut self,
        _: RaftVote,
        _: openraft::alias::SnapshotOf<Types, SnapshotRef>,
        _: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        Err(self.error().into())
    }

    async fn transfer_leader(
        &mut self,
        _: TransferLeaderRequest<Types>,
        _: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        Err(self.error().into())
    }
}
