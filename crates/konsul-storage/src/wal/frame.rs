//! One record in a segment, and the group that one call writes.
//!
//! ```text
//!  0 magic 0xA7   1 kind   2 flags (1 = last of its group)   3 detail (of a vote: 1 = voted, 2 = committed)
//!  4 u32 body length       8 u64 segment number             16 u32 offset in the segment
//! 20 u32 sectors of this frame that are all zero            24 u64 term     32 u64 index
//! 40 u32 end of the part of this segment that was synced when this frame was written
//! 44 u32 CRC32C of all that follows the header              48 u32 CRC32C of bytes 0..48
//! 52 three zero bytes    55 mark 0xA5
//! 56 body, zeros up to a multiple of eight less one, mark 0x5A
//! ```
//!
//! All numbers are little-endian. Both checksums start from the segment's salt, so a frame is valid in one
//! place of one segment only, and bytes that a client chose cannot pose as a frame. A header never straddles
//! a 512-byte sector: it is there as a whole or not at all. The count of zero sectors tells a body that lost
//! a sector from a body that always had zeros there. Neither mark is zero: a write that stopped short lacks
//! the one at its end.

use std::ops::Range;

use crate::contract::{EntryKind, LogId, Vote};
use crate::mutants;

/// The grain that a disk writes whole.
pub(crate) const SECTOR: usize = 512;
/// Bytes before a frame's body.
pub(crate) const HEADER: usize = 56;
/// The largest body: an entry that is larger could not be told from nonsense.
pub(crate) const MAX_BODY: usize = 1 << 30;

/// Above any index that a log can reach, and far below the end of numbers: whoever counts on from an index
/// need not look.
pub(crate) const INDEX_MAX: u64 = 1 << 62;

const MAGIC: u8 = 0xA7;
const HEADER_MARK: u8 = 0xA5;
const END_MARK: u8 = 0x5A;
const LAST_OF_GROUP: u8 = 1;

/// What one frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    /// An entry; its payload is the body.
    Entry(EntryKind, LogId),
    /// The vote from here on.
    Vote(Vote),
    /// Entries behind this one are gone. Its term is told as well: the entry itself may be purged when this
    /// is read.
    Truncate(LogId),
    /// Entries up to here are covered by a snapshot.
    Purge(LogId),
}

/// Where frames are written: the part of their checksums that is not in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    /// The segment's number.
    pub(crate) segment: u64,
    /// The segment's salt.
    pub(crate) salt: u32,
}

impl Home {
    /// Where a checksum starts.
    fn salt(self) -> u32 {
        if mutants::active(mutants::REUSED_SEGMENT_REVIVES) { 0 } else { self.salt }
    }
}

/// A header whose checksum held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// What the frame says.
    pub(crate) record: Record,
    /// Whether its group ends with it.
    pub(crate) last_of_group: bool,
    /// Where it was meant to be.
    pub(crate) segment: u64,
    /// Where it was meant to be.
    pub(crate) offset: u32,
    /// How much of the segment had been synced before it.
    pub(crate) durable: u32,
    body_len: u32,
    zero_sectors: u32,
    rest_crc: u32,
}

impl Header {
    /// Bytes of the whole frame.
    pub(crate) fn frame_len(&self) -> usize {
        frame_len(self.body_len as usize)
    }

    /// Whether it stands where it was meant to.
    pub(crate) fn at_home(&self, home: Home, offset: usize) -> bool {
        mutants::active(mutants::REUSED_SEGMENT_REVIVES)
            || (self.segment == home.segment && self.offset as usize == offset)
    }

    /// The body's bytes in a buffer that begins with the frame.
    pub(crate) fn body(&self) -> Range<usize> {
        HEADER..HEADER + self.body_len as usize
    }

    /// Whether all that follows the header is as it was written. `frame` begins with the header.
    pub(crate) fn rest_is_whole(&self, frame: &[u8], home: Home) -> bool {
        frame.len() >= self.frame_len()
            && crc32c::crc32c_append(home.salt(), &frame[HEADER..self.frame_len()]) == self.rest_crc
    }

    /// Whether the bytes show that the write of this frame did not finish: a sector that had bytes is zero,
    /// or the end is.
    pub(crate) fn is_unfinished(&self, frame: &[u8]) -> bool {
        let frame = &frame[..self.frame_len().min(frame.len())];
        frame.len() < self.frame_len()
            || frame.last() == Some(&0)
            || zero_sectors(frame, self.offset as usize) > self.zero_sectors
    }
}

/// Bytes that a frame with such a body takes.
pub(crate) fn frame_len(body: usize) -> usize {
    (HEADER + body + 1).next_multiple_of(8)
}

/// Where a frame may start, at or after an offset: its header has to fit into one sector.
pub(crate) fn align(offset: usize) -> usize {
    if SECTOR - offset % SECTOR < HEADER { offset.next_multiple_of(SECTOR) } else { offset }
}

/// Where a group of frames with these body lengths ends if it starts at an offset.
pub(crate) fn group_end(start: usize, bodies: impl Iterator<Item = usize>) -> usize {
    bodies.fold(start, |at, body| align(at) + frame_len(body))
}

/// Reads a header. `None` if the bytes are not one, or are damaged.
pub(crate) fn read_header(bytes: &[u8], home: Home) -> Option<Header> {
    let h: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
    let whole = h[0] == MAGIC
        && h[52..55] == [0, 0, 0]
        && h[55] == HEADER_MARK
        && crc32c::crc32c_append(home.salt(), &h[..48]) == u32_at(h, 48);
    if !whole {
        return None;
    }
    Some(Header {
        record: read_record(h)?,
        last_of_group: h[2] & LAST_OF_GROUP != 0,
        segment: u64_at(h, 8),
        offset: u32_at(h, 16),
        durable: u32_at(h, 40),
        body_len: u32_at(h, 4),
        zero_sectors: u32_at(h, 20),
        rest_crc: u32_at(h, 44),
    })
}

fn read_record(h: &[u8; HEADER]) -> Option<Record> {
    let (term, index) = (u64_at(h, 24), u64_at(h, 32));
    let id = LogId { term, index };
    if index > INDEX_MAX && h[1] != 4 {
        return None;
    }
    Some(match h[1] {
        1 => Record::Entry(EntryKind::Blank, id),
        2 => Record::Entry(EntryKind::Command, id),
        3 => Record::Entry(EntryKind::Membership, id),
        4 => Record::Vote(unpack_vote(h[3], term, index)),
        5 => Record::Truncate(id),
        6 => Record::Purge(id),
        _ => return None,
    })
}

/// A vote as a small set of flags, a term and a node.
pub(crate) fn pack_vote(vote: Vote) -> (u8, u64, u64) {
    let flags = u8::from(vote.voted_for.is_some()) | (u8::from(vote.committed) << 1);
    (flags, vote.term, vote.voted_for.unwrap_or(0))
}

/// The reverse of [`pack_vote`].
pub(crate) fn unpack_vote(flags: u8, term: u64, node: u64) -> Vote {
    Vote { term, voted_for: (flags & 1 != 0).then_some(node), committed: flags & 2 != 0 }
}

/// Kind, detail, term and index of a record.
fn pack_record(record: Record) -> (u8, u8, u64, u64) {
    match record {
        Record::Entry(EntryKind::Blank, id) => (1, 0, id.term, id.index),
        Record::Entry(EntryKind::Command, id) => (2, 0, id.term, id.index),
        Record::Entry(EntryKind::Membership, id) => (3, 0, id.term, id.index),
        Record::Vote(vote) => {
            let (flags, term, node) = pack_vote(vote);
            (4, flags, term, node)
        }
        Record::Truncate(kept) => (5, 0, kept.term, kept.index),
        Record::Purge(id) => (6, 0, id.term, id.index),
    }
}

/// Puts the frames of one group into a buffer, which then goes to disk in one write.
#[derive(Debug)]
pub(crate) struct GroupWriter<'a> {
    buf: &'a mut Vec<u8>,
    start: usize,
    home: Home,
    durable: u32,
}

impl<'a> GroupWriter<'a> {
    /// A group that starts at an offset of a segment of which the first `durable` bytes are synced.
    pub(crate) fn new(buf: &'a mut Vec<u8>, start: usize, home: Home, durable: usize) -> Self {
        buf.clear();
        GroupWriter { buf, start, home, durable: durable as u32 }
    }

    /// Adds a frame; answers its offset in the segment and its length.
    pub(crate) fn push(&mut self, record: Record, body: &[u8], last: bool) -> (usize, usize) {
        let offset = align(self.start + self.buf.len());
        self.buf.resize(offset - self.start, 0);
        let at = self.buf.len();
        let len = frame_len(body.len());
        self.buf.extend_from_slice(&[0; HEADER]);
        self.buf.extend_from_slice(body);
        self.buf.resize(at + len - 1, 0);
        self.buf.push(END_MARK);
        self.seal(at, offset, record, body.len(), last);
        (offset, len)
    }

    fn seal(&mut self, at: usize, offset: usize, record: Record, body_len: usize, last: bool) {
        let (kind, detail, term, index) = pack_record(record);
        let frame = &mut self.buf[at..];
        frame[0] = MAGIC;
        frame[1] = kind;
        frame[2] = if last { LAST_OF_GROUP } else { 0 };
        frame[3] = detail;
        put(frame, 4, &(body_len as u32).to_le_bytes());
        put(frame, 8, &self.home.segment.to_le_bytes());
        put(frame, 16, &(offset as u32).to_le_bytes());
        put(frame, 24, &term.to_le_bytes());
        put(frame, 32, &index.to_le_bytes());
        put(frame, 40, &self.durable.to_le_bytes());
        let zeros = zero_sectors(frame, offset);
        put(frame, 20, &zeros.to_le_bytes());
        let rest = crc32c::crc32c_append(self.home.salt(), &frame[HEADER..]);
        put(frame, 44, &rest.to_le_bytes());
        let header = crc32c::crc32c_append(self.home.salt(), &frame[..48]);
        put(frame, 48, &header.to_le_bytes());
        frame[55] = HEADER_MARK;
    }
}

/// How many of the sectors after its first a frame leaves all zero.
fn zero_sectors(frame: &[u8], offset: usize) -> u32 {
    let first = (SECTOR - offset % SECTOR).min(frame.len());
    frame[first..].chunks(SECTOR).filter(|sector| all_zero(sector)).count() as u32
}

/// Whether there is no byte but zero.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

pub(crate) fn put(into: &mut [u8], at: usize, bytes: &[u8]) {
    into[at..at + bytes.len()].copy_from_slice(bytes);
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes are four bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes are eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Home = Home { segment: 7, salt: 0xDEAD_BEEF };

    fn entry(index: u64) -> Record {
        Record::Entry(EntryKind::Command, LogId { term: 3, index })
    }

    fn one(start: usize, body: &[u8]) -> (usize, Vec<u8>) {
        let mut buf = Vec::new();
        let (offset, len) = GroupWriter::new(&mut buf, start, HOME, 0).push(entry(9), body, true);
        (offset, buf.split_off(buf.len() - len))
    }

    #[test]
    fn every_record_comes_back() {
        let vote = Vote { term: 4, voted_for: Some(0), committed: true };
        let none = Vote { term: 5, voted_for: None, committed: false };
        for record in [
            entry(1),
            Record::Vote(vote),
            Record::Vote(none),
            Record::Truncate(LogId { term: 9, index: 12 }),
            Record::Purge(LogId { term: 1, index: 2 }),
        ] {
            let mut buf = Vec::new();
            GroupWriter::new(&mut buf, 512, HOME, 512).push(record, b"", true);
            let header = read_header(&buf, HOME).expect("a header that was just written");
            assert_eq!((header.record, header.offset, header.durable), (record, 512, 512));
            assert!(header.rest_is_whole(&buf, HOME) && header.at_home(HOME, 512));
        }
    }

    #[test]
    fn a_header_never_straddles_a_sector() {
        for start in 512..2048 {
            let (offset, _) = one(start, b"body");
            assert_eq!(offset / SECTOR, (offset + HEADER - 1) / SECTOR, "frame at {offset}");
        }
    }

    #[test]
    fn no_single_bit_passes() {
        let (offset, frame) = one(600, b"some payload that is longer than the padding");
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let passes = read_header(&damaged, HOME)
                .is_some_and(|h| h.rest_is_whole(&damaged, HOME) && h.at_home(HOME, offset));
            assert!(!passes, "bit {bit} went unseen");
            let unfinished = read_header(&damaged, HOME).is_some_and(|h| h.is_unfinished(&damaged));
            assert!(!unfinished, "bit {bit} was taken for a write that did not finish");
        }
    }

    #[test]
    fn a_frame_is_at_home_in_one_place_only() {
        let (offset, frame) = one(512, b"body");
        let header = read_header(&frame, HOME).expect("whole");
        assert!(!header.at_home(HOME, offset + 8));
        assert!(!header.at_home(Home { segment: 8, ..HOME }, offset));
        assert!(read_header(&frame, Home { salt: 1, ..HOME }).is_none());
    }

    #[test]
    fn zeros_in_a_payload_are_not_a_missing_sector() {
        let mut body = vec![0u8; 4096];
        body[4000] = 1;
        let (_, frame) = one(512, &body);
        let header = read_header(&frame, HOME).expect("whole");
        assert!(!header.is_unfinished(&frame));
        let mut lost = frame.clone();
        lost[7 * 512..8 * 512].fill(0);
        assert!(header.is_unfinished(&lost), "the sector with the one byte is gone");
        assert!(header.is_unfinished(&frame[..frame.len() - 8]) && !header.rest_is_whole(&lost, HOME));
    }
}
