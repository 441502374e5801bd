//! What is in an archive, found by reading all of it with the memory of one frame.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};

use konsul_types::encoding;

use super::{ArchiveError, ArchiveReader, Head};
use crate::snapshot::Part;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// How large a table is in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub table: &'static str,
    /// Its records.
    pub records: u64,
    /// Their bytes before they were packed.
    pub bytes: u64,
}

/// What a whole archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Version of its form.
    pub version: u32,
    /// What it says of itself; `None` for version 1. Index, term and level are there in any case, below.
    pub head: Option<Head>,
    /// The state's index, as clients see it.
    pub index: u64,
    /// The term of the state's last entry.
    pub term: u64,
    /// The state's feature level.
    pub feature_level: u32,
    /// Its frames.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What was counted, by name of table.
    pub tables: Vec<TableSize>,
}

/// Reads an archive to its end: every checksum, every record, and whether there are as many as its head says.
///
/// # Errors
/// What is wrong, and where.
pub fn inspect(mut from: impl Read) -> Result<Inspection, ArchiveError> {
    let mut reader = ArchiveReader::new();
    let mut census = Census::default();
    let mut piece = vec![0; PIECE];
    let mut fed = 0u64;
    loop {
        let length = match from.read(&mut piece) {
            Ok(length) => length,
            Err(why) if why.kind() == ErrorKind::Interrupted => continue,
            Err(why) => return Err(ArchiveError::Unreadable { at: fed, why: why.to_string() }),
        };
        if length == 0 {
            break;
        }
        fed += length as u64;
        reader.feed(&piece[..length]);
        loop {
            let at = reader.bytes();
            let Some(chunk) = reader.next_chunk()? else { break };
            census.add(&chunk).map_err(|what| ArchiveError::Damaged { at, what })?;
        }
    }
    reader.end()?;
    census.finish(&reader)
}

#[derive(Default)]
struct Census {
    tables: BTreeMap<&'static str, TableSize>,
    /// Index, term and feature level.
    at: Option<(u64, u64, u32)>,
}

impl Census {
    fn add(&mut self, chunk: &[u8]) -> Result<(), String> {
        let part: Part = encoding::decode(chunk).map_err(|why| format!("a chunk cannot be read: {why}"))?;
        if let Part::Head(head) = &part {
            self.at = Some((head.index.0, head.term, head.feature_level));
        }
        let (table, records) = part.table();
        let size = self.tables.entry(table).or_insert(TableSize { table, records: 0, bytes: 0 });
        size.records += records;
        size.bytes += chunk.len() as u64;
        Ok(())
    }

    fn finish(mut self, reader: &ArchiveReader) -> Result<Inspection, ArchiveError> {
        let broken = |what: String| ArchiveError::Damaged { at: reader.bytes(), what };
        let (index, term, feature_level) =
            self.at.ok_or_else(|| broken("it holds no state: the head of the snapshot is missing".into()))?;
        let head = reader.head().cloned();
        for (table, said) in head.iter().flat_map(|head| &head.counts) {
            // A table that a newer build counts is passed over.
            let found = self.tables.get(table.as_str()).map_or(0, |size| size.records);
            if found != *said && Part::COUNTED.contains(&table.as_str()) {
                return Err(broken(format!("it has {found} {table}, and its head says {said}")));
            }
        }
        self.tables.remove(Part::FRAME);
        Ok(Inspection {
            version: reader.version(),
            head,
            index,
            term,
            feature_level,
            frames: reader.frames(),
            bytes: reader.bytes(),
            tables: self.tables.into_values().collect(),
        })
    }
}

impl Part {
    /// What frames the snapshot itself and is no record.
    const FRAME: &'static str = "frame";

    /// Tables that a head counts; see [`crate::State::record_counts`].
    const COUNTED: [&'static str; 10] = [
        "keys",
        "sessions",
        "nodes",
        "instances",
        "checks",
        "prepared queries",
        "events",
        "requests",
        "locks",
        "old values",
    ];

    /// The table whose records it holds, and how many.
    fn table(&self) -> (&'static str, u64) {
        let (table, records) = match self {
            Part::Head(_) | Part::End { .. } => (Self::FRAME, 0),
            Part::Keyspace { .. } => ("namespaces", 1),
            Part::Keys { rows, .. } => ("keys", rows.len()),
            Part::Marks { rows, .. } => ("directories", rows.len()),
            Part::Graves { rows, .. } => ("graves", rows.len()),
            Part::Delays { rows, .. } => ("lock delays", rows.len()),
            Part::Sessions(rows) => ("sessions", rows.len()),
            Part::Nodes(rows) => ("nodes", rows.len()),
            Part::Checks(rows) => ("checks", rows.len()),
            Part::Events(rows) => ("events", rows.len()),
            Part::Requests(rows) => ("requests", rows.len()),
            Part::Staging { .. } => ("restores under way", 1),
            Part::Staged(rows) => ("staged chunks", rows.len()),
            Part::Bounds(_) | Part::LocksChanged(_) | Part::Timeline(_) => (Self::FRAME, 0),
            Part::History { rows, .. } => ("old values", rows.len()),
            Part::Locks(rows) => ("locks", rows.len()),
            Part::LockWaiters(rows) => ("lock waiters", rows.len()),
            Part::NamedRequests(rows) => ("requests", rows.len()),
            Part::CatalogMarks(_) | Part::Groups(_) | Part::NodeMarks(_) => (Self::FRAME, 0),
            Part::Services(rows) => ("instances", rows.len()),
            Part::FullChecks(rows) => ("checks", rows.len()),
            Part::Transitions(rows) => {
                ("transitions of checks", rows.iter().map(|(_, kept)| kept.len()).sum())
            }
            Part::Coordinates(rows) => ("coordinates", rows.len()),
            Part::Queries(rows) => ("prepared queries", rows.len()),
        };
        (table, records as u64)
    }
}
