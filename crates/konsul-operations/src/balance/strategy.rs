//! The strategies by name.

use std::fmt;

use konsul_types::Index;

/// How to choose among instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Strategy {
    /// Each alike.
    #[default]
    Random,
    /// One after the other.
    RoundRobin,
    /// At random by weight.
    Weighted,
    /// One after the other by weight, spread evenly.
    SmoothWeighted,
    /// Fewest reported connections per weight, of two drawn.
    LeastConnections,
    /// Least reported load per weight, of two drawn.
    LeastLoad,
    /// Smallest round-trip time.
    Nearest,
    /// By the caller's key.
    ConsistentHash,
    /// The caller's zone while it is healthy enough.
    ZoneAware,
}

/// A word that names no strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked:?} is no strategy; there are {}", Strategy::ALL.map(Strategy::name).join(", "))]
pub struct UnknownStrategy {
    /// The word.
    pub asked: String,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 9] = [
        Strategy::Random,
        Strategy::RoundRobin,
        Strategy::Weighted,
        Strategy::SmoothWeighted,
        Strategy::LeastConnections,
        Strategy::LeastLoad,
        Strategy::Nearest,
        Strategy::ConsistentHash,
        Strategy::ZoneAware,
    ];

    /// Its name, as it stands in APIs and definitions.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Random => "random",
            Strategy::RoundRobin => "round_robin",
            Strategy::Weighted => "weighted",
            Strategy::SmoothWeighted => "smooth_weighted",
            Strategy::LeastConnections => "least_connections",
            Strategy::LeastLoad => "least_load",
            Strategy::Nearest => "nearest",
            Strategy::ConsistentHash => "consistent_hash",
            Strategy::ZoneAware => "zone_aware",
        }
    }

    /// The strategy of a name; `-` counts as `_`.
    ///
    /// # Errors
    /// If there is none of that name; the text lists those that there are.
    pub fn of_name(name: &str) -> Result<Strategy, UnknownStrategy> {
        let plain = name.replace('-', "_");
        let found = Strategy::ALL.into_iter().find(|strategy| strategy.name() == plain);
        found.ok_or_else(|| UnknownStrategy { asked: name.to_owned() })
    }

    /// Whether it is of use only with the caller's key.
    pub fn needs_key(self) -> bool {
        self == Strategy::ConsistentHash
    }

    /// Whether the answer depends on a counter.
    pub fn takes_turns(self) -> bool {
        matches!(self, Strategy::RoundRobin | Strategy::SmoothWeighted)
    }

    /// Whether the answer depends on where the caller stands.
    pub fn needs_place(self) -> bool {
        matches!(self, Strategy::Nearest | Strategy::ZoneAware)
    }

    /// What to do for a caller: what it asked for, else what the service advises, else [`Strategy::Random`].
    ///
    /// While a new definition is rolled out instances differ in their advice: that of the one registered last counts.
    /// `advised` yields each instance's modify index and advice, which is empty for none.
    ///
    /// # Errors
    /// If that advice names no strategy. Registration refuses such a one, but an older record may hold it.
    pub fn inherited<'a>(
        asked: Option<Strategy>,
        advised: impl IntoIterator<Item = (Index, &'a str)>,
    ) -> Result<Strategy, UnknownStrategy> {
        if let Some(asked) = asked {
            return Ok(asked);
        }
        let spoken = advised.into_iter().filter(|(_, advice)| !advice.is_empty());
        spoken.max().map_or(Ok(Strategy::Random), |(_, advice)| Strategy::of_name(advice))
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_an_unknown_one_lists_all() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::of_name(strategy.name()), Ok(strategy));
        }
        assert_eq!(Strategy::of_name("round-robin"), Ok(Strategy::RoundRobin));
        let text = Strategy::of_name("fastest").unwrap_err().to_string();
        assert!(text.starts_with("\"fastest\" is no strategy; there are random, round_robin, "), "{text}");
    }

    #[test]
    fn callers_inherit_the_newest_advice_unless_they_ask() {
        let advised = [(Index(3), "nearest"), (Index(9), ""), (Index(7), "weighted")];
        assert_eq!(Strategy::inherited(None, advised), Ok(Strategy::Weighted));
        assert_eq!(Strategy::inherited(Some(Strategy::LeastLoad), advised), Ok(Strategy::LeastLoad));
        assert_eq!(Strategy::inherited(None, []), Ok(Strategy::Random));
        assert!(Strategy::inherited(None, [(Index(1), "magic")]).is_err());
    }
}
