//! Which names are ours.

use crate::settings::Settings;
use crate::wire::Name;

/// The zones that are served.
#[derive(Debug)]
pub(crate) struct Zones {
    /// The longest first.
    zones: Vec<Name>,
    primary: Name,
}

/// Why a zone cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// It is no name.
    #[error("{0:?} is no domain: labels of 1 to 63 bytes with dots between, 255 bytes at most")]
    NotAName(String),
    /// It is the root.
    #[error("the root cannot be served: set `domain` to a name such as \"consul.\"")]
    Root,
}

/// Where a name lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'z> {
    /// In a zone; so many labels stand left of it.
    Zone(&'z Name, usize),
    /// Under `arpa.`; so many labels stand left of it.
    Reverse(usize),
    /// Elsewhere.
    Foreign,
}

impl Zones {
    pub(crate) fn new(settings: &Settings) -> Result<Zones, ZoneError> {
        let primary = parse(&settings.domain)?;
        let mut zones = vec![primary.clone()];
        if !settings.alt_domain.is_empty() {
            zones.push(parse(&settings.alt_domain)?);
        }
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.wire().len()));
        Ok(Zones { zones, primary })
    }

    /// The zone whose names are given to addresses.
    pub(crate) fn primary(&self) -> &Name {
        &self.primary
    }

    /// Where a name lies, by its lower-cased labels. One label after the zone that says whether to fail over is passed
    /// over.
    pub(crate) fn place(&self, labels: &[&[u8]]) -> Place<'_> {
        if let Some(place) = self.exact(labels) {
            return place;
        }
        match labels {
            [rest @ .., b"failover" | b"no-failover"] => self.exact(rest).unwrap_or(Place::Foreign),
            [rest @ .., b"arpa"] => Place::Reverse(rest.len()),
            _ => Place::Foreign,
        }
    }

    fn exact(&self, labels: &[&[u8]]) -> Option<Place<'_>> {
        self.zones.iter().find_map(|zone| {
            let count = zone.labels().count();
            let left = labels.len().checked_sub(count)?;
            zone.labels().eq(labels[left..].iter().copied()).then_some(Place::Zone(zone, left))
        })
    }
}

fn parse(text: &str) -> Result<Name, ZoneError> {
    let name =
        Name::from_dotted(&text.to_ascii_lowercase()).ok_or_else(|| ZoneError::NotAName(text.to_owned()))?;
    if name.wire() == [0] { Err(ZoneError::Root) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_zone_comes_first() {
        let settings =
            Settings { domain: "Consul".into(), alt_domain: "test.consul.".into(), ..Settings::default() };
        let zones = Zones::new(&settings).unwrap();
        let show = |name: &str| {
            let labels: Vec<&[u8]> = name.split('.').map(str::as_bytes).collect();
            match zones.place(&labels) {
                Place::Zone(zone, left) => format!("{zone} {left}"),
                Place::Reverse(left) => format!("reverse {left}"),
                Place::Foreign => "foreign".to_owned(),
            }
        };
        for (name, expect) in [
            ("web.service.consul", "consul. 2"),
            ("web.service.test.consul", "test.consul. 2"),
            ("consul", "consul. 0"),
            ("web.service.consul.failover", "consul. 2"),
            ("web.service.consul.no-failover", "consul. 2"),
            ("web.service.consul.other", "foreign"),
            ("consul.org", "foreign"),
            ("xconsul", "foreign"),
            ("1.0.0.127.in-addr.arpa", "reverse 5"),
            ("failover", "foreign"),
        ] {
            assert_eq!(show(name), expect, "{name}");
        }
        assert_eq!(zones.primary().to_string(), "consul.");
    }

    #[test]
    fn zones_that_cannot_be() {
        let of = |domain: &str| {
            Zones::new(&Settings { domain: domain.into(), ..Settings::default() }).unwrap_err()
        };
        assert_eq!(of("."), ZoneError::Root);
        assert_eq!(of(""), ZoneError::Root);
        assert_eq!(of("a..b"), ZoneError::NotAName("a..b".into()));
    }
}
