//! Reads a directory's segments back into a history. Only reads: recovery, inspection and repair all start
//! here.

use std::collections::VecDeque;

use super::frame::Record;
use super::places::Position;
use super::segment::{self, Head, Segment};
use super::state::State;
use super::tail::{self, Damage, Scan};
use crate::contract::StorageError;
use crate::files::{self, Files};

/// What the segments amount to.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The history's end.
    pub(crate) state: State,
    /// All segments; the last one is written on.
    pub(crate) segments: VecDeque<Segment>,
    /// How far the last segment is known to have been synced.
    pub(crate) durable: usize,
    /// Whether a write behind its end did not finish.
    pub(crate) unfinished: bool,
}

/// The numbers of the segments in a directory, in order. Refuses a gap.
pub(crate) fn numbers(files: &Files, names: &[String]) -> Result<Vec<u64>, StorageError> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        if pair[1] != pair[0] + 1 {
            let missing = files.path(&segment::name(pair[0] + 1));
            return Err(segment::corrupt(&missing, 0, "the file is missing, and the log goes on behind it"));
        }
    }
    Ok(numbers)
}

/// Reads all segments. Answers `None` if there are none.
pub(crate) fn replay(files: &Files, numbers: &[u64], write: bool) -> Result<Option<Replay>, StorageError> {
    let mut segments = VecDeque::new();
    for number in numbers {
        segments.push_back(segment::open(files, *number, write)?);
    }
    let Some(first) = segments.front() else { return Ok(None) };
    let mut replay = Replay { state: beginning(&first.head), segments, durable: 0, unfinished: false };
    for nth in 0..replay.segments.len() {
        replay.segment(nth)?;
    }
    Ok(Some(replay))
}

/// The state that the oldest kept segment starts from.
pub(crate) fn beginning(head: &Head) -> State {
    State::starting_at(head.vote, head.purged, head.last)
}

impl Replay {
    fn segment(&mut self, nth: usize) -> Result<(), StorageError> {
        let limit = self.segments.get(nth + 1).map(|next| next.head.previous_end as usize);
        let segment = &mut self.segments[nth];
        follow_head(&mut self.state, segment)?;
        let bytes = files::read_all(&*segment.file, &segment.path)?;
        let scan = match limit {
            Some(limit) => sealed(segment, &bytes, limit)?,
            None => {
                let scan = tail::scan(&bytes, segment.head.home());
                let judged = tail::judge(&bytes, segment.head.home(), &scan);
                self.unfinished = judged.map_err(|Damage { offset, what }| segment.corrupt(offset, what))?;
                self.durable = scan.durable;
                scan
            }
        };
        segment.end = scan.end;
        follow(&mut self.state, segment, &scan)
    }
}

/// A segment that is not the last: it is whole up to the end that the next one's head gives, or it is
/// damaged.
pub(crate) fn sealed(segment: &Segment, bytes: &[u8], limit: usize) -> Result<Scan, StorageError> {
    if bytes.len() < limit {
        return Err(segment.corrupt(bytes.len(), "the file is shorter than the log that it held"));
    }
    let scan = tail::scan(&bytes[..limit], segment.head.home());
    if scan.end != limit {
        return Err(segment.corrupt(scan.stopped_at, scan.stop.what()));
    }
    Ok(scan)
}

/// Checks that a segment's head repeats what came before it.
pub(crate) fn follow_head(state: &mut State, segment: &Segment) -> Result<(), StorageError> {
    let head = &segment.head;
    if head.repaired {
        head.vote.into_iter().for_each(|vote| state.set_vote(vote));
    }
    if head.last != state.last() || head.vote != state.vote() {
        return Err(segment
            .corrupt(32, "the segment does not follow the one before it: records are missing between them"));
    }
    if head.purged.index > state.purged().index {
        state
            .apply(Record::Purge(head.purged), Position::NOWHERE)
            .map_err(|what| segment.corrupt(48, what))?;
    }
    Ok(())
}

/// Follows the records of one segment.
pub(crate) fn follow(state: &mut State, segment: &Segment, scan: &Scan) -> Result<(), StorageError> {
    for (record, position) in &scan.frames {
        state.apply(*record, *position).map_err(|what| segment.corrupt(position.offset as usize, what))?;
    }
    Ok(())
}
