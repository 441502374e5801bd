//! One subscription's turn among the many of a WebSocket: a future that is ready with its next event.
//!
//! All turns of a socket lie in one set, which polls only those that were woken: a thousand quiet subscriptions cost
//! nothing while one is busy, and a busy one goes to the end of the queue after each of its turns.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use konsul_operations::Error;
use konsul_operations::watch::{Place, WatchEvent, Watching};

use super::ask::Ask;
use super::cursor::Question;
use crate::service::Edge;

type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn Watching>, Error>> + Send>>;

/// A subscription that waits for its next event.
pub(crate) struct Turn {
    id: Arc<str>,
    question: Question,
    state: State,
    waker: Option<Waker>,
}

enum State {
    Opening(Opening),
    Live(Box<dyn Watching>),
    Over,
}

/// What came of a turn.
pub(crate) struct Outcome {
    pub(crate) id: Arc<str>,
    pub(crate) question: Question,
    pub(crate) what: What,
}

pub(crate) enum What {
    Opened(Box<dyn Watching>),
    Refused(Error),
    Event(Box<dyn Watching>, WatchEvent),
    /// It was taken back.
    Over,
}

impl Turn {
    /// The first turn of a subscription, in which it is opened.
    pub(crate) fn open(edge: &Arc<Edge>, id: Arc<str>, ask: Ask) -> Turn {
        let edge = Arc::clone(edge);
        let question = ask.question;
        let opening = async move { ask.watch.open(&*edge.operations, &ask.context).await };
        Turn { id, question, state: State::Opening(Box::pin(opening)), waker: None }
    }

    /// Another turn.
    pub(crate) fn next(id: Arc<str>, question: Question, watching: Box<dyn Watching>) -> Turn {
        Turn { id, question, state: State::Live(watching), waker: None }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn question(&self) -> Question {
        self.question
    }

    /// Whether it was taken back.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Where the subscription stands, if it is open.
    pub(crate) fn place(&self) -> Option<Place> {
        match &self.state {
            State::Live(watching) => Some(watching.place()),
            _ => None,
        }
    }

    /// Takes the turn back: the subscription is free at once, and the turn is ready with nothing.
    pub(crate) fn take_back(&mut self) {
        self.state = State::Over;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll_what(&mut self, cx: &mut Context<'_>) -> Poll<What> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => Poll::Ready(What::Over),
            State::Opening(mut opening) => match opening.as_mut().poll(cx) {
                Poll::Pending => {
                    self.state = State::Opening(opening);
                    Poll::Pending
                }
                Poll::Ready(Ok(watching)) => Poll::Ready(What::Opened(watching)),
                Poll::Ready(Err(why)) => Poll::Ready(What::Refused(why)),
            },
            State::Live(mut watching) => match watching.poll_next(cx) {
                Poll::Pending => {
                    self.state = State::Live(watching);
                    Poll::Pending
                }
                Poll::Ready(event) => Poll::Ready(What::Event(watching, event)),
            },
        }
    }
}

impl Future for Turn {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        match this.poll_what(cx) {
            Poll::Ready(what) => {
                Poll::Ready(Outcome { id: Arc::clone(&this.id), question: this.question, what })
            }
            Poll::Pending => {
                if !this.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                    this.waker = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}
