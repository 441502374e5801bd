//! Where a check may connect to.
//!
//! Link-local addresses are refused by default: clouds serve credentials of the machine there, and whoever may
//! register a check could read them from its output. The address is judged after the name was resolved, and it is the
//! judged address that is dialled, so that a name cannot change its meaning in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What checks may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Follow redirects where the definition asks for it.
    pub redirects: bool,
    /// Connect to 169.254.0.0/16 and fe80::/10.
    pub link_local: bool,
}

impl Reach {
    /// Whether this address may be dialled.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        self.link_local || !is_link_local(address)
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || embedded(v6).is_some_and(|v4| v4.is_link_local()),
    }
}

/// The IPv4 address that the network makes of this one: mapped and compatible forms (RFC 4291), NAT64 (RFC 6052), 6to4
/// (RFC 3056).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let words = v6.segments();
    let pair = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match words {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        [0x2002, high, low, ..] => pair(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, allowed: bool) {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(Reach::default().allows(address), allowed, "{address}");
        assert!(Reach { link_local: true, ..Reach::default() }.allows(address), "{address}");
    }

    #[test]
    fn link_local_is_refused_in_every_form() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "febf::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            check(address, false);
        }
    }

    #[test]
    fn others_are_not() {
        for address in
            ["127.0.0.1", "::1", "10.0.0.1", "169.253.1.1", "fd00::1", "::ffff:10.0.0.1", "2001:db8::1"]
        {
            check(address, true);
        }
    }
}
