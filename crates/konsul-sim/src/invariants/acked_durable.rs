//! I-11 AckedDurable: what was acknowledged is there after every restart and at the end.
//!
//! Source: Raft paper, section 5.3 (an entry is committed once it is durable on a quorum); for a cluster of one the quorum is
//! its own disk, which is where etcd's issue 14370 lost writes.

use konsul_types::{Command, Outcome};

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-11 AckedDurable";

/// A restarted log ends at `last`; a sync had answered for `synced`, and somebody was told of `told`.
pub fn reopened(last: u64, synced: u64, told: u64) -> Held {
    hold(NAME, last >= told, || {
        format!("the log ends at {last} after a restart, but {told} was applied and told")
    })?;
    hold(NAME, last >= synced, || {
        format!("the log ends at {last} after a restart, but a sync answered for {synced}")
    })
}

/// The entry at an acknowledged index is the command that was acknowledged.
pub fn kept(index: u64, asked: &Command, found: Option<&Command>, outcome: &Outcome) -> Held {
    hold(NAME, found == Some(asked), || {
        format!("{asked:?} was answered {outcome:?} at {index}, but the log holds {found:?} there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_a_short_log_and_on_another_command() {
        assert!(reopened(9, 9, 9).is_ok());
        assert!(reopened(9, 10, 9).is_err());
        assert!(reopened(9, 9, 10).is_err());
        let (asked, other) = (Command::LeaderStart { term: 1 }, Command::LeaderStart { term: 2 });
        assert!(kept(5, &asked, Some(&asked), &Outcome::Done).is_ok());
        assert!(kept(5, &asked, Some(&other), &Outcome::Done).is_err());
        assert!(kept(5, &asked, None, &Outcome::Done).is_err());
    }
}
