//! What an import reads: the lines of a file, whatever form it has, one after the other.
//!
//! The form is told by how the file begins ([`Format::guess`]): Consul's array, the object of the Konsul written in Go, or else
//! lines of JSON. Each is read piece by piece. What cannot be read twice (standard input, a pipe) is first copied into a
//! file without a name, so that all of it can be checked before anything is written.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use konsul_client::exchange::go_konsul::decode_key;
use konsul_client::exchange::{ENTRY_MAX, ExchangeError, Format, PairReader};
use konsul_client::v2::api::transfer::Line;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::Run;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// Bytes that tell the form of a file: a name and what stands around it.
const BEGINNING: usize = 4096;

/// What is read.
pub(crate) struct Source {
    file: File,
    name: String,
    /// Bytes in it.
    pub(crate) size: u64,
    form: Format,
}

/// How lines are changed on their way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Put before each key.
    pub(crate) under: String,
    /// Keys come with `%2F` for slashes.
    pub(crate) decode_keys: bool,
}

impl Changes {
    fn none(&self) -> bool {
        self.under.is_empty() && !self.decode_keys
    }

    fn apply(&self, line: &mut Line) {
        if self.decode_keys {
            line.key = decode_key(&line.key);
        }
        line.key.insert_str(0, &self.under);
    }
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &str, run: &mut Run<'_>) -> Result<Source, Failure> {
        let (file, name) = if path == "-" {
            if run.console.stdin_is_terminal() {
                run.note("Reading lines of JSON from the terminal; Ctrl-D ends them.");
            }
            (spool(run.console.stdin())?, "standard input".to_owned())
        } else {
            let mut file = File::open(path).map_err(|e| cannot_read(path, &e))?;
            let metadata = file.metadata().map_err(|e| cannot_read(path, &e))?;
            if metadata.is_dir() {
                return Err(Failure::with(Exit::Usage, format!("{path} is a directory; name a file")));
            }
            (if metadata.is_file() { file } else { spool(&mut file)? }, path.to_owned())
        };
        let size = file.metadata().map_err(|e| cannot_read(&name, &e))?.len();
        let mut source = Source { file, name, size, form: Format::Ndjson };
        source.form = source.guess()?;
        Ok(source)
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What one line of it is called.
    pub(crate) fn unit(&self) -> &'static str {
        if self.form == Format::Ndjson { "line" } else { "entry" }
    }

    fn rewound(&self) -> Result<BufReader<File>, Failure> {
        let mut file = self.file.try_clone().map_err(|e| cannot_read(&self.name, &e))?;
        file.seek(SeekFrom::Start(0)).map_err(|e| cannot_read(&self.name, &e))?;
        let mut reader = BufReader::with_capacity(PIECE, file);
        // A byte-order mark is no part of the text.
        if reader.fill_buf().map_err(|e| cannot_read(&self.name, &e))?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        Ok(reader)
    }

    fn guess(&self) -> Result<Format, Failure> {
        let mut beginning = Vec::new();
        let read = self.rewound()?.take(BEGINNING as u64).read_to_end(&mut beginning);
        read.map_err(|e| cannot_read(&self.name, &e))?;
        Ok(Format::guess(&beginning).unwrap_or(Format::Ndjson))
    }

    /// Its lines from the beginning.
    pub(crate) fn lines(&self, changes: &Changes) -> Result<Lines, Failure> {
        let reader = self.rewound()?;
        let inner = match self.form {
            Format::Ndjson => Inner::Ndjson(reader),
            form => Inner::Pairs { reader, pairs: PairReader::new(form), ready: VecDeque::new() },
        };
        Ok(Lines {
            inner,
            name: self.name.clone(),
            unit: self.unit(),
            changes: changes.clone(),
            number: 0,
            bytes: 0,
        })
    }

    /// How many services an export of the Go Konsul holds, which are not imported.
    pub(crate) fn services(&self) -> Result<u64, Failure> {
        if self.form != Format::GoKonsul {
            return Ok(0);
        }
        let mut reader = self.rewound()?;
        let mut pairs = PairReader::new(self.form);
        loop {
            let piece = reader.fill_buf().map_err(|e| cannot_read(&self.name, &e))?;
            let length = piece.len();
            let fed = pairs.feed(piece, |_, _| Ok::<_, ExchangeError>(()));
            // What is wrong is told by the check of all lines, with the place.
            if length == 0 || fed.is_err() {
                return Ok(pairs.services_passed_over());
            }
            reader.consume(length);
        }
    }
}

/// Copies what cannot be read twice into a file that has no name any more.
fn spool(from: &mut dyn std::io::Read) -> Result<File, Failure> {
    let cannot = |e: std::io::Error| {
        Failure::with(Exit::Failed, format!("the input cannot be kept for checking: {e}"))
    };
    let path = std::env::temp_dir().join(format!("konsulctl-import-{}", std::process::id()));
    let mut file = private(&path).map_err(cannot)?;
    std::fs::remove_file(&path).map_err(cannot)?;
    std::io::copy(from, &mut file).map_err(cannot)?;
    file.flush().map_err(cannot)?;
    Ok(file)
}

fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn cannot_read(name: &str, error: &std::io::Error) -> Failure {
    Failure::with(Exit::Usage, format!("{name} cannot be read: {error}"))
}

/// The lines of a source, as the API takes them.
pub(crate) struct Lines {
    inner: Inner,
    name: String,
    unit: &'static str,
    changes: Changes,
    number: u64,
    bytes: u64,
}

enum Inner {
    Ndjson(BufReader<File>),
    Pairs { reader: BufReader<File>, pairs: PairReader, ready: VecDeque<Line> },
}

impl Lines {
    /// Number of the line that was given last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the source that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends the next line and an end of line to `out`; `false` after the last. Every line is checked.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(found) = self.found().map_err(|text| self.wrong(&text))? else { return Ok(false) };
        is_whole(&found.line).map_err(|text| self.wrong(&text))?;
        match found.raw {
            // Bytes that are right as they are need not be made again.
            Some(raw) if self.changes.none() => out.extend_from_slice(&raw),
            _ => {
                let mut line = found.line;
                self.changes.apply(&mut line);
                serde_json::to_writer(&mut *out, &line).map_err(|e| self.wrong(&e.to_string()))?;
            }
        }
        out.push(b'\n');
        Ok(true)
    }

    fn found(&mut self) -> Result<Option<Found>, String> {
        let next = match &mut self.inner {
            Inner::Ndjson(reader) => {
                let Some(raw) = raw_line(reader, &mut self.number, &mut self.bytes)? else { return Ok(None) };
                let line =
                    serde_json::from_slice(&raw).map_err(|e| format!("is not one of an export: {e}"))?;
                return Ok(Some(Found { line, raw: Some(raw) }));
            }
            Inner::Pairs { reader, pairs, ready } => entry(reader, pairs, ready, &mut self.bytes).transpose(),
        };
        self.number += u64::from(next.is_some());
        Ok(next.transpose()?.map(|line| Found { line, raw: None }))
    }

    fn wrong(&self, text: &str) -> Failure {
        Failure::with(Exit::Failed, format!("{}: {} {} {text}", self.name, self.unit, self.number))
    }
}

/// A line, and the bytes that it was read from where they are already in our form.
struct Found {
    line: Line,
    raw: Option<Vec<u8>>,
}

/// What the shape alone does not say.
fn is_whole(line: &Line) -> Result<(), String> {
    if line.key.is_empty() {
        return Err("has an empty key".to_owned());
    }
    match (&line.value, &line.value_base64) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err(format!("needs exactly one of value and value_base64 for the key {:?}", line.key)),
    }
}

/// The next line that is not blank.
fn raw_line(
    reader: &mut BufReader<File>,
    number: &mut u64,
    bytes: &mut u64,
) -> Result<Option<Vec<u8>>, String> {
    loop {
        let mut raw = Vec::new();
        let read = reader.by_ref().take(ENTRY_MAX as u64).read_until(b'\n', &mut raw);
        let read = read.map_err(|e| format!("cannot be read: {e}"))?;
        if read == 0 {
            return Ok(None);
        }
        *number += 1;
        *bytes += read as u64;
        if read as u64 == ENTRY_MAX as u64 {
            return Err(format!("is longer than {ENTRY_MAX} bytes"));
        }
        while raw.last().is_some_and(u8::is_ascii_whitespace) {
            raw.pop();
        }
        if !raw.is_empty() {
            return Ok(Some(raw));
        }
    }
}

/// The next entry of a form that is not lines. What is wrong names its line, which is not its number.
fn entry(
    reader: &mut BufReader<File>,
    pairs: &mut PairReader,
    ready: &mut VecDeque<Line>,
    bytes: &mut u64,
) -> Result<Option<Line>, String> {
    loop {
        if let Some(line) = ready.pop_front() {
            return Ok(Some(line));
        }
        let piece = reader.fill_buf().map_err(|e| format!("cannot be read: {e}"))?;
        let length = piece.len();
        let mut take = |pair: konsul_client::exchange::Pair, _| {
            ready.push_back(pair.into());
            Ok::<_, ExchangeError>(())
        };
        let told = |why: ExchangeError| format!("in {why}");
        if length == 0 {
            pairs.finish(&mut take).map_err(told)?;
            return Ok(ready.pop_front());
        }
        pairs.feed(piece, &mut take).map_err(told)?;
        reader.consume(length);
        *bytes += length as u64;
    }
}
