//! Reads a question.
//!
//! What is accepted: one question, an OPT record, and one more record of each kind that a query may carry (a TSIG, the SOA
//! of an IXFR). Whatever else a packet holds, its counts say so, and it is refused before its records are walked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smallvec::SmallVec;

use super::name::{LABEL_MAX, NAME_MAX, labels};
use super::{Rcode, rtype, u16_at};

/// Bytes of a message's head.
pub(crate) const HEAD_BYTES: usize = 12;

/// A question as it came.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The whole packet.
    pub(crate) packet: &'a [u8],
    /// Identifies the answer for who asked.
    pub id: u16,
    /// The second pair of bytes: what is set in it is partly repeated.
    pub(crate) flags: u16,
    /// Its name in wire form, lower-cased.
    name: SmallVec<[u8; 64]>,
    /// The type of record that is asked for.
    pub qtype: u16,
    /// The class.
    pub qclass: u16,
    /// Where the question ends in the packet.
    pub(crate) question_end: usize,
    /// Its OPT record.
    pub edns: Option<Edns>,
}

/// What an OPT record says (RFC 6891).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edns {
    /// Most bytes of a datagram that the client takes.
    pub size: u16,
    /// The version that it speaks.
    pub version: u8,
    /// It wants signatures (DO). We have none; whoever we ask may.
    pub dnssec_ok: bool,
    /// The network on whose behalf it asks (RFC 7871).
    pub subnet: Option<ClientSubnet>,
    /// Its cookie (RFC 7873): eight bytes of its own, then what we gave it, if it has that.
    pub cookie: Option<SmallVec<[u8; 24]>>,
}

/// A network on whose behalf a resolver asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSubnet {
    /// Its address; bits beyond the prefix are zero.
    pub address: IpAddr,
    /// How many bits of it count.
    pub prefix: u8,
}

/// Why a packet is no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Nobody is answered: too short to have a head, or a response, to which an answer could start a loop.
    Ignored,
    /// This is answered, without repeating anything but the head.
    Answered(Rcode),
}

const FORMERR: Malformed = Malformed::Answered(Rcode::FormErr);

const QR: u16 = 0x8000;

impl<'a> Query<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// What to do with one that is no question.
    pub fn parse(packet: &'a [u8]) -> Result<Query<'a>, Malformed> {
        let head: &[u8; HEAD_BYTES] = packet.first_chunk().ok_or(Malformed::Ignored)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let flags = word(2);
        if flags & QR != 0 {
            return Err(Malformed::Ignored);
        }
        if flags >> 11 & 0xF != 0 {
            return Err(Malformed::Answered(Rcode::NotImp));
        }
        match word(4) {
            0 => return Err(Malformed::Answered(Rcode::Refused)),
            1 => {}
            _ => return Err(FORMERR),
        }
        let (answers, authorities, additionals) = (word(6), word(8), word(10));
        if answers > 1 || authorities > 1 || additionals > 2 {
            return Err(FORMERR);
        }
        let mut name = SmallVec::new();
        let after_name = read_question_name(packet, &mut name).ok_or(FORMERR)?;
        let qtype = u16_at(packet, after_name).ok_or(FORMERR)?;
        let qclass = u16_at(packet, after_name + 2).ok_or(FORMERR)?;
        let question_end = after_name + 4;
        let mut query = Query { packet, id: word(0), flags, name, qtype, qclass, question_end, edns: None };
        let mut at = question_end;
        for _ in 0..answers + authorities {
            at = skip_record(packet, at).ok_or(FORMERR)?;
        }
        for _ in 0..additionals {
            at = query.read_additional(at).ok_or(FORMERR)?;
        }
        Ok(query)
    }

    /// Its name in wire form, lower-cased.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The labels of its name, left to right, lower-cased.
    pub fn labels(&self) -> SmallVec<[&[u8]; 8]> {
        labels(&self.name).collect()
    }

    /// The question as it came.
    pub(crate) fn question(&self) -> &'a [u8] {
        &self.packet[HEAD_BYTES..self.question_end]
    }

    fn read_additional(&mut self, at: usize) -> Option<usize> {
        let is_opt = self.packet.get(at) == Some(&0) && u16_at(self.packet, at + 1)? == rtype::OPT;
        if !is_opt {
            return skip_record(self.packet, at);
        }
        if self.edns.is_some() {
            return None;
        }
        let length = usize::from(u16_at(self.packet, at + 9)?);
        let data = self.packet.get(at + 11..at + 11 + length)?;
        let mut edns = Edns {
            size: u16_at(self.packet, at + 3)?,
            version: self.packet[at + 6],
            dnssec_ok: self.packet[at + 7] & 0x80 != 0,
            ..Edns::default()
        };
        edns.read_options(data)?;
        self.edns = Some(edns);
        Some(at + 11 + length)
    }
}

const OPTION_SUBNET: u16 = 8;
const OPTION_COOKIE: u16 = 10;

impl Edns {
    fn read_options(&mut self, data: &[u8]) -> Option<()> {
        let mut at = 0;
        while at < data.len() {
            let (code, length) = (u16_at(data, at)?, usize::from(u16_at(data, at + 2)?));
            let option = data.get(at + 4..at + 4 + length)?;
            match code {
                OPTION_SUBNET => self.subnet = Some(ClientSubnet::read(option)?),
                OPTION_COOKIE => self.cookie = Some(read_cookie(option)?),
                _ => {}
            }
            at += 4 + length;
        }
        Some(())
    }
}

fn read_cookie(option: &[u8]) -> Option<SmallVec<[u8; 24]>> {
    // A server's part may be of any of these lengths: it may be another server's, before or behind the same address.
    matches!(option.len(), 8 | 16..=40).then(|| SmallVec::from_slice(option))
}

impl ClientSubnet {
    fn read(option: &[u8]) -> Option<ClientSubnet> {
        let [_, family, prefix, _scope, address @ ..] = option else { return None };
        if option[0] != 0 || address.len() != usize::from(prefix.div_ceil(8)) {
            return None;
        }
        let address = match family {
            1 if *prefix <= 32 => {
                let bits = u32::from_be_bytes(padded(address))
                    & !u32::MAX.checked_shr((*prefix).into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(bits))
            }
            2 if *prefix <= 128 => {
                let bits = u128::from_be_bytes(padded(address))
                    & !u128::MAX.checked_shr((*prefix).into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(bits))
            }
            _ => return None,
        };
        Some(ClientSubnet { address, prefix: *prefix })
    }

    /// The option as it goes back, with a scope.
    pub(crate) fn write(&self, scope: u8, out: &mut Vec<u8>) {
        let (family, octets): (u8, SmallVec<[u8; 16]>) = match self.address {
            IpAddr::V4(v4) => (1, SmallVec::from_slice(&v4.octets())),
            IpAddr::V6(v6) => (2, SmallVec::from_slice(&v6.octets())),
        };
        let kept = usize::from(self.prefix.div_ceil(8));
        out.extend_from_slice(&OPTION_SUBNET.to_be_bytes());
        out.extend_from_slice(&(4 + kept as u16).to_be_bytes());
        out.extend_from_slice(&[0, family, self.prefix, scope]);
        out.extend_from_slice(&octets[..kept]);
    }
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all[..bytes.len().min(N)].copy_from_slice(&bytes[..bytes.len().min(N)]);
    all
}

/// Writes a cookie option.
pub(crate) fn write_cookie(cookie: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&OPTION_COOKIE.to_be_bytes());
    out.extend_from_slice(&(cookie.len() as u16).to_be_bytes());
    out.extend_from_slice(cookie);
}

/// Copies the first name of a packet, lower-cased; answers where it ends. A pointer in it could only point at itself or
/// into the head, so there is none.
fn read_question_name(packet: &[u8], name: &mut SmallVec<[u8; 64]>) -> Option<usize> {
    let mut at = HEAD_BYTES;
    loop {
        let length = usize::from(*packet.get(at)?);
        if length > LABEL_MAX {
            return None;
        }
        at += 1 + length;
        if at - HEAD_BYTES > NAME_MAX || at > packet.len() {
            return None;
        }
        if length == 0 {
            break;
        }
    }
    // Lengths are below 64, so that lower-casing the whole leaves them alone.
    name.extend_from_slice(&packet[HEAD_BYTES..at]);
    name.make_ascii_lowercase();
    Some(at)
}

/// Where a record ends. Its name is not followed: pointers are two bytes, whatever they say.
fn skip_record(packet: &[u8], at: usize) -> Option<usize> {
    let after_name = skip_name(packet, at)?;
    let length = usize::from(u16_at(packet, after_name + 8)?);
    Some(after_name + 10 + length).filter(|end| *end <= packet.len())
}

fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xC0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPT: &[u8] = b"\0\0\x29\x10\0\0\0\0\0\0";

    fn head(flags: u16, counts: [u16; 4]) -> Vec<u8> {
        let mut packet = vec![0xAB, 0xCD];
        packet.extend_from_slice(&flags.to_be_bytes());
        counts.iter().for_each(|count| packet.extend_from_slice(&count.to_be_bytes()));
        packet
    }

    fn question() -> Vec<u8> {
        [&head(0x0100, [1, 0, 0, 0]), &b"\x03Web\x07service\x06CONSUL\0\0\x01\0\x01"[..]].concat()
    }

    fn with_opt(options: &[u8]) -> Vec<u8> {
        let mut packet = question();
        packet[11] = 1;
        packet.extend_from_slice(OPT);
        packet.push(options.len() as u8);
        packet.extend_from_slice(options);
        packet
    }

    #[test]
    fn reads_a_question_and_lowers_its_name() {
        let packet = question();
        let query = Query::parse(&packet).unwrap();
        assert_eq!((query.id, query.qtype, query.qclass), (0xABCD, rtype::A, 1));
        assert_eq!(query.labels().as_slice(), [&b"web"[..], b"service", b"consul"]);
        assert_eq!(query.question(), &packet[12..]);
        assert_eq!(query.edns, None);
    }

    #[test]
    fn no_prefix_of_a_question_is_one() {
        let packet = with_opt(b"\0\x0a\0\x08abcdefgh");
        for length in 0..packet.len() {
            let expect = if length < HEAD_BYTES { Malformed::Ignored } else { FORMERR };
            assert_eq!(Query::parse(&packet[..length]).unwrap_err(), expect, "{length}");
        }
        assert!(Query::parse(&packet).is_ok());
    }

    #[test]
    fn reads_edns() {
        let packet = with_opt(b"\0\x08\0\x07\0\x01\x18\0\x0a\x01\x02\0\x0a\0\x08abcdefgh\0\x0c\0\x02\0\0");
        let edns = Query::parse(&packet).unwrap().edns.unwrap();
        assert_eq!((edns.size, edns.version), (4096, 0));
        assert_eq!(edns.cookie.as_deref(), Some(&b"abcdefgh"[..]));
        assert_eq!(edns.subnet, Some(ClientSubnet { address: [10, 1, 2, 0].into(), prefix: 24 }));
        let mut out = Vec::new();
        edns.subnet.unwrap().write(24, &mut out);
        assert_eq!(out, b"\0\x08\0\x07\0\x01\x18\x18\x0a\x01\x02");
    }

    #[track_caller]
    fn check(packet: &[u8], expect: Malformed) {
        assert_eq!(Query::parse(packet).unwrap_err(), expect, "{}", packet.escape_ascii());
    }

    #[test]
    fn what_is_no_question_gets_its_answer() {
        let after = |head: Vec<u8>, rest: &[u8]| [&head, rest].concat();
        let name = &b"\x01a\0\0\x01\0\x01"[..];
        check(&after(head(0x8000, [1, 0, 0, 0]), name), Malformed::Ignored);
        check(&after(head(0x2800, [1, 0, 0, 0]), name), Malformed::Answered(Rcode::NotImp));
        check(&after(head(0x1000, [1, 0, 0, 0]), name), Malformed::Answered(Rcode::NotImp));
        check(&head(0, [0, 0, 0, 0]), Malformed::Answered(Rcode::Refused));
        check(&after(head(0, [100, 0, 0, 0]), &name.repeat(100)), FORMERR);
        check(&after(head(0, [1, 2, 0, 0]), name), FORMERR);
        check(&after(head(0, [1, 0, 2, 0]), name), FORMERR);
        check(&after(head(0, [1, 0, 0, 3]), name), FORMERR);
        check(&after(head(0, [1, 0, 0, 1]), name), FORMERR);
    }

    #[test]
    fn bad_names_are_form_errors() {
        let ask = |name: &[u8]| [&head(0, [1, 0, 0, 0]), name, b"\0\x01\0\x01"].concat();
        check(&ask(b"\xc0\x0c"), FORMERR);
        check(&ask(b"\x01a\xc0\x0c"), FORMERR);
        check(&ask(b"\x40a\0"), FORMERR);
        check(&ask(b"\x80\0"), FORMERR);
        check(&ask(&[&b"\x3f".repeat(256)[..], b"\0"].concat()), FORMERR);
    }

    #[test]
    fn bad_options_are_form_errors() {
        let bad: [&[u8]; 8] = [
            b"\0",
            b"\0\x08\0\x09\0\x01",
            b"\0\x08\0\x04\0\x01\x18\0",
            b"\0\x08\0\x05\0\x01\x21\0\0",
            b"\0\x08\0\x04\0\x03\0\0",
            b"\0\x0a\0\x07abcdefg",
            b"\0\x0a\0\x0aabcdefghij",
            b"\0\x0a\0\x29abcdefghijabcdefghijabcdefghijabcdefghijk",
        ];
        bad.iter().for_each(|options| check(&with_opt(options), FORMERR));
        let mut two = with_opt(b"");
        two[11] = 2;
        two.extend_from_slice(OPT);
        two.push(0);
        check(&two, FORMERR);
    }

    #[test]
    fn another_record_beside_opt_is_passed_over() {
        let mut packet = with_opt(b"");
        packet[11] = 2;
        packet.extend_from_slice(b"\x01k\xc0\x0c\0\xfa\0\xff\0\0\0\0\0\x02ab");
        assert!(Query::parse(&packet).unwrap().edns.is_some());
        packet.pop();
        check(&packet, FORMERR);
    }
}
