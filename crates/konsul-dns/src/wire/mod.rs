//! The wire format, as far as a server of names needs it: questions in, records out (RFC 1035, 2782, 6891, 7871, 7873).
//!
//! Questions are read by hand, without allocation, since this is what a flood of packets meets first. What comes from
//! recursors and has to be understood is read by hickory-proto.

mod message;
mod name;
mod query;

pub(crate) use message::{Head, Name as OutName, POINTER_MAX, Writer, write_head};
pub use name::Name;
pub use query::{ClientSubnet, Edns, Malformed, Query};
pub(crate) use query::{HEAD_BYTES, write_cookie};

/// Types of records, as numbers (RFC 1035, section 3.2.2, and its successors).
#[allow(missing_docs)]
pub mod rtype {
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const PTR: u16 = 12;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const SRV: u16 = 33;
    pub const OPT: u16 = 41;
    pub const IXFR: u16 = 251;
    pub const AXFR: u16 = 252;
    pub const ANY: u16 = 255;
}

/// Classes.
pub(crate) mod class {
    pub(crate) const IN: u16 = 1;
    pub(crate) const ANY: u16 = 255;
}

/// How a question went (RFC 1035, section 4.1.1; RFC 6891, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rcode {
    /// It has an answer, perhaps an empty one.
    NoError,
    /// It cannot be read.
    FormErr,
    /// Something here, or behind here, is not to be had.
    ServFail,
    /// There is no such name.
    NxDomain,
    /// Such things are not done here.
    NotImp,
    /// Not for this name.
    Refused,
    /// A newer EDNS than ours.
    BadVers,
}

impl Rcode {
    /// All of them.
    pub const ALL: [Rcode; 7] = [
        Rcode::NoError,
        Rcode::FormErr,
        Rcode::ServFail,
        Rcode::NxDomain,
        Rcode::NotImp,
        Rcode::Refused,
        Rcode::BadVers,
    ];

    /// Its number, of which the head of a message has the lower four bits.
    pub const fn number(self) -> u16 {
        match self {
            Rcode::NoError => 0,
            Rcode::FormErr => 1,
            Rcode::ServFail => 2,
            Rcode::NxDomain => 3,
            Rcode::NotImp => 4,
            Rcode::Refused => 5,
            Rcode::BadVers => 16,
        }
    }

    /// Its name, as `dig` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Rcode::NoError => "NOERROR",
            Rcode::FormErr => "FORMERR",
            Rcode::ServFail => "SERVFAIL",
            Rcode::NxDomain => "NXDOMAIN",
            Rcode::NotImp => "NOTIMP",
            Rcode::Refused => "REFUSED",
            Rcode::BadVers => "BADVERS",
        }
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
