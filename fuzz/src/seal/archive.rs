//! Checksums of backups. See the head of `konsul_state::archive`.

use super::{put, u32_at};

const VERSION: usize = 8;
const FRAMES_V1: usize = 12;
const HEAD_V2: usize = 20;

/// Sets right: the head's sum, each frame's, and the end's.
pub fn seal(bytes: &mut [u8]) {
    match u32_at(bytes, VERSION) {
        Some(1) => seal_v1(bytes),
        _ => seal_v2(bytes),
    }
}

fn seal_v1(bytes: &mut [u8]) {
    let (mut at, mut sums, mut frames) = (FRAMES_V1, 0u32, 0u64);
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

fn seal_v2(bytes: &mut [u8]) {
    let Some(length) = u32_at(bytes, 12) else { return };
    let Some(object) = bytes.get(HEAD_V2..HEAD_V2 + length as usize) else { return };
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..16]), object).to_le_bytes();
    put(bytes, 16, &sum);
    let (mut at, mut frames, mut raw_bytes) = (HEAD_V2 + length as usize, 0u64, 0u64);
    let mut sums = crc32c::crc32c_append(0, &sum);
    while let Some(length) = u32_at(bytes, at) {
        if length == 0 {
            sums = crc32c::crc32c_append(sums, &frames.to_le_bytes());
            sums = crc32c::crc32c_append(sums, &raw_bytes.to_le_bytes());
            put(bytes, at + 4, &frames.to_le_bytes());
            put(bytes, at + 12, &raw_bytes.to_le_bytes());
            put(bytes, at + 20, &sums.to_le_bytes());
            return;
        }
        let (Some(raw), Some(packed)) =
            (u32_at(bytes, at + 4), bytes.get(at + 12..at + 12 + length as usize))
        else {
            return;
        };
        frames += 1;
        raw_bytes += u64::from(raw);
        let covered = [&frames.to_le_bytes()[..], &length.to_le_bytes(), &raw.to_le_bytes(), packed].concat();
        let sum = crc32c::crc32c(&covered).to_le_bytes();
        put(bytes, at + 8, &sum);
        sums = crc32c::crc32c_append(sums, &sum);
        at += 12 + length as usize;
    }
}
