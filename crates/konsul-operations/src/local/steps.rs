//! What every stream does alike: it takes steps until one tells its client something, and lets others run in between.

use std::task::{Context as Waiting, Poll};

use crate::watch::{Place, WatchEvent, Watching};

/// How much one poll looks at before it lets others run: keys, records or changes.
const BUDGET: usize = 512;

/// What a step led to.
pub(super) enum Step {
    Event(WatchEvent),
    /// Another step is to be taken; so much was looked at.
    Again(usize),
    Wait,
}

/// A stream that is taken step by step.
pub(super) trait Steps: Watching {
    /// Whether its server stops and it has not said so yet.
    fn is_to_end(&self) -> bool;
    /// Nothing follows any more.
    fn end(&mut self);
    /// Where it stands from now on.
    fn stand(&mut self, place: Place);
    fn step(&mut self, waiting: &Waiting<'_>) -> Step;
}

/// Takes steps until there is an event, nothing to do, or enough was looked at.
pub(super) fn poll_steps<S: Steps>(stream: &mut S, waiting: &Waiting<'_>) -> Poll<WatchEvent> {
    if stream.is_to_end() {
        let place = stream.place();
        stream.stand(place);
        stream.end();
        return Poll::Ready(WatchEvent::End { place });
    }
    let mut looked_at = 0;
    while looked_at < BUDGET {
        match stream.step(waiting) {
            Step::Event(event) => {
                stream.stand(event.place());
                return Poll::Ready(event);
            }
            Step::Again(more) => looked_at += more,
            Step::Wait => return Poll::Pending,
        }
    }
    waiting.waker().wake_by_ref();
    Poll::Pending
}
