//! `snapshot`: backups of the whole state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use bytes::Bytes;
use clap::{ArgMatches, Command};
use jiff::Timestamp;
use konsul_client::transport::{ByteSource, Reply};
use konsul_state::archive::{Inspection, TableSize, inspect as read_whole};

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, reading, server_flags};
use crate::consul::input;
use crate::consul::words::arguments;
use crate::consul::{group, leaf};
use crate::failure::{Failure, Outcome};

const SAVE: &str = "\
Example:
  konsul snapshot save backup.snap

The file appears under its name only when it is on the disk, was read back, and every byte was right.";

const INSPECT: &str = "\
Example:
  konsul snapshot inspect backup.snap

Reads every byte, without a server. Exit codes: 0 whole; 1 not, and what is wrong is named.";

const RESTORE: &str = "\
Example:
  konsul snapshot restore backup.snap

Replaces the whole state at once, or changes nothing. Watches are told, and no index goes backwards.";

/// Bytes read from a file at once.
const PIECE: usize = 64 * 1024;

pub(crate) fn command() -> Command {
    let file = || arguments("FILE", "The backup's file");
    let both = |command| server_flags(client_flags(command));
    group("snapshot", "Saves and restores the whole state")
        .subcommand(
            both(leaf("konsul snapshot save [OPTIONS] FILE", "Writes a backup into a file", SAVE))
                .arg(file()),
        )
        .subcommand(
            both(leaf("konsul snapshot restore [OPTIONS] FILE", "Replaces the state by a backup", RESTORE))
                .arg(file()),
        )
        .subcommand(
            leaf("konsul snapshot inspect [OPTIONS] FILE", "Checks a backup and shows what it is", INSPECT)
                .arg(file()),
        )
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some(("save", matches)) => save(matches, console).await,
        Some(("restore", matches)) => restore(matches, console).await,
        Some(("inspect", matches)) => inspect(matches, console),
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}

async fn save(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let path = input::exactly_one(matches, "FILE")?;
    let client = connect(matches, console)?;
    let saved = client.snapshot().save(&reading(matches)).await;
    let reply = saved.map_err(|e| Failure::new(format!("Error saving snapshot: {e}")))?;
    let index = reply.meta().index;
    let partial = format!("{path}.unverified");
    let written = write_down(reply, &partial).await;
    let verified = written.and_then(|()| verify(&partial));
    let renamed = verified.and_then(|()| {
        fs::rename(&partial, path).map_err(|e| format!("Error renaming {partial:?} to {path:?}: {e}"))
    });
    if let Err(text) = renamed {
        // What is left of it would only be taken for a backup; if it cannot be removed, the error at hand says enough.
        let _ = fs::remove_file(&partial);
        return Err(Failure::new(text));
    }
    console.line(format!("Saved and verified snapshot to index {index}"))
}

async fn write_down(mut reply: Reply, path: &str) -> Result<(), String> {
    let failed = |e: io::Error| format!("Error writing snapshot file {path}: {e}");
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = opened.map_err(failed)?;
    while let Some(piece) = reply.piece().await.map_err(|e| format!("Error saving snapshot: {e}"))? {
        file.write_all(&piece).map_err(failed)?;
    }
    file.sync_all().map_err(failed)
}

/// Reads it back. Consul's agents send an archive of another form, which only they can read.
fn verify(path: &str) -> Result<(), String> {
    let failed = |e: String| format!("Error verifying snapshot file: {e}");
    let file = File::open(path).map_err(|e| failed(e.to_string()))?;
    read_whole(BufReader::new(file)).map(|_| ()).map_err(|e| failed(e.to_string()))
}

fn inspect(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let path = input::exactly_one(matches, "FILE")?;
    let file =
        File::open(path).map_err(|e| Failure::new(format!("Error opening snapshot file {path}: {e}")))?;
    let found = read_whole(BufReader::new(file));
    let found = found.map_err(|e| Failure::new(format!("Error reading snapshot: {e}")))?;
    console.line(describe(&found))
}

/// In Consul's order: what it is, then a table of what is in it.
fn describe(found: &Inspection) -> String {
    let mut facts = Vec::new();
    if let Some(head) = &found.head {
        let taken = i64::try_from(head.taken_at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        facts.push(("ID", format!("{}-{}-{}", found.term, found.index, head.taken_at_ms)));
        facts.push(("Taken", taken.map(|at| format!("{at:.3}")).unwrap_or_default()));
        facts.push(("Node", head.node.clone()));
        facts.push(("Datacenter", head.datacenter.clone()));
        facts.push(("Cluster", head.cluster_id.clone()));
        facts.push(("Konsul", head.konsul.clone()));
    }
    facts.push(("Size", found.bytes.to_string()));
    facts.push(("Index", found.index.to_string()));
    facts.push(("Term", found.term.to_string()));
    facts.push(("Version", found.version.to_string()));
    facts.push(("Frames", found.frames.to_string()));
    let mut lines: Vec<String> = facts.iter().map(|(name, value)| format!("{name:<12}{value}")).collect();
    lines.push(String::new());
    lines.push(format!("{:<18}{:>12}{:>16}", "Type", "Count", "Size"));
    lines.push("-".repeat(46));
    let row = |name: &str, count: u64, bytes: u64| format!("{name:<18}{count:>12}{bytes:>16}");
    lines.extend(found.tables.iter().map(|size| row(size.table, size.records, size.bytes)));
    let total = |of: fn(&TableSize) -> u64| found.tables.iter().map(of).sum();
    lines.push("-".repeat(46));
    lines.push(row("Total", total(|size| size.records), total(|size| size.bytes)));
    lines.join("\n")
}

async fn restore(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let path = input::exactly_one(matches, "FILE")?;
    let file =
        File::open(path).map_err(|e| Failure::new(format!("Error opening snapshot file {path}: {e}")))?;
    let client = connect(matches, console)?;
    let restored = client.snapshot().restore(pieces(file)).await;
    restored.map_err(|e| Failure::new(format!("Error restoring snapshot: {e}")))?;
    console.line("Restored snapshot")
}

fn pieces(mut file: File) -> ByteSource {
    Box::new(move || {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece)?;
        piece.truncate(length);
        Ok((length > 0).then(|| Bytes::from(piece)))
    })
}
