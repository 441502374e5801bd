//! `POST /v2/import`: lines of JSON in, lines of JSON out, while both sides go on.
//!
//! Lines are gathered into parts, each part is one step of the operation, and its differences are written before the next
//! is read. As long as all differences fit a first buffer, the answer waits for the end: then what goes wrong is a problem
//! with its own status. Beyond it the answer begins, and what goes wrong is its last line.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::unfold;
use konsul_api::v2::code;
use konsul_api::v2::problem::Fault;
use konsul_api::v2::transfer::{Action, Change, Line, Summary, SummaryLine};
use konsul_api::v2::value;
use konsul_operations::answer::{DifferenceKind, ImportDifference, ImportReport, ImportRun};
use konsul_operations::arguments::{Import, ImportEntry, ImportMode};
use konsul_types::{Key, Namespace, Value};

use super::body::{Faults, Undecoded, decode_that};
use super::inbound::{Begun, Inbound};
use super::lines::{LineTooLong, Lines};
use super::rejection::{Rejected, Rejection};
use super::reply::{NDJSON, Named, Reply};
use crate::intake::Intake;
use crate::outgoing::Source;

/// Most lines of a part.
const PART_LINES: usize = 512;
/// Most bytes of values of a part, but for its last line.
const PART_BYTES: usize = 1024 * 1024;
/// How much of an answer waits for the end.
const HELD_BYTES: usize = 64 * 1024;

/// Reads a line of an import, for a request in a namespace.
///
/// # Errors
/// What is wrong with it.
pub fn line(bytes: &[u8], namespace: &Namespace) -> Result<ImportEntry, Undecoded> {
    let line: Line =
        decode_that("ExportLine", bytes, |line: &Line| line.value.is_some() != line.value_base64.is_some())?;
    let mut faults = Faults::default();
    let key = faults.take("/key", Key::new(line.key).map_err(|why| why.what));
    let ttl_ms = faults.duration("/ttl", line.ttl.as_deref()).filter(|ms| *ms > 0);
    let value = faults.take("/value_base64", value::bytes(line.value, line.value_base64.as_deref()));
    let namespace = match line.namespace {
        None => Some(namespace.clone()),
        Some(name) => faults.take("/namespace", Namespace::new(name).map_err(|why| why.what)),
    };
    match (key, value, namespace, faults.into_inner()) {
        (Some(key), Some(value), Some(namespace), faults) if faults.is_empty() => {
            Ok(ImportEntry { namespace, key, value: Value::from(value), flags: line.flags, ttl_ms })
        }
        (.., faults) => Err(Undecoded::Shape(faults)),
    }
}

/// `POST`. It needs no idempotency key: what is imported twice is there once. One that is given must be a key all the same.
pub(crate) fn import(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, _) = inbound.writing()?;
    context.request = None;
    let all_namespaces = super::export::all_namespaces(inbound)?;
    let mode = match inbound.query.get("mode") {
        Some("replace") => ImportMode::Replace,
        _ => ImportMode::Merge,
    };
    let dry_run = inbound.flag("dry_run");
    let prefix = inbound.query.get("prefix").unwrap_or("").to_owned();
    let args = Import { mode, dry_run, prefix, all_namespaces };
    inbound.media()?;
    let value_bytes = inbound.edge.settings.limits.value_bytes;
    // A value may be six times as large in escapes, and a key too.
    let line_max =
        usize::try_from(value_bytes.saturating_mul(6)).unwrap_or(usize::MAX).saturating_add(64 * 1024);
    let intake = inbound.take_intake();
    let (edge, named) = (Arc::clone(inbound.edge), inbound.named());
    inbound.later(async move {
        let run = edge.operations.import(&context, args).await?;
        let reader =
            Reader { intake, lines: Some(Lines::new(line_max)), namespace: context.namespace, value_bytes };
        let mut job =
            Job { reader, run: Some(run), dry_run, named, numbers: Numbers::default(), ended: false };
        let mut held = Vec::new();
        while held.len() < HELD_BYTES {
            match job.step().await? {
                Some(piece) => held.extend_from_slice(&piece),
                None => return Ok(Reply::typed(NDJSON, held)),
            }
        }
        Ok(Reply::streamed(NDJSON, Source::Stream(Box::pin(rest(held, job)))))
    })
}

/// The answer from where it begins to be sent.
fn rest(held: Vec<u8>, job: Job) -> impl futures_util::Stream<Item = Bytes> + Send {
    unfold((Some(Bytes::from(held)), Some(job)), async |(held, job)| {
        if let Some(held) = held {
            return Some((held, (None, job)));
        }
        let mut job = job?;
        match job.step().await {
            Ok(piece) => piece.map(|piece| (piece.into(), (None, Some(job)))),
            Err(why) => Some((job.broken(*why).into(), (None, None))),
        }
    })
}

/// An import under way.
struct Job {
    reader: Reader,
    /// `None` once it is finished.
    run: Option<Box<dyn ImportRun>>,
    dry_run: bool,
    named: Named,
    /// In which lines entries stand.
    numbers: Numbers,
    /// Whether all lines were given.
    ended: bool,
}

fn summary(dry_run: bool, report: ImportReport) -> Summary {
    let ImportReport { entries, created, updated, deleted, unchanged, index } = report;
    let lines = entries;
    let index = Some(index.0).filter(|index| *index > 0);
    Summary { dry_run, lines, created, updated, deleted, unchanged, index }
}

/// In which lines the entries of the newest parts stand: errors name entries, and clients know lines.
#[derive(Debug, Default)]
struct Numbers {
    /// Entries before the first that is remembered.
    before: u64,
    lines: VecDeque<u64>,
}

impl Numbers {
    fn add(&mut self, numbers: &[u64]) {
        self.lines.extend(numbers);
        while self.lines.len() > 4 * PART_LINES {
            self.lines.pop_front();
            self.before += 1;
        }
    }

    /// Says of an error of an entry in which line it stands.
    fn at_line(&self, why: konsul_operations::Error) -> Box<Rejection> {
        let konsul_operations::Error::Entry { position, error } = why else { return why.into() };
        let at = position.checked_sub(self.before + 1).and_then(|at| usize::try_from(at).ok());
        let line = at.and_then(|at| self.lines.get(at)).copied().unwrap_or(position);
        of_line(line, (*error).into())
    }
}

impl Job {
    /// What was changed next; after all of it the sums; then nothing.
    async fn step(&mut self) -> Rejected<Option<Vec<u8>>> {
        while let Some(run) = self.run.as_mut() {
            let differences = run.next().await.map_err(|why| self.numbers.at_line(why))?;
            if let Some(differences) = differences {
                return Ok(Some(written(&differences)));
            }
            if self.ended {
                let summary = Some(summary(self.dry_run, run.report()));
                self.run = None;
                let mut out = Vec::new();
                write(&mut out, &SummaryLine { summary, problem: None });
                return Ok(Some(out));
            }
            match self.reader.part().await? {
                Some((entries, numbers)) => {
                    self.numbers.add(&numbers);
                    run.give(entries);
                }
                None => {
                    self.ended = true;
                    run.end();
                }
            }
        }
        Ok(None)
    }

    /// The last line of an answer that cannot have another status any more.
    fn broken(&self, why: Rejection) -> Vec<u8> {
        let mut problem = why.into_problem(self.named.operation);
        problem.request_id = self.named.tag.to_string();
        let mut out = Vec::new();
        write(&mut out, &SummaryLine { summary: None, problem: Some(problem) });
        out
    }
}

/// Says in which line something is wrong.
fn of_line(line: u64, mut why: Box<Rejection>) -> Box<Rejection> {
    why.detail = format!("line {line}: {}; the lines before it are in force", why.detail);
    why.errors = why
        .errors
        .into_iter()
        .map(|fault| Fault { detail: format!("line {line}: {}", fault.detail), ..fault })
        .collect();
    why
}

fn written(differences: &[ImportDifference]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in differences {
        let action = match one.kind {
            DifferenceKind::Create => Action::Create,
            DifferenceKind::Update => Action::Update,
            DifferenceKind::Delete => Action::Delete,
        };
        let (namespace, key) = (one.namespace.to_string(), one.key.to_string());
        write(&mut out, &Change { action, namespace, key });
    }
    out
}

fn write<T: serde::Serialize>(out: &mut Vec<u8>, line: &T) {
    serde_json::to_writer(&mut *out, line).expect("lines have only text as keys");
    out.push(b'\n');
}

/// Cuts the body into parts.
struct Reader {
    intake: Intake,
    /// `None` after the last line.
    lines: Option<Lines>,
    namespace: Namespace,
    value_bytes: u64,
}

impl Reader {
    /// The next entries, and the lines that they stand in; `None` at the end.
    async fn part(&mut self) -> Rejected<Option<(Vec<ImportEntry>, Vec<u64>)>> {
        let (mut entries, mut numbers, mut bytes) = (Vec::new(), Vec::new(), 0);
        while entries.len() < PART_LINES && bytes < PART_BYTES {
            let Some((number, text)) = self.next_line().await? else { break };
            let entry = self.entry(number, &text)?;
            bytes += entry.value.len();
            entries.push(entry);
            numbers.push(number);
        }
        Ok((!entries.is_empty()).then_some((entries, numbers)))
    }

    fn entry(&self, number: u64, text: &[u8]) -> Rejected<ImportEntry> {
        let entry = line(text, &self.namespace).map_err(|why| of_line(number, why.into()))?;
        super::keys::check_size(&entry.value, self.value_bytes).map_err(|why| of_line(number, why))?;
        Ok(entry)
    }

    async fn next_line(&mut self) -> Rejected<Option<(u64, Bytes)>> {
        loop {
            let Some(lines) = self.lines.as_mut() else { return Ok(None) };
            if let Some(line) = lines.next_line().map_err(too_long)? {
                return Ok(Some(line));
            }
            match self.intake.next().await? {
                Some(piece) => lines.feed(&piece),
                None => {
                    let Some(lines) = self.lines.take() else { return Ok(None) };
                    return lines.last().map_err(too_long);
                }
            }
        }
    }
}

fn too_long(why: LineTooLong) -> Box<Rejection> {
    Rejection::new(&code::BODY_TOO_LARGE, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_entry_or_every_fault_of_it() {
        let namespace = Namespace::default_namespace();
        let read = |text: &str| line(text.as_bytes(), &namespace);
        let entry =
            read("{\"key\":\"a\",\"value\":\"b\",\"flags\":7,\"namespace\":\"team\",\"ttl\":\"1.5s\"}")
                .unwrap();
        assert_eq!((entry.namespace.as_str(), entry.flags, entry.ttl_ms), ("team", 7, Some(1500)));
        let pointers = |text: &str| match read(text) {
            Err(Undecoded::Shape(faults)) => {
                faults.into_iter().filter_map(|fault| fault.pointer).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(pointers("{\"key\":1,\"x\":2}"), ["/key", "/x", "/value"]);
        assert_eq!(
            pointers("{\"key\":\"\",\"value_base64\":\"!\",\"namespace\":\"A\",\"ttl\":\"x\"}"),
            ["/key", "/ttl", "/value_base64", "/namespace"]
        );
        assert!(matches!(read("{\"key\""), Err(Undecoded::Json(_))));
    }
}
