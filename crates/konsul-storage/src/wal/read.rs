//! Reads entries back from their places: one read for each run of entries that lie close together, and every
//! frame is checked.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::frame::{self, Record};
use super::places::{MAX_GAP, Position};
use super::segment::Segment;
use super::state::State;
use crate::contract::{Entry, StorageError};
use crate::files;

/// Bytes after which a read is split.
const MAX_RUN: u32 = 4 << 20;

/// Adds the entries with these indexes, all of which are on disk.
pub(crate) fn entries(
    state: &State,
    segments: &VecDeque<Segment>,
    indexes: Range<u64>,
    into: &mut Vec<Entry>,
) -> Result<(), StorageError> {
    let mut at = indexes.start;
    while at < indexes.end {
        let run = run(state, at..indexes.end)?;
        let segment = segment_of(segments, run[0]).ok_or_else(|| no_position(at))?;
        read_run(segment, &run, at, into)?;
        at += run.len() as u64;
    }
    Ok(())
}

/// The longest stretch of entries that one read should fetch.
fn run(state: &State, indexes: Range<u64>) -> Result<Vec<Position>, StorageError> {
    let position = |index| state.position(index).ok_or_else(|| no_position(index));
    let first = position(indexes.start)?;
    let mut run = vec![first];
    for index in indexes.start + 1..indexes.end {
        let (last, next) = (run[run.len() - 1], position(index)?);
        let near = next.segment == first.segment
            && next.offset - (last.offset + last.len) <= MAX_GAP
            && next.offset + next.len - first.offset <= MAX_RUN;
        if !near {
            break;
        }
        run.push(next);
    }
    Ok(run)
}

fn segment_of(segments: &VecDeque<Segment>, position: Position) -> Option<&Segment> {
    let first = segments.front()?.head.number as u32;
    segments.get(position.segment.wrapping_sub(first) as usize)
}

fn no_position(index: u64) -> StorageError {
    StorageError::Misuse(format!("entry {index} has no place on disk"))
}

/// Reads and checks entries that lie close together. Their payloads share one buffer.
fn read_run(
    segment: &Segment,
    run: &[Position],
    first: u64,
    into: &mut Vec<Entry>,
) -> Result<(), StorageError> {
    let (start, last) = (run[0].offset, run[run.len() - 1]);
    let mut buffer = vec![0; (last.offset + last.len - start) as usize];
    let got = files::read(&*segment.file, &segment.path, u64::from(start), &mut buffer)?;
    buffer.truncate(got);
    let buffer = Bytes::from(buffer);
    for (nth, position) in run.iter().enumerate() {
        let at = (position.offset - start) as usize;
        let frame = buffer.slice(at.min(buffer.len())..(at + position.len as usize).min(buffer.len()));
        into.push(read_entry(segment, &frame, *position, first + nth as u64)?);
    }
    Ok(())
}

fn read_entry(
    segment: &Segment,
    frame: &Bytes,
    position: Position,
    index: u64,
) -> Result<Entry, StorageError> {
    let offset = position.offset as usize;
    let home = segment.head.home();
    let damaged = |what| segment.corrupt(offset, what);
    let header = frame::read_header(frame, home)
        .ok_or_else(|| damaged("the checksum of a record's header is wrong"))?;
    if !header.at_home(home, offset) || !header.rest_is_whole(frame, home) {
        return Err(damaged("the checksum of a record is wrong"));
    }
    match header.record {
        Record::Entry(kind, id) if id.index == index => {
            Ok(Entry { id, kind, payload: frame.slice(header.body()) })
        }
        _ => Err(damaged("another record stands here than was written")),
    }
}
