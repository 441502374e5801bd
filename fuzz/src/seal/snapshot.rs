//! Checksums of snapshot files. See the head of `konsul-storage`'s module `snapshot` for the form.

use super::{put, u32_at};

const FIXED: usize = 40;
const RECORD: usize = 24;

/// Sets right: the head's checksum, and of each record its number, offset and checksum.
pub fn seal(file: &mut [u8]) {
    let Some((members, id)) = lengths(file) else { return };
    let Some(end) = (FIXED + members).checked_add(id).filter(|end| end + 4 <= file.len()) else { return };
    let sum = crc32c::crc32c(&file[..end]);
    put(file, end, &sum.to_le_bytes());
    let salt = u32_at(file, 12).unwrap_or(0);
    let (mut at, mut number) = (end + 4, 0u32);
    while let Some(next) = record(file, at, number, salt) {
        (at, number) = (next, number + 1);
    }
}

/// Lengths of the membership and of the id.
fn lengths(file: &[u8]) -> Option<(usize, usize)> {
    Some((u32_at(file, 32)? as usize, u32_at(file, 36)? as usize))
}

fn record(file: &mut [u8], at: usize, number: u32, salt: u32) -> Option<usize> {
    let stored = u32_at(file, at + 4)? as usize;
    let end = at + RECORD + stored;
    if file.len() < end + 4 {
        return None;
    }
    put(file, at + 12, &number.to_le_bytes());
    put(file, at + 16, &(at as u64).to_le_bytes());
    let sum = crc32c::crc32c_append(salt, &file[at..end]);
    put(file, end, &sum.to_le_bytes());
    Some(end + 4)
}

/// The id in a snapshot's head, if a file can be called by it.
pub fn id(file: &[u8]) -> Option<&str> {
    let (members, id) = lengths(file)?;
    let from = FIXED.checked_add(members)?;
    let id = std::str::from_utf8(file.get(from..from.checked_add(id)?)?).ok()?;
    let safe = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    (!id.is_empty() && id.len() <= 128 && id.bytes().all(safe)).then_some(id)
}
