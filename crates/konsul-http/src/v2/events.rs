//! `/v2/events`: notices to all nodes.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v2::event::{Event as Body, EventFire as Fire};
use konsul_api::v2::page::EventPage;
use konsul_api::v2::value::{self, Form};
use konsul_operations::Answer;
use konsul_operations::arguments::{EventFire, EventList, Receiver};
use konsul_types::{Event, Index, Value};

use super::body::{Faults, decode_that};
use super::cursor::CursorError;
use super::inbound::{Begun, Inbound, bad_cursor};
use super::rejection::Rejected;
use super::reply::Reply;

/// Longest name of an event, in bytes.
const NAME_MAX: usize = 256;

/// `POST`.
pub(crate) fn fire(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.json_limit())?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let event = edge.operations.event_fire(&context, wanted(&bytes)?).await?;
        Ok(Reply::json(&body(&event)).with_status(StatusCode::CREATED).with_index(event.index))
    })
}

fn wanted(bytes: &[u8]) -> Rejected<EventFire> {
    let fire: Fire = decode_that("EventFire", bytes, |fire: &Fire| {
        fire.payload.is_none() || fire.payload_base64.is_none()
    })?;
    let mut faults = Faults::default();
    if !(1..=NAME_MAX).contains(&fire.name.len()) {
        let detail = format!("has {} bytes; 1 to {NAME_MAX} are allowed", fire.name.len());
        faults.take::<(), _>("/name", Err(detail));
    }
    let payload = match (fire.payload, fire.payload_base64) {
        (None, None) => Some(Vec::new()),
        (text, base64) => faults.take("/payload_base64", value::bytes(text, base64.as_deref())),
    };
    if fire.tag_filter.is_some() && fire.service_filter.is_none() {
        faults.take::<(), _>("/tag_filter", Err("needs service_filter beside it"));
    }
    faults.check()?;
    Ok(EventFire {
        name: fire.name,
        payload: Value::from(payload.unwrap_or_default()),
        node_filter: fire.node_filter.unwrap_or_default(),
        service_filter: fire.service_filter.unwrap_or_default(),
        tag_filter: fire.tag_filter.unwrap_or_default(),
    })
}

/// An event.
pub(crate) fn body(event: &Event) -> Body {
    let payload = Some(event.payload.as_bytes()).filter(|payload| !payload.is_empty());
    let (payload, payload_base64) = payload.map(|payload| Form::of(payload).fields()).unwrap_or_default();
    let text = |filter: &str| Some(filter.to_owned()).filter(|filter| !filter.is_empty());
    Body {
        id: event.id.to_string(),
        name: event.name.clone(),
        payload,
        payload_base64,
        node_filter: text(&event.node_filter),
        service_filter: text(&event.service_filter),
        tag_filter: text(&event.tag_filter),
        logical_time: event.ltime,
        index: event.index.0,
    }
}

/// `GET`. The index is that of the newest event, since the list's own is a hash of ids.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (question, place) = inbound.question(&context, &["name", "node", "service", "tag"])?;
    let after = place.map(|place| last(&place)).transpose()?;
    let text = |name: &str| inbound.query.get(name).map(str::to_owned);
    let receiver = Receiver { node: text("node"), service: text("service"), tag: text("tag") };
    let args = EventList { name: text("name"), receiver, blocking: None };
    let limit = inbound.limit();
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: events, .. } = edge.operations.event_list(&context, args).await?;
        let index = edge.operations.index();
        let rest: Vec<&Arc<Event>> =
            events.iter().filter(|event| after.is_none_or(|after| event.index > after)).collect();
        let page = &rest[..rest.len().min(limit)];
        let last = page.last().filter(|_| page.len() < rest.len());
        let next_cursor = last.map(|event| question.cursor(&event.index.0.to_be_bytes()));
        let items = page.iter().map(|event| body(event)).collect();
        Ok(Reply::json(&EventPage { items, next_cursor, index: index.0 }).with_index(index))
    })
}

fn last(place: &[u8]) -> Rejected<Index> {
    let bytes = place.try_into().map_err(|_| bad_cursor(&CursorError::Malformed))?;
    Ok(Index(u64::from_be_bytes(bytes)))
}
