//! Checksums of backups. See the book's page on the storage format.

use super::{put, u32_at};

const HEAD: usize = 12;

/// Sets right: each frame's checksum, and the end's sums.
pub fn seal(bytes: &mut [u8]) {
    let (mut at, mut sums, mut frames) = (HEAD, 0u32, 0u64);
    while let Some(length) = u32_at(bytes, at) {
        if length == 0 {
            put(bytes, at + 4, &sums.to_le_bytes());
            put(bytes, at + 8, &frames.to_le_bytes());
            return;
        }
        let Some(packed) = bytes.get(at + 8..at + 8 + length as usize) else { return };
        let sum = crc32c::crc32c(packed).to_le_bytes();
        put(bytes, at + 4, &sum);
        sums = crc32c::crc32c_append(sums, &sum);
        frames += 1;
        at += 8 + length as usize;
    }
}
