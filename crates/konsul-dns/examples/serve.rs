//! Serves a directory that is made up, so that `dig` can be tried and `dnsperf` can measure.
//!
//! `cargo run --release -p konsul-dns --example serve -- 127.0.0.1:8600` serves the services `web` (ten instances), `one`
//! (one), `big` (a thousand), `s0` to `s4999` (three each) and the nodes `n0` to `n999`. With a second word it instead
//! sends every datagram back as it came, with the same calls of the system: what is left for an answer to cost.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use konsul_dns::{
    Asked, Directory, Endpoint, Executed, Instance, Node, NodeQuery, PreparedQuery, Reverse, Server, Service,
    ServiceQuery, Settings, Virtual, at_once,
};

struct Made {
    nodes: Vec<Arc<Node>>,
}

impl Made {
    fn new() -> Made {
        let node = |at: usize| {
            let meta = BTreeMap::new();
            Arc::new(Node {
                name: format!("n{at}"),
                datacenter: "dc1".to_owned(),
                address: format!("10.0.{}.{}", at / 250, at % 250 + 1),
                meta,
                ..Node::default()
            })
        };
        Made { nodes: (0..1000).map(node).collect() }
    }

    fn size(name: &str) -> Option<(usize, usize)> {
        match name {
            "web" => Some((0, 10)),
            "one" => Some((0, 1)),
            "big" => Some((0, 1000)),
            _ => name.strip_prefix('s')?.parse().ok().filter(|at| *at < 5000).map(|at: usize| (at, 3)),
        }
    }

    fn instances(&self, name: &str) -> Option<Vec<Instance>> {
        let (from, count) = Made::size(name)?;
        let nodes = (0..count).map(|at| Arc::clone(&self.nodes[(from + at) % self.nodes.len()]));
        Some(nodes.map(|node| Instance { node, port: 8080, ..Instance::default() }).collect())
    }
}

impl Directory for Made {
    fn generation(&self) -> Option<u64> {
        Some(1)
    }

    fn service(&self, query: ServiceQuery) -> Asked<Option<Arc<Service>>> {
        let found = self.instances(&query.name).filter(|_| query.tag.is_none());
        at_once(Ok(found.map(|instances| Arc::new(Service { version: 1, instances, ..Service::default() }))))
    }

    fn node(&self, query: NodeQuery) -> Asked<Option<Arc<Node>>> {
        at_once(Ok(self.nodes.iter().find(|node| node.name == query.name).cloned()))
    }

    fn by_address(&self, address: IpAddr) -> Asked<Option<Reverse>> {
        let found = self.nodes.iter().find(|node| node.address.parse() == Ok(address));
        at_once(Ok(
            found.map(|node| Reverse::Node { name: node.name.clone(), datacenter: node.datacenter.clone() })
        ))
    }

    fn prepared_query(&self, query: PreparedQuery) -> Asked<Option<Executed>> {
        let found = self.instances(&query.name);
        at_once(Ok(found.map(|instances| Executed { service: query.name, ttl: None, instances })))
    }

    fn virtual_address(&self, _: ServiceQuery) -> Asked<Virtual> {
        at_once(Ok(Virtual::NoAddress))
    }

    fn servers(&self) -> Asked<Vec<Arc<Node>>> {
        at_once(Ok(self.nodes[..3].to_vec()))
    }
}

/// Sends back what comes, one call each way for one datagram.
fn echo(address: SocketAddr) -> std::io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    let mut packet = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut packet)?;
        // A response, so that whoever measures takes it for one.
        packet[2] |= 0x80;
        socket.send_to(&packet[..length], from)?;
    }
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let address: SocketAddr = words.next().unwrap_or_else(|| "127.0.0.1:8600".to_owned()).parse()?;
    if words.next().is_some() {
        return Ok(echo(address)?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let endpoint = Endpoint::bind(address, 1)?;
        let server = Server::start(Arc::new(Made::new()), Settings::default(), vec![endpoint])?;
        println!("listening on {}", server.addresses()[0]);
        std::future::pending::<()>().await;
        Ok(())
    })
}
