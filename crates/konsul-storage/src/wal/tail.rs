//! The end of the last segment: did a write not finish, or did bytes decay?
//!
//! Frames of a segment are found one after another by [`scan`], which stops where no whole frame stands. In
//! every segment but the last, that place is known from the next one's head, and anything else is damage. In
//! the last one [`judge`] looks at the bytes:
//!
//! - Only zeros follow: the log ends here.
//! - The frame lacks a sector (it has more zero sectors than its header says), or its last byte, or all of
//!   its header, or the rest of its group: the write did not finish, so nothing of the group was ever
//!   acknowledged, and it is cut.
//! - A whole frame has a wrong checksum, or stands where it does not belong: decay, or a write that the disk
//!   put elsewhere. It may have been acknowledged, so nothing is cut and the start is refused.
//!
//! Each frame also says how far the segment had been synced when it was written. If any frame behind the gap
//! was written after the gap had been synced, then what is missing was durable once, and this is decay too,
//! whatever the gap looks like.

use super::frame::{HEADER, Header, Home, Record, SECTOR, align, all_zero, read_header};
use super::places::Position;
use crate::mutants;

/// Why a scan stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// Zeros where a header could be, or the end of the bytes.
    Nothing,
    /// Bytes where there are only ever zeros.
    Padding,
    /// Bytes that are no header.
    Header,
    /// A frame that belongs elsewhere.
    Misplaced,
    /// A header whose frame is not whole.
    Rest(Header),
}

impl Stop {
    /// What is wrong if the log should have gone on here.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Stop::Nothing => "a record is missing where the log goes on behind it",
            Stop::Padding => "there are bytes between two records, where only zeros are ever written",
            Stop::Header => "the checksum of a record's header is wrong",
            Stop::Misplaced => {
                "a record stands here that was written for another place: the disk misdirected a write"
            }
            Stop::Rest(_) => "the checksum of a record is wrong",
        }
    }
}

/// The whole groups of a segment, and where they stop.
#[derive(Debug)]
pub(crate) struct Scan {
    /// All records of whole groups, in order.
    pub(crate) frames: Vec<(Record, Position)>,
    /// Where the last whole group ends.
    pub(crate) end: usize,
    /// Where no whole frame follows.
    pub(crate) stopped_at: usize,
    /// Why.
    pub(crate) stop: Stop,
    /// How far the segment is known to have been synced.
    pub(crate) durable: usize,
}

/// Reads frames from the head's end until something is not a whole frame.
pub(crate) fn scan(bytes: &[u8], home: Home) -> Scan {
    let mut scan =
        Scan { frames: Vec::new(), end: SECTOR, stopped_at: SECTOR, stop: Stop::Nothing, durable: SECTOR };
    let mut whole = 0;
    loop {
        match next(bytes, home, scan.stopped_at) {
            Ok((at, header)) => {
                scan.stopped_at = at + header.frame_len();
                scan.frames.push((header.record, position(home, at, &header)));
                scan.durable = scan.durable.max(header.durable as usize);
                if header.last_of_group {
                    whole = scan.frames.len();
                    scan.end = scan.stopped_at;
                }
            }
            Err((at, Stop::Rest(header))) if mutants::active(mutants::CORRUPT_FRAME_SKIPPED) => {
                scan.stopped_at = (at + header.frame_len()).min(bytes.len());
                scan.end = scan.stopped_at;
            }
            Err((at, stop)) => {
                (scan.stopped_at, scan.stop) = (at, stop);
                break;
            }
        }
    }
    scan.frames.truncate(whole);
    if mutants::active(mutants::LAST_FRAME_DROPPED) {
        scan.frames.pop();
    }
    scan
}

fn position(home: Home, at: usize, header: &Header) -> Position {
    Position { segment: home.segment as u32, offset: at as u32, len: header.frame_len() as u32 }
}

fn next(bytes: &[u8], home: Home, from: usize) -> Result<(usize, Header), (usize, Stop)> {
    let at = align(from);
    let padding = &bytes[from.min(bytes.len())..at.min(bytes.len())];
    if !all_zero(padding) {
        return Err((from, Stop::Padding));
    }
    let rest = &bytes[at.min(bytes.len())..];
    let Some(header) = read_header(rest, home) else {
        let blank = all_zero(&rest[..rest.len().min(HEADER)]);
        return Err((at.min(bytes.len()), if blank { Stop::Nothing } else { Stop::Header }));
    };
    if !header.at_home(home, at) {
        return Err((at, Stop::Misplaced));
    }
    if !header.rest_is_whole(rest, home) {
        return Err((at, Stop::Rest(header)));
    }
    Ok((at, header))
}

/// Damage at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Where.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) what: &'static str,
}

/// Tells whether the last segment ends in a write that did not finish (`true`), or cleanly (`false`), or is
/// damaged.
pub(crate) fn judge(bytes: &[u8], home: Home, scan: &Scan) -> Result<bool, Damage> {
    let at = scan.stopped_at;
    let unfinished = match scan.stop {
        Stop::Nothing if all_zero(&bytes[scan.end..]) => return Ok(false),
        Stop::Nothing => true,
        Stop::Rest(header) => header.is_unfinished(&bytes[at..]),
        // A write that stopped within a header wrote nothing behind it.
        Stop::Header => {
            bytes.get(at + HEADER - 1).is_none_or(|b| *b == 0)
                && all_zero(&bytes[(at + HEADER).min(bytes.len())..])
        }
        Stop::Padding | Stop::Misplaced => false,
    };
    if !unfinished {
        return Err(Damage { offset: at, what: scan.stop.what() });
    }
    nothing_synced_behind(bytes, home, scan).map(|()| true)
}

/// Looks for frames behind the gap that prove that the gap was durable once.
fn nothing_synced_behind(bytes: &[u8], home: Home, scan: &Scan) -> Result<(), Damage> {
    for at in (scan.end.next_multiple_of(8)..bytes.len()).step_by(8) {
        let Some(header) = read_header(&bytes[at..], home) else { continue };
        if !header.at_home(home, at) {
            return Err(Damage { offset: at, what: Stop::Misplaced.what() });
        }
        if header.durable as usize > scan.end {
            return Err(Damage { offset: scan.stopped_at, what: Stop::Nothing.what() });
        }
    }
    Ok(())
}

/// All frames at home in a stretch of bytes whose headers can be read, whether or not anything before them
/// can.
pub(crate) fn traces(bytes: &[u8], home: Home, from: usize) -> impl Iterator<Item = Header> {
    let places = (from.next_multiple_of(8)..bytes.len()).step_by(8);
    places.filter_map(move |at| read_header(&bytes[at..], home).filter(|header| header.at_home(home, at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{EntryKind, LogId};
    use crate::wal::frame::{self, GroupWriter};

    const HOME: Home = Home { segment: 1, salt: 77 };
    const SIZE: usize = 16 * 1024;

    /// A segment with a synced group, and behind it one that was not.
    fn segment(unsynced: &[usize]) -> (Vec<u8>, usize) {
        let mut bytes = vec![0; SIZE];
        let end = group(&mut bytes, SECTOR, SECTOR, 1, &[100, 100]);
        group(&mut bytes, end, end, 3, unsynced);
        (bytes, end)
    }

    fn group(bytes: &mut [u8], at: usize, durable: usize, first: u64, bodies: &[usize]) -> usize {
        let mut buf = Vec::new();
        let mut writer = GroupWriter::new(&mut buf, at, HOME, durable);
        for (i, len) in bodies.iter().enumerate() {
            let id = LogId { term: 1, index: first + i as u64 };
            writer.push(Record::Entry(EntryKind::Command, id), &vec![0x33; *len], i + 1 == bodies.len());
        }
        bytes[at..at + buf.len()].copy_from_slice(&buf);
        at + buf.len()
    }

    fn verdict(bytes: &[u8]) -> (Result<bool, Damage>, usize) {
        let found = scan(bytes, HOME);
        (judge(bytes, HOME, &found), found.frames.len())
    }

    #[test]
    fn a_whole_tail_is_clean() {
        assert_eq!(verdict(&segment(&[700, 30]).0), (Ok(false), 4));
    }

    #[test]
    fn any_missing_sector_of_an_unsynced_group_is_unfinished() {
        let (whole, end) = segment(&[700, 1500, 30]);
        for lost in (end / SECTOR)..(end + 2400) / SECTOR {
            let mut bytes = whole.clone();
            bytes[(lost * SECTOR).max(end)..(lost + 1) * SECTOR].fill(0);
            assert_eq!(verdict(&bytes), (Ok(true), 2), "sector {lost}");
        }
    }

    #[test]
    fn any_prefix_of_an_unsynced_group_is_unfinished() {
        let (whole, end) = segment(&[700, 30]);
        for cut in end + 1..end + 900 {
            let mut bytes = whole.clone();
            bytes[cut..].fill(0);
            let cleanly = all_zero(&bytes[end..]) || bytes == whole;
            assert_eq!(verdict(&bytes).0, Ok(!cleanly), "cut at {cut}");
        }
    }

    #[test]
    fn any_flipped_bit_is_damage() {
        let (whole, _) = segment(&[700, 30]);
        let used = scan(&whole, HOME).end;
        for bit in SECTOR * 8..used * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(verdict(&bytes).0.is_err(), "bit {bit} of byte {} went unseen", bit / 8);
        }
    }

    #[test]
    fn a_sector_lost_from_the_synced_part_is_damage() {
        let (mut bytes, end) = segment(&[30]);
        bytes[SECTOR..end].fill(0);
        let damage = verdict(&bytes).0.expect_err("the frame behind says that this was synced");
        assert_eq!(damage.offset, SECTOR);
    }

    #[test]
    fn a_misdirected_write_is_damage() {
        let (whole, end) = segment(&[30]);
        let mut bytes = whole.clone();
        bytes[end..].fill(0);
        bytes[8192..8192 + 512].copy_from_slice(&whole[end..end + 512]);
        assert_eq!(verdict(&bytes).0.expect_err("the frame belongs elsewhere").offset, 8192);
    }

    #[test]
    fn a_payload_cannot_pose_as_a_frame() {
        // A client stores the bytes of a frame; its group is torn so that only they are left.
        let mut forged = Vec::new();
        let other = Home { segment: 1, salt: 0 };
        let id = LogId { term: 1, index: 9 };
        GroupWriter::new(&mut forged, 2048, other, 2040).push(Record::Entry(EntryKind::Blank, id), b"", true);
        let (mut bytes, end) = segment(&[]);
        bytes[2048..2048 + forged.len()].copy_from_slice(&forged);
        assert!(end < 2048);
        assert_eq!(verdict(&bytes), (Ok(true), 2));
        assert_eq!(frame::align(2048), 2048);
    }
}
