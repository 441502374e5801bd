//! Writes an answer.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::Rcode;
use super::query::{HEAD_BYTES, Query};

/// The head of an answer, apart from what the question says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) rcode: Rcode,
    pub(crate) authoritative: bool,
    pub(crate) recursion: bool,
    pub(crate) truncated: bool,
}

/// A name that is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'a> {
    /// The question's.
    Question,
    /// One that was written in full at this place of the message.
    At(usize, &'a [u8]),
    /// This one, by pointers as far as it can be.
    Full(&'a [u8]),
}

/// Offsets beyond have no pointer (RFC 1035, section 4.1.4).
pub(crate) const POINTER_MAX: usize = 0x3FFF;
/// So many places are remembered to point at. It bounds the time that compression takes.
const PLACES_MAX: usize = 48;

/// Appends an answer to a buffer, section by section.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    question: &'a [u8],
    compress: bool,
    /// Where suffixes of names begin.
    places: SmallVec<[u16; PLACES_MAX]>,
}

impl<'a> Writer<'a> {
    /// Begins with head and question; counts are filled in by [`Writer::count`].
    pub(crate) fn new(query: &Query<'a>, head: Head, compress: bool, out: &'a mut Vec<u8>) -> Writer<'a> {
        let start = out.len();
        let question = query.question();
        write_head(query.id, query.flags, head, 1, out);
        out.extend_from_slice(question);
        let mut writer = Writer { out, start, question, compress, places: SmallVec::new() };
        writer.remember(HEAD_BYTES, &question[..question.len() - 4]);
        writer
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Goes back to a length.
    pub(crate) fn cut(&mut self, length: usize) {
        self.out.truncate(self.start + length);
        self.places.retain(|place| usize::from(*place) < length);
    }

    /// Says how many records a section has: 1 answer, 2 authority, 3 additional.
    pub(crate) fn count(&mut self, section: usize, records: u16) {
        let at = self.start + 4 + 2 * section;
        self.out[at..at + 2].copy_from_slice(&records.to_be_bytes());
    }

    /// Sets TC.
    pub(crate) fn truncated(&mut self) {
        self.out[self.start + 2] |= 0x02;
    }

    /// Writes owner, type, class IN, TTL, and the data that `data` writes, with their length before them.
    pub(crate) fn record(&mut self, owner: Name<'_>, kind: u16, ttl: u32, data: impl FnOnce(&mut Self)) {
        self.name(owner);
        let mut fixed = [0; 10];
        fixed[..2].copy_from_slice(&kind.to_be_bytes());
        fixed[3] = 1;
        fixed[4..8].copy_from_slice(&ttl.to_be_bytes());
        self.out.extend_from_slice(&fixed);
        let begin = self.out.len();
        data(self);
        let length = (self.out.len() - begin) as u16;
        self.out[begin - 2..begin].copy_from_slice(&length.to_be_bytes());
    }

    pub(crate) fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.out.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) => self.out.extend_from_slice(&v6.octets()),
        }
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes a name without pointers, as data of SRV has it; answers where, for [`Name::At`].
    pub(crate) fn plain_name(&mut self, wire: &[u8]) -> usize {
        let at = self.len();
        self.out.extend_from_slice(wire);
        at
    }

    pub(crate) fn name(&mut self, name: Name<'_>) {
        match name {
            Name::Question if self.compress => self.pointer(HEAD_BYTES),
            Name::Question => self.out.extend_from_slice(&self.question[..self.question.len() - 4]),
            Name::At(place, _) if self.compress && place <= POINTER_MAX => self.pointer(place),
            Name::Full(wire) if self.compress => self.compressed(wire),
            Name::At(_, wire) | Name::Full(wire) => self.out.extend_from_slice(wire),
        }
    }

    fn pointer(&mut self, place: usize) {
        self.u16(0xC000 | place as u16);
    }

    fn compressed(&mut self, wire: &[u8]) {
        let begin = self.len();
        let mut at = 0;
        while wire[at] != 0 {
            if let Some(place) = self.find(&wire[at..]) {
                self.bytes(&wire[..at]);
                self.remember(begin, &wire[..at]);
                return self.pointer(place);
            }
            at += 1 + usize::from(wire[at]);
        }
        self.bytes(wire);
        self.remember(begin, wire);
    }

    /// Notes the suffixes of a name, or of the labels before a pointer, that was written at a place.
    fn remember(&mut self, place: usize, wire: &[u8]) {
        let mut at = 0;
        while at < wire.len() && wire[at] != 0 {
            if self.places.len() < PLACES_MAX && place + at <= POINTER_MAX {
                self.places.push((place + at) as u16);
            }
            at += 1 + usize::from(wire[at]);
        }
    }

    fn find(&self, suffix: &[u8]) -> Option<usize> {
        self.places.iter().map(|place| usize::from(*place)).find(|place| self.reads(*place, suffix))
    }

    /// Whether the name at a place is this one. What we wrote points back only, so that this ends.
    fn reads(&self, mut place: usize, name: &[u8]) -> bool {
        let message = &self.out[self.start..];
        let mut rest = name;
        loop {
            let length = message[place];
            if length >= 0xC0 {
                place = usize::from(length & 0x3F) << 8 | usize::from(message[place + 1]);
                continue;
            }
            let label = ..=usize::from(length);
            let (Some(one), Some(other)) = (message[place..].get(label), rest.get(label)) else {
                return false;
            };
            if !one.eq_ignore_ascii_case(other) {
                return false;
            }
            if length == 0 {
                return true;
            }
            place += one.len();
            rest = &rest[other.len()..];
        }
    }
}

/// Writes a head alone. What of the question's flags is repeated: RD and CD.
pub(crate) fn write_head(id: u16, flags: u16, head: Head, questions: u16, out: &mut Vec<u8>) {
    const REPEATED: u16 = 0x7910;
    let bit = |set: bool, bit: u16| if set { 1 << bit } else { 0 };
    let flags = 0x8000
        | flags & REPEATED
        | bit(head.authoritative, 10)
        | bit(head.truncated, 9)
        | bit(head.recursion, 7)
        | head.rcode.number() & 0xF;
    let mut bytes = [0; HEAD_BYTES];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    bytes[4..6].copy_from_slice(&questions.to_be_bytes());
    out.extend_from_slice(&bytes);
}
