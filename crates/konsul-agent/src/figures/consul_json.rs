//! Consul's JSON form of the same figures (`GET /v1/agent/metrics`).
//!
//! Consul tells what happened in the last ten seconds; here counters and samples run since the start, and `Rate` is over
//! that time.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::prometheus::Page;
use super::requests::Served;
use super::{Figure, Kind, Sample};

/// What names are made of.
pub(crate) struct Naming<'a> {
    /// Put into the names of gauges, as Consul does; `None` if the configuration says not to.
    pub(crate) host: Option<&'a str>,
    /// Seconds since the start.
    pub(crate) uptime: f64,
}

/// Writes a page.
pub(crate) fn render(page: &Page, at: Timestamp, naming: &Naming<'_>) -> String {
    // Answers of the HTTP API are told as samples below, as Consul does.
    let of_kind = |kind| {
        let figures = page.figures.iter().filter(|figure| !figure.name.starts_with("konsul_http_re"));
        figures.filter(move |figure| figure.kind == kind)
    };
    let gauges: Vec<Value> = of_kind(Kind::Gauge).flat_map(|figure| gauge(figure, naming)).collect();
    let counters: Vec<Value> = of_kind(Kind::Counter).flat_map(|figure| counter(figure, naming)).collect();
    let samples: Vec<Value> = page.requests.iter().map(|(id, served)| sample(id, served, naming)).collect();
    let document = json!({
        "Timestamp": at.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        "Gauges": gauges,
        "Points": [],
        "Counters": counters,
        "Samples": samples,
    });
    document.to_string()
}

/// `konsul_raft_term` becomes `raft.term`: the first word is Consul's room, the rest its figure.
fn name(figure: &Figure) -> String {
    if let Some(known) = figure.consul {
        return known.to_owned();
    }
    figure.name.trim_start_matches("konsul_").replacen('_', ".", 1)
}

fn labels(sample: &Sample) -> Value {
    let pairs = sample.labels.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn gauge<'a>(figure: &'a Figure, naming: &'a Naming<'_>) -> impl Iterator<Item = Value> + 'a {
    let host = naming.host.map(|host| format!("{host}.")).unwrap_or_default();
    let name = format!("consul.{host}{}", name(figure));
    figure
        .samples
        .iter()
        .map(move |sample| json!({"Name": name, "Value": sample.value, "Labels": labels(sample)}))
}

fn counter<'a>(figure: &'a Figure, naming: &'a Naming<'_>) -> impl Iterator<Item = Value> + 'a {
    let name = format!("consul.{}", name(figure));
    figure.samples.iter().map(move |sample| {
        let value = sample.value;
        // Consul's clients read a whole number here, and refuse the document for a fraction.
        let count = value as u64;
        json!({
            "Name": name, "Count": count, "Rate": rate(value, naming), "Sum": value, "Min": 1, "Max": 1, "Mean": 1,
            "Stddev": 0, "Labels": labels(sample),
        })
    })
}

/// An operation's latency, in milliseconds as Consul's.
fn sample(id: &str, served: &Served, naming: &Naming<'_>) -> Value {
    let count = served.count() as f64;
    let mean = served.sum / count.max(1.0);
    let variance = (served.squares / count.max(1.0) - mean * mean).max(0.0);
    json!({
        "Name": "consul.api.http", "Count": served.count(), "Rate": rate(count, naming), "Sum": served.sum * 1e3,
        "Min": served.min * 1e3, "Max": served.max * 1e3, "Mean": mean * 1e3, "Stddev": variance.sqrt() * 1e3,
        "Labels": {"operation": id},
    })
}

fn rate(count: f64, naming: &Naming<'_>) -> f64 {
    count / naming.uptime.max(1.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::figures::{Requests, table};

    #[test]
    fn the_document_has_consuls_shape() {
        let requests = Requests::new(None);
        requests.observe("kv_put", 200, Duration::from_millis(2), 0);
        requests.observe("kv_put", 200, Duration::from_millis(4), 0);
        let figures = vec![table::LEADER.now(1.0), table::FEED_PARKED.now(2.0), table::SYNCS.count(20)];
        let figures = figures.into_iter().chain(requests.figures()).collect();
        let page = Page { figures, requests: requests.read() };
        let at = Timestamp::from_second(1_502_160_910).unwrap();
        let text = render(&page, at, &Naming { host: Some("n1"), uptime: 10.0 });
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["Timestamp"], "2017-08-08 02:55:10 +0000 UTC");
        assert_eq!(
            found["Gauges"][0],
            json!({"Name": "consul.n1.server.isLeader", "Value": 1.0, "Labels": {}})
        );
        assert_eq!(found["Gauges"][1]["Name"], "consul.n1.feed.parked_readers");
        assert_eq!(
            (&found["Counters"][0]["Count"], &found["Counters"][0]["Rate"]),
            (&json!(20), &json!(2.0))
        );
        let put = &found["Samples"][0];
        assert_eq!((&put["Count"], &put["Mean"]), (&json!(2), &json!(3.0)));
        let deviation = put["Stddev"].as_f64().unwrap();
        assert!((deviation - 1.0).abs() < 1e-6, "{deviation}");
        assert_eq!(put["Labels"], json!({"operation": "kv_put"}));
        let bare = render(&page, at, &Naming { host: None, uptime: 1.0 });
        assert!(bare.contains("\"consul.server.isLeader\""), "{bare}");
    }
}
