//! `snapshot restore`: the whole state is replaced, at once or not at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use konsul_client::transport::ByteSource;
use konsul_client::v2::api::system::SnapshotRestored;

use super::inspect::checked;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::progress::Unit;
use crate::run::Run;

pub(super) const MORE: &str = "\
Examples:
  konsulctl snapshot restore backup.snap --yes

Everything that is there now is replaced: keys, sessions, locks, nodes, events, of every namespace. The file is checked
first. Readers see the old state or the new one; watches begin anew; no index goes backwards.
Save what is there before: konsulctl snapshot save before.snap";

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// Between two looks at how much is sent.
const LOOK: Duration = Duration::from_millis(100);

/// Where the backup is.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup's file
    file: PathBuf,
    /// Yes, replace everything
    #[arg(long)]
    yes: bool,
}

impl Restore {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let found = checked(&self.file, run)?;
        let client = run.client()?;
        if !self.yes {
            let what =
                format!("this replaces the whole state of {} by index {}", client.address(), found.index);
            return Err(Failure::with(Exit::Usage, what)
                .next("save what is there: konsulctl snapshot save before.snap")
                .next(format!("then say so: konsulctl snapshot restore {} --yes", self.file.display())));
        }
        let sent = Arc::new(AtomicU64::new(0));
        let source = source(&self.file, Arc::clone(&sent)).map_err(|e| unreadable(&self.file, &e))?;
        let mut progress = run.progress("restoring", found.bytes, Unit::Bytes);
        let v2 = client.v2();
        let restore = v2.snapshot_restore(source);
        tokio::pin!(restore);
        let restored = loop {
            tokio::select! {
                restored = &mut restore => break restored,
                () = tokio::time::sleep(LOOK) => progress.set(sent.load(Ordering::Relaxed)),
            }
        };
        drop(progress);
        let restored = restored.map_err(|e| run.failed(&e))?;
        run.out().done(&format!("Restored {} at index {}", self.file.display(), restored.index), &restored)
    }
}

fn source(path: &Path, sent: Arc<AtomicU64>) -> io::Result<ByteSource> {
    let mut file = File::open(path)?;
    Ok(Box::new(move || {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece)?;
        piece.truncate(length);
        sent.fetch_add(length as u64, Ordering::Relaxed);
        Ok((length > 0).then(|| Bytes::from(piece)))
    }))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::with(Exit::Usage, format!("{} cannot be read: {error}", path.display()))
}

impl Row for SnapshotRestored {
    const COLUMNS: &'static [Column] = &[Column::number("INDEX", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.index.to_string()]
    }
}
