//! Members of the cluster, as agents list them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use konsul_filter::{Field, Kind, record};

/// A member, in Consul's fields: there it is what gossip knows of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Its node's name.
    pub name: String,
    /// The bytes of its address, 16 of them as Go keeps one.
    address: Vec<u64>,
    /// Its port.
    pub port: u16,
    /// What it tells of itself.
    pub tags: BTreeMap<String, String>,
    /// How it stands: 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    /// The protocol that it speaks.
    pub protocol: u8,
}

impl Member {
    /// Of a name, with an address.
    pub fn new(name: impl Into<String>, address: Option<IpAddr>) -> Member {
        let octets = address.map(|address| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        });
        let address = octets.iter().flatten().map(|byte| u64::from(*byte)).collect();
        Member { name: name.into(), address, ..Member::default() }
    }
}

record! {
    /// Members, as `/v1/agent/members` lists them.
    pub static MEMBER: Member as member {
        Name: Kind::String => Field::Text(&member.name),
        Addr: Kind::List(&Kind::Uint) => Field::List(&member.address),
        Port: Kind::Uint => Field::Uint(u64::from(member.port)),
        Tags: Kind::Map(&Kind::String) => Field::Map(&member.tags),
        Status: Kind::Int => Field::Int(i64::from(member.status)),
        ProtocolMin: Kind::Uint => Field::Uint(1),
        ProtocolMax: Kind::Uint => Field::Uint(5),
        ProtocolCur: Kind::Uint => Field::Uint(u64::from(member.protocol)),
        DelegateMin: Kind::Uint => Field::Uint(2),
        DelegateMax: Kind::Uint => Field::Uint(5),
        DelegateCur: Kind::Uint => Field::Uint(4),
    }
}
