//! SOA and NS of a zone: its name servers are the servers of the datacentre.

use std::net::IpAddr;
use std::sync::Arc;

use konsul_runtime::random;

use super::addresses::Family;
use super::{Resolver, failed};
use crate::answer::{Answer, Authority, Data, Record};
use crate::directory::Node;
use crate::names;
use crate::settings::seconds;
use crate::wire::{Name, rtype};

/// Most servers that are named.
const SERVERS_MAX: usize = 3;

impl Resolver {
    /// The zone's SOA with its servers, or its servers alone.
    pub(crate) async fn authority(&self, zone: &Name, qtype: u16) -> Answer {
        let servers = match self.directory.servers().await {
            Ok(servers) => servers,
            Err(why) => return failed(&why, zone),
        };
        let (names, addresses) = self.name_servers(zone, servers);
        if qtype == rtype::NS {
            return Answer { additional: addresses, ..Answer::records(zone, names) };
        }
        let soa = Record::of(zone, seconds(self.settings.soa.min_ttl), Data::Soa);
        let authority = Authority::Records(names);
        Answer { additional: addresses, authority, ..Answer::records(zone, [soa]) }
    }

    fn name_servers(&self, zone: &Name, mut servers: Vec<Arc<Node>>) -> (Vec<Record>, Vec<Record>) {
        servers.retain(|node| names::is_host_name(&node.name));
        for at in 0..servers.len().min(SERVERS_MAX) {
            let other = random::between(at as u64, servers.len() as u64) as usize;
            servers.swap(at, other);
        }
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for node in servers.iter().take(SERVERS_MAX) {
            let Some(name) = names::of_node(node, zone) else { continue };
            if let Ok(address) = self.node_address(node, Family::Any).parse::<IpAddr>() {
                addresses.push(Record::of(&name, self.node_ttl(), Data::Address(address)));
            }
            names.push(Record::of(zone, self.node_ttl(), Data::Ns(name)));
        }
        (names, addresses)
    }
}
