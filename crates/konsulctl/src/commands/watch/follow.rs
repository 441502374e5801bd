//! Follows a stream: prints each change, or hands changes to a command, and keeps the cursor.

use std::path::PathBuf;
use std::time::Duration;

use konsul_client::Error;
use konsul_client::v2::watch::{Step, Target, Watch as Stream, WatchQuery};

use super::change::Change;
use super::cursor::CursorFile;
use super::pace::Pace;
use crate::failure::{Failure, Outcome};
use crate::handler::Handler;
use crate::output::Format;
use crate::run::Run;
use crate::signals::Signals;

/// What is followed, and what for.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) target: Target,
    pub(crate) initial: bool,
    pub(crate) old_values: bool,
    pub(crate) cursor: Option<String>,
    pub(crate) cursor_file: Option<PathBuf>,
    pub(crate) debounce: Option<Duration>,
    pub(crate) keep_going: bool,
    /// Ends after so many changes.
    pub(crate) count: Option<u64>,
    /// How often in a row a lost connection is dialled again; 0 for as often as it takes.
    pub(crate) attempts: u32,
    /// Runs for changes; empty to print them.
    pub(crate) command: Vec<String>,
}

impl Follow {
    /// Every change from now on, printed.
    pub(crate) fn of(target: Target) -> Follow {
        Follow {
            target,
            initial: false,
            old_values: false,
            cursor: None,
            cursor_file: None,
            debounce: None,
            keep_going: false,
            count: None,
            attempts: 8,
            command: Vec::new(),
        }
    }

    /// Follows it to its end.
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let mut signals = Signals::listen()?;
        let file = self.cursor_file.clone().map(CursorFile::open).transpose()?;
        let kept = file.as_ref().and_then(|file| file.cursor().map(str::to_owned));
        let query = WatchQuery {
            target: self.target.clone(),
            initial: self.initial,
            old_values: self.old_values,
            cursor: self.cursor.clone().or(kept),
        };
        let client = run.client()?;
        let mut stream = client.v2().watch(&query);
        stream.retry.attempts = attempts(self.attempts);
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

/// Zero stands for as often as it takes.
pub(crate) fn attempts(asked: u32) -> u32 {
    if asked == 0 { u32::MAX } else { asked }
}

/// Why a connection is gone, without advice: somebody was connected, and it is dialled again.
pub(crate) fn why_lost(error: &Error) -> String {
    match error {
        Error::Connect { address, source } => format!("nobody answers at {address}: {source}"),
        Error::Broken { address, source } => format!("the connection to {address} broke: {source}"),
        other => other.to_string(),
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
    /// Why there is no connection, as it was told; it is not told twice.
    lost: Option<String>,
}

impl Work {
    fn new(watch: &Follow, file: Option<CursorFile>) -> Work {
        let handler = (!watch.command.is_empty()).then(|| Handler { words: watch.command.clone() });
        Work {
            handler,
            pace: Pace::new(watch.debounce),
            file,
            keep_going: watch.keep_going,
            left: watch.count,
            cursor: None,
            lost: None,
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
        let change = match step {
            Step::Change(event) => Change::of_key(*event, false),
            Step::Initial(event) => Change::of_key(*event, true),
            Step::Record(event) => Change::of_record(event),
            Step::Reset => return self.reset(run),
            Step::Ready => {
                self.found(run);
                return self.moved(stream.cursor());
            }
            Step::Lost { error, wait } => {
                self.lost(why_lost(&error), wait, run);
                return Ok(());
            }
        };
        self.found(run);
        self.cursor = Some(change.cursor().to_owned());
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.handler.is_none() {
            change.show(&mut run.out())?;
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

    /// Says once what is wrong with the connection, however often it is dialled again.
    fn lost(&mut self, why: String, wait: Duration, run: &mut Run<'_>) {
        if self.lost.as_ref() != Some(&why) {
            run.note(&format!("{why}; trying again in {:.1}s, and on", wait.as_secs_f32()));
            self.lost = Some(why);
        }
    }

    /// The connection is back.
    fn found(&mut self, run: &mut Run<'_>) {
        if self.lost.take().is_some() {
            run.note("connected again");
        }
    }

    fn moved(&mut self, cursor: Option<&str>) -> Outcome {
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
        let env = environment(last);
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
            // A terminal wrote ^C where this belongs.
            let back = if run.console.progress_is_seen() { "\r" } else { "" };
            run.note(&format!("{back}to go on from here: --cursor {cursor}"));
        }
        Err(Failure::Told(code))
    }
}

/// What a handler is told of the last change beside its input.
fn environment(last: &Change) -> Vec<(String, String)> {
    let mut env = vec![
        ("KONSUL_WATCH_KEY", last.subject()),
        ("KONSUL_WATCH_KIND", last.kind().to_owned()),
        ("KONSUL_WATCH_INDEX", last.index().to_string()),
        ("KONSUL_WATCH_CURSOR", last.cursor().to_owned()),
    ];
    if let Change::Event(change) = last {
        env.push(("KONSUL_EVENT_NAME", change.event.name.clone()));
        env.push(("KONSUL_EVENT_ID", change.event.id.clone()));
    }
    env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
