//! `kv import`: lines go to the server in parts, each of which is answered before the next one is sent.
//!
//! So memory stays flat on both sides, and at any moment it is known how far the import came: Ctrl-C waits for the part
//! under way and then says at which line to go on. All of the input is checked before any of it is sent. To replace is
//! one request and one decision, since what is missing from the input is removed.

use bytes::Bytes;
use konsul_client::transport::ByteSource;
use konsul_client::v2::api::transfer::{Action, Change, Summary};
use konsul_client::v2::transfer::{ImportMode, ImportStep, Scope};
use konsul_client::{Client, Error};
use serde::Serialize;

use super::source::{Changes, Lines, Source};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{Column, Row};
use crate::progress::Unit;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv import app.ndjson
  konsulctl kv export app/ | konsulctl kv import --under copy/ -
  konsulctl kv import --dry-run app.ndjson           says what would change
  konsulctl kv import --mode replace all.ndjson      keys that it does not name are removed
  konsulctl kv import --from-line 500001 app.ndjson  goes on where an import was stopped

It reads what `konsulctl kv export` and `consul kv export` write, and exports of the Konsul written in Go. All of the
input is checked first: a line that is wrong is named, and nothing is written.

Exit codes: 0 all of it is written; 130 stopped by Ctrl-C, and the line to go on with is named.";

/// Reads keys from an export.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Import {
    /// The file, or - for standard input
    file: String,
    /// What becomes of keys that the file does not name: merge keeps them, replace removes them
    #[arg(long, value_enum, default_value_t = Mode::Merge, value_name = "MODE", hide_possible_values = true)]
    mode: Mode,
    /// Write nothing; name each key that differs
    #[arg(long)]
    dry_run: bool,
    /// Name each key that differs
    #[arg(long, short)]
    verbose: bool,
    /// Put this before each key
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    under: String,
    /// Every key must begin with this; --mode replace removes nothing else
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Take lines of every namespace; --mode replace then replaces all of them
    #[arg(long)]
    all_namespaces: bool,
    /// Turn %2F in keys into slashes, for keys that the Go Konsul's command line wrote
    #[arg(long)]
    decode_keys: bool,
    /// Begin at this line (of an array: at this entry)
    #[arg(long, value_name = "NUMBER", default_value_t = 1, hide_default_value = true)]
    from_line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    Merge,
    Replace,
}

/// Lines in one part.
const PART_LINES: u64 = 10_000;

/// Bytes in one part.
const PART_BYTES: usize = 4 << 20;

impl Row for Change {
    const COLUMNS: &'static [Column] =
        &[Column::text("ACTION", 9), Column::text("NAMESPACE", 2), Column::text("KEY", 9)];

    fn cells(&self) -> Vec<String> {
        let action = match self.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        };
        let namespace = if self.namespace == "default" { "" } else { &self.namespace };
        vec![action.to_owned(), namespace.to_owned(), self.key.clone()]
    }
}

/// The sums of all parts.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Sums(Summary);

impl Sums {
    fn add(&mut self, part: &Summary) {
        let sums = &mut self.0;
        sums.dry_run = part.dry_run;
        sums.lines += part.lines;
        sums.created += part.created;
        sums.updated += part.updated;
        sums.deleted += part.deleted;
        sums.unchanged += part.unchanged;
        sums.index = part.index.or(sums.index);
    }

    fn sentence(&self, name: &str) -> String {
        let Summary { created, updated, deleted, unchanged, .. } = &self.0;
        let (verb, tail) =
            if self.0.dry_run { ("Would import", "; nothing was written") } else { ("Imported", "") };
        format!(
            "{verb} {name}: {created} created, {updated} updated, {deleted} deleted, {unchanged} unchanged{tail}"
        )
    }
}

impl Row for Sums {
    const COLUMNS: &'static [Column] = &[
        Column::number("LINES", 9),
        Column::number("CREATED", 9),
        Column::number("UPDATED", 9),
        Column::number("DELETED", 9),
        Column::number("UNCHANGED", 9),
    ];

    fn cells(&self) -> Vec<String> {
        let Summary { lines, created, updated, deleted, unchanged, .. } = &self.0;
        [lines, created, updated, deleted, unchanged].map(ToString::to_string).to_vec()
    }
}

impl Import {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.mode == Mode::Replace && self.from_line > 1 {
            return Err(Failure::with(
                Exit::Usage,
                "--mode replace needs the whole file: what it does not name is removed",
            )
            .next("leave --from-line out, or use --mode merge"));
        }
        let client = run.client()?;
        let source = Source::open(&self.file, run)?;
        let changes = Changes { under: self.under.clone(), decode_keys: self.decode_keys };
        let services = source.services()?;
        if services > 0 {
            run.note(&format!("{services} services of the export are not imported: only its keys are."));
        }
        check(&source, &changes, run)?;
        let sums = match self.mode {
            Mode::Merge => self.merge(&client, &source, &changes, run).await?,
            Mode::Replace => self.replace(&client, &source, &changes, run).await?,
        };
        let sentence = sums.sentence(source.name());
        run.out().done(&sentence, &sums)
    }

    async fn merge(
        &self,
        client: &Client,
        source: &Source,
        changes: &Changes,
        run: &mut Run<'_>,
    ) -> Result<Sums, Failure> {
        let mut lines = source.lines(changes)?;
        skip(&mut lines, self.from_line)?;
        let mut interrupt = run.interrupt()?;
        let mut progress =
            run.progress(if self.dry_run { "Comparing" } else { "Importing" }, source.size, Unit::Bytes);
        let mut sums = Sums::default();
        loop {
            let first = lines.number() + 1;
            let part = part(&mut lines)?;
            if part.is_empty() {
                break;
            }
            let sent = self.part(client, part, run);
            let (ended, stopped) = watched(sent, &mut interrupt).await;
            match ended {
                None => {
                    let failure = self.stopped(source, first, &sums, run);
                    return Err(failure
                        .detail("The part under way may be written or not; repeating it does no harm."));
                }
                Some(Err(failure)) => return Err(self.broke(failure, source, first, run)),
                Some(Ok((summary, seen))) => {
                    sums.add(&summary);
                    self.tell(&seen, run)?;
                }
            }
            progress.set(lines.bytes());
            if stopped {
                progress.end();
                return Err(self.stopped(source, lines.number() + 1, &sums, run));
            }
        }
        progress.end();
        Ok(sums)
    }

    async fn part(
        &self,
        client: &Client,
        part: Vec<u8>,
        run: &Run<'_>,
    ) -> Result<(Summary, Vec<Change>), Failure> {
        let mut part = Some(Bytes::from(part));
        let source: ByteSource = Box::new(move || Ok(part.take()));
        self.send(client, source, ImportMode::Merge).await.map_err(|e| run.failed(&e))
    }

    async fn send(
        &self,
        client: &Client,
        source: ByteSource,
        mode: ImportMode,
    ) -> Result<(Summary, Vec<Change>), Error> {
        let mut import = client.v2().import(source, &self.scope(), mode, self.dry_run).await?;
        let (mut summary, mut seen) = (Summary::default(), Vec::new());
        while let Some(step) = import.next().await? {
            match step {
                ImportStep::Change(change) if self.dry_run || self.verbose => seen.push(change),
                ImportStep::Change(_) => {}
                ImportStep::Summary(sums) => summary = sums,
            }
        }
        Ok((summary, seen))
    }

    fn scope(&self) -> Scope {
        Scope { prefix: self.prefix.clone(), all_namespaces: self.all_namespaces }
    }

    fn tell(&self, seen: &[Change], run: &mut Run<'_>) -> Outcome {
        seen.iter().try_for_each(|change| run.out().item(change))
    }

    async fn replace(
        &self,
        client: &Client,
        source: &Source,
        changes: &Changes,
        run: &mut Run<'_>,
    ) -> Result<Sums, Failure> {
        let lines = source.lines(changes)?;
        let mut interrupt = run.interrupt()?;
        let sent = self.send(client, stream(lines), ImportMode::Replace);
        tokio::select! {
            ended = sent => {
                let (summary, seen) = ended.map_err(|e| run.failed(&e))?;
                let mut sums = Sums::default();
                sums.add(&summary);
                self.tell(&seen, run)?;
                Ok(sums)
            }
            () = interrupt.requested() => Err(Failure::with(Exit::Interrupted, "interrupted while replacing")
                .detail("What the server had read until then may be written.")
                .next(format!("the same command again ends in the same state: konsulctl kv import --mode replace {}", self.file))),
        }
    }

    /// What Ctrl-C says: how far it came, and how to go on.
    fn stopped(&self, source: &Source, from: u64, sums: &Sums, run: &Run<'_>) -> Failure {
        let written = from.saturating_sub(self.from_line);
        let lines = match (source.unit(), written) {
            (unit, 1) => unit.to_owned(),
            ("entry", _) => "entries".to_owned(),
            (unit, _) => format!("{unit}s"),
        };
        let verb = if self.dry_run { "compared" } else { "written" };
        let Summary { created, updated, unchanged, .. } = &sums.0;
        let what = format!("interrupted; {written} {lines} of {} are {verb}", source.name());
        Failure::with(Exit::Interrupted, what)
            .detail(format!("{created} created, {updated} updated, {unchanged} unchanged"))
            .next(format!("go on: {}", self.resumed(from, run)))
    }

    fn broke(&self, failure: Failure, source: &Source, first: u64, run: &Run<'_>) -> Failure {
        let unit = source.unit();
        let failure = if first > self.from_line {
            failure.detail(format!("Everything before {unit} {first} of {} is written.", source.name()))
        } else {
            failure
        };
        failure.next(format!("go on once it is mended: {}", self.resumed(first, run)))
    }

    /// This command, beginning at another line.
    fn resumed(&self, from: u64, run: &Run<'_>) -> String {
        let mut words = run.connection_words();
        words.extend(["kv", "import", "--from-line"].map(str::to_owned));
        words.push(from.to_string());
        for (name, value) in [("--under", &self.under), ("--prefix", &self.prefix)] {
            if !value.is_empty() {
                words.extend([name.to_owned(), value.clone()]);
            }
        }
        let switches = [
            ("--all-namespaces", self.all_namespaces),
            ("--decode-keys", self.decode_keys),
            ("--dry-run", self.dry_run),
            ("--verbose", self.verbose),
        ];
        words.extend(switches.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()));
        words.push(self.file.clone());
        let words: Vec<String> = words.iter().map(|word| crate::output::quoted(word)).collect();
        format!("konsulctl {}", words.join(" "))
    }
}

/// Reads all of it without sending any.
fn check(source: &Source, changes: &Changes, run: &Run<'_>) -> Outcome {
    let mut lines = source.lines(changes)?;
    let mut progress = run.progress("Checking", source.size, Unit::Bytes);
    let mut line = Vec::new();
    loop {
        line.clear();
        let more = lines.next(&mut line).map_err(|failure| failure.detail("Nothing was written."))?;
        if !more {
            return Ok(());
        }
        if lines.number() % 1024 == 0 {
            progress.set(lines.bytes());
        }
    }
}

fn skip(lines: &mut Lines, from: u64) -> Outcome {
    let mut line = Vec::new();
    while lines.number() + 1 < from {
        line.clear();
        if !lines.next(&mut line)? {
            return Err(Failure::with(
                Exit::Usage,
                format!("there is no line {from}: the input has {}", lines.number()),
            ));
        }
    }
    Ok(())
}

/// The next lines that go together.
fn part(lines: &mut Lines) -> Result<Vec<u8>, Failure> {
    let mut part = Vec::with_capacity(64 * 1024);
    let mut count = 0;
    while count < PART_LINES && part.len() < PART_BYTES && lines.next(&mut part)? {
        count += 1;
    }
    Ok(part)
}

/// All lines, made as they are sent.
fn stream(mut lines: Lines) -> ByteSource {
    Box::new(move || {
        let part =
            part(&mut lines).map_err(|_| std::io::Error::other("the input changed while it was read"))?;
        Ok((!part.is_empty()).then(|| Bytes::from(part)))
    })
}

/// Waits for a part to end. The first Ctrl-C lets it end, the second does not: then nothing comes back.
async fn watched<T>(part: impl Future<Output = T>, interrupt: &mut Interrupt) -> (Option<T>, bool) {
    let mut part = std::pin::pin!(part);
    tokio::select! {
        ended = &mut part => return (Some(ended), false),
        () = interrupt.requested() => {}
    }
    tokio::select! {
        ended = &mut part => (Some(ended), true),
        () = interrupt.requested() => (None, true),
    }
}
