//! I-06 VoteMonotonic: a vote never goes back, and it is durable before it is answered.
//!
//! Source: Raft paper, figure 2 (`currentTerm` and `votedFor` are persistent) and section 5.4.

use konsul_storage::contract::Vote;

use crate::broken::{Broken, Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-06 VoteMonotonic";

/// The votes of one node over all its lives.
#[derive(Debug, Clone, Default)]
pub struct Votes {
    /// The last one that was answered as durable.
    answered: Option<Vote>,
    /// Those that were tried since: a crash may have kept any of them.
    tried: Vec<Vote>,
}

fn rank(vote: Option<Vote>) -> (u64, bool) {
    vote.map_or((0, false), |vote| (vote.term, vote.committed))
}

impl Votes {
    /// A vote is about to be saved.
    pub fn tried(&mut self, vote: Vote) -> Held {
        self.tried.push(vote);
        hold(NAME, rank(Some(vote)) >= rank(self.answered), || {
            format!("{vote:?} is saved after {:?} was answered", self.answered)
        })
    }

    /// A save was answered.
    pub fn answered(&mut self, vote: Vote) {
        self.answered = Some(vote);
        self.tried.clear();
    }

    /// A restart found this vote.
    pub fn reopened(&mut self, found: Option<Vote>) -> Held {
        let known = found == self.answered || self.tried.iter().any(|tried| Some(*tried) == found);
        if !known {
            let text = format!(
                "a restart found {found:?}; answered was {:?}, tried since {:?}",
                self.answered, self.tried
            );
            return Err(Broken::new(NAME, text));
        }
        self.answered = found;
        self.tried.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(term: u64) -> Vote {
        Vote { term, voted_for: Some(1), committed: false }
    }

    #[test]
    fn fires_on_a_vote_that_goes_back_or_is_lost() {
        let mut votes = Votes::default();
        votes.tried(vote(2)).unwrap();
        votes.answered(vote(2));
        assert!(votes.clone().tried(vote(1)).is_err());
        assert!(votes.clone().reopened(None).is_err());
        assert!(votes.clone().reopened(Some(vote(1))).is_err());
        votes.tried(vote(3)).unwrap();
        assert!(votes.clone().reopened(Some(vote(3))).is_ok());
        assert!(votes.reopened(Some(vote(2))).is_ok());
    }
}
