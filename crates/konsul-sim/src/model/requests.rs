//! Requests with an id: answered again inside the window, refused beyond it, never done twice.

use konsul_types::{Millis, Outcome, Refusal, RequestId};

use super::Model;

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
    pub(super) fn heard_before(&self, id: RequestId) -> Option<Outcome> {
        if let Some(outcome) = self.requests.get(&id) {
            return Some(outcome.clone());
        }
        let window = self.limits.request_window_ms;
        let is_new = id.made_at().is_some_and(|made| {
            let made = Millis(made);
            self.at.since(made) <= window && made.since(self.at) <= window && made > self.forgotten_to
        });
        (!is_new).then_some(Outcome::Refused(Refusal::RequestExpired))
    }
}
