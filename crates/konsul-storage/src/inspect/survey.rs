//! Reads a directory as far as it can be read, and behind that.

use super::{Condition, Report, SegmentReport, SnapshotReport};
use crate::contract::{LogId, StorageError, Vote};
use crate::files::{self, Files};
use crate::snapshot::reader::ChunkReader;
use crate::snapshot::{self, is_snapshot};
use crate::wal::frame::{Record, SECTOR};
use crate::wal::replay::{beginning, follow, follow_head, sealed};
use crate::wal::segment::{self, Segment};
use crate::wal::state::State;
use crate::wal::tail::{self, Scan};

/// Where the log stops being readable without a gap.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The segment whose beginning is the last that can be used; `None` if not even the first can.
    pub(super) last_usable: Option<u64>,
    /// Where it ends.
    pub(super) end: usize,
    /// Entries behind it that left a trace: the lowest and the highest.
    pub(super) entries: Option<(u64, u64)>,
    /// The highest vote behind it that left a trace.
    pub(super) vote: Option<Vote>,
}

impl Cut {
    fn note(&mut self, record: Record) {
        match record {
            Record::Entry(_, id) => {
                let (low, high) = self.entries.unwrap_or((id.index, id.index));
                self.entries = Some((low.min(id.index), high.max(id.index)));
            }
            Record::Vote(vote) if self.vote.is_none_or(|known| known.term <= vote.term) => {
                self.vote = Some(vote);
            }
            Record::Vote(_) | Record::Truncate(_) | Record::Purge(_) => {}
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) report: Report,
    /// The state at the cut, or at the end of the log.
    pub(super) state: State,
    /// The first damage of the log, if there is any.
    pub(super) cut: Option<Cut>,
    /// The newest whole snapshot.
    pub(super) newest: Option<LogId>,
}

pub(super) fn survey(files: &Files, thorough: bool) -> Result<Found, StorageError> {
    let names = files.list()?;
    let mut found = Found {
        report: Report {
            dir: files.dir.display().to_string(),
            segments: Vec::new(),
            snapshots: Vec::new(),
            vote: None,
            purged: LogId::default(),
            last: LogId::default(),
        },
        state: State::default(),
        cut: None,
        newest: None,
    };
    found.log(files, &names)?;
    for name in names.iter().filter(|name| is_snapshot(name)) {
        found.snapshot(files, name, thorough)?;
    }
    let state = &found.state;
    (found.report.vote, found.report.purged, found.report.last) =
        (state.vote(), state.purged(), state.last());
    Ok(found)
}

impl Found {
    fn log(&mut self, files: &Files, names: &[String]) -> Result<(), StorageError> {
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
        numbers.sort_unstable();
        for (nth, number) in numbers.iter().enumerate() {
            let previous = nth.checked_sub(1).map(|before| numbers[before]);
            if previous.is_some_and(|previous| previous + 1 != *number) {
                self.cut_after_previous(previous);
            }
            self.segment(files, *number, previous, numbers.get(nth + 1).copied())?;
        }
        Ok(())
    }

    fn segment(
        &mut self,
        files: &Files,
        number: u64,
        previous: Option<u64>,
        next: Option<u64>,
    ) -> Result<(), StorageError> {
        let name = segment::name(number);
        let length = files::len(&*files.open_read(&name)?, &files.path(&name))?;
        let mut report = blank(name, length);
        match segment::open(files, number, false).and_then(|segment| self.enter(segment, previous.is_none()))
        {
            Ok(segment) => self.read(files, &segment, previous, next, &mut report)?,
            Err(e) => {
                report.condition = condition_of(e)?;
                self.cut_after_previous(previous);
                self.look_behind_a_bad_head(files, number)?;
            }
        }
        self.report.segments.push(report);
        Ok(())
    }

    /// Checks that a segment follows the one before it, as long as nothing was missing so far.
    fn enter(&mut self, segment: Segment, is_first: bool) -> Result<Segment, StorageError> {
        if is_first {
            self.state = beginning(&segment.head);
        }
        if self.cut.is_none() {
            follow_head(&mut self.state, &segment)?;
        }
        Ok(segment)
    }

    fn read(
        &mut self,
        files: &Files,
        segment: &Segment,
        previous: Option<u64>,
        next: Option<u64>,
        report: &mut SegmentReport,
    ) -> Result<(), StorageError> {
        let bytes = files::read_all(&*segment.file, &segment.path)?;
        let limit = next
            .and_then(|next| segment::open(files, next, false).ok())
            .map(|s| s.head.previous_end as usize);
        let used = &bytes[..limit.unwrap_or(bytes.len()).min(bytes.len())];
        let scan = tail::scan(used, segment.head.home());
        count(report, &scan);
        report.condition = condition(segment, &bytes, limit, &scan)?;
        if self.cut.is_none() {
            match follow(&mut self.state, segment, &scan).map_err(condition_of) {
                Ok(()) if matches!(report.condition, Condition::Damaged { .. }) => {
                    self.cut =
                        Some(Cut { last_usable: Some(segment.head.number), end: scan.end, ..Cut::default() });
                }
                Ok(()) => {}
                Err(hole) => {
                    report.condition = hole?;
                    self.cut_after_previous(previous);
                }
            }
        }
        let Some(cut) = self.cut.as_mut() else { return Ok(()) };
        let from = if cut.last_usable == Some(segment.head.number) { cut.end } else { SECTOR };
        tail::traces(&bytes, segment.head.home(), from).for_each(|header| cut.note(header.record));
        Ok(())
    }

    /// The salt went with the head, so records behind it cannot be told from nonsense. Its own summary still
    /// names a vote.
    fn look_behind_a_bad_head(&mut self, files: &Files, number: u64) -> Result<(), StorageError> {
        let head = segment::open(files, number, false).map(|segment| segment.head);
        if let (Ok(head), Some(cut)) = (head, self.cut.as_mut()) {
            head.vote.into_iter().for_each(|vote| cut.note(Record::Vote(vote)));
            let segment = segment::open(files, number, false)?;
            let bytes = files::read_all(&*segment.file, &segment.path)?;
            tail::traces(&bytes, head.home(), SECTOR).for_each(|header| cut.note(header.record));
        }
        Ok(())
    }

    fn cut_after_previous(&mut self, previous: Option<u64>) {
        if self.cut.is_none() {
            let end = self.report.segments.last().map_or(0, |s| s.used as usize);
            self.cut = Some(Cut { last_usable: previous, end, ..Cut::default() });
        }
    }

    fn snapshot(&mut self, files: &Files, name: &str, thorough: bool) -> Result<(), StorageError> {
        let file = files.open_read(name)?;
        let path = files.path(name);
        let bytes = files::len(&*file, &path)?;
        let mut report = SnapshotReport {
            file: name.to_string(),
            bytes,
            last: LogId::default(),
            chunks: None,
            condition: Condition::Whole,
        };
        let checked = snapshot::read_head(&*file, &path).and_then(|head| {
            report.last = head.meta.last;
            let mut reader = ChunkReader::open(files, name)?;
            if thorough {
                reader.verify()?;
                report.chunks = Some(reader.chunks());
            }
            Ok(())
        });
        match checked {
            Ok(()) => self.newest = self.newest.max(Some(report.last)),
            Err(e) => report.condition = condition_of(e)?,
        }
        self.report.snapshots.push(report);
        Ok(())
    }
}

fn blank(file: String, bytes: u64) -> SegmentReport {
    SegmentReport {
        file,
        bytes,
        used: 0,
        first: None,
        last: None,
        entries: 0,
        votes: 0,
        marks: 0,
        condition: Condition::Whole,
    }
}

fn condition(
    segment: &Segment,
    bytes: &[u8],
    limit: Option<usize>,
    scan: &Scan,
) -> Result<Condition, StorageError> {
    let answer = match limit {
        Some(limit) => sealed(segment, bytes, limit).map(|_| false),
        None => {
            let judged = tail::judge(bytes, segment.head.home(), scan);
            judged.map_err(|damage| segment.corrupt(damage.offset, damage.what))
        }
    };
    match answer {
        Ok(false) => Ok(Condition::Whole),
        Ok(true) => Ok(Condition::Unfinished { offset: scan.end as u64 }),
        Err(e) => condition_of(e),
    }
}

fn count(report: &mut SegmentReport, scan: &Scan) {
    report.used = scan.end as u64;
    for (record, _) in &scan.frames {
        match record {
            Record::Entry(_, id) => {
                report.first.get_or_insert(*id);
                report.last = Some(*id);
                report.entries += 1;
            }
            Record::Vote(_) => report.votes += 1,
            Record::Truncate(_) | Record::Purge(_) => report.marks += 1,
        }
    }
}

/// Damage is a condition; anything else keeps us from looking.
fn condition_of(error: StorageError) -> Result<Condition, StorageError> {
    match error {
        StorageError::Corrupt { offset, what, .. } => {
            let what = what.split(". ").next().unwrap_or_default().to_string();
            Ok(Condition::Damaged { offset, what })
        }
        StorageError::NewerFormat { found, .. } => Ok(Condition::NewerFormat { found }),
        e => Err(e),
    }
}
