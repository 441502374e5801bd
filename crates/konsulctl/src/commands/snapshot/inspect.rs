//! `snapshot inspect`: what is in a backup, and that every byte of it is right, without a server.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use konsul_client::v2::api::time::Timestamp;
use konsul_state::archive::{Inspection, inspect};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row, bytes};
use crate::progress::{Progress, Unit};
use crate::run::Run;

pub(super) const MORE: &str = "\
Examples:
  konsulctl snapshot inspect backup.snap
  konsulctl snapshot inspect backup.snap --output json

Exit codes: 0 whole; 1 damaged, and where is said; 2 it cannot be read.";

/// Which backup.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The backup's file
    file: PathBuf,
}

impl Inspect {
    pub(super) fn run(self, run: &mut Run<'_>) -> Outcome {
        let contents = Contents::of(&checked(&self.file, run)?);
        run.out().one(&contents)?;
        if run.format() != Format::Table {
            return Ok(());
        }
        run.out().line("")?;
        run.out().list(&contents.tables, "it holds no records")
    }
}

/// Reads all of a backup and checks it.
pub(super) fn checked(path: &Path, run: &Run<'_>) -> Result<Inspection, Failure> {
    let unreadable =
        |e: &io::Error| Failure::with(Exit::Usage, format!("{} cannot be read: {e}", path.display()));
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let length = file.metadata().map_err(|e| unreadable(&e))?.len();
    let counted =
        Counted { from: BufReader::new(file), progress: run.progress("checking", length, Unit::Bytes) };
    inspect(counted).map_err(|e| {
        Failure::with(Exit::Failed, format!("{}: {e}", path.display()))
            .next("take another backup; this one cannot be restored")
    })
}

/// A file whose reading moves a bar.
struct Counted<R> {
    from: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.progress.add(length as u64);
        Ok(length)
    }
}

/// What a backup holds, as it is shown.
#[derive(Serialize)]
struct Contents {
    index: u64,
    term: u64,
    feature_level: u32,
    version: u32,
    bytes: u64,
    frames: u64,
    taken_at: Option<Timestamp>,
    node: Option<String>,
    datacenter: Option<String>,
    cluster_id: Option<String>,
    konsul: Option<String>,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    table: String,
    records: u64,
    bytes: u64,
}

impl Contents {
    fn of(found: &Inspection) -> Contents {
        let head = found.head.as_ref();
        let tables = found.tables.iter().map(|size| Table {
            table: size.table.to_owned(),
            records: size.records,
            bytes: size.bytes,
        });
        Contents {
            index: found.index,
            term: found.term,
            feature_level: found.feature_level,
            version: found.version,
            bytes: found.bytes,
            frames: found.frames,
            taken_at: head.map(|head| Timestamp(head.taken_at_ms)),
            node: head.map(|head| head.node.clone()),
            datacenter: head.map(|head| head.datacenter.clone()),
            cluster_id: head.map(|head| head.cluster_id.clone()),
            konsul: head.map(|head| head.konsul.clone()),
            tables: tables.collect(),
        }
    }
}

impl Row for Contents {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 9),
        Column::text("TAKEN", 8),
        Column::text("NODE", 7),
        Column::text("DATACENTER", 6),
        Column::text("CLUSTER", 5),
        Column::text("KONSUL", 5),
        Column::text("SIZE", 8),
        Column::number("TERM", 4),
        Column::number("FEATURE LEVEL", 4),
        Column::number("FORMAT", 3),
        Column::number("FRAMES", 2),
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = self.plain();
        cells[6] = bytes(self.bytes);
        cells
    }

    fn plain(&self) -> Vec<String> {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            self.index.to_string(),
            self.taken_at.map(|at| at.to_string()).unwrap_or_default(),
            of(&self.node),
            of(&self.datacenter),
            of(&self.cluster_id),
            of(&self.konsul),
            self.bytes.to_string(),
            self.term.to_string(),
            self.feature_level.to_string(),
            self.version.to_string(),
            self.frames.to_string(),
        ]
    }
}

impl Row for Table {
    const COLUMNS: &'static [Column] =
        &[Column::text("TABLE", 9), Column::number("RECORDS", 8), Column::number("SIZE", 7)];

    fn cells(&self) -> Vec<String> {
        vec![self.table.clone(), self.records.to_string(), bytes(self.bytes)]
    }

    fn plain(&self) -> Vec<String> {
        vec![self.table.clone(), self.records.to_string(), self.bytes.to_string()]
    }
}
