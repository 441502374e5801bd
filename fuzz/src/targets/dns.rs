//! Packets that are sent to the DNS port, and what they are answered.
//!
//! Input: a byte of switches, then up to eight pieces, each a packet to the same responder, so that ready answers have
//! a part in it. What is answered is read by hickory-proto and must belong to its question, fit, and not surprise:
//! nobody answers a response, and what is no question gets no more than a head.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::Message;
use konsul_dns::wire::{Malformed, Query};
use konsul_dns::{
    Asked, Directory, Executed, Instance, Limits, Node, NodeQuery, PreparedQuery, Responder, Reverse,
    Service, ServiceQuery, Settings, Status, Transport, Virtual, at_once,
};

use crate::Target;
use crate::bounds::Bounds;
use crate::input::{Input, of_pieces};

/// The target.
pub static TARGET: Target = Target {
    name: "dns",
    about: "packets to the DNS port",
    input_bytes_max: 4096,
    bounds: Bounds { base_bytes: 4 << 20, bytes_per_byte: 1024 },
    run,
    seeds,
};

const PACKETS_MAX: usize = 8;
const TCP: u8 = 1;
const TRUNCATES: u8 = 2;
const PLAIN_NAMES: u8 = 4;
const LIMITED: u8 = 8;
const UDP_BYTES: usize = 4096;

/// A directory in which every name exists, and has as many instances as it has letters, of all sorts.
struct Everything;

impl Everything {
    fn node(name: &str) -> Node {
        let address = ["10.0.0.1", "2001:db8::1", "a.example.org", "x.node.consul", ""][name.len() % 5];
        let meta = [(name.to_owned(), name.repeat(3))].into();
        Node {
            name: name.to_owned(),
            datacenter: "dc1".into(),
            address: address.into(),
            meta,
            ..Node::default()
        }
    }

    fn instances(name: &str) -> Vec<Instance> {
        let one = |at: usize| {
            let node =
                Arc::new(Everything::node(&name[..at.min(name.len())].replace(|c: char| !c.is_ascii(), "-")));
            let address =
                ["", "10.0.0.2", "b.example.org", "y.service.consul", "2001:db8::2"][at % 5].to_owned();
            let status = [Status::Passing, Status::Warning, Status::Critical][at % 3];
            Instance { node, address, port: at as u16, status, ..Instance::default() }
        };
        let ends = (0..name.len()).filter(|at| name.is_char_boundary(*at));
        ends.map(one).collect()
    }
}

impl Directory for Everything {
    fn generation(&self) -> Option<u64> {
        Some(1)
    }

    fn service(&self, query: ServiceQuery) -> Asked<Option<Arc<Service>>> {
        let instances = Everything::instances(&query.name);
        at_once(Ok(Some(Arc::new(Service { version: 1, instances, ..Service::default() }))))
    }

    fn node(&self, query: NodeQuery) -> Asked<Option<Arc<Node>>> {
        at_once(Ok(Some(Arc::new(Everything::node(&query.name)))))
    }

    fn by_address(&self, address: IpAddr) -> Asked<Option<Reverse>> {
        let (name, datacenter) = (format!("n{address}").replace(':', "-"), "dc1".to_owned());
        at_once(Ok(Some(Reverse::Node { name, datacenter })))
    }

    fn prepared_query(&self, query: PreparedQuery) -> Asked<Option<Executed>> {
        let instances = Everything::instances(&query.name);
        at_once(Ok(Some(Executed { service: query.name, ttl: None, instances })))
    }

    fn virtual_address(&self, query: ServiceQuery) -> Asked<Virtual> {
        at_once(Ok(if query.name.len() > 3 { Virtual::NoAddress } else { Virtual::NoService }))
    }

    fn servers(&self) -> Asked<Vec<Arc<Node>>> {
        at_once(Ok(["server-1", "server-02", "server 3"].map(|name| Arc::new(Everything::node(name))).into()))
    }
}

fn run(bytes: &[u8]) {
    exchange(bytes);
}

/// Asks what an input holds; answers how many answers there were.
fn exchange(bytes: &[u8]) -> usize {
    let mut input = Input::new(bytes);
    let switches = input.byte();
    let limits = Limits {
        udp_bytes: UDP_BYTES,
        unproven_bytes_per_second: if switches & LIMITED == 0 { 0 } else { 64 },
        limit_loopback: true,
        ..Limits::default()
    };
    let settings = Settings {
        enable_truncate: switches & TRUNCATES != 0,
        disable_compression: switches & PLAIN_NAMES != 0,
        limits,
        ..Settings::default()
    };
    let responder = Responder::new(Arc::new(Everything), settings).expect("the zone can be served");
    let transport = if switches & TCP == 0 { Transport::Udp } else { Transport::Tcp };
    let mut answered = 0;
    for packet in input.pieces(PACKETS_MAX) {
        let from = SocketAddr::from(([127, 0, 0, 1], 53));
        let answer = konsul_runtime::block_on(responder.respond(packet, from, transport));
        check(packet, answer.as_deref(), transport);
        answered += usize::from(answer.is_some());
    }
    answered
}

fn check(packet: &[u8], answer: Option<&[u8]>, transport: Transport) {
    let query = Query::parse(packet);
    let Some(answer) = answer else {
        // Dropped for its rate, or never answered; over TCP a question always is.
        assert!(transport == Transport::Udp || query.is_err(), "no answer over TCP");
        return;
    };
    assert_eq!(answer[..2], packet[..2], "the id of another question");
    let message = Message::from_vec(answer).unwrap_or_else(|why| panic!("{why}: {}", answer.escape_ascii()));
    match query {
        Err(Malformed::Ignored) => panic!("answered what is no question"),
        Err(Malformed::Answered(_)) => assert_eq!(answer.len(), 12, "more than a head"),
        Ok(query) => {
            let offered =
                query.edns.as_ref().map_or(512, |edns| usize::from(edns.size).clamp(512, UDP_BYTES));
            let most = if transport == Transport::Udp { offered } else { 65_535 };
            assert!(answer.len() <= most, "{} bytes of {most}", answer.len());
            assert_eq!(message.queries.len(), 1);
            assert_eq!(message.edns.is_some(), query.edns.is_some(), "EDNS is answered by EDNS alone");
            assert!(answer[12..].starts_with(&packet[12..packet.len().min(13)]), "another question");
        }
    }
}

fn question(name: &str, qtype: u16, options: Option<&[u8]>) -> Vec<u8> {
    let mut packet = vec![0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(options.is_some())];
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.push(0);
    packet.extend_from_slice(&qtype.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    if let Some(options) = options {
        packet.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
        packet.extend_from_slice(options);
    }
    packet
}

fn seeds() -> Vec<Vec<u8>> {
    let subnet: &[u8] = &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2];
    let cookie: &[u8] = b"\0\x0a\0\x08clientpt";
    let loops = [&question("a", 1, None)[..12], &[0xC0, 12, 0, 1, 0, 1]].concat();
    let hundred = {
        let one = question("web.service.consul", 1, None);
        [&one[..4], &[0, 100], &one[6..12], &one[12..].repeat(100)].concat()
    };
    let mut response = question("web.service.consul", 1, None);
    response[2] = 0x81;
    let conversations: Vec<(u8, Vec<Vec<u8>>)> = vec![
        (0, vec![question("Web.service.consul", 1, None), question("web.SERVICE.consul", 33, Some(&[]))]),
        (
            TCP,
            vec![question(
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.service.consul",
                33,
                None,
            )],
        ),
        (TRUNCATES, vec![question("_some-service._tcp.consul", 33, Some(cookie))]),
        (PLAIN_NAMES, vec![question("v1.web.service.team.ns.dc1.dc.consul", 255, None)]),
        (LIMITED, vec![question("some-service.service.consul", 33, Some(&[])); 4]),
        (0, vec![question("x.node.consul", 16, Some(&[])), question("node1.node.dc1.consul", 255, None)]),
        (0, vec![question("nearest.web.query.consul", 1, Some(subnet))]),
        (0, vec![question("7f000001.addr.consul", 28, None), question("1.0.0.127.in-addr.arpa", 12, None)]),
        (
            0,
            vec![
                question("consul", 6, None),
                question("consul", 2, Some(&[])),
                question("consul", 252, None),
            ],
        ),
        (0, vec![question("web.virtual.consul", 1, None), question("web.connect.consul", 33, None)]),
        (0, vec![loops, hundred, response, b"short".to_vec()]),
        (0, vec![question("example.org", 1, Some(cookie))]),
    ];
    let input = |(switches, packets): (u8, Vec<Vec<u8>>)| [vec![switches], of_pieces(packets)].concat();
    conversations.into_iter().map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_answered() {
        for seed in seeds() {
            assert!(exchange(&seed) > 0, "{}", seed.escape_ascii());
        }
    }
}
