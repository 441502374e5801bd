//! What a request pays for tracing: `cargo run --release -p konsul-runtime --example trace_cost`.
//!
//! Prints nanoseconds for each of the steps that every request takes, for a tracer that records nobody, one in a hundred,
//! and everybody. The figures that count are the first two: they are what an unrecorded request pays.

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use konsul_runtime::trace::{Ended, RequestTag, SpanSink, Tracer};

#[derive(Debug)]
struct Nowhere;

impl SpanSink for Nowhere {
    fn take(&self, span: Ended) {
        black_box(span);
    }
}

const ROUNDS: u32 = 2_000_000;

fn main() {
    for ratio in [0.0, 0.01, 1.0] {
        let tracer = Tracer::new(Arc::new(Nowhere), ratio);
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            request(&tracer);
        }
        println!("ratio {ratio}: {:.1} ns a request", begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
    }
}

/// The decision, the tag, and the five places where a write hangs a span.
fn request(tracer: &Tracer) {
    let span = tracer.begin("kv_put", black_box(None));
    let tag = RequestTag::next().in_trace(span.traceparent().map(|own| own.trace));
    let _tagged = tag.enter();
    let operation = span.scope().span("operation kv_put");
    let propose = operation.scope().span("propose");
    let scope = propose.scope();
    if scope.is_recorded() {
        let at = konsul_runtime::time::now();
        scope.tell("log append", at, at, Vec::new());
        scope.tell("log sync", at, at, Vec::new());
        scope.tell("apply", at, at, Vec::new());
    }
    black_box(&scope);
}
