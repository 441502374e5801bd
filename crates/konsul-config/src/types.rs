//! The types of values that only a configuration has.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Where a listener listens, as far as its port goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Port {
    /// It does not listen. Written as `-1`.
    #[default]
    Off,
    /// On any free port; the agent says which one it got. Written as `0`.
    Any,
    /// On this port.
    Number(u16),
}

impl Port {
    /// The number to bind: `None` for a listener that is off, zero for any free port.
    #[must_use]
    pub fn to_bind(self) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Any => Some(0),
            Self::Number(number) => Some(number),
        }
    }

    /// The number as written in a file.
    #[must_use]
    pub fn written(self) -> i64 {
        self.to_bind().map_or(-1, i64::from)
    }

    /// The port that a written number stands for.
    #[must_use]
    pub fn from_written(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Off),
            0 => Some(Self::Any),
            other => u16::try_from(other).ok().map(Self::Number),
        }
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.written())
    }
}

/// IP addresses, written as one text with spaces between them, as Consul does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<IpAddr>);

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A template may hold spaces, so it has to be seen before the text is cut.
        if text.contains("{{") {
            return Err(TEMPLATE.to_owned());
        }
        text.split_whitespace().map(address).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const TEMPLATE: &str =
    "address templates are known to Consul, not built yet in Konsul; write the address itself";

/// Reads one IP address; what Consul would take beyond that is named.
pub(crate) fn address(text: &str) -> Result<IpAddr, String> {
    if text.contains("{{") {
        return Err(TEMPLATE.to_owned());
    }
    if text.starts_with("unix:") {
        return Err(
            "unix sockets are known to Consul, not built yet in Konsul; write an IP address".to_owned()
        );
    }
    if text.contains(char::is_whitespace) {
        return Err(format!("expected one IP address, found several: {text:?}"));
    }
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| format!("expected an IP address such as 127.0.0.1 or ::1, found {text:?}"))
}

/// A range of IP addresses, written as `address/prefix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address is in the range. An IPv4 address that arrives in its IPv6 clothes counts as IPv4.
    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix);
                u64::from(own.to_bits()) >> shift == u64::from(other.to_bits()) >> shift
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix);
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("expected a network such as 10.0.0.0/8 or fd00::/8, found {text:?}");
        let (address, prefix) = text.split_once('/').ok_or_else(refused)?;
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let prefix: u8 = prefix.parse().map_err(|_| refused())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(refused());
        }
        Ok(Self { address, prefix })
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A closed set of words: declares the type, its list of words, and both ways between them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $also:literal)*,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word, in the order of the declaration.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word $(| $also)* => Ok(Self::$variant),)+
                    _ => Err(format!("expected one of {}, found {text:?}", Self::WORDS.join(", "))),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// How much is logged. Read without regard to case, since Consul's documentation writes it in capitals.
    LogLevel {
        /// Everything.
        Trace = "trace",
        /// What helps to find a fault.
        Debug = "debug",
        /// What an operator wants to see.
        #[default]
        Info = "info",
        /// What may need attention.
        Warn = "warn" | "warning",
        /// What went wrong.
        Error = "error" | "err",
    }
}

words! {
    /// Where the log and the snapshots are kept.
    StorageEngine {
        /// In files below `data_dir`.
        #[default]
        Disk = "disk",
        /// In memory: gone when the process ends.
        Memory = "memory",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(network: &str, address: &str, expect: bool) {
        let network: Network = network.parse().expect(network);
        assert_eq!(network.contains(address.parse().expect(address)), expect, "{network} {address}");
    }

    #[test]
    fn networks_hold_their_addresses() {
        holds("10.0.0.0/8", "10.255.0.1", true);
        holds("10.0.0.0/8", "11.0.0.1", false);
        holds("10.0.0.0/8", "::ffff:10.1.1.1", true);
        holds("0.0.0.0/0", "8.8.8.8", true);
        holds("127.0.0.1/32", "127.0.0.2", false);
        holds("::/0", "fe80::1", true);
        holds("::/0", "10.0.0.1", false);
        holds("fd00::/8", "fd12::1", true);
        holds("::1/128", "::2", false);
    }

    #[test]
    fn networks_need_a_prefix_that_fits() {
        for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn several_addresses_stand_in_one_text() {
        let read: Addresses = " 127.0.0.1  ::1 [::2]".parse().expect("three addresses");
        assert_eq!(read.to_string(), "127.0.0.1 ::1 ::2");
        assert!(
            "127.0.0.1 {{ GetPrivateIP }}".parse::<Addresses>().expect_err("a template").contains("template")
        );
        assert!("unix:///run/x".parse::<Addresses>().expect_err("a socket").contains("unix sockets"));
    }
}
