//! `snapshot save`: a file that appears under its name only when all of it is on the disk and right.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use konsul_client::transport::Reply;
use serde::Serialize;

use super::inspect::checked;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row, bytes};
use crate::progress::Unit;
use crate::run::Run;
use crate::signals::Signals;

pub(super) const MORE: &str = "\
Examples:
  konsulctl snapshot save backup.snap
  konsulctl snapshot save - | ssh backup-host 'cat > backup.snap'

The file appears under its name only when it is on the disk, was read back, and every byte was right. Only you can read
it: it holds everything that the server does. - writes to standard output, unchecked: `konsulctl snapshot inspect` checks.";

/// Where the backup goes.
#[derive(Debug, Args)]
pub struct Save {
    /// The file; - for standard output
    file: PathBuf,
    /// Replaces a file that is there already
    #[arg(long)]
    overwrite: bool,
}

impl Save {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.file == Path::new("-") {
            return to_stdout(run).await;
        }
        if !self.overwrite && self.file.exists() {
            let what = format!("{} is there already", self.file.display());
            return Err(Failure::with(Exit::Conflict, what).next("name another file, or add --overwrite"));
        }
        let partial = partial(&self.file);
        let mut signals = Signals::listen()?;
        let saved = tokio::select! {
            saved = save(&partial, &self.file, run) => saved,
            code = signals.next() => Err(Failure::Told(code)),
        };
        if saved.is_err() {
            // What is left of it would only be taken for a backup; if it cannot be removed, the error at hand says enough.
            let _ = fs::remove_file(&partial);
        }
        let saved = saved?;
        let sentence =
            format!("Saved and checked {}: index {}, {}", saved.file, saved.index, bytes(saved.bytes));
        run.out().done(&sentence, &saved)
    }
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    file.with_file_name(name)
}

async fn save(partial: &Path, file: &Path, run: &mut Run<'_>) -> Result<Saved, Failure> {
    let mut sink = create(partial).map_err(|e| unwritable(partial, &e))?;
    let client = run.client()?;
    let mut reply = client.v2().snapshot_save().await.map_err(|e| run.failed(&e))?;
    write_down(&mut reply, &mut sink, run).await?;
    sink.sync_all().map_err(|e| unwritable(partial, &e))?;
    let found = checked(partial, run).map_err(|e| e.detail(format!("It came from {}.", client.address())))?;
    fs::rename(partial, file).and_then(|()| sync_directory(file)).map_err(|e| unwritable(file, &e))?;
    Ok(Saved { file: file.display().to_string(), index: found.index, bytes: found.bytes })
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A new name is on the disk only when its directory is.
fn sync_directory(file: &Path) -> io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::with(Exit::Failed, format!("{} cannot be written: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::StorageFull => failure.next("make room on this disk, or name a file on another one"),
        io::ErrorKind::NotFound => failure.next("make the directory first"),
        _ => failure,
    }
}

async fn write_down(reply: &mut Reply, sink: &mut File, run: &mut Run<'_>) -> Outcome {
    let mut progress = run.progress("saving", reply.length().unwrap_or(0), Unit::Bytes);
    while let Some(piece) = reply.piece().await.map_err(|e| run.failed(&e))? {
        sink.write_all(&piece)
            .map_err(|e| Failure::with(Exit::Failed, format!("the backup cannot be written: {e}")))?;
        progress.add(piece.len() as u64);
    }
    Ok(())
}

async fn to_stdout(run: &mut Run<'_>) -> Outcome {
    if run.console.width().is_some() {
        return Err(Failure::with(Exit::Usage, "a backup is no text for a terminal")
            .next("name a file, or send the output into one: konsulctl snapshot save - > backup.snap"));
    }
    let client = run.client()?;
    let mut reply = client.v2().snapshot_save().await.map_err(|e| run.failed(&e))?;
    while let Some(piece) = reply.piece().await.map_err(|e| run.failed(&e))? {
        run.out().raw(&piece)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Saved {
    file: String,
    index: u64,
    bytes: u64,
}

impl Row for Saved {
    const COLUMNS: &'static [Column] =
        &[Column::text("FILE", 9), Column::number("INDEX", 8), Column::number("BYTES", 7)];

    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), self.index.to_string(), self.bytes.to_string()]
    }
}
