//! Streams of what changes beside keys. See [`crate::watch`] for what is promised.
//!
//! A stream keeps no copy of what its client knows. An entry that concerns it is compared with the one before it by going
//! back from a state of now ([`past`]); what the two are to its question is [`view`]'s.

mod past;
mod present;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context as Waiting, Poll};

use konsul_state::State;
use konsul_types::event::EVENTS_KEPT;
use konsul_types::{ChangeSet, Index, Millis};
use konsul_watch::{Delivery, Start, Subscription};

use super::Inner;
use super::events::check_receiver;
use super::reads::busy;
use super::steps::{Step, Steps, poll_steps};
use super::watches::{before, moved_on, unfit};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;
use crate::watch::{
    EventSelect, Place, Record, RecordChange, RecordKind, RecordSelect, RecordWatch, ResetReason, WatchEvent,
    Watching,
};
use past::{Known, Past};
use present::Present;
use view::{Difference, View};

/// Opens a stream.
pub(crate) async fn open<R: Replica>(
    inner: &Arc<Inner<R>>,
    ctx: &Context,
    args: RecordWatch,
) -> Result<Box<dyn Watching>, Error> {
    inner.permit_watch(ctx, &args.select)?;
    let view = View::new(args.select, ctx.namespace.clone(), inner.agent.datacenter())?;
    if inner.is_stopping() {
        return Err(Error::Stopping("no stream is opened any more".into()));
    }
    // First the subscription, then the state: what is published in between is news.
    let feed = inner.replica.feed();
    let topic = view.select.topic(&ctx.namespace);
    let now = feed.subscribe(topic.clone(), Start::Now).map_err(busy)?;
    inner.fresh(ctx).await?;
    let state = inner.replica.state();
    let mut stream = Stream {
        inner: Arc::clone(inner),
        context: ctx.clone(),
        view,
        old_values: args.old_values,
        subscription: now,
        last: Place::after(state.index(), state.at()),
        past: None,
        caught_up: VecDeque::new(),
        stage: Stage::Over,
    };
    match args.from {
        None if args.initial => stream.begin_present(state),
        None => stream.go_live(&state),
        Some(place) => match unfit(inner, &state, place) {
            Some(ResetReason::FellOut) => stream.catch_up_or_start_over(&state, place),
            Some(reason) => stream.stage = Stage::Reset(reason),
            None => {
                stream.subscription = feed.subscribe(topic, Start::After(before(place))).map_err(busy)?;
                stream.last = place;
                stream.stage = Stage::Ready;
            }
        },
    }
    Ok(Box::new(stream))
}

impl<R: Replica> Inner<R> {
    /// What one record is named is refused; lists are filtered.
    fn permit_watch(&self, ctx: &Context, select: &RecordSelect) -> Result<(), Error> {
        match select {
            RecordSelect::Service(of) => self.permit(ctx, &Permission::ServiceRead(of.name.as_str())),
            RecordSelect::Node(name) => self.permit(ctx, &Permission::NodeRead(name.as_str())),
            RecordSelect::Events(of) => {
                self.permit(ctx, &Permission::EventRead(of.name.as_deref().unwrap_or_default()))?;
                check_receiver(&of.receiver)
            }
            RecordSelect::Services | RecordSelect::Checks(_) => Ok(()),
        }
    }

    /// Whether a record may be told, now.
    fn may_tell(&self, ctx: &Context, record: &Record) -> bool {
        match record {
            Record::Instance(one) => {
                self.allows(ctx, &Permission::ServiceRead(one.service.name.as_str()))
                    && self.may_read_node(ctx, &one.node.name)
            }
            Record::Service(one) => self.allows(ctx, &Permission::ServiceRead(one.name.as_str())),
            Record::Node(node) => self.may_read_node(ctx, &node.name),
            Record::Check(check) => self.may_read_check(ctx, check),
            Record::Event(event) => self.allows(ctx, &Permission::EventRead(&event.name)),
        }
    }
}

struct Stream<R> {
    inner: Arc<Inner<R>>,
    context: Context,
    view: View,
    old_values: bool,
    subscription: Subscription,
    /// After the last event, or further on if nothing since concerned it.
    last: Place,
    /// What was lately, while there is more to be told of it.
    past: Option<Past>,
    /// Events that the feed has forgotten and the state has not.
    caught_up: VecDeque<RecordChange>,
    stage: Stage,
}

enum Stage {
    /// It will say that it starts over.
    Reset(ResetReason),
    /// What there is comes.
    Present(Box<Present>),
    /// It will say that changes follow.
    Ready,
    /// It waits for a change.
    Live,
    /// It looks at what an entry changed, of which so many differences are known to its client.
    Entry(Arc<ChangeSet>, u32),
    /// It delivers an entry's differences; so many came before the first of them.
    Deliver { index: Index, at: Millis, differences: VecDeque<Difference>, delivered: u32 },
    /// Nothing follows.
    Over,
}

impl<R: Replica> Watching for Stream<R> {
    fn poll_next(&mut self, waiting: &mut Waiting<'_>) -> Poll<WatchEvent> {
        poll_steps(self, waiting)
    }

    fn place(&self) -> Place {
        match self.stage {
            Stage::Live if self.caught_up.is_empty() => moved_on(&self.inner, &self.subscription, self.last),
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
                self.begin_present(self.inner.replica.state());
                Step::Event(WatchEvent::Reset { reason, place: self.last })
            }
            Stage::Present(_) => self.step_present(),
            Stage::Ready => {
                self.stage = Stage::Live;
                Step::Event(WatchEvent::Ready { place: self.last })
            }
            Stage::Live => self.step_live(waiting),
            Stage::Entry(..) => self.step_entry(waiting),
            Stage::Deliver { .. } => self.step_deliver(),
            Stage::Over => Step::Wait,
        }
    }
}

impl<R: Replica> Stream<R> {
    fn step_live(&mut self, waiting: &Waiting<'_>) -> Step {
        if let Some(change) = self.caught_up.pop_front() {
            return self.told(change);
        }
        match self.subscription.poll_next(waiting) {
            Poll::Pending => {
                self.past = None;
                Step::Wait
            }
            Poll::Ready(Delivery::Batch(batch)) => {
                // Resumed in the middle of this entry: its first differences are known.
                let known = self.last.within.filter(|_| self.last.index == batch.index());
                self.stage = Stage::Entry(Arc::clone(batch.all()), known.unwrap_or(0));
                Step::Again(1)
            }
            Poll::Ready(Delivery::Reset { reason, .. }) => {
                self.lost(reason.into());
                Step::Again(1)
            }
            // Nobody asked for any.
            Poll::Ready(Delivery::Bookmark(_)) => Step::Again(1),
        }
    }

    /// The feed cannot go on from where the stream stands.
    fn lost(&mut self, reason: ResetReason) {
        self.past = None;
        match reason {
            ResetReason::FellOut => {
                let state = self.inner.replica.state();
                self.catch_up_or_start_over(&state, self.last);
            }
            other => self.stage = Stage::Reset(other),
        }
    }

    /// Goes on with what the state has kept of events, if that is all since a place.
    fn catch_up_or_start_over(&mut self, state: &State, place: Place) {
        let missed = match &self.view.select {
            RecordSelect::Events(of) => self.missed_events(state, of, place.index),
            _ => None,
        };
        let Some(missed) = missed else {
            self.stage = Stage::Reset(ResetReason::FellOut);
            return;
        };
        self.subscription.go_on_after(state.index());
        // The entries' own times are forgotten with them; a later one is as good to tell other histories from this one.
        self.caught_up = missed
            .into_iter()
            .map(|event| RecordChange {
                index: event.index,
                kind: RecordKind::Fired,
                place: Place::after(event.index, state.at()),
                record: Record::Event(event),
                old: None,
            })
            .collect();
        self.last = place;
        self.stage = Stage::Ready;
    }

    /// `None` if one may be kept nowhere any more.
    fn missed_events(
        &self,
        state: &State,
        of: &EventSelect,
        after: Index,
    ) -> Option<Vec<Arc<konsul_types::Event>>> {
        let mut kept = state.events().iter();
        let oldest = kept.next().map(|event| event.index);
        let all = 1 + kept.count() < EVENTS_KEPT || oldest.is_some_and(|oldest| oldest <= after);
        let mut events = self.inner.events_for(&self.context, state, of.name.as_deref(), &of.receiver);
        events.retain(|event| event.index > after);
        all.then_some(events)
    }

    fn begin_present(&mut self, state: Arc<State>) {
        self.last = Place { incomplete: true, ..Place::after(state.index(), state.at()) };
        self.past = None;
        let present = Present::new(&self.inner, &self.context, &self.view, state);
        self.stage = Stage::Present(Box::new(present));
    }

    fn go_live(&mut self, state: &State) {
        self.subscription.go_on_after(state.index());
        self.last = Place::after(state.index(), state.at());
        self.stage = Stage::Ready;
    }

    fn step_present(&mut self) -> Step {
        let Stage::Present(present) = &mut self.stage else { return Step::Again(1) };
        match present.next() {
            present::Next::Record(record) if self.inner.may_tell(&self.context, &record) => {
                Step::Event(WatchEvent::Present { record, place: self.last })
            }
            present::Next::Record(_) => Step::Again(1),
            present::Next::Looked(count) => Step::Again(count),
            present::Next::End => {
                let state = Arc::clone(present.state());
                self.go_live(&state);
                Step::Again(1)
            }
        }
    }

    fn step_entry(&mut self, waiting: &Waiting<'_>) -> Step {
        let Stage::Entry(set, delivered) = &self.stage else { return Step::Again(1) };
        let (set, delivered) = (Arc::clone(set), *delivered);
        if self.view.needs_past() {
            match self.look_back(set.index) {
                Looked::Far => {}
                Looked::Some(count) => return Step::Again(count),
                Looked::TooEarly => {
                    waiting.waker().wake_by_ref();
                    return Step::Wait;
                }
                Looked::Lost => {
                    self.lost(ResetReason::FellOut);
                    return Step::Again(1);
                }
            }
        }
        let mut differences: VecDeque<Difference> =
            self.view.differences(self.past.as_ref(), &set).into_iter().collect();
        if let RecordSelect::Events(of) = &self.view.select {
            let ears = self.inner.ears(&self.context, of.name.as_deref(), &of.receiver);
            differences.retain(|one| matches!(&one.record, Record::Event(event) if ears.hear(event)));
        }
        let looked_at = set.changes.len() + differences.len();
        differences.drain(..(delivered as usize).min(differences.len()));
        self.stage = Stage::Deliver { index: set.index, at: set.at, differences, delivered };
        Step::Again(looked_at.max(1))
    }

    /// Makes known what was before an entry.
    fn look_back(&mut self, index: Index) -> Looked {
        if !self.past.as_ref().is_some_and(|past| past.reaches(index)) {
            let Some(state) = past::told(&*self.inner.replica, &self.context.namespace) else {
                return Looked::TooEarly;
            };
            self.past = Some(Past::new(state, Index(index.0.saturating_sub(1))));
        }
        let Some(past) = &mut self.past else { return Looked::TooEarly };
        match past.gather(self.inner.replica.feed()) {
            Known::All => Looked::Far,
            Known::More(count) => Looked::Some(count),
            Known::Lost => Looked::Lost,
        }
    }

    fn step_deliver(&mut self) -> Step {
        let Stage::Deliver { index, at, differences, delivered } = &mut self.stage else {
            return Step::Again(1);
        };
        let end = Place::after(*index, *at);
        let Some(difference) = differences.pop_front() else {
            self.last = end;
            self.stage = Stage::Live;
            return Step::Again(1);
        };
        *delivered += 1;
        let within = (!differences.is_empty()).then_some(*delivered);
        let Difference { kind, record, old } = difference;
        let place = Place { within, ..end };
        self.told(RecordChange { index: place.index, kind, record, old, place })
    }

    /// Tells a change, if its reader may see it.
    fn told(&mut self, mut change: RecordChange) -> Step {
        if !self.inner.may_tell(&self.context, &change.record) {
            self.last = change.place;
            return Step::Again(1);
        }
        change.old = change.old.filter(|old| self.old_values && self.inner.may_tell(&self.context, old));
        Step::Event(WatchEvent::Record(Box::new(change)))
    }
}

/// How far back a stream has looked.
enum Looked {
    /// As far as it must.
    Far,
    /// So many entries further.
    Some(usize),
    /// The newest state is not in the feed yet.
    TooEarly,
    /// History does not reach there.
    Lost,
}
