//! A hash of the state that can be kept up to date record by record, so that replicas can compare themselves cheaply.
//!
//! Each table's hash is the wrapping sum of its records' hashes: order does not matter, and replacing a record is one
//! subtraction and one addition. The record hash is fixed by this file for ever, independent of platform and build,
//! because it is compared between servers of different versions. It guards against defects, not against an adversary.

use konsul_types::encoding;
use serde::Serialize;

/// The tables that are compared, in the order in which their hashes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Table {
    /// Keys.
    Kv = 0,
    /// Sessions.
    Sessions = 1,
    /// Nodes, instances of services, checks, coordinates.
    Catalog = 2,
    /// Events.
    Events = 3,
    /// Remembered requests.
    Requests = 4,
    // Feature level 2.
    /// Locks and their queues.
    Locks = 5,
    /// Old values of keys.
    History = 6,
    // Feature level 3.
    /// Prepared queries.
    Queries = 7,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; TABLES] = [
        Table::Kv,
        Table::Sessions,
        Table::Catalog,
        Table::Events,
        Table::Requests,
        Table::Locks,
        Table::History,
        Table::Queries,
    ];

    /// Its name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Table::Kv => "kv",
            Table::Sessions => "sessions",
            Table::Catalog => "catalog",
            Table::Events => "events",
            Table::Requests => "requests",
            Table::Locks => "locks",
            Table::History => "history",
            Table::Queries => "queries",
        }
    }
}

/// One hash for each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hashes([u64; TABLES]);

const TABLES: usize = 8;

/// How many of the tables each feature level has, level 1 first. What a level writes has those and no more.
const TABLES_OF_LEVEL: [usize; 3] = [5, 7, TABLES];

impl Hashes {
    /// Replaces one record's part in a table's hash. `None` stands for absent.
    pub fn replace(&mut self, table: Table, old: Option<u64>, new: Option<u64>) {
        let sum = &mut self.0[table as usize];
        *sum = sum.wrapping_sub(old.unwrap_or(0)).wrapping_add(new.unwrap_or(0));
    }

    /// The hashes in the order of [`Table::ALL`], those of the tables that a feature level has.
    pub fn of_level(self, level: u32) -> Vec<u64> {
        let highest = TABLES_OF_LEVEL.len();
        self.0[..TABLES_OF_LEVEL[(level.max(1) as usize).min(highest) - 1]].to_vec()
    }

    /// One table's hash.
    pub fn of(self, table: Table) -> u64 {
        self.0[table as usize]
    }

    /// The same hashes but for one table.
    #[must_use]
    pub fn with(mut self, table: Table, hash: u64) -> Hashes {
        self.0[table as usize] = hash;
        self
    }

    /// The first table whose hash differs from `other`'s. A table that `other` does not have is an empty one there.
    pub fn first_difference(&self, other: &[u64]) -> Option<Table> {
        Table::ALL.into_iter().find(|&t| other.get(t as usize).copied().unwrap_or(0) != self.0[t as usize])
    }
}

/// A running record hash.
#[derive(Debug, Clone, Copy)]
pub struct RecordHash(u64);

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

impl RecordHash {
    /// Begins; `seed` tells kinds of record apart.
    pub fn new(seed: u64) -> RecordHash {
        RecordHash(mix(seed ^ 0x6B6F_6E73_756C_0001))
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, n: u64) -> RecordHash {
        RecordHash(mix(self.0 ^ n))
    }

    /// Adds bytes and their count, eight at a time.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> RecordHash {
        let (words, tail) = bytes.as_chunks::<8>();
        let mut sum = self.number(bytes.len() as u64).0;
        for word in words {
            sum = mix(sum ^ u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        RecordHash(mix(sum ^ u64::from_le_bytes(last)))
    }

    /// Adds any stored value by its byte form.
    #[must_use]
    pub fn value<T: Serialize>(self, value: &T) -> RecordHash {
        self.bytes(&encoding::encode(value))
    }

    /// The hash.
    pub fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// Spreads every bit of the input over the output: two rounds of multiply and shift. It can be undone, so that no two
/// inputs of one round fall together.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 32)).wrapping_mul(MULTIPLIER);
    (n ^ (n >> 29)).wrapping_mul(MULTIPLIER | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_hash_is_fixed_for_ever() {
        // These numbers travel between servers of different builds: a change here is a change of the format.
        assert_eq!(RecordHash::new(1).bytes(b"konsul").number(7).finish(), 677_221_399_482_436_600);
    }

    /// Flipping any bit of the input flips about half of the output's, wherever it lies.
    #[test]
    fn every_bit_of_the_input_reaches_the_output() {
        let hash = |bytes: &[u8], n: u64| RecordHash::new(1).bytes(bytes).number(n).finish();
        let record = *b"app/web/instances/0017=value";
        let plain = hash(&record, 7);
        let of_bytes = (0..record.len() * 8).map(|bit| {
            let mut flipped = record;
            flipped[bit / 8] ^= 1 << (bit % 8);
            hash(&flipped, 7)
        });
        let of_number = (0..64).map(|bit| hash(&record, 7 ^ 1 << bit));
        for other in of_bytes.chain(of_number) {
            let flips = (plain ^ other).count_ones();
            assert!((12..=52).contains(&flips), "{flips} of 64 bits");
        }
    }

    /// Records that differ as real ones do: counters in keys, neighbouring indexes, nearly equal session ids.
    #[test]
    fn near_records_have_different_hashes_and_sums() {
        let mut seen = std::collections::BTreeSet::new();
        let mut records = 0;
        for key in 0..100u64 {
            for index in 0..100u64 {
                for session in 0..4u64 {
                    let name = format!("key-{key:04}");
                    let hash = RecordHash::new(1).bytes(name.as_bytes()).number(index).number(session);
                    seen.insert(hash.finish());
                    // An index that moves by as much as another goes back must not cancel out in the sum.
                    seen.insert(hash.finish().wrapping_add(hash.number(1).finish()));
                    records += 2;
                }
            }
        }
        assert_eq!(seen.len(), records);
    }

    #[test]
    fn order_does_not_matter_and_removal_undoes() {
        let mut a = Hashes::default();
        a.replace(Table::Kv, None, Some(5));
        a.replace(Table::Kv, None, Some(9));
        a.replace(Table::Kv, Some(5), None);
        let mut b = Hashes::default();
        b.replace(Table::Kv, None, Some(9));
        assert_eq!(a, b);
        assert_eq!(a.first_difference(&b.of_level(1)), None);
        b.replace(Table::Events, None, Some(1));
        assert_eq!(a.first_difference(&b.of_level(2)), Some(Table::Events));
    }

    #[test]
    fn boundaries_between_parts_count() {
        let one = RecordHash::new(0).bytes(b"ab").bytes(b"c").finish();
        let two = RecordHash::new(0).bytes(b"a").bytes(b"bc").finish();
        assert_ne!(one, two);
    }
}
