//! Requests with an id: answered again inside the window, refused beyond it, never done twice.

use konsul_types::{Index, Millis, Outcome, Refusal, Request};

use super::Model;

/// The entry that did it, the hash of what was sent, and the answer.
pub(super) type Answered = (Index, Option<u64>, Outcome);

impl Model {
    /// Those made too long ago are forgotten, and the oldest of too many.
    pub(super) fn forget_requests(&mut self) {
        while let Some((id, _)) = self.requests.first_key_value() {
            let (id, made) = (*id, Millis(id.made_at().unwrap_or(0)));
            let too_many = self.requests.len() as u64 > self.limits.requests;
            if !too_many && self.at.since(made) <= self.limits.request_window_ms {
                return;
            }
            self.forgotten_to = self.forgotten_to.max(made);
            self.requests.remove(&id);
        }
    }

    /// What was answered before; a refusal if nobody can tell; `None` if the request is new.
    pub(super) fn heard_before(&self, asked: Request) -> Option<Outcome> {
        let id = asked.id;
        if let Some((index, fingerprint, outcome)) = self.requests.get(&id) {
            let is_other = fingerprint.zip(asked.fingerprint).is_some_and(|(first, again)| first != again);
            return Some(match is_other {
                true => Outcome::Refused(Refusal::RequestReused { index: *index }),
                false => outcome.clone(),
            });
        }
        let window = self.limits.request_window_ms;
        let is_new = id.made_at().is_some_and(|made| {
            let made = Millis(made);
            self.at.since(made) <= window && made.since(self.at) <= window && made > self.forgotten_to
        });
        (!is_new).then_some(Outcome::Refused(Refusal::RequestExpired))
    }
}
