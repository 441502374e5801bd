//! The types of values that only a configuration has.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
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

/// Where one listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// On an IP address, at the port of its kind.
    Ip(IpAddr),
    /// On a unix socket, written as `unix:///path`.
    Unix(PathBuf),
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl FromStr for Listener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix("unix://") else {
            return address(text).map(Self::Ip);
        };
        // The system's bound on the name of a socket, with its closing zero.
        if !path.starts_with('/') || path.len() > 107 || path.contains(char::is_control) {
            return Err(format!(
                "expected a unix socket such as unix:///run/konsul.sock, an absolute path of at most 107 bytes, \
                 found {text:?}"
            ));
        }
        Ok(Self::Unix(PathBuf::from(path)))
    }
}

/// IP addresses and unix sockets, written as one text with spaces between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners(pub Vec<Listener>);

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}

impl FromStr for Listeners {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("{{") {
            return Err(TEMPLATE.to_owned());
        }
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Listeners {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The permissions of a file, written in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(pub u32);

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl FromStr for FileMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
        mode.map(Self)
            .ok_or_else(|| format!("expected a file mode from 0000 to 0777, in octal, found {text:?}"))
    }
}

impl Serialize for FileMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Ratio(pub f64);

impl FromStr for Ratio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or_else(|| format!("expected a number from 0 to 1, found {text:?}"))
    }
}

/// How traces are sent to a collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protobuf in bodies of HTTP requests.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

impl OtlpProtocol {
    pub(crate) const WORDS: &'static [&'static str] = &["http/protobuf", "grpc"];

    /// The word by which OpenTelemetry calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl FromStr for OtlpProtocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "http/protobuf" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            _ => Err(format!("expected \"http/protobuf\" or \"grpc\", found {text:?}")),
        }
    }
}

impl Serialize for OtlpProtocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Where a collector of traces listens: `http://host:port`, with a path or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OtlpEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err(format!(
                "traces are sent without encryption, found {text:?}; let a collector on this machine send them on"
            ));
        }
        let host = text.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let good = host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
        if good {
            return Ok(Self(text.trim_end_matches('/').to_owned()));
        }
        Err(format!("expected an address such as \"http://localhost:4318\", found {text:?}"))
    }
}

impl Serialize for OtlpEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) const TEMPLATE: &str =
    "address templates are known to Consul, not built yet in Konsul; write the address itself";

/// Reads one IP address; what Consul would take beyond that is named.
pub(crate) fn address(text: &str) -> Result<IpAddr, String> {
    if text.contains("{{") {
        return Err(TEMPLATE.to_owned());
    }
    if text.starts_with("unix:") {
        return Err("a unix socket is no IP address; addresses.http takes unix:///path".to_owned());
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
    /// In which order recursors are asked.
    RecursorStrategy {
        /// As they are listed.
        #[default]
        Sequential = "sequential",
        /// In another order for each question.
        Random = "random",
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
        assert!("unix:///run/x".parse::<Addresses>().expect_err("a socket").contains("addresses.http"));
    }

    #[test]
    fn listeners_may_be_sockets() {
        let read: Listeners = "unix:///run/k.sock 127.0.0.1 ::1".parse().expect("three of them");
        assert_eq!(read.0[0], Listener::Unix("/run/k.sock".into()));
        assert_eq!(read.to_string(), "unix:///run/k.sock 127.0.0.1 ::1");
        for bad in ["unix://relative", "unix:/run/x", &format!("unix:///{}", "x".repeat(107)), "localhost"] {
            assert!(bad.parse::<Listeners>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_collector_is_told_by_a_plain_address() {
        let read: OtlpEndpoint = "http://[::1]:4318/".parse().expect("a good one");
        assert_eq!(read.to_string(), "http://[::1]:4318");
        assert!("http://c:4318/v1/traces".parse::<OtlpEndpoint>().is_ok());
        for bad in ["", "localhost:4318", "http://", "http://a b", "http://u:p@h", "http://h?x", "grpc://h"] {
            assert!(bad.parse::<OtlpEndpoint>().is_err(), "{bad}");
        }
        let why = "https://c".parse::<OtlpEndpoint>().expect_err("no TLS");
        assert!(why.contains("a collector on this machine"), "{why}");
    }

    #[test]
    fn a_ratio_lies_between_nothing_and_all() {
        assert_eq!("0.25".parse(), Ok(Ratio(0.25)));
        for bad in ["-0.1", "1.1", "NaN", "inf", "half", ""] {
            assert!(bad.parse::<Ratio>().is_err(), "{bad}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!("660".parse::<FileMode>().map(|mode| mode.to_string()), Ok("0660".to_owned()));
        for bad in ["", "0888", "+77", "1777", "rw"] {
            assert!(bad.parse::<FileMode>().is_err(), "{bad}");
        }
    }
}
