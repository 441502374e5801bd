//! What a name asks for: labels left of the zone in, a [`Subject`] out.
//!
//! The kind is the rightmost label that is one of `service`, `connect`, `virtual`, `ingress`, `node`, `query` and `addr`;
//! what is left of it names the subject, what is right of it says where. In a question for SRV a label that begins with
//! `_` counts as if `service` stood right of it.
//!
//! Characters: letters are lower-cased, everything else is taken as it is, so that a service may be called anything that
//! fits into a label of 63 bytes: spaces and UTF-8 as the bytes they are, a dot as `\.` within a label. `a\.b.service`
//! asks for the service `a.b`, and `a.b.service` for the service `b` with the tag `a`. A name that is not UTF-8 names
//! nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::directory::{Locality, ServiceKind};

/// What a name asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A node.
    Node {
        /// Its name; may hold dots.
        name: String,
        /// Where.
        locality: Locality,
    },
    /// Instances of a service.
    Service {
        /// Its name.
        name: String,
        /// The tag they must bear; may hold dots.
        tag: Option<String>,
        /// Which of them.
        kind: ServiceKind,
        /// Where.
        locality: Locality,
    },
    /// The virtual address of a service.
    Virtual {
        /// Its name.
        name: String,
        /// Where.
        locality: Locality,
    },
    /// The answer of a prepared query.
    Query {
        /// Its name or id; may hold dots.
        name: String,
        /// The datacentre to run it in.
        datacenter: Option<String>,
    },
    /// The address that the name itself spells.
    Address(IpAddr),
}

/// Options of the grammar.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// The question is for SRV records.
    pub is_srv: bool,
    /// One label after the kind is a namespace, not a datacentre.
    pub prefer_namespace: bool,
}

/// Reads the labels of a name left of its zone, lower-cased, left to right. `None` for what names nothing: NXDOMAIN.
pub fn read(labels: &[&[u8]], reading: Reading) -> Option<Subject> {
    let labels = labels.iter().map(|label| std::str::from_utf8(label).ok()).collect::<Option<Vec<_>>>()?;
    let (kind, left, right) = split(&labels, reading)?;
    let name = || left.last().map(|name| (*name).to_owned());
    let locality = || read_locality(right, reading.prefer_namespace);
    match kind {
        Kind::Service => read_service(left, locality()?),
        Kind::Connect => {
            let (tag, kind) = (None, ServiceKind::Connect);
            Some(Subject::Service { name: name()?, tag, kind, locality: locality().filter(is_without_peer)? })
        }
        Kind::Ingress => {
            let (tag, kind) = (None, ServiceKind::Ingress);
            Some(Subject::Service { name: name()?, tag, kind, locality: locality().filter(is_without_peer)? })
        }
        Kind::Virtual => Some(Subject::Virtual { name: name()?, locality: read_virtual_locality(right)? }),
        Kind::Node => read_node(left, locality()?),
        Kind::Query => read_query(left, right),
        Kind::Addr => read_address(left).map(Subject::Address),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Service,
    Connect,
    Virtual,
    Ingress,
    Node,
    Query,
    Addr,
}

impl Kind {
    fn of(label: &str) -> Option<Kind> {
        Some(match label {
            "service" => Kind::Service,
            "connect" => Kind::Connect,
            "virtual" => Kind::Virtual,
            "ingress" => Kind::Ingress,
            "node" => Kind::Node,
            "query" => Kind::Query,
            "addr" => Kind::Addr,
            _ => return None,
        })
    }
}

/// The kind, what is left of it, and what is right of it.
fn split<'l, 's>(labels: &'l [&'s str], reading: Reading) -> Option<(Kind, &'l [&'s str], &'l [&'s str])> {
    labels.iter().enumerate().rev().find_map(|(at, label)| {
        if let Some(kind) = Kind::of(label) {
            return Some((kind, &labels[..at], &labels[at + 1..]));
        }
        let stands_alone = reading.is_srv && label.starts_with('_');
        stands_alone.then(|| (Kind::Service, &labels[..=at], &labels[at + 1..]))
    })
}

fn read_service(left: &[&str], locality: Locality) -> Option<Subject> {
    let (name, tag) = match left {
        [name, tag] if name.starts_with('_') && tag.starts_with('_') => {
            // Only `_tcp` is neutral: `_udp` is a tag like any other word.
            (&name[1..], Some(tag[1..].to_owned()).filter(|tag| tag != "tcp"))
        }
        [tags @ .., name] => (*name, Some(tags.join(".")).filter(|tag| !tag.is_empty())),
        [] => return None,
    };
    let tag = tag.filter(|tag| !tag.is_empty());
    let subject = Subject::Service { name: name.to_owned(), tag, kind: ServiceKind::Plain, locality };
    (!name.is_empty()).then_some(subject)
}

fn read_node(left: &[&str], locality: Locality) -> Option<Subject> {
    let is_of_all = locality.namespace.as_deref().is_none_or(|namespace| namespace == "default");
    (!left.is_empty() && is_of_all).then(|| Subject::Node { name: left.join("."), locality })
}

fn read_query(left: &[&str], right: &[&str]) -> Option<Subject> {
    let datacenter = match right {
        [] => None,
        [datacenter] => Some((*datacenter).to_owned()),
        _ => return None,
    };
    let name = match left {
        [] => return None,
        [first, .., last] if first.starts_with('_') && last.starts_with('_') => {
            left[..left.len() - 1].join(".")[1..].to_owned()
        }
        _ => left.join("."),
    };
    (!name.is_empty()).then_some(Subject::Query { name, datacenter })
}

fn read_address(left: &[&str]) -> Option<IpAddr> {
    let [hex] = left else { return None };
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match hex.len() {
        8 => u32::from_str_radix(hex, 16).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
        32 => u128::from_str_radix(hex, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into()),
        _ => None,
    }
}

/// The alone-standing label after `virtual` is a peer: virtual addresses do not cross datacentres.
fn read_virtual_locality(right: &[&str]) -> Option<Locality> {
    match right {
        [peer] => Some(Locality { peer: Some((*peer).to_owned()), ..Locality::default() }),
        _ => read_locality(right, false).filter(|locality| locality.datacenter.is_none()),
    }
}

fn is_without_peer(locality: &Locality) -> bool {
    locality.peer.is_none()
}

/// Zero to two labels, or two or three pairs of a name and its keyword in any order.
fn read_locality(right: &[&str], prefer_namespace: bool) -> Option<Locality> {
    let mut locality = Locality::default();
    let owned = |label: &str| Some(label.to_owned());
    match right {
        [] => {}
        [namespace] if prefer_namespace => locality.namespace = owned(namespace),
        [datacenter] => locality.datacenter = owned(datacenter),
        [namespace, datacenter] if !KEYWORDS.contains(datacenter) => {
            locality.namespace = owned(namespace);
            locality.datacenter = owned(datacenter);
        }
        pairs if matches!(pairs.len(), 2 | 4 | 6) => {
            pairs.chunks_exact(2).try_for_each(|pair| locality.set(pair[1], pair[0]))?;
        }
        _ => return None,
    }
    locality.is_consistent().then_some(locality)
}

const KEYWORDS: [&str; 6] = ["ns", "ap", "dc", "cluster", "peer", "sg"];

impl Locality {
    /// Sets what a keyword says. A keyword that is unknown, or says something twice, makes the name invalid.
    fn set(&mut self, keyword: &str, name: &str) -> Option<()> {
        let field = match keyword {
            "ns" => &mut self.namespace,
            "ap" => &mut self.partition,
            "dc" | "cluster" => &mut self.datacenter,
            "peer" => &mut self.peer,
            "sg" => &mut self.sameness_group,
            _ => return None,
        };
        field.replace(name.to_owned()).is_none().then_some(())
    }

    fn is_consistent(&self) -> bool {
        let somewhere = [&self.datacenter, &self.peer, &self.sameness_group];
        somewhere.into_iter().flatten().count() <= 1
    }
}

/// The address that a name under `arpa.` stands for: labels left of `arpa`.
pub fn read_reverse(labels: &[&[u8]]) -> Option<IpAddr> {
    match labels {
        [octets @ .., b"in-addr"] if octets.len() == 4 => {
            let mut bytes = [0; 4];
            for (byte, label) in bytes.iter_mut().rev().zip(octets) {
                let text = std::str::from_utf8(label).ok()?;
                let is_plain =
                    text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
                *byte = text.parse().ok().filter(|_| is_plain)?;
            }
            Some(Ipv4Addr::from(bytes).into())
        }
        [nibbles @ .., b"ip6"] if nibbles.len() == 32 => {
            let nibbles = nibbles.iter().rev().try_fold(0u128, |bits, label| match label {
                [digit] => Some(bits << 4 | u128::from(char::from(*digit).to_digit(16)?)),
                _ => None,
            });
            Some(Ipv6Addr::from_bits(nibbles?).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
