//! Requests that may arrive again, and what they were answered.
//!
//! A request id may carry the time of its making. Inside the window such an id is either remembered, then its first answer
//! is given again, or new. Outside it nobody could tell, so the request is refused and has no effect: never a second one.
//! The window is log time, the same on every replica. When more ids arrive than may be remembered, the oldest are
//! forgotten early, and every id made up to then is refused.
//!
//! An id that stands for a key of the client's own tells no time. It is remembered for the window, and new after it; it is
//! never forgotten early, so when there are too many of them further ones are refused instead.
//!
//! An id may come with a hash of what the client sent. The same id with another hash is neither a repeat nor new, and is
//! refused.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::{Index, Limits, Millis, Outcome, Refusal, Request, RequestId, encoding};
use serde::{Deserialize, Serialize};

use crate::hash::{RecordHash, Table};
use crate::mutants;
use crate::state::State;

/// Answers larger than this are not remembered; a repeat hears [`Outcome::AppliedBefore`].
pub const ANSWER_BYTES_MAX: usize = 4096;

/// A remembered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What it was answered, and when.
    pub answered: Answered,
    /// The hash of what the client sent, if it was known.
    pub fingerprint: Option<u64>,
}

/// What a request was answered. The byte form of feature level 1, which knows no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
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
    /// Those whose ids tell their time, and so in its order.
    pub(crate) timed: OrdMap<RequestId, Arc<Remembered>>,
    /// Those whose ids tell no time.
    pub(crate) keyed: OrdMap<RequestId, Arc<Remembered>>,
    /// These by the time at which they were applied.
    pub(crate) keyed_order: OrdSet<(Millis, RequestId)>,
    /// Ids made up to this time were forgotten. Never decreases, so that a longer window takes nothing back.
    pub(crate) forgotten_to: Millis,
}

impl Requests {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.timed.len() + self.keyed.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One that is remembered.
    pub fn get(&self, id: RequestId) -> Option<&Arc<Remembered>> {
        self.timed.get(&id).or_else(|| self.keyed.get(&id))
    }

    /// Every one that is remembered.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RequestId, &Arc<Remembered>)> {
        self.timed.iter().chain(self.keyed.iter())
    }

    /// What is to be said to a request before anything is done; `None` if it is new.
    pub(crate) fn answer(&self, asked: Request, now: Millis, limits: &Limits, level: u32) -> Option<Outcome> {
        if let Some(found) = self.get(asked.id) {
            return Some(found.again(asked));
        }
        let window = limits.request_window_ms;
        let Some(made) = asked.id.made_at().map(Millis) else {
            if level < 2 {
                return Some(Outcome::Refused(Refusal::RequestExpired));
            }
            let limit = limits.requests;
            return (self.keyed.len() as u64 >= limit)
                .then_some(Outcome::Refused(Refusal::TooManyRequests { limit }));
        };
        let tellable = now.since(made) <= window && made.since(now) <= window && made > self.forgotten_to;
        (!tellable).then_some(Outcome::Refused(Refusal::RequestExpired))
    }

    /// Takes one in.
    pub(crate) fn insert(&mut self, id: RequestId, remembered: Arc<Remembered>) {
        if id.made_at().is_some() {
            self.timed.insert(id, remembered);
        } else {
            self.keyed_order.insert((remembered.answered.at, id));
            self.keyed.insert(id, remembered);
        }
    }
}

impl Remembered {
    /// What a repeat hears.
    fn again(&self, asked: Request) -> Outcome {
        let differs = |(was, is): (u64, u64)| was != is;
        if self.fingerprint.zip(asked.fingerprint).is_some_and(differs) {
            return Outcome::Refused(Refusal::RequestReused { index: self.answered.index });
        }
        self.answered.outcome.clone()
    }
}

pub(crate) fn request_hash(id: RequestId, remembered: &Remembered) -> u64 {
    let hash = RecordHash::new(6).bytes(id.0.as_bytes()).value(&remembered.answered);
    match remembered.fingerprint {
        Some(fingerprint) => hash.number(fingerprint).finish(),
        None => hash.finish(),
    }
}

impl State {
    /// What a request hears before anything is done: what it was answered before, or why it cannot be done; `None` if it is
    /// new.
    pub fn repeated(&self, asked: Request) -> Option<Outcome> {
        self.requests.answer(asked, self.at, &self.limits, self.feature_level)
    }

    /// Remembers what a request was answered.
    pub(crate) fn remember(&mut self, request: Request, outcome: &Outcome) {
        let outcome = match encoding::encode(outcome).len() {
            bytes if bytes <= ANSWER_BYTES_MAX => outcome.clone(),
            _ => Outcome::AppliedBefore(self.index),
        };
        let answered = Answered { index: self.index, at: self.at, outcome };
        let remembered = Arc::new(Remembered { answered, fingerprint: request.fingerprint });
        self.hashes.replace(Table::Requests, None, Some(request_hash(request.id, &remembered)));
        self.requests.insert(request.id, remembered);
        self.prune_requests();
    }

    /// Forgets requests that a repeat would be refused for anyway, or that are over the bound, those made first foremost;
    /// and those that tell no time, when the window is over for them.
    pub(crate) fn prune_requests(&mut self) {
        let now =
            if mutants::active(mutants::REQUESTS_BY_OWN_CLOCK) { mutants::own_clock() } else { self.at };
        while let Some((id, gone)) = self.requests.timed.get_min().cloned() {
            let made = Millis(id.made_at().unwrap_or(0));
            let over = self.requests.timed.len() as u64 > self.limits.requests;
            if !over && now.since(made) <= self.limits.request_window_ms {
                break;
            }
            self.requests.forgotten_to = self.requests.forgotten_to.max(made);
            self.requests.timed.remove(&id);
            self.hashes.replace(Table::Requests, Some(request_hash(id, &gone)), None);
        }
        while let Some((at, id)) = self.requests.keyed_order.get_min().copied() {
            if now.since(at) <= self.limits.request_window_ms {
                break;
            }
            self.requests.keyed_order.remove(&(at, id));
            if let Some(gone) = self.requests.keyed.remove(&id) {
                self.hashes.replace(Table::Requests, Some(request_hash(id, &gone)), None);
            }
        }
    }
}
