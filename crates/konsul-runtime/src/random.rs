//! Chance: the operating system's in production, the seed's in a simulation.

use std::convert::Infallible;

use rand::{Rng, TryRng};
use uuid::Uuid;

#[cfg(feature = "sim")]
use crate::virtual_time;

/// A uniformly drawn number. Unpredictable in production (a cryptographic generator seeded by the system).
pub fn u64() -> u64 {
    #[cfg(feature = "sim")]
    if let Some(core) = virtual_time::current() {
        return core.random();
    }
    rand::rng().next_u64()
}

/// A number in `low..high`, drawn uniformly up to a bias of `(high - low) / 2^64`. Answers `low` for an empty range.
pub fn between(low: u64, high: u64) -> u64 {
    let width = u128::from(high.saturating_sub(low));
    // The high half of the product lies below `width`, so it fits again.
    low + ((u128::from(u64()) * width) >> 64) as u64
}

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    #[cfg(feature = "sim")]
    if virtual_time::current().is_some() {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&u64().to_le_bytes()[..chunk.len()]);
        }
        return;
    }
    rand::rng().fill_bytes(bytes);
}

/// A random UUID (RFC 9562, version 4).
pub fn uuid_v4() -> Uuid {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A UUID that sorts by wall time in milliseconds (RFC 9562, version 7), random below that.
pub fn uuid_v7() -> Uuid {
    let mut bytes = [0; 10];
    fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(crate::time::wall_ms(), &bytes).into_uuid()
}

/// The same source as a generator, for libraries that take one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source;

impl TryRng for Source {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((u64() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(bytes);
        Ok(())
    }
}
