//! Makes a damaged directory start again, at the price that it names.
//!
//! What can be used of the log is its beginning up to the first damage. If that does not reach the newest
//! whole snapshot, the log begins anew behind the snapshot. Files that are taken out get the prefix
//! `damaged-` and stay; of a segment that is cut, a copy stays. The highest vote that left any trace is kept,
//! so that a repaired node does not vote twice if that can be helped; whether it can is not known, and the
//! answer says so.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::survey::{Cut, Found, survey};
use super::{Condition, Report};
use crate::contract::{LogId, StorageError, Vote};
use crate::files::{self, Files};
use crate::probe;
use crate::vfs::Vfs;
use crate::wal::frame::{Record, SECTOR};
use crate::wal::places::Position;
use crate::wal::segment::{self, Head, SPARE};
use crate::wal::state::State;

/// What a repair does, or would do.
#[derive(Debug, Clone)]
pub struct Repair {
    /// The directory before it.
    pub report: Report,
    /// Steps, in order, in words.
    pub steps: Vec<String>,
    /// What is lost, in words; empty if nothing is.
    pub lost: Vec<String>,
    /// Whether the steps were only listed.
    pub dry_run: bool,
}

/// One step.
enum Step {
    SetAside(String),
    Copy(String),
    Begin(Head),
}

/// Repairs a directory, or only says what that would mean.
///
/// # Errors
///
/// [`StorageError::Locked`] if a node runs on it; [`StorageError::Corrupt`] if neither log nor snapshots are
/// enough to go on from; [`StorageError::NewerFormat`]; and what the disk refuses.
pub fn repair(vfs: Arc<dyn Vfs>, dir: &Path, dry_run: bool) -> Result<Repair, StorageError> {
    let files = Files { vfs, dir: dir.to_path_buf() };
    let lock = if dry_run { None } else { Some(probe::lock(&files)?) };
    let found = survey(&files, true)?;
    refuse_newer(&files, &found.report)?;
    let (steps, lost) = plan(&files, &found)?;
    let repair = Repair {
        report: found.report,
        steps: steps.iter().map(ToString::to_string).collect(),
        lost,
        dry_run,
    };
    if !dry_run {
        steps.iter().try_for_each(|step| step.run(&files))?;
    }
    drop(lock);
    Ok(repair)
}

fn refuse_newer(files: &Files, report: &Report) -> Result<(), StorageError> {
    for (file, condition) in report.problems() {
        if let Condition::NewerFormat { found } = condition {
            let path = files.path(file).display().to_string();
            return Err(StorageError::NewerFormat { path, found: *found, known: segment::VERSION });
        }
    }
    Ok(())
}

fn plan(files: &Files, found: &Found) -> Result<(Vec<Step>, Vec<String>), StorageError> {
    let (mut steps, mut lost) = (Vec::new(), Vec::new());
    let damaged = found.report.snapshots.iter().filter(|s| matches!(s.condition, Condition::Damaged { .. }));
    for snapshot in damaged {
        steps.push(Step::SetAside(snapshot.file.clone()));
        lost.push(format!("the snapshot {} ({})", snapshot.file, snapshot.condition));
    }
    let Some(target) = target(files, found)? else { return Ok((steps, lost)) };
    let numbers: Vec<u64> =
        found.report.segments.iter().filter_map(|s| segment::number_of(&s.file)).collect();
    let kept = if target.anew { None } else { found.cut.as_ref().and_then(|cut| cut.last_usable) };
    // From the end, so that a repair that is interrupted leaves no gap.
    for number in numbers.iter().rev().filter(|number| kept.is_none_or(|kept| **number > kept)) {
        steps.push(Step::SetAside(segment::name(*number)));
    }
    steps.extend(kept.map(|kept| Step::Copy(segment::name(kept))));
    let end = if target.anew { 0 } else { found.cut.as_ref().map_or(0, |cut| cut.end) };
    let number = kept.map_or_else(|| numbers.last().map_or(1, |last| last + 1), |kept| kept + 1);
    let mut head = Head::after(&target.state, number, files.vfs.nonce(), end);
    head.repaired = true;
    steps.push(Step::Begin(head));
    lost.extend(losses(found, &target.state));
    Ok((steps, lost))
}

/// What the log is to be.
struct Target {
    state: State,
    /// Whether it begins behind a snapshot, with none of the old segments.
    anew: bool,
}

/// `None` if the log is whole and fits the snapshots.
fn target(files: &Files, found: &Found) -> Result<Option<Target>, StorageError> {
    let newest = found.newest.unwrap_or_default();
    let state = &found.state;
    let gap = state.base() > newest.index;
    let short = found.cut.is_some() && state.last().index < newest.index;
    let headless = found.cut.as_ref().is_some_and(|cut| cut.last_usable.is_none());
    if found.cut.is_none() && !gap && !found.report.segments.is_empty() {
        return Ok(None);
    }
    let anew = gap || short || headless || found.report.segments.is_empty();
    if anew && found.newest.is_none() {
        let what = "neither the log's beginning nor a whole snapshot is left. Restore a backup, or rejoin \
                    as a new learner";
        let path = files.dir.display().to_string();
        return Err(StorageError::Corrupt { path, offset: 0, what: what.to_string() });
    }
    let mut state = if anew { State::starting_at(state.vote(), newest, newest) } else { state.clone() };
    let behind = found.cut.as_ref().and_then(|cut| cut.vote);
    if let Some(vote) = behind.filter(|vote| state.vote().is_none_or(|known| known.term <= vote.term)) {
        state
            .apply(Record::Vote(vote), Position::NOWHERE)
            .map_err(|what| StorageError::Misuse(what.to_string()))?;
    }
    Ok(Some(Target { state, anew }))
}

fn losses(found: &Found, state: &State) -> Vec<String> {
    let mut lost = Vec::new();
    let last = state.last();
    let traces = found.cut.as_ref().and_then(|cut: &Cut| cut.entries);
    let highest = traces.map_or(0, |(_, high)| high).max(found.state.last().index);
    if highest > last.index {
        lost.push(format!("entries {} to {highest}, and any behind them that left no trace", last.index + 1));
    } else {
        lost.push(format!("entries after {last}, if there were any: none left a trace"));
    }
    lost.push(match state.vote() {
        Some(Vote { term, .. }) => format!("votes after term {term}, if there were any: none left a trace"),
        None => "the vote, if there was one: none left a trace".to_string(),
    });
    lost.push(
        "in a cluster, do not start this node under its old id: it may have voted or acknowledged what is \
         lost. Let it rejoin as a new learner"
            .to_string(),
    );
    lost
}

impl Step {
    fn run(&self, files: &Files) -> Result<(), StorageError> {
        match self {
            Step::SetAside(name) => files.rename(name, &aside(name)),
            Step::Copy(name) => copy(files, name),
            Step::Begin(head) => begin(files, head),
        }?;
        files.sync_dir()
    }
}

fn aside(name: &str) -> String {
    format!("damaged-{name}")
}

fn copy(files: &Files, name: &str) -> Result<(), StorageError> {
    let bytes = files::read_all(&*files.open_read(name)?, &files.path(name))?;
    let (to, path) = (files.create(&aside(name))?, files.path(&aside(name)));
    files::write(&*to, &path, 0, &bytes)?;
    files::sync(&*to, &path)
}

/// A segment with nothing but a head. The first write after the next start makes one of full size.
fn begin(files: &Files, head: &Head) -> Result<(), StorageError> {
    let (file, path) = (files.create(SPARE)?, files.path(SPARE));
    files::write(&*file, &path, 0, &head.encode())?;
    files::sync(&*file, &path)?;
    files.rename(SPARE, &segment::name(head.number))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::SetAside(name) => write!(f, "rename {name} to {}", aside(name)),
            Step::Copy(name) => write!(f, "copy {name} to {}", aside(name)),
            Step::Begin(head) => {
                let last: LogId = head.last;
                write!(f, "begin {} after entry {last}", segment::name(head.number))?;
                match head.previous_end as usize {
                    0..SECTOR => Ok(()),
                    end => write!(f, ", leaving the first {end} bytes of the segment before it"),
                }
            }
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.report)?;
        if self.steps.is_empty() {
            return write!(f, "nothing needs repair");
        }
        writeln!(f, "{}", if self.dry_run { "a repair would" } else { "the repair did" })?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))?;
        write!(f, "lost:")?;
        self.lost.iter().try_for_each(|what| write!(f, "\n  {what}"))
    }
}
