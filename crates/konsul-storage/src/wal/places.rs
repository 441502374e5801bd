//! Where the kept entries lie, in four bytes for each.
//!
//! Entries are written one behind another, so a stretch of them within one segment is its first index and the
//! offsets of its frames; a frame's length stands in its header, and no frame reaches past the next one. A
//! stretch ends with its segment, or where so many dead bytes follow that no read should fetch them. Whole
//! stretches are dropped when a purge passed them: a log of many entries neither moves nor doubles one large
//! table as it grows.

use std::collections::VecDeque;

/// Where an entry's frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The low half of the segment's number: 64 TiB of segments before it wraps, of which far fewer are ever
    /// kept.
    pub(crate) segment: u32,
    /// Where the frame starts.
    pub(crate) offset: u32,
    /// Bytes within which it ends: its length, and perhaps what lies between it and the next entry.
    pub(crate) len: u32,
}

impl Position {
    /// Of a record that is no entry, and that nobody reads back.
    pub(crate) const NOWHERE: Position = Position { segment: 0, offset: 0, len: 0 };
}

/// Dead bytes that a read may fetch along with what it wants.
pub(crate) const MAX_GAP: u32 = 64 << 10;

/// Entries that lie one behind another in one segment.
#[derive(Debug, Clone)]
struct Stretch {
    first: u64,
    segment: u32,
    /// Where the last of them ends, or later.
    end: u32,
    offsets: Vec<u32>,
}

impl Stretch {
    fn starting(first: u64, position: Position) -> Self {
        let Position { segment, offset, len } = position;
        Stretch { first, segment, end: offset + len, offsets: vec![offset] }
    }

    /// The index behind its last entry.
    fn next(&self) -> u64 {
        self.first + self.offsets.len() as u64
    }

    fn takes(&self, position: Position) -> bool {
        let gap = position.offset.checked_sub(self.end);
        self.segment == position.segment && gap.is_some_and(|gap| gap <= MAX_GAP)
    }

    fn push(&mut self, position: Position) {
        self.offsets.push(position.offset);
        self.end = position.offset + position.len;
    }

    fn position(&self, index: u64) -> Option<Position> {
        let nth = usize::try_from(index.checked_sub(self.first)?).ok()?;
        let offset = *self.offsets.get(nth)?;
        let end = self.offsets.get(nth + 1).copied().unwrap_or(self.end);
        Some(Position { segment: self.segment, offset, len: end - offset })
    }

    /// Keeps entries up to `kept`, of which there is at least one.
    fn truncate(&mut self, kept: u64) {
        let keep = (kept + 1 - self.first) as usize;
        if let Some(gone) = self.offsets.get(keep) {
            self.end = *gone;
            self.offsets.truncate(keep);
        }
    }
}

/// The places of entries whose indexes follow each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    stretches: VecDeque<Stretch>,
}

impl Places {
    /// Adds the place of the entry `index`, which follows the last one.
    pub(crate) fn push(&mut self, index: u64, position: Position) {
        match self.stretches.back_mut() {
            Some(last) if last.takes(position) => last.push(position),
            last => {
                // Nothing is added to it any more, so it needs no room to grow.
                last.into_iter().for_each(|sealed| sealed.offsets.shrink_to_fit());
                self.stretches.push_back(Stretch::starting(index, position));
            }
        }
    }

    /// Where an entry lies. It may still be answered for one that [`Places::forget`] has passed.
    pub(crate) fn get(&self, index: u64) -> Option<Position> {
        let after = self.stretches.partition_point(|stretch| stretch.first <= index);
        self.stretches.get(after.checked_sub(1)?)?.position(index)
    }

    /// Forgets stretches of which no entry lies behind an index.
    pub(crate) fn forget(&mut self, upto: u64) {
        while self.stretches.pop_front_if(|stretch| stretch.next() <= upto + 1).is_some() {}
    }

    /// Forgets entries behind an index.
    pub(crate) fn truncate(&mut self, kept: u64) {
        while self.stretches.pop_back_if(|stretch| stretch.first > kept).is_some() {}
        self.stretches.back_mut().into_iter().for_each(|last| last.truncate(kept));
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.stretches.clear();
    }

    /// The first segment that has a stretch, as in [`Position::segment`].
    pub(crate) fn first_segment(&self) -> Option<u32> {
        self.stretches.front().map(|stretch| stretch.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u32 = 100;

    fn at(segment: u32, offset: u32) -> Position {
        Position { segment, offset, len: LEN }
    }

    /// Ten entries in each of three segments, from index 1.
    fn three() -> Places {
        let mut places = Places::default();
        for index in 1..=30_u32 {
            places.push(index.into(), at(1 + (index - 1) / 10, (index - 1) % 10 * 104));
        }
        places
    }

    #[test]
    fn an_entry_ends_before_the_next_one() {
        let places = three();
        assert_eq!(places.stretches.len(), 3);
        assert_eq!(places.get(1), Some(Position { segment: 1, offset: 0, len: 104 }));
        assert_eq!(places.get(10), Some(at(1, 936)), "the last of a segment has its own length");
        assert_eq!(places.get(21), Some(Position { segment: 3, offset: 0, len: 104 }));
        assert_eq!((places.get(0), places.get(31)), (None, None));
    }

    #[test]
    fn purging_drops_whole_segments() {
        let mut places = three();
        places.forget(9);
        assert_eq!(places.first_segment(), Some(1));
        places.forget(10);
        assert_eq!((places.first_segment(), places.get(10)), (Some(2), None));
        places.forget(30);
        assert_eq!((places.first_segment(), places.get(30)), (None, None));
    }

    #[test]
    fn a_truncation_leaves_room_that_the_next_entry_bounds() {
        let mut places = three();
        places.truncate(15);
        assert_eq!(
            (places.get(15), places.get(16)),
            (Some(Position { segment: 2, offset: 416, len: 104 }), None)
        );
        places.push(16, at(2, 2000));
        assert_eq!(places.get(15).map(|p| p.len), Some(2000 - 416));
        places.truncate(10);
        assert_eq!((places.get(10), places.get(11)), (Some(at(1, 936)), None));
        places.truncate(0);
        assert_eq!(places.first_segment(), None);
    }

    #[test]
    fn a_wide_gap_of_dead_bytes_parts_two_stretches() {
        let mut places = Places::default();
        places.push(1, at(1, 0));
        places.push(2, at(1, LEN + MAX_GAP));
        places.push(3, at(1, 2 * (LEN + MAX_GAP) + 1));
        assert_eq!(places.stretches.len(), 2);
        assert_eq!(places.get(2), Some(at(1, LEN + MAX_GAP)));
    }

    #[test]
    fn an_entry_costs_about_four_bytes() {
        let places = three();
        let room: usize = places.stretches.iter().rev().skip(1).map(|s| s.offsets.capacity()).sum();
        assert_eq!(room, 20, "sealed stretches have no room to spare");
    }
}
