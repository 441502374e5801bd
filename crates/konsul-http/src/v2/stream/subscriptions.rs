//! The subscriptions of one WebSocket.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use konsul_api::v2::code::{SUBSCRIPTION_EXISTS, SUBSCRIPTION_NOT_FOUND, TOO_MANY_SUBSCRIPTIONS};
use konsul_operations::watch::Place;

use super::ask::Ask;
use super::cursor::Question;
use super::turn::{Outcome, Turn};
use crate::service::Edge;
use crate::v2::rejection::{Rejected, Rejection};

/// The subscriptions of one WebSocket, by the client's names for them.
pub(crate) struct Subscriptions {
    most: usize,
    /// The highest index that the client was told a cursor of, by subscription; `None` while it is being opened.
    told: HashMap<Arc<str>, Option<Place>>,
    /// How many are in the middle of what there was.
    incomplete: usize,
    turns: FuturesUnordered<Turn>,
}

/// Where a subscription stands.
pub(crate) struct Standing {
    pub(crate) id: Arc<str>,
    pub(crate) question: Question,
    pub(crate) place: Place,
}

impl Subscriptions {
    pub(crate) fn new(most: usize) -> Subscriptions {
        Subscriptions { most, told: HashMap::new(), incomplete: 0, turns: FuturesUnordered::new() }
    }

    /// Begins one.
    pub(crate) fn open(&mut self, edge: &Arc<Edge>, id: &str, ask: Ask) -> Rejected<()> {
        if self.told.contains_key(id) {
            return Err(Rejection::new(&SUBSCRIPTION_EXISTS, format!("{id:?} is subscribed already")));
        }
        if self.told.len() >= self.most {
            let detail = format!("a stream has at most {} subscriptions", self.most);
            return Err(Rejection::new(&TOO_MANY_SUBSCRIPTIONS, detail));
        }
        let id: Arc<str> = Arc::from(id);
        self.told.insert(Arc::clone(&id), None);
        self.turns.push(Turn::open(edge, id, ask));
        Ok(())
    }

    /// Ends one, and answers where it stood, if it was open.
    pub(crate) fn close(&mut self, id: &str) -> Rejected<Option<Standing>> {
        if !self.forget(id) {
            return Err(Rejection::new(&SUBSCRIPTION_NOT_FOUND, format!("{id:?} is not subscribed")));
        }
        let turn = self.turns.iter_mut().find(|turn| &**turn.id() == id && !turn.is_over());
        Ok(turn.and_then(|turn| {
            let standing = standing(turn);
            turn.take_back();
            standing
        }))
    }

    /// Forgets one that is over by itself. False if it is not known.
    pub(crate) fn forget(&mut self, id: &str) -> bool {
        let told = self.told.remove(id);
        self.incomplete -= usize::from(told.flatten().is_some_and(|place| place.incomplete));
        told.is_some()
    }

    /// Ends all, and answers where they stood.
    pub(crate) fn close_all(&mut self) -> Vec<Standing> {
        let all = self.standing().collect();
        self.turns.clear();
        self.told.clear();
        self.incomplete = 0;
        all
    }

    /// Those that have moved on since the client was last told a cursor of theirs.
    pub(crate) fn moved(&mut self) -> Vec<Standing> {
        let told = &self.told;
        let stood = |id: &Arc<str>| told.get(id).copied().flatten();
        let all = self.turns.iter().filter_map(standing);
        all.filter(|now| stood(&now.id).is_some_and(|before| before.index < now.place.index)).collect()
    }

    fn standing(&self) -> impl Iterator<Item = Standing> {
        self.turns.iter().filter_map(standing)
    }

    /// Notes that the client is told a cursor.
    pub(crate) fn tell(&mut self, id: &str, place: Place) {
        if let Some(told) = self.told.get_mut(id) {
            let before = told.replace(place).is_some_and(|before| before.incomplete);
            self.incomplete = self.incomplete + usize::from(place.incomplete) - usize::from(before);
        }
    }

    /// The same for a cursor that may be overtaken. False if the client knows a newer one, or the subscription is gone.
    pub(crate) fn tell_newer(&mut self, id: &str, place: Place) -> bool {
        let is_newer = matches!(self.told.get(id), Some(Some(told)) if told.index < place.index);
        if is_newer {
            self.tell(id, place);
        }
        is_newer
    }

    /// Whether any is in the middle of what there was.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete > 0
    }

    /// The next turn that comes to something.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        match self.turns.poll_next_unpin(cx) {
            Poll::Ready(Some(outcome)) => Poll::Ready(outcome),
            // Whoever subscribes is awake, and asks again.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Puts one in the queue again.
    pub(crate) fn go_on(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    /// Whether a turn is of a subscription that is still wanted.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.told.contains_key(id)
    }
}

fn standing(turn: &Turn) -> Option<Standing> {
    let place = turn.place()?;
    Some(Standing { id: Arc::clone(turn.id()), question: turn.question(), place })
}
