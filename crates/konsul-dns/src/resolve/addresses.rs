//! Which of its addresses an instance or a node is reached at.

use std::net::IpAddr;

use crate::directory::{Instance, Node};
use crate::resolve::Resolver;
use crate::wire::rtype;

/// Which family is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

impl Family {
    pub(crate) fn of(qtype: u16) -> Family {
        match qtype {
            rtype::A => Family::V4,
            rtype::AAAA => Family::V6,
            _ => Family::Any,
        }
    }

    fn accepts(self, address: &str) -> bool {
        match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => self != Family::V6,
            Ok(IpAddr::V6(_)) => self != Family::V4,
            // A host name may have either.
            Err(_) => !address.is_empty(),
        }
    }

    fn tag(self, is_wan: bool) -> Option<&'static str> {
        Some(match (self, is_wan) {
            (Family::Any, _) => return None,
            (Family::V4, false) => "lan_ipv4",
            (Family::V6, false) => "lan_ipv6",
            (Family::V4, true) => "wan_ipv4",
            (Family::V6, true) => "wan_ipv6",
        })
    }
}

impl Resolver {
    /// Where an instance itself is reached; an empty address if it has none of its own.
    pub(crate) fn own_address<'i>(&self, instance: &'i Instance, family: Family) -> (&'i str, u16) {
        let tagged = |tag: &str| {
            let found = instance.tagged_addresses.get(tag).filter(|found| !found.address.is_empty())?;
            Some((found.address.as_str(), if found.port == 0 { instance.port } else { found.port }))
        };
        self.choose((&instance.address, instance.port), tagged, &instance.node, family)
    }

    /// Where a node is reached.
    pub(crate) fn node_address<'n>(&self, node: &'n Node, family: Family) -> &'n str {
        let tagged = |tag: &str| {
            node.tagged_addresses.get(tag).filter(|found| !found.is_empty()).map(|found| (found.as_str(), 0))
        };
        self.choose((&node.address, 0), tagged, node, family).0
    }

    fn choose<'a>(
        &self,
        plain: (&'a str, u16),
        tagged: impl Fn(&str) -> Option<(&'a str, u16)>,
        node: &Node,
        family: Family,
    ) -> (&'a str, u16) {
        let is_wan = node.peer.is_some() || self.is_far(&node.datacenter);
        let usual = Some("wan").filter(|_| is_wan).and_then(&tagged).unwrap_or(plain);
        if family.accepts(usual.0) {
            return usual;
        }
        let other = family.tag(is_wan).and_then(tagged).filter(|other| family.accepts(other.0));
        other.unwrap_or(usual)
    }

    fn is_far(&self, datacenter: &str) -> bool {
        self.settings.translate_wan_addresses && !datacenter.eq_ignore_ascii_case(&self.settings.datacenter)
    }
}
