//! Who waits for the reply to which command.
//!
//! A proposal gets a ticket, which travels with it through openraft. When the entry is committed its position is noted
//! beside the ticket; when it has been applied the reply is handed to whoever holds that position. A ticket that gets
//! lost on the way answers `Unknown`, so nobody waits for ever.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_runtime::sync::{OwnedSemaphorePermit, oneshot};
use konsul_storage::contract::LogId;
use openraft::errors::ClientWriteError;

use crate::contract::{Committed, Fatal, ProposeError};
use crate::figures::{Applied, Followed};
use crate::types::{Tracker, WriteResult};

pub(crate) type Answer<R> = Result<(LogId, R), ProposeError>;

pub(crate) struct Proposals<R>(Mutex<Table<R>>);

struct Table<R> {
    next: u64,
    waiting: BTreeMap<u64, Waiting<R>>,
    /// Position and ticket, in log order.
    committed: VecDeque<(u64, u64)>,
}

struct Waiting<R> {
    reply: oneshot::Sender<Answer<R>>,
    /// Its share of the bytes that may be under way; given back with the reply.
    _room: OwnedSemaphorePermit,
    followed: Option<Followed>,
}

impl<R> Default for Proposals<R> {
    fn default() -> Self {
        Self(Mutex::new(Table { next: 0, waiting: BTreeMap::new(), committed: VecDeque::new() }))
    }
}

impl<R> Proposals<R> {
    fn table(&self) -> MutexGuard<'_, Table<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a proposal.
    pub(crate) fn enter(
        &self,
        room: OwnedSemaphorePermit,
        followed: Option<Followed>,
    ) -> (u64, oneshot::Receiver<Answer<R>>) {
        let (reply, answer) = oneshot::channel();
        let mut table = self.table();
        table.next += 1;
        let ticket = table.next;
        table.waiting.insert(ticket, Waiting { reply, _room: room, followed });
        (ticket, answer)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.table().waiting.len()
    }

    fn refuse(&self, ticket: u64, why: ProposeError) {
        let waiting = self.table().waiting.remove(&ticket);
        if let Some(waiting) = waiting {
            // The proposer may have gone; then nobody wants the answer.
            let _ = waiting.reply.send(Err(why));
        }
    }

    /// Answers everybody that their outcome is unknown.
    pub(crate) fn give_up(&self, why: &str) {
        let waiting = std::mem::take(&mut self.table().waiting);
        for (_, waiting) in waiting {
            let _ = waiting.reply.send(Err(ProposeError::Unknown(why.to_owned())));
        }
    }

    /// Hands out the replies to an applied batch, one for each entry with a command.
    pub(crate) fn answer(&self, batch: &[Committed], replies: Vec<R>, applied: Applied) -> Result<(), Fatal> {
        let commands = batch.iter().filter(|entry| entry.command.is_some());
        if commands.clone().count() != replies.len() {
            let at = batch.last().map(|entry| entry.id).unwrap_or_default();
            let what = format!("{} replies to {} commands", replies.len(), commands.count());
            return Err(Fatal { at, what });
        }
        let mut table = self.table();
        for (entry, reply) in commands.zip(replies) {
            if let Some(waiting) = table.take(entry.id.index) {
                // Told before the answer, so that the request's own spans are there when it ends.
                if let Some(followed) = &waiting.followed {
                    followed.tell(entry.id.index, applied);
                }
                let _ = waiting.reply.send(Ok((entry.id, reply)));
            }
        }
        Ok(())
    }
}

impl<R> Table<R> {
    fn take(&mut self, index: u64) -> Option<Waiting<R>> {
        // Positions before this one belong to entries that carry no command.
        while self.committed.front().is_some_and(|(at, _)| *at < index) {
            self.committed.pop_front();
        }
        let (_, ticket) = self.committed.pop_front_if(|(at, _)| *at == index)?;
        self.waiting.remove(&ticket)
    }
}

impl<R: Send + 'static> Tracker<WriteResult> for Proposals<R> {
    fn committed(&self, ticket: u64, index: u64) {
        self.table().committed.push_back((index, ticket));
    }

    fn completed(&self, ticket: u64, result: WriteResult) {
        match result {
            // The reply was handed out when the entry was applied.
            Ok(_) => {}
            Err(ClientWriteError::ForwardToLeader(forward)) => {
                self.refuse(ticket, ProposeError::NotLeader { leader: forward.leader_id });
            }
            Err(other) => self.refuse(ticket, ProposeError::Unknown(other.to_string())),
        }
    }

    fn abandoned(&self, ticket: u64) {
        self.refuse(
            ticket,
            ProposeError::Unknown("the node stopped before the entry was applied".to_owned()),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use konsul_runtime::sync::Semaphore;
    use konsul_runtime::time::Instant;

    use super::*;

    const APPLIED: Applied = Applied { entries: 1, from: Instant::from_nanos(0), to: Instant::from_nanos(1) };

    fn entry(index: u64, command: bool) -> Committed {
        Committed { id: LogId { term: 1, index }, command: command.then(|| Bytes::from("x")) }
    }

    fn enter(proposals: &Proposals<u32>, room: &Arc<Semaphore>) -> (u64, oneshot::Receiver<Answer<u32>>) {
        proposals.enter(room.clone().try_acquire_owned().unwrap(), None)
    }

    #[test]
    fn replies_go_by_position_and_give_room_back() {
        let (proposals, room) = (Proposals::default(), Arc::new(Semaphore::new(2)));
        let (first, mut one) = enter(&proposals, &room);
        let (second, mut two) = enter(&proposals, &room);
        proposals.committed(first, 5);
        proposals.committed(second, 7);
        let batch = [entry(4, true), entry(5, true), entry(6, false), entry(7, true)];
        proposals.answer(&batch, vec![40, 50, 70], APPLIED).unwrap();
        assert_eq!(one.try_recv().unwrap(), Ok((LogId { term: 1, index: 5 }, 50)));
        assert_eq!(two.try_recv().unwrap(), Ok((LogId { term: 1, index: 7 }, 70)));
        assert_eq!(room.available_permits(), 2);
    }

    #[test]
    fn a_lost_ticket_is_unknown_and_a_wrong_number_of_replies_is_fatal() {
        let (proposals, room) = (Proposals::default(), Arc::new(Semaphore::new(2)));
        let (lost, mut answer) = enter(&proposals, &room);
        proposals.abandoned(lost);
        assert!(matches!(answer.try_recv().unwrap(), Err(ProposeError::Unknown(_))));
        let error = proposals.answer(&[entry(1, true)], vec![], APPLIED).unwrap_err();
        assert_eq!(error.what, "0 replies to 1 commands");
    }
}
