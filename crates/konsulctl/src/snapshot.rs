//! `snapshot`: backups of the whole state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use bytes::Bytes;
use clap::{ArgMatches, Command};
use konsul_client::transport::{ByteSource, Reply};

use crate::archive;
use crate::connection::{client_flags, connect, reading, server_flags};
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::tree::{group, leaf};
use crate::words::arguments;

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
    archive::check(BufReader::new(file)).map(|_| ()).map_err(failed)
}

fn inspect(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let path = input::exactly_one(matches, "FILE")?;
    let file =
        File::open(path).map_err(|e| Failure::new(format!("Error opening snapshot file {path}: {e}")))?;
    let found = archive::check(BufReader::new(file));
    let summary = found.map_err(|e| Failure::new(format!("Error reading snapshot: {e}")))?;
    console.line(format!("Size      {}", summary.bytes))?;
    console.line(format!("Version   {}", summary.version))?;
    console.line(format!("Frames    {}", summary.frames))
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
