//! The types of values that only DNS has.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use konsul_types::duration::GoDuration;
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::kind::{Kind, OptionValue, expected, texts};
use crate::syntax::Value;
use crate::types::TEMPLATE;

/// Times to live by name of service. A name ends in `*` to stand for every service that begins with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTtls(pub BTreeMap<String, GoDuration>);

/// The longest time to live, in seconds: 31 bits (RFC 2181, section 8).
const TTL_SECONDS_MAX: i64 = i32::MAX as i64;

impl ServiceTtls {
    fn entry(name: &str, value: &Value) -> Result<GoDuration, String> {
        let star = name.find('*');
        if name.is_empty() || star.is_some_and(|at| at + 1 != name.len()) {
            return Err(format!(
                "{name:?} is neither the name of a service nor the beginning of one with a * at its end"
            ));
        }
        let ttl = GoDuration::read(value).map_err(|why| format!("{name:?}: {why}"))?;
        if ttl.0 < 0 || ttl.0 / 1_000_000_000 > TTL_SECONDS_MAX {
            return Err(format!("{name:?}: {ttl} is out of range: 0s to {TTL_SECONDS_MAX}s"));
        }
        Ok(ttl)
    }
}

impl OptionValue for ServiceTtls {
    const KIND: Kind = Kind::Map;

    fn read(value: &Value) -> Result<Self, String> {
        let items =
            crate::reading::block(value).map_or_else(|| expected("a block of durations", value), Ok)?;
        let entry =
            |item: &&crate::syntax::Item| Ok((item.key.clone(), Self::entry(&item.key, &item.node.value)?));
        items.iter().map(entry).collect::<Result<_, String>>().map(Self)
    }

    fn to_json(&self) -> Json {
        self.0.iter().map(|(name, ttl)| (name.clone(), json!(ttl.to_string()))).collect()
    }

    fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

impl Serialize for ServiceTtls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// A resolver that is asked for names outside the zones: an IP address, with a port unless it is 53.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recursor(pub SocketAddr);

const DNS_PORT: u16 = 53;

impl FromStr for Recursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("{{") {
            return Err(TEMPLATE.to_owned());
        }
        let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        let alone = || bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT));
        let read = text.parse().or_else(|_| alone()).ok().filter(|address: &SocketAddr| address.port() != 0);
        read.map(Self).ok_or_else(|| {
            format!("expected a resolver such as 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53, found {text:?}")
        })
    }
}

impl fmt::Display for Recursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Recursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl OptionValue for Vec<Recursor> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value) -> Result<Self, String> {
        texts(value, str::parse)
    }

    fn to_json(&self) -> Json {
        json!(self.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    /// One that is asked already is not asked twice.
    fn merge(&mut self, later: Self) {
        for recursor in later {
            if !self.contains(&recursor) {
                self.push(recursor);
            }
        }
    }
}

impl OptionValue for Option<IpAddr> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Text(text) if text.is_empty() => Ok(None),
            other => IpAddr::read(other).map(Some),
        }
    }

    fn to_json(&self) -> Json {
        json!(self.map(|address| address.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursors_have_a_port_or_the_usual_one() {
        for (text, address) in [
            ("10.0.0.2", "10.0.0.2:53"),
            ("10.0.0.2:5353", "10.0.0.2:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[fd00::2]:99", "[fd00::2]:99"),
        ] {
            assert_eq!(
                text.parse::<Recursor>().map(|read| read.to_string()).as_deref(),
                Ok(address),
                "{text}"
            );
        }
        for bad in ["", "dns.local", "10.0.0.2:0", "10.0.0.2:99999", "unix:///run/dns", "{{ GetPrivateIP }}"]
        {
            assert!(bad.parse::<Recursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn times_to_live_are_named_by_services() {
        let ttl = Value::Text("5s".into());
        for good in ["web", "web*", "*", "a.b"] {
            assert_eq!(ServiceTtls::entry(good, &ttl), Ok(GoDuration(5_000_000_000)), "{good}");
        }
        for bad in ["", "*web", "a*b", "**"] {
            assert!(ServiceTtls::entry(bad, &ttl).is_err(), "{bad}");
        }
        for bad in ["-1s", "2147483648s", "5"] {
            assert!(ServiceTtls::entry("web", &Value::Text(bad.into())).is_err(), "{bad}");
        }
    }
}
