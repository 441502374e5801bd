//! Writes the history on, and reads entries back.
//!
//! A byte of a segment is written once. A group that failed half way is never written over: what follows it
//! goes into a new segment, whose head says where the old one ends. So whatever a crash leaves behind that
//! end is the remains of one write.

use std::collections::VecDeque;
use std::io;

use super::cache::TailCache;
use super::frame::{self, GroupWriter, Home, Record, SECTOR};
use super::places::Position;
use super::read;
use super::replay::{self, Replay};
use super::segment::{self, Head, SPARE, Segment};
use super::spare::{self, Spare};
use super::state::State;
use crate::contract::{Entry, LogId, StorageError};
use crate::disk::DiskOptions;
use crate::files::{self, Files};
use crate::mutants;

/// The log, open for writing.
#[derive(Debug)]
pub(crate) struct Log {
    files: Files,
    options: DiskOptions,
    state: State,
    segments: VecDeque<Segment>,
    spare: Option<Spare>,
    /// The disk refused a spare; the next roll tries again, not each append.
    spare_refused: bool,
    /// How far the active segment is synced.
    durable: usize,
    dirty: bool,
    /// A write stopped half way, so the active segment must not be written on.
    must_roll: bool,
    poisoned: bool,
    cache: TailCache,
    buffer: Vec<u8>,
    pub(crate) syncs: u64,
    pub(crate) appended: u64,
}

impl Log {
    /// Begins a log in a directory that has none.
    pub(crate) fn create(files: Files, options: DiskOptions) -> Result<Self, StorageError> {
        let mut log = Log::over(files, options, State::default(), VecDeque::new());
        log.add_segment(SECTOR)?;
        Ok(log)
    }

    /// Opens the log of a directory; `None` if it has none. All that is handed out afterwards is durable.
    pub(crate) fn recover(files: &Files, options: &DiskOptions) -> Result<Option<Self>, StorageError> {
        let names = files.list()?;
        let numbers = replay::numbers(files, &names)?;
        let Some(found) = replay::replay(files, &numbers, true)? else { return Ok(None) };
        let Replay { state, segments, durable, unfinished } = found;
        let mut log = Log::over(files.clone(), options.clone(), state, segments);
        log.must_roll = unfinished;
        log.durable = durable;
        log.rewrite_tail()?;
        log.trim_sealed()?;
        files.remove(SPARE)?;
        files.sync_dir()?;
        Ok(Some(log))
    }

    fn over(files: Files, options: DiskOptions, state: State, segments: VecDeque<Segment>) -> Self {
        Log {
            cache: TailCache::new(options.cache_bytes),
            files,
            options,
            state,
            segments,
            spare: None,
            spare_refused: false,
            durable: SECTOR,
            dirty: false,
            must_roll: false,
            poisoned: false,
            buffer: Vec::new(),
            syncs: 0,
            appended: 0,
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Segments, the spare included, and their bytes.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let bytes: usize = self.segments.iter().map(|s| s.size).sum();
        let spare = self.spare.as_ref().map_or(0, |s| s.zeroed);
        let count = self.segments.len() + usize::from(self.spare.is_some());
        (count as u64, (bytes + spare) as u64)
    }

    /// Adds entries; readable at once, durable after [`Log::sync`].
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        self.check_follows(entries)?;
        let records = entries.iter().map(|e| (Record::Entry(e.kind, e.id), &e.payload[..]));
        self.write_group(records)?;
        entries.iter().for_each(|e| self.cache.push(e));
        self.prepare_spare()
    }

    /// Adds one record without a body.
    pub(crate) fn record(&mut self, record: Record) -> Result<(), StorageError> {
        self.write_group([(record, &[][..])].into_iter())
    }

    pub(crate) fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        self.check_usable()?;
        if from > self.state.last().index {
            return Ok(());
        }
        if from <= self.state.purged().index {
            let purged = self.state.purged();
            return Err(StorageError::Misuse(format!(
                "truncate from {from}, but entries up to {purged} are purged"
            )));
        }
        let kept = from - 1;
        let kept = LogId { term: self.state.term(kept).unwrap_or(0), index: kept };
        if mutants::active(mutants::TRUNCATE_FORGOTTEN) {
            self.follow(Record::Truncate(kept), Position::NOWHERE)?;
        } else {
            self.record(Record::Truncate(kept))?;
        }
        self.cache.truncate(from);
        Ok(())
    }

    /// Moves the purged position, and deletes segments that hold nothing after `keep_after`.
    pub(crate) fn purge(&mut self, upto: LogId, keep_after: u64) -> Result<(), StorageError> {
        self.check_usable()?;
        if upto.index > self.state.purged().index {
            self.move_purged(upto)?;
        }
        self.reclaim(keep_after.min(self.state.purged().index))
    }

    fn move_purged(&mut self, upto: LogId) -> Result<(), StorageError> {
        let replaces = self.state.term(upto.index) != Some(upto.term);
        match self.record(Record::Purge(upto)) {
            // Purging is what makes room, so it must not need any. The snapshot alone proves that the entries
            // may go.
            Err(StorageError::Full { .. }) if !replaces => {
                self.follow(Record::Purge(upto), Position::NOWHERE)?;
            }
            answer => answer?,
        }
        self.cache.forget(upto.index);
        if replaces {
            // The log starts anew behind a snapshot from elsewhere; what it held may go only when that is
            // durable.
            self.cache.truncate(0);
            self.sync()?;
        }
        Ok(())
    }

    /// Deletes the oldest segments, one by one and durably, so that a crash never leaves a gap between two of
    /// them.
    pub(crate) fn reclaim(&mut self, upto: u64) -> Result<(), StorageError> {
        self.state.forget(upto);
        let active = self.active().head.number;
        let needed = self.state.first_segment().map_or(active, u64::from);
        while self.segments.len() > 1 && self.segments[0].head.number < needed {
            let name = segment::name(self.segments[0].head.number);
            if mutants::active(mutants::REUSED_SEGMENT_REVIVES) && self.spare.is_none() {
                let old = &self.segments[0];
                self.spare = Some(Spare::over(old.file.clone(), self.options.segment_bytes as usize));
                self.files.rename(&name, SPARE)?;
            } else {
                self.files.remove(&name)?;
            }
            self.segments.pop_front();
            self.sync_dir()?;
        }
        Ok(())
    }

    /// Makes all writes so far durable.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        self.check_usable()?;
        if !self.dirty || mutants::active(mutants::ACK_BEFORE_SYNC) {
            return Ok(());
        }
        let active = self.active();
        let answer = files::sync(&*active.file, &active.path);
        self.syncs += 1;
        if answer.is_err() && !mutants::once(mutants::SYNC_ERROR_IGNORED) {
            self.poisoned = true;
            return answer;
        }
        self.durable = self.active().end;
        self.dirty = false;
        Ok(())
    }

    /// Entries with `from <= index < to`, clipped to the log.
    pub(crate) fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        let from = from.max(self.state.purged().index + 1);
        let to = to.min(self.state.last().index + 1);
        let mut entries = Vec::with_capacity(to.saturating_sub(from) as usize);
        let cached = self.cache.first().unwrap_or(u64::MAX).clamp(from, to.max(from));
        read::entries(&self.state, &self.segments, from..cached, &mut entries)?;
        if cached < to {
            entries.extend(self.cache.range(cached, to).cloned());
        }
        Ok(entries)
    }

    fn active(&self) -> &Segment {
        self.segments.back().expect("a log has at least one segment from its creation on")
    }

    fn active_mut(&mut self) -> &mut Segment {
        self.segments.back_mut().expect("a log has at least one segment from its creation on")
    }

    /// Damage that was found at the beginning of the log.
    pub(crate) fn damage_at_start(&self, what: &str) -> StorageError {
        self.segments[0].corrupt(0, what)
    }

    pub(crate) fn check_usable(&self) -> Result<(), StorageError> {
        if self.poisoned { Err(StorageError::Poisoned) } else { Ok(()) }
    }

    fn check_follows(&self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut last = self.state.last().index;
        for entry in entries {
            if entry.id.index != last + 1 {
                let found = entry.id;
                return Err(StorageError::Misuse(format!(
                    "append of {found}, but the entry after {last} is due"
                )));
            }
            if entry.payload.len() > frame::MAX_BODY {
                let bytes = entry.payload.len();
                return Err(StorageError::Misuse(format!(
                    "an entry of {bytes} bytes; {} are the most",
                    frame::MAX_BODY
                )));
            }
            last = entry.id.index;
        }
        Ok(())
    }

    fn follow(&mut self, record: Record, position: Position) -> Result<(), StorageError> {
        self.state.apply(record, position).map_err(|what| StorageError::Misuse(what.to_string()))
    }

    /// Writes the frames of one call in one write: after a crash, all of them are there or none.
    fn write_group<'a>(
        &mut self,
        records: impl Iterator<Item = (Record, &'a [u8])> + Clone,
    ) -> Result<(), StorageError> {
        self.check_usable()?;
        let bodies = records.clone().map(|(_, body)| body.len());
        if bodies.clone().next().is_none() {
            return Ok(());
        }
        let end = frame::group_end(self.active().end, bodies.clone());
        if self.must_roll || end > self.active().size {
            self.roll(frame::group_end(SECTOR, bodies))?;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let positions = self.encode(&mut buffer, records.clone());
        let written = self.write(&buffer);
        self.buffer = buffer;
        written?;
        for ((record, _), position) in records.zip(positions) {
            self.follow(record, position)?;
        }
        Ok(())
    }

    fn encode<'a>(
        &self,
        buffer: &mut Vec<u8>,
        records: impl Iterator<Item = (Record, &'a [u8])>,
    ) -> Vec<Position> {
        let Home { segment, .. } = self.active().head.home();
        let mut writer = GroupWriter::new(buffer, self.active().end, self.active().head.home(), self.durable);
        let mut records = records.peekable();
        let mut positions = Vec::with_capacity(records.size_hint().0);
        while let Some((record, body)) = records.next() {
            let (offset, len) = writer.push(record, body, records.peek().is_none());
            positions.push(Position { segment: segment as u32, offset: offset as u32, len: len as u32 });
        }
        positions
    }

    /// Writes a group, in one call unless the system takes less than it is given.
    ///
    /// A sector that was written in two steps might survive as it was after the first, and sectors behind it
    /// as well; nobody could tell that from decay. So such a sector is completed and synced before anything
    /// behind it is written, by this group or the next.
    fn write(&mut self, group: &[u8]) -> Result<(), StorageError> {
        let start = self.active().end;
        let mut done = 0;
        while done < group.len() {
            let split = if done == 0 { 0 } else { (start + done) % SECTOR };
            let upto = if split == 0 { group.len() } else { group.len().min(done + SECTOR - split) };
            done += self.write_some(start + done, &group[done..upto], done > 0)?;
            if split != 0 && done == upto {
                self.sync_part()?;
            }
        }
        self.active_mut().end += group.len();
        self.appended += group.len() as u64;
        self.dirty = true;
        Ok(())
    }

    fn write_some(&mut self, offset: usize, bytes: &[u8], begun: bool) -> Result<usize, StorageError> {
        let active = self.active();
        let answer = loop {
            match active.file.write_at(offset as u64, bytes) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                answer => break answer,
            }
        };
        answer.map_err(|e| files::refused("write", &active.path, e)).inspect_err(|refusal| {
            self.must_roll |= begun;
            self.poisoned |= !matches!(refusal, StorageError::Full { .. });
        })
    }

    fn sync_part(&mut self) -> Result<(), StorageError> {
        let active = self.active();
        let answer = files::sync(&*active.file, &active.path);
        self.syncs += 1;
        answer.inspect_err(|_| self.poisoned = true)
    }

    /// Closes the active segment and goes on in the next, which has room for a group that ends at
    /// `group_end`.
    fn roll(&mut self, group_end: usize) -> Result<(), StorageError> {
        // Only the last segment may end in a write that did not finish.
        self.sync()?;
        self.add_segment(group_end)?;
        self.trim_sealed().inspect_err(|_| self.poisoned = true)
    }

    fn add_segment(&mut self, group_end: usize) -> Result<(), StorageError> {
        let (number, end) = self.segments.back().map_or((1, 0), |s| (s.head.number + 1, s.end));
        let head = Head::after(&self.state, number, self.files.vfs.nonce(), end);
        let size = (self.options.segment_bytes as usize).max(group_end);
        if u32::try_from(size).is_err() {
            return Err(StorageError::Misuse(format!("a group of {size} bytes; 4 GiB are the most")));
        }
        let made = self.make_segment(head, size);
        let segment = made.inspect_err(|e| self.after_failed_segment(e))?;
        self.segments.push_back(segment);
        self.durable = SECTOR;
        self.must_roll = false;
        self.spare_refused = false;
        Ok(())
    }

    fn make_segment(&mut self, head: Head, size: usize) -> Result<Segment, StorageError> {
        let mut spare = match self.spare.take() {
            Some(spare) => spare,
            None => Spare::create(&self.files)?,
        };
        spare.grow(&self.files, size)?;
        let from = self.files.path(SPARE);
        files::write(&*spare.file, &from, 0, &head.encode())?;
        files::sync(&*spare.file, &from)?;
        self.syncs += 1;
        let name = segment::name(head.number);
        self.files.rename(SPARE, &name)?;
        self.sync_dir()?;
        Ok(Segment { head, file: spare.file, path: self.files.path(&name), size: spare.zeroed, end: SECTOR })
    }

    /// For want of space nothing happened, and the room that was taken is given back. Anything else leaves
    /// the unknown.
    fn after_failed_segment(&mut self, error: &StorageError) {
        let gave_back = match error {
            StorageError::Full { .. } => self.files.remove(SPARE).is_ok(),
            _ => false,
        };
        self.poisoned |= !gave_back;
    }

    fn sync_dir(&mut self) -> Result<(), StorageError> {
        if mutants::active(mutants::NO_DIRECTORY_SYNC) {
            return Ok(());
        }
        self.files.sync_dir().inspect_err(|_| self.poisoned = true)
    }

    /// Zeroes a piece of the next segment, when it is time.
    fn prepare_spare(&mut self) -> Result<(), StorageError> {
        let size = self.options.segment_bytes as usize;
        let target = spare::target(self.active().end.min(size), size);
        if self.spare_refused || target <= self.spare.as_ref().map_or(0, |s| s.zeroed) {
            return Ok(());
        }
        match self.grow_spare(target) {
            // The entries are written; that there is no room for the next segment is told when it is needed.
            Err(StorageError::Full { .. }) => {
                self.spare = None;
                self.spare_refused = true;
                self.files.remove(SPARE)
            }
            Err(e) => {
                self.poisoned = true;
                Err(e)
            }
            Ok(()) => Ok(()),
        }
    }

    fn grow_spare(&mut self, target: usize) -> Result<(), StorageError> {
        if self.spare.is_none() {
            self.spare = Some(Spare::create(&self.files)?);
        }
        let Some(spare) = self.spare.as_mut() else { return Ok(()) };
        spare.grow(&self.files, target)?;
        let synced = spare.sync_if(&self.files, self.options.segment_bytes as usize / 4)?;
        self.syncs += u64::from(synced);
        Ok(())
    }

    /// Gives back the room behind the end of segments that are not written any more.
    fn trim_sealed(&mut self) -> Result<(), StorageError> {
        let sealed = self.segments.len() - 1;
        for segment in self.segments.iter_mut().take(sealed).filter(|s| s.size > s.end) {
            segment
                .file
                .set_len(segment.end as u64)
                .map_err(|e| files::failed("truncate", &segment.path, e))?;
            segment.size = segment.end;
        }
        Ok(())
    }

    /// Writes the part of the log that may never have been synced once more, and syncs it.
    ///
    /// After a failed sync a system may call pages clean that the disk does not have: they can be read, the
    /// next sync does nothing for them, and a power cut loses them. The same bytes written again are dirty
    /// again.
    fn rewrite_tail(&mut self) -> Result<(), StorageError> {
        let segment = self.active();
        let from = self.durable.min(segment.end);
        let mut tail = vec![0; segment.end - from];
        files::read(&*segment.file, &segment.path, from as u64, &mut tail)?;
        files::write(&*segment.file, &segment.path, 0, &segment.head.encode())?;
        files::write(&*segment.file, &segment.path, from as u64, &tail)?;
        files::sync(&*segment.file, &segment.path)?;
        self.durable = segment.end;
        self.syncs += 1;
        Ok(())
    }
}
