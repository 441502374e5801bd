//! `/v1/event/…`: user events.

use std::sync::Arc;

use konsul_api::v1::bytes::Base64;
use konsul_api::v1::event::Event as Body;
use konsul_operations::arguments::{EventFire, EventList};
use konsul_types::{Event, Value};

use super::error::reply;
use super::inbound::Inbound;
use super::kv::{body_refused, too_large_for};
use super::read::Options;
use super::reply::{Fresh, Reply};
use super::route::Route;
use crate::intake;
use crate::service::Handled;

const LIMIT: &str = "the server's bound on event payloads";

/// `PUT fire/:name`.
pub(crate) fn fire(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing name"));
    }
    let text = |name: &str| inbound.query.get(name).unwrap_or("").to_owned();
    let mut args = EventFire {
        name: inbound.tail.to_owned(),
        payload: Value::default(),
        node_filter: text("node"),
        service_filter: text("service"),
        tag_filter: text("tag"),
    };
    // As in Consul, a body without a declared length counts as none.
    let has_body = inbound.declared_length().is_some_and(|length| length > 0);
    let limit = inbound.edge.settings.limits.event_bytes;
    inbound.check_declared(limit, |length| too_large_for(Some(length), limit, LIMIT))?;
    let pace = inbound.pace();
    let edge = Arc::clone(inbound.edge);
    let body = inbound.take_body();
    Ok(Box::pin(async move {
        if has_body {
            match intake::read(body, limit, pace).await {
                Ok(bytes) => args.payload = Value::from(&bytes[..]),
                Err(why) => return body_refused(&why, LIMIT),
            }
        }
        match edge.operations.event_fire(&context, args).await {
            // The one who fires sees no logical time, as in Consul, where it is not known yet.
            Ok(event) => Reply::json(&Body { ltime: 0, ..wire(&event) }),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET list`.
pub(crate) fn list(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    // The default wait is the longest here.
    let Options { context, blocking } = inbound.options_waiting(inbound.edge.settings.timeouts.max_wait)?;
    let args =
        EventList { name: inbound.query.text("name").map(str::to_owned), blocking, ..EventList::default() };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.event_list(&context, args).await {
            Ok(answer) => {
                let events: Vec<Body> = answer.value.iter().map(|event| wire(event)).collect();
                Reply::json(&events).with_fresh(Fresh::Index(answer.meta.index.0))
            }
            Err(why) => reply(&why),
        }
    }))
}

fn wire(event: &Event) -> Body {
    Body {
        id: event.id.to_string(),
        name: event.name.clone(),
        payload: Base64(event.payload.as_bytes().to_vec()),
        node_filter: event.node_filter.clone(),
        service_filter: event.service_filter.clone(),
        tag_filter: event.tag_filter.clone(),
        version: 1,
        ltime: event.ltime,
    }
}
