//! Registrations and reads of services: each instance with three tags, two pairs of metadata and one check.

use std::ops::RangeInclusive;

use super::{Keys, get};
use crate::error::{Error, Result};
use crate::load::{Response, Work};

/// How instances are spread: over services one after another, and over nodes by the score, so that the instances of a
/// service are on different nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fleet {
    /// How many instances there are.
    pub instances: u64,
    /// How many services they are of.
    pub services: u64,
}

const PER_NODE: u64 = 20;
const PER_SERVICE: u64 = 20;

impl Fleet {
    /// So many instances, twenty of each service and twenty on each node.
    pub fn of(instances: u64) -> Fleet {
        Fleet { instances, services: (instances / PER_SERVICE).max(1) }
    }

    /// The name of a service.
    pub fn service(number: u64) -> String {
        format!("web-{number:05}")
    }

    /// The name that DNS knows a service by.
    pub fn dns_name(number: u64) -> String {
        format!("{}.service.consul", Fleet::service(number))
    }

    /// What its instances that pass are asked for by.
    pub fn health_path(number: u64) -> String {
        format!("/v1/health/service/{}?passing", Fleet::service(number))
    }

    /// How many instances service `number` has.
    pub fn instances_of(&self, number: u64) -> u64 {
        self.instances / self.services + u64::from(number < self.instances % self.services)
    }

    /// The body that registers instance `number` with its check. `build` is a mark in its metadata: another one makes it
    /// another registration.
    pub fn registration(&self, number: u64, build: u64, status: &str) -> String {
        let service = Fleet::service(number % self.services);
        let (node, [high, middle, low]) = (number / PER_NODE, octets(number));
        let [_, node_high, node_low] = octets(node);
        format!(
            "{{\"Node\":\"node-{node:05}\",\"Address\":\"10.200.{node_high}.{node_low}\",\
             \"Service\":{{\"ID\":\"{service}-{number:06}\",\"Service\":\"{service}\",\
             \"Tags\":[\"primary\",\"v1.42.0\",\"zone-a\"],\"Address\":\"10.{high}.{middle}.{low}\",\"Port\":8080,\
             \"Meta\":{{\"team\":\"payments\",\"build\":\"{build:010}\"}}}},\
             \"Check\":{}}}",
            check(&service, number, status)
        )
    }

    /// The body that says of instance `number` no more than how its check stands.
    pub fn check(&self, number: u64, status: &str) -> String {
        let service = Fleet::service(number % self.services);
        let node = number / PER_NODE;
        let [_, high, low] = octets(node);
        format!(
            "{{\"Node\":\"node-{node:05}\",\"Address\":\"10.200.{high}.{low}\",\"SkipNodeUpdate\":true,\"Check\":{}}}",
            check(&service, number, status)
        )
    }
}

fn check(service: &str, number: u64, status: &str) -> String {
    format!(
        "{{\"CheckID\":\"service:{service}-{number:06}\",\"Name\":\"HTTP on 8080\",\"Status\":\"{status}\",\
         \"ServiceID\":\"{service}-{number:06}\",\"Output\":\"HTTP GET http://127.0.0.1:8080/health: 200 OK\"}}"
    )
}

/// The lower three bytes of an address.
fn octets(number: u64) -> [u64; 3] {
    [number >> 16 & 255, number >> 8 & 255, number & 255]
}

/// Registrations of instances in the catalogue.
#[derive(Debug, Clone)]
pub struct Register {
    fleet: Fleet,
    numbers: Keys,
    build: u64,
}

impl Register {
    /// Each instance once.
    pub fn all(fleet: Fleet) -> Register {
        Register { fleet, numbers: Keys::Ascending(0), build: 0 }
    }

    /// Instances that are there, anew, each with other metadata than before.
    pub fn again(fleet: Fleet) -> Register {
        Register { fleet, numbers: Keys::random(fleet.instances), build: 1_000_000 }
    }
}

impl Work for Register {
    fn write(&mut self, out: &mut Vec<u8>) {
        self.build += 1;
        let body = self.fleet.registration(self.numbers.next(), self.build, "passing");
        out.extend_from_slice(b"PUT /v1/catalog/register HTTP/1.1\r\nHost: bench\r\nContent-Length: ");
        out.extend_from_slice(format!("{}\r\n\r\n", body.len()).as_bytes());
        out.extend_from_slice(body.as_bytes());
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let right = response.status == 200 && *response.body == *b"true";
        if right { Ok(()) } else { Err(Error::wrong("a registration", response)) }
    }
}

/// Reads of the passing instances of services.
#[derive(Debug, Clone)]
pub struct Health {
    services: Keys,
    length: RangeInclusive<usize>,
}

impl Health {
    /// Reads of any of the first `services`, whose answers are as long as `length` says. It is measured on one that was
    /// looked through: to look through each would make the generator the slower of both.
    pub fn new(services: u64, length: RangeInclusive<usize>) -> Health {
        Health { services: Keys::random(services), length }
    }
}

impl Work for Health {
    fn write(&mut self, out: &mut Vec<u8>) {
        get(out, &[Fleet::health_path(self.services.next()).as_bytes()]);
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let body = &response.body;
        let right = response.status == 200
            && body.starts_with(b"[{\"Node\":")
            && body.ends_with(b"}]")
            && self.length.contains(&body.len());
        if right { Ok(()) } else { Err(Error::wrong("health of a service", response)) }
    }
}

/// Reads that must give the same bytes each time.
#[derive(Debug, Clone)]
pub struct Same {
    path: String,
    body: Vec<u8>,
}

impl Same {
    /// Reads of `path`, which must give `body`.
    pub fn new(path: impl Into<String>, body: Vec<u8>) -> Same {
        Same { path: path.into(), body }
    }
}

impl Work for Same {
    fn write(&mut self, out: &mut Vec<u8>) {
        get(out, &[self.path.as_bytes()]);
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let right = response.status == 200 && *response.body == *self.body;
        if right { Ok(()) } else { Err(Error::wrong("the same bytes", response)) }
    }
}

/// How many instances a body of health names, all of them passing.
///
/// # Errors
///
/// [`Error::Process`] when it is no such body, or one of them is not passing.
pub fn passing_in(body: &[u8]) -> Result<u64> {
    let fault =
        |why: &str| Error::Process(format!("health of a service: {why}: {}", String::from_utf8_lossy(body)));
    let entries: Vec<serde_json::Value> =
        serde_json::from_slice(body).map_err(|why| fault(&why.to_string()))?;
    for entry in &entries {
        let checks = entry["Checks"].as_array().ok_or_else(|| fault("an entry without checks"))?;
        let named = entry["Service"]["ID"].is_string() && entry["Node"]["Node"].is_string();
        if !named || checks.is_empty() || checks.iter().any(|check| check["Status"] != "passing") {
            return Err(fault("an instance that has no name or does not pass"));
        }
    }
    Ok(entries.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response<'_> {
        Response { status, body: body.as_bytes().into(), length: 0 }
    }

    #[test]
    fn instances_of_a_service_are_on_different_nodes() {
        let fleet = Fleet::of(100_000);
        assert_eq!((fleet.services, fleet.instances_of(4_999)), (5_000, 20));
        let nodes: std::collections::BTreeSet<u64> = (0..fleet.instances)
            .filter(|number| number % fleet.services == 7)
            .map(|number| number / PER_NODE)
            .collect();
        assert_eq!(nodes.len(), 20);
        let uneven = Fleet { instances: 7, services: 3 };
        assert_eq!([0, 1, 2].map(|service| uneven.instances_of(service)), [3, 2, 2]);
    }

    #[test]
    fn a_registration_has_what_it_should() {
        let body = Fleet::of(1_000).registration(777, 3, "passing");
        let body: serde_json::Value = serde_json::from_str(&body).expect("it is JSON");
        assert_eq!((&body["Node"], &body["Service"]["Service"]), (&"node-00038".into(), &"web-00027".into()));
        assert_eq!(body["Service"]["Tags"].as_array().map(Vec::len), Some(3));
        assert_eq!(body["Service"]["Meta"].as_object().map(serde_json::Map::len), Some(2));
        assert_eq!(body["Service"]["ID"], body["Check"]["ServiceID"]);
        let check: serde_json::Value =
            serde_json::from_str(&Fleet::of(1_000).check(777, "critical")).expect("it is JSON");
        assert_eq!((&check["Node"], &check["Check"]["CheckID"]), (&body["Node"], &body["Check"]["CheckID"]));
        assert_eq!((&check["Check"]["Status"], check.get("Service")), (&"critical".into(), None));
    }

    #[test]
    fn what_is_registered_again_is_another_registration() {
        let mut work = Register::again(Fleet { instances: 1, services: 1 });
        let (mut first, mut second) = (Vec::new(), Vec::new());
        work.write(&mut first);
        work.write(&mut second);
        assert!(first != second && first.len() == second.len());
        assert!(work.judge(&response(200, "true")).is_ok() && work.judge(&response(500, "true")).is_err());
    }

    #[test]
    fn answers_are_judged() {
        let health = Health::new(1, 20..=40);
        assert!(health.judge(&response(200, "[{\"Node\":{},\"Checks\":[]}]")).is_ok());
        for (status, body) in [(500, "[{\"Node\":{},\"Checks\":[]}]"), (200, "[{\"Node\":{}}]"), (200, "[]")]
        {
            assert!(health.judge(&response(status, body)).is_err(), "{status} {body}");
        }
        let same = Same::new("/body", b"abc".to_vec());
        assert!(same.judge(&response(200, "abc")).is_ok() && same.judge(&response(200, "xyz")).is_err());
    }

    #[test]
    fn instances_are_counted_and_must_pass() {
        let entry = |status: &str| {
            format!(
                "{{\"Node\":{{\"Node\":\"n\"}},\"Service\":{{\"ID\":\"s\"}},\"Checks\":[{{\"Status\":\"{status}\"}}]}}"
            )
        };
        let body = format!("[{},{}]", entry("passing"), entry("passing"));
        assert_eq!(passing_in(body.as_bytes()).expect("both pass"), 2);
        assert!(passing_in(format!("[{}]", entry("critical")).as_bytes()).is_err());
        assert!(passing_in(b"[{}]").is_err() && passing_in(b"oops").is_err());
    }
}
