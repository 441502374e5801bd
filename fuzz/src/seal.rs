//! Sets the checksums of an input right, so that the code behind them sees its mutations.
//!
//! This is written from the documented formats and shares no line with the readers: if one of the two is wrong about a
//! field, seeds stop being readable, and the tests of the targets say so.

pub mod archive;
pub mod snapshot;
pub mod wal;

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Writes at a place; does nothing if the bytes end before it.
pub(crate) fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + new.len()) {
        place.copy_from_slice(new);
    }
}
