//! `GET /v2/limits`: the waist's bounds, and the edge's own.

use std::sync::Arc;

use konsul_api::v2::code::{self, Code};
use konsul_api::v2::system::{Limit, Limits};
use konsul_operations::Answer;
use konsul_operations::ports::Bound;

use super::super::inbound::{Begun, Inbound};
use super::super::reply::Reply;
use crate::settings::Settings;

/// `GET`.
pub(crate) fn limits(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: bounds, meta } = edge.operations.limits(&context).await?;
        let mut items: Vec<Limit> = bounds.iter().map(told).chain(own(&edge.settings)).collect();
        items.sort_by(|left, right| left.name.cmp(&right.name));
        items.dedup_by(|left, right| left.name == right.name);
        Ok(Reply::json(&Limits { items, index: meta.index.0 }).with_index(meta.index))
    })
}

fn told(bound: &Bound) -> Limit {
    Limit {
        name: bound.name.to_owned(),
        value: bound.value,
        unit: bound.unit.to_owned(),
        per: bound.per.to_owned(),
        code: code::find(bound.at_bound).map(|code| code.id.to_owned()),
        at_bound: bound.at_bound.to_owned(),
    }
}

fn limit(name: &str, value: u64, unit: &str, per: &str, code: Option<&Code>, at_bound: &str) -> Limit {
    Limit {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        per: per.to_owned(),
        code: code.map(|code| code.id.to_owned()),
        at_bound: code.map_or(at_bound, |code| code.id).to_owned(),
    }
}

/// What the edge itself holds clients to.
fn own(settings: &Settings) -> Vec<Limit> {
    let (limits, times, streams) = (&settings.limits, &settings.timeouts, &settings.streams);
    let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let too_large = Some(&code::BODY_TOO_LARGE);
    vec![
        limit(
            "http.connections",
            limits.connections as u64,
            "connections",
            "server",
            None,
            "503, and the connection is closed",
        ),
        limit(
            "http.connections_per_source",
            limits.connections_per_source as u64,
            "connections",
            "source address",
            None,
            "429, and the connection is closed",
        ),
        limit("http.head_bytes", limits.head_bytes as u64, "bytes", "request", None, "431"),
        limit("http.value_bytes", limits.value_bytes, "bytes", "value", Some(&code::VALUE_TOO_LARGE), ""),
        limit("http.event_bytes", limits.event_bytes, "bytes", "event", Some(&code::TOO_LARGE), ""),
        limit("http.body_bytes", limits.body_bytes, "bytes", "body", too_large, ""),
        limit("http.batch_bytes", super::super::batch::BODY_MAX, "bytes", "batch", too_large, ""),
        limit("http.head_time", ms(times.head), "milliseconds", "request", None, "the connection is closed"),
        limit(
            "http.idle_time",
            ms(times.idle),
            "milliseconds",
            "connection",
            None,
            "the connection is closed",
        ),
        limit("http.body_time", ms(times.body), "milliseconds", "body", Some(&code::BODY_TOO_SLOW), ""),
        limit("http.write_time", ms(times.write), "milliseconds", "answer", None, "the connection is closed"),
        limit(
            "http.wait_time",
            ms(times.max_wait),
            "milliseconds",
            "request",
            None,
            "a longer wait ends then",
        ),
        limit(
            "http.page_items",
            u64::from(konsul_api::v2::page::LIMIT_MAX),
            "items",
            "page",
            Some(&code::INVALID_PARAMETER),
            "",
        ),
        limit(
            "streams.queue_bytes",
            streams.queue_bytes as u64,
            "bytes",
            "stream",
            None,
            "the stream waits, and is cut with its cursor",
        ),
        limit(
            "streams.message_bytes",
            streams.message_bytes as u64,
            "bytes",
            "message",
            None,
            "the WebSocket is closed with 1009",
        ),
        limit(
            "streams.subscriptions",
            streams.subscriptions as u64,
            "subscriptions",
            "WebSocket",
            code::find("too_many_subscriptions"),
            "",
        ),
    ]
}
