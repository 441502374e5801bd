//! Prometheus' text form, version 0.0.4.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::requests::{BUCKETS, CLASSES, Served};
use super::{Figure, Kind};

/// Everything that is told in one answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) figures: Vec<Figure>,
    pub(crate) requests: Vec<(&'static str, Served)>,
}

/// Writes a page.
pub(crate) fn render(page: Page) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut text = String::new();
    // Writing to a String cannot fail, and the names are constants that a test has written once.
    prometheus_text::encode(&mut text, &registry).expect("constant names and a string to write to");
    text
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.figures.iter().try_for_each(|figure| encode_figure(&mut encoder, figure))?;
        encode_totals(&mut encoder, &self.requests)?;
        encode_bytes(&mut encoder, &self.requests)?;
        encode_durations(&mut encoder, &self.requests)
    }
}

fn encode_figure(encoder: &mut DescriptorEncoder<'_>, figure: &Figure) -> fmt::Result {
    let kind = match figure.kind {
        Kind::Gauge => MetricType::Gauge,
        Kind::Counter => MetricType::Counter,
    };
    let mut metric = encoder.encode_descriptor(figure.name, figure.help, None, kind)?;
    for sample in &figure.samples {
        let metric = metric.encode_family(&sample.labels)?;
        match figure.kind {
            Kind::Gauge => ConstGauge::new(sample.value).encode(metric)?,
            Kind::Counter => ConstCounter::new(sample.value).encode(metric)?,
        }
    }
    Ok(())
}

fn encode_totals(encoder: &mut DescriptorEncoder<'_>, requests: &[(&'static str, Served)]) -> fmt::Result {
    let help = "Answers of the HTTP API, by operation and class of status";
    let mut metric = encoder.encode_descriptor("konsul_http_requests", help, None, MetricType::Counter)?;
    for (operation, served) in requests {
        let classes = CLASSES.iter().zip(served.by_class).filter(|(_, count)| *count > 0);
        for (class, count) in classes {
            let labels = [("operation", *operation), ("status", *class)];
            ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_bytes(encoder: &mut DescriptorEncoder<'_>, requests: &[(&'static str, Served)]) -> fmt::Result {
    let help = "Bytes of answers' bodies, without those that were streamed";
    let mut metric =
        encoder.encode_descriptor("konsul_http_response_bytes", help, None, MetricType::Counter)?;
    for (operation, served) in requests {
        ConstCounter::new(served.bytes).encode(metric.encode_family(&[("operation", *operation)])?)?;
    }
    Ok(())
}

fn encode_durations(encoder: &mut DescriptorEncoder<'_>, requests: &[(&'static str, Served)]) -> fmt::Result {
    let help = "Seconds from a request's head to its answer's, waiting of blocking queries included";
    let name = "konsul_http_request_duration_seconds";
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (operation, served) in requests {
        let buckets: Vec<(f64, u64)> = BUCKETS.iter().copied().zip(served.buckets).collect();
        let labels = [("operation", *operation)];
        metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
            served.sum,
            served.count(),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use konsul_http::Observer as _;

    use super::*;
    use crate::figures::{Requests, Sample};

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let requests = Requests::new();
        requests.observe("kv_get", 200, Duration::from_millis(3), 10);
        let keys = Sample { labels: vec![("namespace", "default".into())], value: 7.0 };
        let figures = vec![
            Figure::gauge("konsul_ready", "Whether it serves", 1.0),
            Figure::counter("konsul_storage_syncs", "Syncs of the log", 12.0),
            Figure::of(Kind::Gauge, "konsul_kv_keys", "Keys", vec![keys]),
        ];
        let text = render(Page { figures, requests: requests.read() });
        for line in [
            "# HELP konsul_ready Whether it serves",
            "# TYPE konsul_ready gauge",
            "konsul_ready 1.0",
            "konsul_storage_syncs_total 12.0",
            "konsul_kv_keys{namespace=\"default\"} 7.0",
            "konsul_http_requests_total{operation=\"kv_get\",status=\"2xx\"} 1",
            "konsul_http_response_bytes_total{operation=\"kv_get\"} 10",
            "# TYPE konsul_http_request_duration_seconds histogram",
            "konsul_http_request_duration_seconds_count{operation=\"kv_get\"} 1",
            "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"0.0025\"} 0",
            "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"0.005\"} 1",
            "konsul_http_request_duration_seconds_bucket{operation=\"kv_get\",le=\"+Inf\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("le=").count(), BUCKETS.len(), "{text}");
    }
}
