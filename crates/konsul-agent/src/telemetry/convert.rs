//! From the seam's spans to OpenTelemetry's.

use std::time::SystemTime;

use konsul_runtime::time::{Instant, now};
use konsul_runtime::trace::{Ended, Value};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// Where the monotonic clock stands on the wall.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wall {
    then: Instant,
    at: SystemTime,
}

impl Wall {
    /// As of now: a wall clock that was set right moves later batches, and never a part of one.
    pub(super) fn now() -> Wall {
        Wall { then: now(), at: SystemTime::now() }
    }

    fn of(self, instant: Instant) -> SystemTime {
        let before = self.then.saturating_duration_since(instant);
        let after = instant.saturating_duration_since(self.then);
        self.at.checked_sub(before).unwrap_or(SystemTime::UNIX_EPOCH) + after
    }

    /// One span.
    pub(super) fn span(self, ended: Ended, scope: &InstrumentationScope) -> SpanData {
        let trace = TraceId::from_bytes(ended.trace.as_u128().to_be_bytes());
        let own = SpanId::from_bytes(ended.span.to_be_bytes());
        let parent = ended.parent.map_or(SpanId::INVALID, |parent| SpanId::from_bytes(parent.to_be_bytes()));
        SpanData {
            span_context: SpanContext::new(trace, own, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: ended.is_entry && ended.parent.is_some(),
            span_kind: if ended.is_entry { SpanKind::Server } else { SpanKind::Internal },
            name: ended.name.into(),
            start_time: self.of(ended.started),
            end_time: self.of(ended.ended),
            attributes: ended.attributes.into_iter().map(pair).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: ended.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: scope.clone(),
        }
    }
}

fn pair((key, value): (&'static str, Value)) -> KeyValue {
    match value {
        Value::Number(number) => KeyValue::new(key, i64::try_from(number).unwrap_or(i64::MAX)),
        Value::Word(word) => KeyValue::new(key, word),
        Value::Text(text) => KeyValue::new(key, text),
    }
}
