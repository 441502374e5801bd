//! `kv import`: writes the entries of an export.
//!
//! All of the input is checked before anything is written, so that a file cut in the middle imports nothing. A file is
//! read twice for that and never held whole. Entries go in transactions of [`BATCH`] entries or [`BATCH_BYTES`] bytes,
//! so that a million of them need some ten thousand round trips and not a million.

use std::fs::File;
use std::io::{Cursor, Read};

use clap::{ArgMatches, Command};
use konsul_client::exchange::{ExchangeError, Format, Pair, PairReader};
use konsul_client::kv::PutOptions;
use konsul_client::txn::{KvOp, Outcome as TxnOutcome};
use konsul_client::{Client, ReadOptions, WriteOptions};

use crate::console::Console;
use crate::consul::connection::{all_flags, connect, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul kv import @app.json             what a file holds
  cat app.json | konsul kv import -      what standard input holds
  konsul kv import -prefix=copy/ @app.json   the same keys below another prefix

Nothing is written unless all of the input is right. Prints `Imported: KEY` for each key. Keys that a namespace is
named for go there.

Exit codes: 0 all of it is written; 1 not all, and the first key that is not is named.";

/// Half of what a transaction may hold, so that a server with smaller limits takes it too.
const BATCH: usize = 64;

/// Bytes of values in one transaction: in base64 they stay below Consul's limit of half a megabyte.
const BATCH_BYTES: usize = 256 * 1024;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

pub(crate) fn command() -> Command {
    all_flags(leaf(
        "konsul kv import [OPTIONS] DATA",
        "Writes keys from the JSON that `kv export` prints",
        MORE,
    ))
    .arg(option("prefix", "PREFIX", "Put before each key").default_value(""))
    .arg(arguments("DATA", "The JSON itself, @file, or - for standard input"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let argument = input::at_most_one(matches).map_err(|_| {
        let got = input::arguments(matches).len();
        Failure::new(format!("Error! Too many arguments (expected 1, got {got})"))
    })?;
    if argument.is_empty() {
        let what = if input::arguments(matches).is_empty() { "Missing" } else { "Empty" };
        return Err(Failure::new(format!("Error! {what} DATA argument")));
    }
    let client = connect(matches, console)?;
    let source = Source::of(argument, console)?;
    check(source.open()?)?;
    let prefix = text(matches, "prefix").unwrap_or_default();
    let mut import = Import { client, prefix: prefix.to_owned(), batch: Vec::new(), bytes: 0 };
    let mut reader = Elements::new(source.open()?);
    while let Some(entries) = reader.next()? {
        for entry in entries {
            import.add(entry, console).await?;
        }
    }
    import.send(console).await
}

/// Where the entries are.
enum Source {
    Path(String),
    Bytes(Vec<u8>),
}

impl Source {
    fn of(argument: &str, console: &mut Console<'_>) -> Result<Source, Failure> {
        match argument.strip_prefix('@') {
            Some(path) => Ok(Source::Path(path.to_owned())),
            None => Ok(Source::Bytes(input::data(argument, console)?)),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + '_>, Failure> {
        match self {
            Source::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes))),
            Source::Path(path) => {
                let file = File::open(path);
                let file =
                    file.map_err(|e| Failure::new(format!("Error! Failed to read file: {path}: {e}")))?;
                Ok(Box::new(file))
            }
        }
    }
}

/// Entries, some at a time.
struct Elements<'a> {
    from: Box<dyn Read + 'a>,
    reader: PairReader,
    piece: Vec<u8>,
}

impl<'a> Elements<'a> {
    fn new(from: Box<dyn Read + 'a>) -> Elements<'a> {
        Elements { from, reader: PairReader::new(Format::Consul), piece: vec![0; PIECE] }
    }

    /// The next entries, perhaps none yet; `None` after the last.
    fn next(&mut self) -> Result<Option<Vec<Pair>>, Failure> {
        let read = self.from.read(&mut self.piece);
        let length = read.map_err(|e| Failure::new(format!("Error! Failed to read file: {e}")))?;
        let mut entries = Vec::new();
        let mut take = |pair, _| {
            entries.push(pair);
            Ok::<_, ExchangeError>(())
        };
        if length == 0 {
            return self.reader.finish(&mut take).map(|()| None).map_err(|e| unreadable(&e));
        }
        let fed = self.reader.feed(&self.piece[..length], &mut take);
        fed.map(|()| Some(entries)).map_err(|e| unreadable(&e))
    }
}

fn unreadable(error: &ExchangeError) -> Failure {
    Failure::new(format!("Cannot unmarshal data: {error}; nothing was imported"))
}

/// Reads all of it without writing any.
fn check(from: Box<dyn Read + '_>) -> Outcome {
    let mut elements = Elements::new(from);
    while elements.next()?.is_some() {}
    Ok(())
}

/// Entries on their way to the server.
struct Import {
    client: Client,
    prefix: String,
    batch: Vec<KvOp>,
    bytes: usize,
}

impl Import {
    async fn add(&mut self, entry: Pair, console: &mut Console<'_>) -> Outcome {
        let op = KvOp {
            verb: "set".to_owned(),
            key: format!("{}{}", self.prefix, entry.key),
            value: entry.value,
            flags: entry.flags,
            namespace: entry.namespace.unwrap_or_default(),
            ..KvOp::default()
        };
        if self.batch.len() == BATCH || self.bytes + op.value.len() > BATCH_BYTES {
            self.send(console).await?;
        }
        if op.value.len() > BATCH_BYTES {
            return self.alone(op, console).await;
        }
        self.bytes += op.value.len();
        self.batch.push(op);
        Ok(())
    }

    /// A value that is too large to share a transaction.
    async fn alone(&self, op: KvOp, console: &mut Console<'_>) -> Outcome {
        let namespace = (!op.namespace.is_empty()).then_some(op.namespace);
        let write = WriteOptions { namespace, ..WriteOptions::default() };
        let options = PutOptions { flags: op.flags, write, ..PutOptions::default() };
        let result = self.client.kv().put(&op.key, op.value, &options).await;
        result.map_err(|e| failed(&op.key, &e.to_string()))?;
        console.line(format!("Imported: {}", op.key))
    }

    async fn send(&mut self, console: &mut Console<'_>) -> Outcome {
        let batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        let Some(first) = batch.first() else { return Ok(()) };
        let result = self.client.txn().run(&batch, &ReadOptions::default()).await;
        match result.map_err(|e| failed(&first.key, &e.to_string()))? {
            TxnOutcome::Committed(_) => {
                batch.iter().try_for_each(|op| console.line(format!("Imported: {}", op.key)))
            }
            TxnOutcome::RolledBack(errors) => {
                let error = errors.first();
                let key = error.and_then(|e| batch.get(e.op_index)).unwrap_or(first);
                Err(failed(&key.key, error.map_or("the transaction was rolled back", |e| &e.what)))
            }
        }
    }
}

fn failed(key: &str, why: &str) -> Failure {
    Failure::new(format!("Error! Failed writing data for key {key}: {why}"))
}
