//! User events.

use std::sync::Arc;

use konsul_runtime::time::now;
use konsul_types::event::EVENT_PAYLOAD_MAX;
use konsul_types::{Command, Event, EventId, Index, Outcome, Service};
use konsul_watch::{Topic, Wake};
use regex::Regex;

use super::reads::answer;
use super::{Inner, unexpected};
use crate::answer::Answer;
use crate::arguments::{EventFire, EventList};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

/// The index that clients of the event list see: the two halves of the newest event's id, one folded on the other.
pub fn event_index(newest: Option<EventId>) -> Index {
    let Some(id) = newest else { return Index(1) };
    let (high, low) = id.0.as_u64_pair();
    Index(high ^ low)
}

impl<R: Replica> Inner<R> {
    pub(crate) async fn event_fire(&self, ctx: &Context, args: EventFire) -> Result<Arc<Event>, Error> {
        self.permit(ctx, &Permission::EventWrite(&args.name))?;
        check_event(&args)?;
        let event = Event {
            id: EventId(konsul_runtime::random::uuid_v4()),
            name: args.name,
            payload: args.payload,
            node_filter: args.node_filter,
            service_filter: args.service_filter,
            tag_filter: args.tag_filter,
            ltime: 0,
            index: Index::ZERO,
        };
        match self.write(ctx, Command::EventFire { event }).await? {
            (_, Outcome::Event(event)) => Ok(event),
            (_, other) => Err(unexpected(&other)),
        }
    }

    /// Waits while the newest event is the one that the client knows: indexes of events are compared for equality only.
    pub(crate) async fn event_list(
        &self,
        ctx: &Context,
        args: EventList,
    ) -> Result<Answer<Vec<Arc<Event>>>, Error> {
        self.permit(ctx, &Permission::EventRead(args.name.as_deref().unwrap_or_default()))?;
        let deadline = args.blocking.map(|asked| now() + asked.wait);
        loop {
            let feed = self.replica.feed();
            let mut parked = None;
            if args.blocking.is_some() {
                parked = Some(feed.park(Topic::Events, feed.head()).map_err(super::reads::busy)?);
            }
            let staleness = self.fresh(ctx).await?;
            let state = self.replica.state();
            let events = self.events_here(ctx, &state, args.name.as_deref());
            let index = event_index(events.last().map(|event| event.id));
            let known = args.blocking.is_some_and(|asked| asked.index == index);
            let (Some(mut parked), Some(deadline), true) = (parked, deadline, known && !self.is_stopping())
            else {
                return Ok(answer(events, index, ctx.consistency, staleness));
            };
            parked.has_read(state.index());
            drop(state);
            if let Wake::Timeout = parked.wait(deadline).await {
                return Ok(answer(events, index, ctx.consistency, staleness));
            }
        }
    }

    /// The kept events that are for this agent: for its node, and for an instance that it keeps.
    fn events_here(&self, ctx: &Context, state: &konsul_state::State, name: Option<&str>) -> Vec<Arc<Event>> {
        let node = self.agent.node_name();
        let kept =
            self.agent.registry().map(|registry| registry.services(&ctx.namespace)).unwrap_or_default();
        let named = |event: &&Arc<Event>| name.is_none_or(|name| event.name == name);
        let mine =
            |event: &&Arc<Event>| matches(&event.node_filter, node.as_str()) && has_meant(event, &kept);
        state.events().iter().filter(named).filter(mine).cloned().collect()
    }
}

/// Whether one of the agent's instances is meant, if the event is for instances.
fn has_meant(event: &Event, kept: &[Arc<Service>]) -> bool {
    let tagged = |one: &Service| {
        event.tag_filter.is_empty() || one.tags.iter().any(|tag| matches(&event.tag_filter, tag))
    };
    let meant = |one: &Arc<Service>| matches(&event.service_filter, one.name.as_str()) && tagged(one);
    event.service_filter.is_empty() || kept.iter().any(meant)
}

/// An empty filter is for everybody. A filter was checked when the event was fired.
fn matches(filter: &str, text: &str) -> bool {
    filter.is_empty() || Regex::new(filter).is_ok_and(|filter| filter.is_match(text))
}

fn check_event(args: &EventFire) -> Result<(), Error> {
    if args.name.is_empty() {
        return Err(Error::invalid("name", "Missing name"));
    }
    if !args.tag_filter.is_empty() && args.service_filter.is_empty() {
        return Err(Error::invalid("tag", "Cannot provide tag filter without service filter"));
    }
    let filters = [("node", &args.node_filter), ("service", &args.service_filter), ("tag", &args.tag_filter)];
    for (what, filter) in filters {
        Regex::new(filter)
            .map_err(|why| Error::invalid("filter", format!("Invalid {what} filter: {why}")))?;
    }
    if args.payload.len() > EVENT_PAYLOAD_MAX {
        return Err(Error::TooLarge {
            what: "the event's payload".into(),
            actual: args.payload.len() as u64,
            limit: EVENT_PAYLOAD_MAX as u64,
            unit: "bytes",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_an_event_is_its_folded_id() {
        let id: EventId = "00000000-0000-0001-0000-000000000003".parse().unwrap();
        assert_eq!(event_index(Some(id)), Index(2));
        assert_eq!(event_index(None), Index(1));
    }
}
