//! What a leader does of its own accord: wakes by signal and timer, compares what is wanted with what is found, proposes.
//!
//! A duty takes no input but the state, may be repeated without harm, and trusts `apply` to refuse what has moved on since
//! it looked. So a leader that was deposed without knowing it can propose what it likes: nothing of it takes effect.

use std::sync::Arc;

use konsul_runtime::time::{Duration, Instant, now, sleep_until};
use konsul_state::State;
use konsul_types::{Command, Index, Limits, Millis, Node};

use crate::ports::{RaftServer, Replica};

mod expiry;
mod registration;

/// What the leader keeps true.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// This server's own record.
    pub node: Node,
    /// The bounds of the configuration.
    pub limits: Limits,
    /// How long graves of removed keys are kept, in milliseconds. Consul keeps them for 15 minutes.
    pub graves_ms: u64,
}

/// At least so often the duties look, whatever the signals say.
const TICK: Duration = Duration::from_millis(250);

/// Does a leader's duties for as long as the replica lives; on a server that does not lead, waits until it does.
pub async fn run<R: Replica>(replica: Arc<R>, wanted: Wanted) {
    let (_stays, wanted) = konsul_runtime::sync::watch::channel(wanted);
    run_changing(replica, wanted).await;
}

/// The same for wishes that may change on the way; a change is seen at the next look.
pub async fn run_changing<R: Replica>(
    replica: Arc<R>,
    wanted: konsul_runtime::sync::watch::Receiver<Wanted>,
) {
    let mut leadership = replica.leadership();
    loop {
        let term = *leadership.borrow_and_update();
        if let Some(term) = term {
            lead(&*replica, &wanted, term, &mut leadership).await;
        } else if leadership.changed().await.is_err() {
            return;
        }
    }
}

/// Does the duties of one term.
async fn lead<R: Replica>(
    replica: &R,
    wanted: &konsul_runtime::sync::watch::Receiver<Wanted>,
    term: u64,
    leadership: &mut konsul_runtime::sync::watch::Receiver<Option<u64>>,
) {
    let mut duties = Duties { term, compared: Index::ZERO, ages: Ages::default() };
    if propose(replica, Command::LeaderStart { term }).await.is_err() {
        // Without this entry sessions that nobody could renew would be ended. Try again unless the term is over.
        sleep_until(now() + TICK).await;
        return;
    }
    while *leadership.borrow() == Some(term) {
        let wanted = wanted.borrow().clone();
        let again = duties.round(replica, &wanted).await;
        let until = if again { now() } else { duties.next_look(replica) };
        changed_or_due(leadership, until).await;
    }
}

/// Waits for a change of leadership or a time, whichever comes first.
async fn changed_or_due(leadership: &mut konsul_runtime::sync::watch::Receiver<Option<u64>>, until: Instant) {
    let _ = konsul_runtime::time::timeout_at(until, leadership.changed()).await;
}

struct Duties {
    term: u64,
    /// The newest checkpoint of hashes that was put into the log.
    compared: Index,
    ages: Ages,
}

/// The step up that every server can take. A server of which nothing is known can read level 1 and no more, so a cluster
/// rises once its last server has told what it reads.
fn feature_level(state: &State, servers: &[RaftServer]) -> Option<Command> {
    let level = servers.iter().map(|server| server.feature_level).min()?;
    (level > state.feature_level()).then_some(Command::RaiseFeatureLevel { level })
}

impl Duties {
    /// One look at everything. Answers whether there is more to do at once.
    async fn round<R: Replica>(&mut self, replica: &R, wanted: &Wanted) -> bool {
        let state = replica.state();
        let mut commands: Vec<Command> = feature_level(&state, &replica.servers()).into_iter().collect();
        commands.extend(registration::missing(&state, wanted));
        let (expiry, more) = expiry::due(&state, replica.now(), self.term);
        commands.extend(expiry);
        commands.extend(self.hash_to_compare(&state));
        commands.extend(self.graves_to_reap(&state, replica.now(), wanted.graves_ms));
        drop(state);
        let mut failed = false;
        for command in commands {
            failed |= propose(replica, command).await.is_err();
        }
        more && !failed
    }

    /// When something will be due, but not later than a tick from now.
    fn next_look<R: Replica>(&self, replica: &R) -> Instant {
        let due = expiry::next(&replica.state());
        let left = due.map_or(u64::MAX, |at| at.since(replica.now()));
        now() + TICK.min(Duration::from_millis(left.max(1)))
    }

    fn hash_to_compare(&mut self, state: &State) -> Option<Command> {
        let (index, hashes) = state.last_checkpoint()?;
        if *index <= self.compared {
            return None;
        }
        self.compared = *index;
        Some(Command::CompareHash { index: *index, hashes: hashes.clone() })
    }

    fn graves_to_reap(&mut self, state: &State, at: Millis, keep_ms: u64) -> Option<Command> {
        let upto = self.ages.older_than(at, state.index(), keep_ms)?;
        (state.oldest_grave()? <= upto).then_some(Command::Reap { upto })
    }
}

/// Which index was current how long ago, with a coarse step.
#[derive(Debug, Default)]
struct Ages {
    samples: std::collections::VecDeque<(Millis, Index)>,
}

/// Graves are reaped with this granularity, in milliseconds, as in Consul.
const AGE_STEP_MS: u64 = 30_000;

impl Ages {
    /// Notes the present and answers an index that was current at least `keep_ms` ago, if there is one.
    fn older_than(&mut self, at: Millis, index: Index, keep_ms: u64) -> Option<Index> {
        let step = AGE_STEP_MS.min(keep_ms / 4);
        if self.samples.back().is_none_or(|(last, _)| at.since(*last) >= step) {
            self.samples.push_back((at, index));
        }
        let mut found = None;
        while let Some((then, index)) = self.samples.front().copied() {
            if at.since(then) < keep_ms {
                break;
            }
            found = Some(index);
            if self.samples.get(1).is_none_or(|(next, _)| at.since(*next) < keep_ms) {
                break;
            }
            self.samples.pop_front();
        }
        found
    }
}

async fn propose<R: Replica>(replica: &R, command: Command) -> Result<(), crate::Error> {
    let result = replica.propose(None, command).await;
    if let Err(why) = &result {
        tracing::debug!(%why, "a leader's duty could not be done now");
    }
    result.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_answer_the_newest_index_that_is_old_enough() {
        let mut ages = Ages::default();
        let mut ask = |at, index| ages.older_than(Millis(at), Index(index), 100_000);
        assert_eq!(ask(0, 1), None);
        assert_eq!(ask(30_000, 2), None);
        assert_eq!(ask(99_000, 3), None);
        assert_eq!(ask(100_000, 4), Some(Index(1)));
        assert_eq!(ask(131_000, 5), Some(Index(2)));
        assert_eq!(ask(131_000, 5), Some(Index(2)));
        assert_eq!(ask(900_000, 9), Some(Index(5)));
    }
}
