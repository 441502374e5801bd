//! User events.

use std::sync::Arc;

use konsul_runtime::time::now;
use konsul_state::State;
use konsul_types::event::EVENT_PAYLOAD_MAX;
use konsul_types::{Command, Event, EventId, Index, Outcome, Service};
use konsul_watch::{Topic, Wake};
use regex::Regex;

use super::reads::answer;
use super::{Inner, unexpected};
use crate::answer::Answer;
use crate::arguments::{EventFire, EventList, Receiver};
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
        check_receiver(&args.receiver)?;
        let deadline = args.blocking.map(|asked| now() + asked.wait);
        loop {
            let feed = self.replica.feed();
            let mut parked = None;
            if args.blocking.is_some() {
                parked = Some(feed.park(Topic::Events, feed.head()).map_err(super::reads::busy)?);
            }
            let staleness = self.fresh(ctx).await?;
            let state = self.replica.state();
            let events = self.events_for(ctx, &state, args.name.as_deref(), &args.receiver);
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

    /// The kept events that are for a receiver.
    pub(super) fn events_for(
        &self,
        ctx: &Context,
        state: &State,
        name: Option<&str>,
        receiver: &Receiver,
    ) -> Vec<Arc<Event>> {
        let ears = self.ears(ctx, name, receiver);
        state.events().iter().filter(|event| ears.hear(event)).cloned().collect()
    }

    /// Who listens, as he stands now.
    pub(super) fn ears(&self, ctx: &Context, name: Option<&str>, receiver: &Receiver) -> Ears {
        let node = receiver.node.clone().unwrap_or_else(|| self.agent.node_name().to_string());
        let instances = match &receiver.service {
            Some(service) => vec![(service.clone(), receiver.tag.iter().cloned().collect())],
            None => {
                let kept = self.agent.registry().map(|registry| registry.services(&ctx.namespace));
                let tags = |one: &Service| one.tags.iter().map(str::to_owned).collect();
                kept.unwrap_or_default().iter().map(|one| (one.name.to_string(), tags(one))).collect()
            }
        };
        Ears { name: name.map(str::to_owned), node, instances }
    }
}

/// A receiver of events: a node, and instances of services with their tags.
pub(super) struct Ears {
    name: Option<String>,
    node: String,
    instances: Vec<(String, Vec<String>)>,
}

impl Ears {
    /// Whether an event is meant for it.
    pub(super) fn hear(&self, event: &Event) -> bool {
        let tagged = |tags: &[String]| {
            event.tag_filter.is_empty() || tags.iter().any(|tag| matches(&event.tag_filter, tag))
        };
        self.name.as_ref().is_none_or(|name| event.name == *name)
            && matches(&event.node_filter, &self.node)
            && (event.service_filter.is_empty()
                || self
                    .instances
                    .iter()
                    .any(|(name, tags)| matches(&event.service_filter, name) && tagged(tags)))
    }
}

/// An empty filter is for everybody. A filter was checked when the event was fired.
fn matches(filter: &str, text: &str) -> bool {
    filter.is_empty() || Regex::new(filter).is_ok_and(|filter| filter.is_match(text))
}

pub(super) fn check_receiver(receiver: &Receiver) -> Result<(), Error> {
    if receiver.tag.is_some() && receiver.service.is_none() {
        return Err(Error::invalid("tag", "Cannot provide tag filter without service filter"));
    }
    Ok(())
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
