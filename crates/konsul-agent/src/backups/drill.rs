//! The restore drill: a backup is read into memory, and what comes out is compared with what went in.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use konsul_state::archive::{ArchiveReader, Head, Origin};
use konsul_state::{Restorer, State};

use super::directory::{Failure, Pace, failed};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// Restores the backup into memory and compares its index, its counts and the hash of each of its tables: with `expect`,
/// which is the head that the live state had when the file was written in this run of the agent, or else with the file's
/// own. Takes the memory of another state for as long as it runs.
pub(crate) fn drill(path: &Path, expect: Option<&Head>, stop: &AtomicBool) -> Result<(), Failure> {
    let (head, state) = restore(path, stop)?;
    let wrong = |what: String| format!("{}: {what}", path.display());
    if let Some(head) = &head {
        same(head, &state).map_err(wrong)?;
    }
    match expect {
        Some(expect) => same(expect, &state)
            .map_err(|what| wrong(format!("it is not the state that was written: {what}"))),
        None => Ok(()),
    }
}

fn restore(path: &Path, stop: &AtomicBool) -> Result<(Option<Head>, State), Failure> {
    let cannot_read = |why: std::io::Error| failed("read", path, &why);
    let mut file = File::open(path).map_err(cannot_read)?;
    let (mut reader, mut restorer) = (ArchiveReader::new(), Restorer::new());
    let mut piece = vec![0; PIECE];
    let mut pace = Pace::begin();
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    loop {
        let length = file.read(&mut piece).map_err(cannot_read)?;
        if length == 0 {
            break;
        }
        reader.feed(&piece[..length]);
        while let Some(chunk) = reader.next_chunk().map_err(|why| wrong(&why))? {
            restorer.chunk(&chunk).map_err(|why| wrong(&why))?;
            pace.rest();
        }
        if stop.load(Ordering::Relaxed) {
            return Err("the agent is stopping".to_owned());
        }
    }
    reader.end().map_err(|why| wrong(&why))?;
    let state = restorer.finish().map_err(|why| wrong(&why))?;
    Ok((reader.head().cloned(), state))
}

/// Compares what a head says with a state. Tables that this build does not know are passed over.
fn same(head: &Head, state: &State) -> Result<(), String> {
    let found = Head::of(state, Origin::default());
    if (head.index, head.log_index) != (found.index, found.log_index) {
        return Err(format!("index {} came out as {}", head.index, found.index));
    }
    let differs = |(table, found): (&String, &u64)| head.counts.get(table).is_some_and(|said| said != found);
    if let Some((table, found)) = found.counts.iter().find(|(table, found)| differs((table, found))) {
        return Err(format!("{} {table} came out as {found}", head.counts[table]));
    }
    let differs = |table: &String, found: &String| head.hashes.get(table).is_some_and(|said| said != found);
    match found.hashes.iter().find(|(table, found)| differs(table, found)) {
        Some((table, _)) => Err(format!("table {table} came out with another hash")),
        None => Ok(()),
    }
}
