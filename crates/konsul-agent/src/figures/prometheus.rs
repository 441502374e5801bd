//! Prometheus' text form, version 0.0.4, and OpenMetrics', version 1.0.0.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::requests::Served;
use super::{Figure, Kind};

/// Everything that is told in one answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) figures: Vec<Figure>,
    /// The same as a part of the figures, in the form that Consul's document needs.
    pub(crate) requests: Vec<(&'static str, Served)>,
}

/// Writes a page as Prometheus has it.
pub(crate) fn render(page: Page) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut told = String::new();
    // Writing to a String cannot fail, and the names are constants that a test has written once.
    prometheus_text::encode(&mut told, &registry).expect("constant names and a string to write to");
    told
}

/// Writes a page as OpenMetrics has it.
pub(crate) fn render_open(page: Page) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut told = String::new();
    text::encode(&mut told, &registry).expect("constant names and a string to write to");
    told
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let told =
            self.figures.iter().filter(|figure| !figure.samples.is_empty() || !figure.shapes.is_empty());
        told.into_iter().try_for_each(|figure| encode_figure(&mut encoder, figure))
    }
}

fn encode_figure(encoder: &mut DescriptorEncoder<'_>, figure: &Figure) -> fmt::Result {
    let kind = match figure.kind {
        Kind::Gauge => MetricType::Gauge,
        Kind::Counter => MetricType::Counter,
        Kind::Histogram => MetricType::Histogram,
    };
    let mut metric = encoder.encode_descriptor(figure.name, figure.help, None, kind)?;
    for sample in &figure.samples {
        let metric = metric.encode_family(&sample.labels)?;
        match figure.kind {
            Kind::Counter => ConstCounter::new(sample.value).encode(metric)?,
            Kind::Gauge | Kind::Histogram => ConstGauge::new(sample.value).encode(metric)?,
        }
    }
    for shape in &figure.shapes {
        let (sum, count) = (shape.sum, shape.count());
        metric.encode_family(&shape.labels)?.encode_histogram::<NoLabelSet>(
            sum,
            count,
            &shape.buckets,
            None,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::figures::requests::BUCKETS;
    use crate::figures::{Requests, table};

    fn page() -> Page {
        let requests = Requests::new(None);
        requests.observe("kv_get", 200, Duration::from_millis(3), 10);
        let mut figures = vec![
            table::READY.now(1.0),
            table::SYNCS.count(12),
            table::KV_KEYS.each([(["default".to_owned()], 7.0)]),
            table::LOCKS.each(Vec::<([String; 1], f64)>::new()),
        ];
        figures.extend(requests.figures());
        Page { figures, requests: requests.read() }
    }

    #[track_caller]
    fn check(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let text = render(page());
        check(
            &text,
            &[
                "# HELP konsul_ready Whether this agent serves: 1 or 0",
                "# TYPE konsul_ready gauge",
                "konsul_ready 1.0",
                "konsul_storage_syncs_total 12.0",
                "konsul_kv_keys{namespace=\"default\"} 7.0",
                "konsul_http_requests_total{operation=\"kv_get\",status=\"2xx\"} 1.0",
                "konsul_http_requests_in_flight{operation=\"kv_get\"} 0.0",
                "konsul_http_response_bytes_total{operation=\"kv_get\"} 10.0",
                "# TYPE konsul_http_request_duration_seconds histogram",
                "konsul_http_request_duration_seconds_count{operation=\"kv_get\"} 1",
                "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"0.0025\"} 0",
                "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"0.005\"} 1",
                "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"+Inf\"} 1",
            ],
        );
        assert_eq!(text.matches("le=").count(), BUCKETS.len(), "{text}");
        assert!(!text.contains("konsul_locks"), "a metric without a value is not told: {text}");
    }

    #[test]
    fn open_metrics_has_its_own_end_and_names() {
        let text = render_open(page());
        check(&text, &["# TYPE konsul_storage_syncs counter", "konsul_storage_syncs_total 12.0"]);
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
