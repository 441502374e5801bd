//! Between openraft's words and ours.
//!
//! openraft counts entries from 0 and says `None` for "before the first"; our log counts from 1 and says 0. Every
//! position that crosses this module is shifted by one, and nothing else in the crate adds or subtracts it.
//!
//! A membership on disk is ours too: a version byte, then lists of 64-bit ids in little-endian order, each with a
//! 32-bit count: the number of configurations, the voters of each, and all members. Two configurations are the joint
//! consensus of the Raft paper, section 6.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use konsul_storage::contract::{self as storage, EntryKind, LogId};
use openraft::entry::RaftEntry;
use openraft::{EmptyNode, EntryPayload};

use crate::types::{Command, Entry, Membership, Payload, RaftLogId, RaftVote, StoredMembership};

/// Our name for a position of openraft's.
pub(crate) fn outward(id: &RaftLogId) -> LogId {
    LogId { term: **id.committed_leader_id(), index: id.index() + 1 }
}

/// The same, where there may be none.
pub(crate) fn outward_or_start(id: Option<&RaftLogId>) -> LogId {
    id.map(outward).unwrap_or_default()
}

/// openraft's name for a position of ours.
pub(crate) fn inward(id: LogId) -> Option<RaftLogId> {
    id.index.checked_sub(1).map(|index| RaftLogId::new_term_index(id.term, index))
}

/// An entry as it goes to disk.
pub(crate) fn to_disk(entry: &Entry) -> storage::Entry {
    let (kind, payload) = match &entry.payload {
        EntryPayload::Blank => (EntryKind::Blank, Bytes::new()),
        EntryPayload::Normal(command) => (EntryKind::Command, command.0.clone()),
        EntryPayload::Membership(membership) => (EntryKind::Membership, encode_membership(membership)),
    };
    storage::Entry { id: outward(&entry.log_id), kind, payload }
}

/// An entry as it comes from disk.
pub(crate) fn from_disk(entry: storage::Entry) -> io::Result<Entry> {
    let id = inward(entry.id).ok_or_else(|| damaged("an entry with index 0"))?;
    let payload: Payload = match entry.kind {
        EntryKind::Blank => EntryPayload::Blank,
        EntryKind::Command => EntryPayload::Normal(Command(entry.payload)),
        EntryKind::Membership => EntryPayload::Membership(decode_membership(&mut &entry.payload[..])?),
    };
    Ok(Entry::new(id, payload))
}

/// A vote as it goes to disk.
pub(crate) fn vote_to_disk(vote: &RaftVote) -> storage::Vote {
    storage::Vote {
        term: vote.leader_id.term,
        voted_for: Some(vote.leader_id.voted_for),
        committed: vote.committed,
    }
}

/// A vote as it comes from disk. A term in which nobody was voted for belongs to node 0, which no node is.
pub(crate) fn vote_from_disk(vote: storage::Vote) -> RaftVote {
    let node = vote.voted_for.unwrap_or(0);
    if vote.committed { RaftVote::new_committed(vote.term, node) } else { RaftVote::new(vote.term, node) }
}

const MEMBERSHIP_VERSION: u8 = 1;

fn encode_membership(membership: &Membership) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(MEMBERSHIP_VERSION);
    let configs = membership.get_joint_config();
    out.put_u32_le(configs.len() as u32);
    for config in configs {
        put_ids(&mut out, config.iter().copied());
    }
    put_ids(&mut out, membership.nodes().map(|(id, _)| *id));
    out.freeze()
}

fn put_ids(out: &mut BytesMut, ids: impl Iterator<Item = u64>) {
    let ids: Vec<u64> = ids.collect();
    out.put_u32_le(ids.len() as u32);
    ids.into_iter().for_each(|id| out.put_u64_le(id));
}

fn decode_membership(bytes: &mut &[u8]) -> io::Result<Membership> {
    let version = bytes.try_get_u8().map_err(short)?;
    if version != MEMBERSHIP_VERSION {
        let text = format!("a membership of format {version}; this build reads {MEMBERSHIP_VERSION}");
        return Err(damaged(&text));
    }
    let count = bytes.try_get_u32_le().map_err(short)?;
    let configs = (0..count).map(|_| take_ids(bytes)).collect::<io::Result<Vec<BTreeSet<u64>>>>()?;
    let members = take_ids(bytes)?;
    let nodes: BTreeMap<u64, EmptyNode> = members.into_iter().map(|id| (id, EmptyNode::new())).collect();
    if configs.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|error| damaged(&error.to_string()))
}

fn take_ids(bytes: &mut &[u8]) -> io::Result<BTreeSet<u64>> {
    let count = bytes.try_get_u32_le().map_err(short)?;
    (0..count).map(|_| bytes.try_get_u64_le().map_err(short)).collect()
}

/// A membership with the position that set it, as a snapshot carries it.
pub(crate) fn encode_stored(stored: &StoredMembership) -> Bytes {
    let at = outward_or_start(stored.log_id().as_ref());
    let mut out = BytesMut::new();
    out.put_u64_le(at.term);
    out.put_u64_le(at.index);
    out.put(encode_membership(stored.membership()));
    out.freeze()
}

/// The reverse of [`encode_stored`].
pub(crate) fn decode_stored(mut bytes: &[u8]) -> io::Result<StoredMembership> {
    let term = bytes.try_get_u64_le().map_err(short)?;
    let index = bytes.try_get_u64_le().map_err(short)?;
    let membership = decode_membership(&mut bytes)?;
    Ok(StoredMembership::new(inward(LogId { term, index }), membership))
}

fn short(_: bytes::TryGetError) -> io::Error {
    damaged("a membership that ends too early")
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the log holds {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joint() -> Membership {
        let configs = vec![BTreeSet::from([1, 2, 3]), BTreeSet::from([3, 4])];
        Membership::new(configs, (1..=5).map(|id| (id, EmptyNode::new())).collect::<BTreeMap<_, _>>())
            .unwrap()
    }

    #[test]
    fn positions_survive_the_way_there_and_back() {
        assert_eq!(inward(LogId::default()), None);
        assert_eq!(outward_or_start(None), LogId::default());
        for id in [LogId { term: 0, index: 1 }, LogId { term: 7, index: 42 }] {
            assert_eq!(outward(&inward(id).unwrap()), id);
        }
    }

    #[test]
    fn entries_of_each_kind_survive_the_disk() {
        let payloads = [
            EntryPayload::Blank,
            EntryPayload::Normal(Command(Bytes::from("x"))),
            EntryPayload::Membership(joint()),
        ];
        for payload in payloads {
            let entry = Entry::new(RaftLogId::new_term_index(3, 9), payload);
            let back = from_disk(to_disk(&entry)).unwrap();
            assert_eq!(to_disk(&back), to_disk(&entry));
        }
    }

    #[test]
    fn a_membership_has_bytes_of_its_own() {
        let stored = StoredMembership::new(inward(LogId { term: 1, index: 2 }), joint());
        let bytes = encode_stored(&stored);
        assert_eq!(decode_stored(&bytes).unwrap(), stored);
        let expected = "0100000000000000020000000000000001020000000300000001000000000000000200000000000000\
                        0300000000000000020000000300000000000000040000000000000005000000010000000000000002\
                        00000000000000030000000000000004000000000000000500000000000000";
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, expected, "data on disk must stay readable");
    }

    #[test]
    fn damaged_memberships_are_refused() {
        let bytes = encode_stored(&StoredMembership::new(None, joint()));
        for cut in 0..bytes.len() {
            assert!(decode_stored(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut newer = bytes.to_vec();
        newer[16] = 2;
        assert!(decode_stored(&newer).unwrap_err().to_string().contains("format 2"));
    }

    #[test]
    fn votes_survive_the_disk() {
        for committed in [false, true] {
            let vote = storage::Vote { term: 4, voted_for: Some(2), committed };
            assert_eq!(vote_to_disk(&vote_from_disk(vote)), vote);
        }
    }
}
