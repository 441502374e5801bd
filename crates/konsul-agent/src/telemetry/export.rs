//! The task that sends spans to a collector.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use konsul_config::{OtlpProtocol, build};
use konsul_operations::ports::HealthState;
use konsul_runtime::sync::mpsc::Receiver;
use konsul_runtime::time::{Duration, now, sleep_until, timeout};
use konsul_runtime::trace::Ended;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;

use super::convert::Wall;
use super::queue::Queue;
use super::settings::Settings;
use crate::AgentError;
use crate::health::Line;

/// Spans sent at once.
const BATCH: usize = 512;

/// How long a span waits for others.
const GATHER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Exporter {
    exporter: SpanExporter,
    scope: InstrumentationScope,
    endpoint: String,
    within: Duration,
    /// A collector that does not answer is told there.
    health: Line,
}

impl Exporter {
    pub(super) fn new(settings: &Settings, health: Line) -> Result<Exporter, AgentError> {
        let refused = |why: String| AgentError::Option(format!("telemetry.otlp_endpoint: {why}"));
        let mut exporter = build(settings).map_err(|why| refused(why.to_string()))?;
        exporter.set_resource(&resource(settings));
        let scope = InstrumentationScope::builder("konsul").with_version(build::VERSION).build();
        let endpoint = settings.endpoint.clone();
        Ok(Exporter { exporter, scope, endpoint, within: settings.timeout, health })
    }

    /// Sends until it is told to end, and then what is left.
    pub(super) async fn run(mut self, queue: Arc<Queue>, mut waiting: Receiver<Ended>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut closing = false;
        while !closing {
            closing = gather(&queue, &mut waiting, &mut batch).await;
            self.send(&queue, &mut batch).await;
        }
        while let Ok(span) = waiting.try_recv() {
            batch.push(span);
            if batch.len() == BATCH {
                self.send(&queue, &mut batch).await;
            }
        }
        self.send(&queue, &mut batch).await;
    }

    async fn send(&mut self, queue: &Queue, batch: &mut Vec<Ended>) {
        if batch.is_empty() {
            return;
        }
        let (count, wall) = (batch.len() as u64, Wall::now());
        let spans = batch.drain(..).map(|span| wall.span(span, &self.scope)).collect();
        let failure = match timeout(self.within, self.exporter.export(spans)).await {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why.to_string()),
            Err(_) => Some(format!("no answer within {} s", self.within.as_secs_f64())),
        };
        match failure {
            None => {
                self.health.ok();
                queue.exported.fetch_add(count, Ordering::Relaxed)
            }
            Some(why) => {
                let told =
                    format!("traces cannot be sent to {}: {why}; requests are not affected", self.endpoint);
                self.health.set(HealthState::Warn, told);
                queue.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}

/// Waits for a first span, then for others, until there are enough or time is up. Answers whether it is told to end.
async fn gather(queue: &Queue, waiting: &mut Receiver<Ended>, batch: &mut Vec<Ended>) -> bool {
    let mut until = None;
    loop {
        let due = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        konsul_runtime::select! {
            biased;
            () = queue.closing.notified() => return true,
            span = waiting.recv() => match span {
                Some(span) => batch.push(span),
                None => return true,
            },
            () = due => return false,
        }
        until.get_or_insert_with(|| now() + GATHER);
        if batch.len() == BATCH {
            return false;
        }
    }
}

fn build(settings: &Settings) -> Result<SpanExporter, ExporterBuildError> {
    let Settings { endpoint, headers, timeout, .. } = settings;
    match settings.protocol {
        OtlpProtocol::Http => SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint)
            .with_timeout(*timeout)
            .with_headers(headers.iter().cloned().collect())
            .build(),
        OtlpProtocol::Grpc => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(*timeout)
            .with_metadata(metadata(headers))
            .build(),
    }
}

fn metadata(headers: &[(String, String)]) -> opentelemetry_otlp::tonic_types::metadata::MetadataMap {
    let pairs = headers.iter().filter_map(|(name, value)| {
        Some((http::HeaderName::try_from(name).ok()?, http::HeaderValue::try_from(value).ok()?))
    });
    opentelemetry_otlp::tonic_types::metadata::MetadataMap::from_headers(pairs.collect())
}

fn resource(settings: &Settings) -> Resource {
    let own = [
        ("service.name", settings.service.clone()),
        ("service.version", build::VERSION.to_owned()),
        ("service.instance.id", settings.identity.node_id.clone()),
        ("konsul.node", settings.identity.node.clone()),
        ("konsul.datacenter", settings.identity.datacenter.clone()),
    ];
    let own = own.into_iter().map(|(key, value)| KeyValue::new(key, value));
    let others = settings.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty().with_attributes(others).with_attributes(own).build()
}
