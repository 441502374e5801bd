//! Requests that may arrive again, and what they were answered.
//!
//! A request id carries the time of its making. Inside the window an id is either remembered, then its first answer is
//! given again, or new. Outside it nobody could tell, so the request is refused and has no effect: never a second one. The
//! window is log time, the same on every replica. When more ids arrive than may be remembered, the oldest are forgotten
//! early, and every id made up to then is refused.

use std::sync::Arc;

use imbl::OrdMap;
use konsul_types::{Index, Limits, Millis, Outcome, Refusal, RequestId, encoding};
use serde::{Deserialize, Serialize};

use crate::hash::{RecordHash, Table};
use crate::mutants;
use crate::state::State;

/// Answers larger than this are not remembered; a repeat hears [`Outcome::AppliedBefore`].
pub const ANSWER_BYTES_MAX: usize = 4096;

/// A remembered request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The entry that applied it.
    pub index: Index,
    /// Its log time.
    pub at: Millis,
    /// What it was answered.
    pub outcome: Outcome,
}

/// The remembered requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    pub(crate) by_id: OrdMap<RequestId, Arc<Remembered>>,
    /// Ids made up to this time were forgotten. Never decreases, so that a longer window takes nothing back.
    pub(crate) forgotten_to: Millis,
}

impl Requests {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// What is to be said to a request before anything is done; `None` if it is new.
    pub(crate) fn answer(&self, id: RequestId, now: Millis, limits: &Limits) -> Option<Outcome> {
        if let Some(found) = self.by_id.get(&id) {
            return Some(found.outcome.clone());
        }
        let window = limits.request_window_ms;
        let tellable = id.made_at().is_some_and(|made| {
            now.since(Millis(made)) <= window
                && Millis(made).since(now) <= window
                && Millis(made) > self.forgotten_to
        });
        (!tellable).then_some(Outcome::Refused(Refusal::RequestExpired))
    }
}

pub(crate) fn request_hash(id: RequestId, remembered: &Remembered) -> u64 {
    RecordHash::new(6).bytes(id.0.as_bytes()).value(remembered).finish()
}

impl State {
    /// Remembers what a request was answered.
    pub(crate) fn remember(&mut self, id: RequestId, outcome: &Outcome) {
        let outcome = match encoding::encode(outcome).len() {
            bytes if bytes <= ANSWER_BYTES_MAX => outcome.clone(),
            _ => Outcome::AppliedBefore(self.index),
        };
        let remembered = Arc::new(Remembered { index: self.index, at: self.at, outcome });
        self.hashes.replace(Table::Requests, None, Some(request_hash(id, &remembered)));
        self.requests.by_id.insert(id, remembered);
        self.prune_requests();
    }

    /// Forgets requests that a repeat would be refused for anyway, or that are over the bound, those made first foremost.
    pub(crate) fn prune_requests(&mut self) {
        let now =
            if mutants::active(mutants::REQUESTS_BY_OWN_CLOCK) { mutants::own_clock() } else { self.at };
        while let Some((id, gone)) = self.requests.by_id.get_min().cloned() {
            let made = Millis(id.made_at().unwrap_or(0));
            let over = self.requests.len() as u64 > self.limits.requests;
            if !over && now.since(made) <= self.limits.request_window_ms {
                return;
            }
            self.requests.forgotten_to = self.requests.forgotten_to.max(made);
            self.requests.by_id.remove(&id);
            self.hashes.replace(Table::Requests, Some(request_hash(id, &gone)), None);
        }
    }
}
