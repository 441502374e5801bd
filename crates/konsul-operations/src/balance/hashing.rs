//! Consistent hashing by weighted rendezvous (Thaler and Ravishankar, 1998; weights after Schindelhauer and Schomaker, 2005).
//!
//! Each pair of key and instance has a waiting time that depends on nothing else, divided by the instance's weight; the
//! shortest wins. So an instance of weight w gets w of the sum of weights of all keys, and what happens when the set
//! changes follows at once:
//!
//! - **Somebody leaves:** for every key the times of all others stay as they were. The keys that it had go to whoever was
//!   second, spread by weight; no other key moves. That is 1/n of the keys among n equals, which no method can undercut.
//! - **Somebody comes:** it takes its share from all; no key moves between the others.
//! - **A weight rises (falls):** keys move to that instance (from it), and none between the others.
//!
//! A ring needs hundreds of points an instance to come near those shares; jump hashing cannot lose one in the middle;
//! Maglev moves some keys more. The price of rendezvous is one mix of 64 bits for each instance and question, which for the
//! sizes of services (10 to 1,000) is less than the answer's encoding.

use super::chance::{exponential, mix};
use super::{Candidate, by_arrival};

/// A hash that is the same on every machine and in every version: FNV-1a with 64 bits, then mixed so that every bit counts.
/// Not against adversaries: who chooses the key may choose the instance.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    mix(fnv(0xcbf2_9ce4_8422_2325, bytes))
}

fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Who an instance is: node and id, with a byte between them that neither can contain.
fn identity(candidate: &Candidate<'_>) -> u64 {
    let node = fnv(0xcbf2_9ce4_8422_2325, candidate.node.as_bytes());
    mix(fnv(fnv(node, &[0]), candidate.id.as_bytes()))
}

/// By the key's waiting time for each. The whole order is consistent, so that retries go to the same second choice too.
pub(super) fn by_key(
    candidates: &[Candidate<'_>],
    among: Vec<usize>,
    key: Option<&[u8]>,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    let key = key.map_or_else(chance, stable_hash);
    by_arrival(among, |at| {
        let candidate = &candidates[at];
        // Two bijections, so that neither similar keys nor similar names give similar times.
        let pair = mix(key.rotate_left(32) ^ identity(candidate));
        exponential(pair) / candidate.weight_among() as f64
    })
}
