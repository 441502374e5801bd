//! Checksums of log segments. See the book's page on the storage format.

use super::{put, u32_at, u64_at};

const SECTOR: usize = 512;
const HEADER: usize = 56;
const MAGIC: u8 = 0xA7;

/// Sets right: the head's checksum and number, and of each frame its segment, offset, marks and checksums. Answers where
/// the last frame ends.
pub fn seal(segment: &mut [u8], number: u64) -> usize {
    put(segment, 16, &number.to_le_bytes());
    if segment.len() < SECTOR {
        return segment.len();
    }
    let sum = crc32c::crc32c(&segment[..88]);
    put(segment, 88, &sum.to_le_bytes());
    let salt = u32_at(segment, 24).unwrap_or(0);
    let mut at = SECTOR;
    while let Some(end) = frame(segment, align(at), number, salt) {
        at = end;
    }
    at
}

/// The end of the segment before, as a segment's head tells it.
pub fn put_previous_end(segment: &mut [u8], end: usize) {
    put(segment, 28, &(end as u32).to_le_bytes());
}

/// Seals one frame and answers where it ends; `None` if there is none.
fn frame(segment: &mut [u8], at: usize, number: u64, salt: u32) -> Option<usize> {
    let body = u32_at(segment, at + 4)? as usize;
    if segment.get(at) != Some(&MAGIC) || segment.len() < at + HEADER {
        return None;
    }
    let len = (HEADER + body + 1).next_multiple_of(8);
    put(segment, at + 8, &number.to_le_bytes());
    put(segment, at + 16, &(at as u32).to_le_bytes());
    put(segment, at + 52, &[0, 0, 0, 0xA5]);
    let whole = segment.len() >= at + len;
    if whole {
        segment[at + len - 1] = 0x5A;
        let rest = crc32c::crc32c_append(salt, &segment[at + HEADER..at + len]);
        put(segment, at + 44, &rest.to_le_bytes());
    }
    let head = crc32c::crc32c_append(salt, &segment[at..at + 48]);
    put(segment, at + 48, &head.to_le_bytes());
    whole.then_some(at + len)
}

/// Where a frame may start: its header fits into one sector.
fn align(at: usize) -> usize {
    if SECTOR - at % SECTOR < HEADER { at.next_multiple_of(SECTOR) } else { at }
}

/// The number in a segment's head.
pub fn number(segment: &[u8]) -> u64 {
    u64_at(segment, 16).unwrap_or(0)
}
