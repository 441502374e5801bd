//! Streams of changes. See [`crate::watch`] for what is promised.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context as Waiting, Poll};

use konsul_state::State;
use konsul_types::{Change, Index, Key, KvRecord, Millis};
use konsul_watch::{Batch, Delivery, Start, Subscription};

use super::Inner;
use super::reads::busy;
use super::steps::{Step, Steps, poll_steps};
use crate::answer::KvEntry;
use crate::arguments::KvSelect;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;
use crate::watch::{ChangeKind, KvWatch, Place, ResetReason, WatchChange, WatchEvent, Watching};

/// Opens a stream.
pub(crate) async fn open<R: Replica>(
    inner: &Arc<Inner<R>>,
    ctx: &Context,
    args: KvWatch,
) -> Result<Box<dyn Watching>, Error> {
    inner.permit(ctx, &needed(&args.select))?;
    if inner.is_stopping() {
        return Err(Error::Stopping("no stream is opened any more".into()));
    }
    // First the subscription, then the state: what is published in between is news.
    let feed = inner.replica.feed();
    let topic = args.select.topic(&ctx.namespace);
    let now = feed.subscribe(topic.clone(), Start::Now).map_err(busy)?;
    inner.fresh(ctx).await?;
    let state = inner.replica.state();
    let mut stream = Stream {
        inner: Arc::clone(inner),
        context: ctx.clone(),
        select: args.select,
        old_values: args.old_values,
        subscription: now,
        last: Place::after(state.index(), state.at()),
        stage: Stage::Over,
    };
    match args.from {
        None if args.initial => stream.begin_snapshot(state),
        None => stream.go_live(&state),
        Some(place) => match unfit(inner, &state, place) {
            Some(reason) => stream.start_over(reason),
            None => {
                stream.subscription = feed.subscribe(topic, Start::After(before(place))).map_err(busy)?;
                stream.last = place;
                stream.stage = Stage::Ready;
            }
        },
    }
    Ok(Box::new(stream))
}

fn needed(select: &KvSelect) -> Permission<'_> {
    match select {
        KvSelect::Key(key) => Permission::KeyRead(key.as_str()),
        other => Permission::KeyList(other.prefix()),
    }
}

/// The index after which the feed must go on for a place.
pub(super) fn before(place: Place) -> Index {
    match place.within {
        None => place.index,
        Some(_) => Index(place.index.0.saturating_sub(1)),
    }
}

/// Why a stream cannot go on from there. History may move on right after this; then the subscription finds out.
pub(super) fn unfit<R: Replica>(inner: &Inner<R>, state: &State, place: Place) -> Option<ResetReason> {
    let feed = inner.replica.feed();
    let known = || feed.time_of(place.index);
    if place.incomplete {
        Some(ResetReason::Incomplete)
    } else if place.index > state.index() || known().is_some_and(|at| at > place.at) {
        Some(ResetReason::Foreign)
    } else if before(place) < feed.oldest() {
        Some(ResetReason::FellOut)
    } else {
        None
    }
}

/// Where a stream stands that waits for a change: as far on as nothing concerned it.
pub(super) fn moved_on<R: Replica>(inner: &Inner<R>, subscription: &Subscription, last: Place) -> Place {
    let index = subscription.position();
    if index <= last.index {
        return last;
    }
    let known = inner.replica.feed().time_of(index);
    Place::after(index, known.unwrap_or(last.at).max(last.at))
}

struct Stream<R> {
    inner: Arc<Inner<R>>,
    context: Context,
    select: KvSelect,
    old_values: bool,
    subscription: Subscription,
    /// After the last event, or further on if nothing since concerned it.
    last: Place,
    stage: Stage,
}

enum Stage {
    /// It will say that it starts over.
    Reset(ResetReason),
    /// What there is comes.
    Snapshot(Box<Snapshot>),
    /// It will say that changes follow.
    Ready,
    /// It waits for a change.
    Live,
    /// It delivers an entry's changes, from this one on.
    Entry(Batch, usize),
    /// Nothing follows.
    Over,
}

/// One state on its way out. It is kept as long as that takes.
struct Snapshot {
    state: Arc<State>,
    page: VecDeque<(Key, Arc<KvRecord>)>,
    /// The last key looked at; `None` before the first.
    looked_at: Option<Key>,
    complete: bool,
}

impl<R: Replica> Watching for Stream<R> {
    fn poll_next(&mut self, waiting: &mut Waiting<'_>) -> Poll<WatchEvent> {
        poll_steps(self, waiting)
    }

    fn place(&self) -> Place {
        match self.stage {
            Stage::Live => moved_on(&self.inner, &self.subscription, self.last),
            _ => self.last,
        }
    }
}

impl<R: Replica> Steps for Stream<R> {
    fn is_to_end(&self) -> bool {
        self.inner.is_stopping() && !matches!(self.stage, Stage::Over)
    }

    fn end(&mut self) {
        self.stage = Stage::Over;
    }

    fn stand(&mut self, place: Place) {
        self.last = place;
    }

    fn step(&mut self, waiting: &Waiting<'_>) -> Step {
        match &mut self.stage {
            Stage::Reset(reason) => {
                let reason = *reason;
                self.begin_snapshot(self.inner.replica.state());
                Step::Event(WatchEvent::Reset { reason, place: self.last })
            }
            Stage::Snapshot(_) => self.step_snapshot(),
            Stage::Ready => {
                self.stage = Stage::Live;
                Step::Event(WatchEvent::Ready { place: self.last })
            }
            Stage::Live => match self.subscription.poll_next(waiting) {
                Poll::Pending => Step::Wait,
                Poll::Ready(delivery) => self.deliver(delivery),
            },
            Stage::Entry(..) => self.step_entry(),
            Stage::Over => Step::Wait,
        }
    }
}

impl<R: Replica> Stream<R> {
    fn deliver(&mut self, delivery: Delivery) -> Step {
        match delivery {
            Delivery::Batch(batch) => {
                // Resumed in the middle of this entry: its first changes are known.
                let known = self.last.within.filter(|_| self.last.index == batch.index());
                self.stage = Stage::Entry(batch, known.unwrap_or(0) as usize);
            }
            Delivery::Reset { reason, .. } => self.start_over(reason.into()),
            // Nobody asked for any.
            Delivery::Bookmark(_) => {}
        }
        Step::Again(1)
    }

    fn start_over(&mut self, reason: ResetReason) {
        self.stage = Stage::Reset(reason);
    }

    fn begin_snapshot(&mut self, state: Arc<State>) {
        self.last = Place { incomplete: true, ..Place::after(state.index(), state.at()) };
        let (page, looked_at) = (VecDeque::new(), None);
        self.stage = Stage::Snapshot(Box::new(Snapshot { state, page, looked_at, complete: false }));
    }

    fn go_live(&mut self, state: &State) {
        self.subscription.go_on_after(state.index());
        self.last = Place::after(state.index(), state.at());
        self.stage = Stage::Ready;
    }

    fn step_snapshot(&mut self) -> Step {
        let Stage::Snapshot(snapshot) = &mut self.stage else {
            return Step::Again(1);
        };
        while let Some((key, record)) = snapshot.page.pop_front() {
            if self.inner.permit(&self.context, &Permission::KeyRead(key.as_str())).is_ok() {
                let entry = KvEntry { namespace: self.context.namespace.clone(), key, record };
                return Step::Event(WatchEvent::Initial { entry, place: self.last });
            }
        }
        if snapshot.complete {
            let state = Arc::clone(&snapshot.state);
            self.go_live(&state);
            return Step::Again(1);
        }
        Step::Again(snapshot.turn(&self.context, &self.select))
    }

    fn step_entry(&mut self) -> Step {
        let Stage::Entry(batch, next) = &mut self.stage else {
            return Step::Again(1);
        };
        let set = Arc::clone(batch.all());
        while let Some(change) = set.changes.get(*next) {
            *next += 1;
            let Change::Kv { namespace, key, old, new } = change else { continue };
            if *namespace != self.context.namespace || !self.select.matches(key.as_str()) {
                continue;
            }
            if self.inner.permit(&self.context, &Permission::KeyRead(key.as_str())).is_err() {
                continue;
            }
            let within = (*next < set.changes.len()).then(|| u32::try_from(*next).unwrap_or(u32::MAX));
            return Step::Event(WatchEvent::Change(WatchChange {
                index: set.index,
                kind: kind(old.as_deref(), new.as_deref(), set.at),
                key: key.clone(),
                old: old.clone().filter(|_| self.old_values),
                new: new.clone(),
                place: Place { within, ..Place::after(set.index, set.at) },
            }));
        }
        self.last = Place::after(set.index, set.at);
        self.stage = Stage::Live;
        Step::Again(set.changes.len().max(1))
    }
}

impl Snapshot {
    /// Fills the next page; answers how many keys were looked at for it.
    fn turn(&mut self, context: &Context, select: &KvSelect) -> usize {
        const PAGE: usize = 128;
        let Some(keys) = self.state.keyspace(&context.namespace) else {
            self.complete = true;
            return 1;
        };
        let mut looked_at = 0;
        let after = self.looked_at.take();
        for (key, record) in keys.under_after(select.prefix(), after.as_ref().map(Key::as_str)).take(PAGE) {
            looked_at += 1;
            if select.matches(key.as_str()) {
                self.page.push_back((key.clone(), Arc::clone(record)));
            }
            self.looked_at = Some(key.clone());
        }
        self.complete = looked_at < PAGE;
        looked_at.max(1)
    }
}

/// What a change is to a client. A key whose time was over when it was removed has expired, whoever removed it.
fn kind(old: Option<&KvRecord>, new: Option<&KvRecord>, at: Millis) -> ChangeKind {
    match (old.and_then(|old| old.expires_at.at()), new) {
        (_, Some(_)) => ChangeKind::Put,
        (Some(over), None) if over <= at => ChangeKind::Expire,
        (_, None) => ChangeKind::Delete,
    }
}
