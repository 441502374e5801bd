//! `watch`: changes as they happen, printed or handed to a command.
//!
//! A handler gets each change before the next one is looked at, and the cursor file moves on only when it went well: a
//! watch that was cut anywhere goes on with the first change that was not handled. So a change may be handled twice, and
//! is never left out.

mod cursor;
mod pace;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use konsul_client::v2::api::kv::Entry;
use konsul_client::v2::api::watch::{Event, Kind};
use konsul_client::v2::watch::{Step, Target, Watch as Stream, WatchQuery};
use serde::Serialize;

use super::{Covered, covers};
use crate::failure::{Failure, Outcome};
use crate::handler::Handler;
use crate::output::{Column, Format, Row};
use crate::run::Run;
use crate::signals::Signals;
use cursor::CursorFile;
use pace::Pace;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("watch", &["watch"])];

const MORE: &str = "\
Examples:
  konsulctl watch --prefix app/
  konsulctl watch --glob 'app/*/port' --initial --output json
  konsulctl watch --key app/color --count 1
  konsulctl watch --prefix app/ --cursor-file app.cursor --debounce 500ms -- ./reload.sh

The command gets each change as a line of JSON on its standard input, in the form that --output json prints; and
KONSUL_WATCH_KEY, KONSUL_WATCH_KIND, KONSUL_WATCH_INDEX and KONSUL_WATCH_CURSOR of the last one. With --debounce it runs
once it has been quiet that long, or ten times that long after the first change, with the last change of each key.
A command that fails ends the watch, unless --keep-going is given; the cursor file then still stands before its changes.

Exit codes: 0 after --count changes; 1 the command failed; 5 no server; 6 the connection broke too often; 130 Ctrl-C.";

/// What is watched, and what for.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Watch {
    #[command(flatten)]
    what: What,
    /// What is there already comes first
    #[arg(long)]
    initial: bool,
    /// Each change carries what was there before
    #[arg(long)]
    old_values: bool,
    /// Goes on after this cursor, which an earlier watch of the same keys printed
    #[arg(long, value_name = "CURSOR", conflicts_with = "cursor_file")]
    cursor: Option<String>,
    /// Keeps the cursor in this file, and goes on from it at the next start
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Waits until it has been quiet for so long, and runs the command once for all of it
    #[arg(long, value_name = "DURATION", requires = "command", value_parser = crate::cli::duration)]
    debounce: Option<Duration>,
    /// Goes on when the command fails
    #[arg(long, requires = "command")]
    keep_going: bool,
    /// Ends after so many changes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How often in a row a lost connection is dialled again; 0 for as often as it takes
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    attempts: u32,
    /// A command for each change, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Which keys.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Every key that begins with this; an empty one for all
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Every key that fits: * stands for anything but a slash, ** for anything
    #[arg(long, value_name = "GLOB")]
    glob: Option<String>,
}

impl What {
    fn target(&self) -> Target {
        match self {
            What { key: Some(key), .. } => Target::Key(key.clone()),
            What { glob: Some(glob), .. } => Target::Glob(glob.clone()),
            What { prefix, .. } => Target::Prefix(prefix.clone().unwrap_or_default()),
        }
    }
}

impl Watch {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let mut signals = Signals::listen()?;
        let file = self.cursor_file.clone().map(CursorFile::open).transpose()?;
        let kept = file.as_ref().and_then(|file| file.cursor().map(str::to_owned));
        let query = WatchQuery {
            target: self.what.target(),
            initial: self.initial,
            old_values: self.old_values,
            cursor: self.cursor.clone().or(kept),
        };
        let client = run.client()?;
        let mut stream = client.v2().watch(&query);
        stream.retry.attempts = if self.attempts == 0 { u32::MAX } else { self.attempts };
        let mut work = Work::new(&self, file);
        loop {
            let due = work.pace.due();
            tokio::select! {
                step = stream.next() => {
                    let step = step.map_err(|e| run.failed(&e))?;
                    work.take(step, &stream, run, &mut signals).await?;
                }
                () = due => work.handle(run, &mut signals).await?,
                code = signals.next() => return work.stopped(code, run),
            }
            if work.is_done() {
                return work.handle(run, &mut signals).await;
            }
        }
    }
}

/// What becomes of changes.
struct Work {
    handler: Option<Handler>,
    pace: Pace,
    file: Option<CursorFile>,
    keep_going: bool,
    left: Option<u64>,
    cursor: Option<String>,
}

impl Work {
    fn new(watch: &Watch, file: Option<CursorFile>) -> Work {
        let handler = (!watch.command.is_empty()).then(|| Handler { words: watch.command.clone() });
        Work {
            handler,
            pace: Pace::new(watch.debounce),
            file,
            keep_going: watch.keep_going,
            left: watch.count,
            cursor: None,
        }
    }

    fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    async fn take(
        &mut self,
        step: Step,
        stream: &Stream<'_>,
        run: &mut Run<'_>,
        signals: &mut Signals,
    ) -> Outcome {
        let (event, initial) = match step {
            Step::Change(event) => (event, false),
            Step::Initial(event) => (event, true),
            Step::Reset => return self.reset(run),
            Step::Ready => return self.moved(stream.cursor(), run),
            Step::Lost { error, wait } => {
                run.note(&format!("{error}\ngoing on from the cursor in {}ms", wait.as_millis()));
                return Ok(());
            }
        };
        let change = Change { event: *event, initial };
        self.cursor = Some(change.event.cursor.clone());
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.handler.is_none() {
            run.out().item(&change)?;
            return self.settled();
        }
        self.pace.add(change);
        if self.pace.is_immediate() { self.handle(run, signals).await } else { Ok(()) }
    }

    /// What was known is no longer good; everything that is there follows as initial changes.
    fn reset(&self, run: &mut Run<'_>) -> Outcome {
        if self.handler.is_none() && run.format() == Format::Json {
            run.out().line(r#"{"kind":"reset"}"#)?;
            return run.console.flush();
        }
        run.note("the watch begins anew: all that is there follows");
        Ok(())
    }

    fn moved(&mut self, cursor: Option<&str>, _run: &mut Run<'_>) -> Outcome {
        if self.pace.is_empty() {
            self.cursor = cursor.map(str::to_owned);
            return self.settled();
        }
        Ok(())
    }

    /// Runs the handler for what has gathered.
    async fn handle(&mut self, run: &mut Run<'_>, signals: &mut Signals) -> Outcome {
        let changes = self.pace.take();
        let (Some(handler), Some(last)) = (&self.handler, changes.last()) else { return Ok(()) };
        let mut input = Vec::new();
        for change in &changes {
            serde_json::to_writer(&mut input, change).map_err(|e| Failure::new(e.to_string()))?;
            input.push(b'\n');
        }
        let env = [
            ("KONSUL_WATCH_KEY", last.event.key.clone()),
            ("KONSUL_WATCH_KIND", kind(last.event.kind).to_owned()),
            ("KONSUL_WATCH_INDEX", last.event.index.to_string()),
            ("KONSUL_WATCH_CURSOR", last.event.cursor.clone()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
        match handler.run(&input, env, signals).await {
            Err(Failure::Problem(problem)) if self.keep_going => run.note(&problem.what),
            Err(failure) => return Err(failure),
            Ok(()) => {}
        }
        self.settled()
    }

    /// All up to the cursor has been done.
    fn settled(&mut self) -> Outcome {
        match (&mut self.file, &self.cursor) {
            (Some(file), Some(cursor)) => file.write(cursor),
            _ => Ok(()),
        }
    }

    fn stopped(&self, code: u8, run: &mut Run<'_>) -> Outcome {
        if let (None, Some(cursor), Format::Table) = (&self.file, &self.cursor, run.format()) {
            run.note(&format!("to go on from here: --cursor {cursor}"));
        }
        Err(Failure::Told(code))
    }
}

/// A change as it is shown and handed on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// Whether it was there already.
    pub(crate) initial: bool,
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "put",
        Kind::Delete => "delete",
        Kind::Expire => "expire",
    }
}

fn value(entry: Option<&Entry>) -> String {
    entry.and_then(|entry| entry.value.clone().or_else(|| entry.value_base64.clone())).unwrap_or_default()
}

impl Row for Change {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 7),
        Column::text("KIND", 9),
        Column::text("KEY", 9),
        Column::text("VALUE", 8),
        Column::text("OLD VALUE", 5),
    ];

    fn cells(&self) -> Vec<String> {
        let kind = if self.initial { "initial" } else { kind(self.event.kind) };
        let old = self.event.old.as_ref().map(|old| format!("(was {})", value(Some(old))));
        vec![
            self.event.index.to_string(),
            kind.to_owned(),
            self.event.key.clone(),
            value(self.event.entry.as_ref()),
            old.unwrap_or_default(),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[4] = value(self.event.old.as_ref());
        cells
    }
}
