//! What a name of Konsul's zone is about, as far as it can be told from its labels: enough to look the same thing up in the
//! catalogue. The server's own reading decides what is answered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a name is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// The instances of a service, those with a tag if one is named.
    Service {
        name: String,
        tag: Option<String>,
    },
    Node(String),
    Query(String),
    /// The address is spelt in the name.
    Address,
    /// Anything else: the zone itself, an address turned round, another zone's name.
    Other,
}

/// Reads a name in dotted form.
pub(super) fn read(name: &str, is_srv: bool) -> Subject {
    let labels: Vec<String> = name.trim_end_matches('.').split('.').map(str::to_ascii_lowercase).collect();
    let kinds = ["service", "connect", "virtual", "ingress", "node", "query", "addr"];
    let at = labels.iter().rposition(|label| kinds.contains(&label.as_str()));
    let last = labels.iter().rposition(|label| label.starts_with('_'));
    let (kind, left) = match (at, last) {
        (Some(at), _) => (labels[at].as_str(), &labels[..at]),
        (None, Some(last)) if is_srv => ("service", &labels[..=last]),
        _ => return Subject::Other,
    };
    match (kind, left) {
        (_, []) => Subject::Other,
        ("node", left) => Subject::Node(left.join(".")),
        ("query", left) => Subject::Query(left.join(".")),
        ("addr", _) => Subject::Address,
        ("service", [service, tag]) if service.starts_with('_') && tag.starts_with('_') => {
            let tag = Some(tag[1..].to_owned()).filter(|tag| tag != "tcp");
            Subject::Service { name: service[1..].to_owned(), tag }
        }
        ("service", [tags @ .., service]) => {
            let tag = Some(tags.join(".")).filter(|tag| !tag.is_empty());
            Subject::Service { name: service.clone(), tag }
        }
        (_, [.., service]) => Subject::Service { name: service.clone(), tag: None },
    }
}

/// The address that a target such as `0a000009.addr.dc1.consul.` spells.
pub(super) fn spelt(name: &str) -> Option<IpAddr> {
    let mut labels = name.split('.');
    let (hex, kind) = (labels.next()?, labels.next()?);
    if !kind.eq_ignore_ascii_case("addr") {
        return None;
    }
    match hex.len() {
        8 => u32::from_str_radix(hex, 16).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
        32 => u128::from_str_radix(hex, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn service(name: &str, is_srv: bool, expect: &str, tag: Option<&str>) {
        let expect = Subject::Service { name: expect.into(), tag: tag.map(str::to_owned) };
        assert_eq!(read(name, is_srv), expect, "{name}");
    }

    #[test]
    fn names_are_read_as_the_server_reads_them() {
        service("Web.service.consul.", false, "web", None);
        service("v1.web.service.dc1.consul", false, "web", Some("v1"));
        service("_web._v1.service.consul", true, "web", Some("v1"));
        service("_web._tcp.consul", true, "web", None);
        service("web.connect.consul", false, "web", None);
        assert_eq!(read("n1.node.consul.", false), Subject::Node("n1".into()));
        assert_eq!(read("near-web.query.consul.", false), Subject::Query("near-web".into()));
        assert_eq!(read("0a000009.addr.dc1.consul.", false), Subject::Address);
        assert_eq!(read("consul.", false), Subject::Other);
        assert_eq!(read("service.consul.", false), Subject::Other);
        assert_eq!(spelt("0a000009.addr.dc1.consul."), Some(Ipv4Addr::new(10, 0, 0, 9).into()));
        assert_eq!(spelt("n1.node.consul."), None);
    }
}
