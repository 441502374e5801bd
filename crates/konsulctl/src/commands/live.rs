//! Tables that stay up to date: `service ls --watch`, `service show --watch`, `health --watch`.
//!
//! On a terminal the table is drawn again in its place after each change, no more than ten times a second, cut to the
//! terminal as it is at that moment. Elsewhere there is nothing to draw on: each change is a line, as with `watch`.

use std::collections::BTreeMap;
use std::time::Duration;

use konsul_client::v2::api::catalog::{Check, Instance, ServiceSummary, Status};
use konsul_client::v2::api::watch::{Record, RecordEvent, RecordKind};
use konsul_client::v2::watch::{Step, Target, WatchQuery};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::watch::{Follow, attempts, why_lost};
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Row, cut, folded, table_lines};
use crate::run::Run;
use crate::signals::Signals;

/// Changes that come closer together than this are drawn at once.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a lost connection is dialled again: somebody watches, and can end it.
const ATTEMPTS: u32 = 0;

/// Shows what there is and keeps it up to date.
pub(crate) async fn run(target: Target, title: &str, empty: &str, run: &mut Run<'_>) -> Outcome {
    if run.format() != Format::Table || run.console.width().is_none() {
        let follow = Follow { initial: true, attempts: ATTEMPTS, ..Follow::of(target) };
        return follow.run(run).await;
    }
    let mut signals = Signals::listen()?;
    let client = run.client()?;
    let query = WatchQuery { initial: true, ..WatchQuery::new(target) };
    let mut stream = client.v2().watch(&query);
    stream.retry.attempts = attempts(ATTEMPTS);
    let mut board = Board::new(title, empty);
    let resized = signal(SignalKind::window_change());
    let mut resized = resized.map_err(|e| Failure::new(format!("signals cannot be listened for: {e}")))?;
    loop {
        let due = board.due;
        tokio::select! {
            step = stream.next() => board.take(step.map_err(|e| run.failed(&e))?),
            () = at(due) => board.draw(run)?,
            _ = resized.recv() => board.resize(),
            code = signals.next() => {
                if board.due.is_some() {
                    board.draw(run)?;
                }
                // The terminal wrote ^C where the prompt belongs.
                run.console.write(b"\r\x1b[K")?;
                return Err(Failure::Told(code));
            }
        }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What is known and how much of it is on the screen.
struct Board {
    title: String,
    empty: String,
    services: BTreeMap<String, ServiceSummary>,
    instances: BTreeMap<(String, String), Instance>,
    /// What the connection has to say for itself.
    trouble: Option<String>,
    /// Whether all that there is has come.
    ready: bool,
    due: Option<Instant>,
    drawn: Option<Instant>,
    /// Lines of the last drawing.
    lines: usize,
    /// The terminal's columns and lines at that time.
    size: Option<(usize, Option<usize>)>,
}

impl Board {
    fn new(title: &str, empty: &str) -> Board {
        Board {
            title: title.to_owned(),
            empty: empty.to_owned(),
            services: BTreeMap::new(),
            instances: BTreeMap::new(),
            trouble: None,
            ready: false,
            due: None,
            drawn: None,
            lines: 0,
            size: None,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Record(event) => self.apply(*event),
            Step::Ready => {
                self.ready = true;
                self.trouble = None;
            }
            Step::Reset => {
                self.services.clear();
                self.instances.clear();
                self.ready = false;
            }
            Step::Lost { error, wait } => {
                self.trouble =
                    Some(format!("{}; trying again in {:.1}s", why_lost(&error), wait.as_secs_f32()));
                return self.mark();
            }
            // A server answers what it was asked for: these are keys.
            Step::Change(_) | Step::Initial(_) => {}
        }
        if self.ready {
            self.mark();
        }
    }

    fn apply(&mut self, event: RecordEvent) {
        let gone = matches!(event.kind, RecordKind::Removed | RecordKind::Left);
        match event.record {
            Record::Instance(one) => put(&mut self.instances, (one.node.clone(), one.id.clone()), one, gone),
            Record::Service(one) => put(&mut self.services, one.name.clone(), one, gone),
            Record::Node(_) | Record::Check(_) | Record::Event(_) => {}
        }
    }

    fn resize(&mut self) {
        if self.ready {
            self.mark();
        }
    }

    /// The next drawing is due: now, or a little after the last one.
    fn mark(&mut self) {
        let earliest = self.drawn.map_or_else(Instant::now, |drawn| drawn + PAUSE);
        self.due.get_or_insert(earliest.max(Instant::now()));
    }

    fn draw(&mut self, run: &mut Run<'_>) -> Outcome {
        run.console.measure();
        let columns = run.console.width().unwrap_or(80);
        // One line is the cursor's.
        let room = run.console.rows().map_or(usize::MAX, |rows| rows.saturating_sub(1).max(2));
        let lines = self.fitted(columns, room, run.console.colour());
        // Up to where the last drawing began, and away with it; then all at once, so that nothing flickers.
        let mut frame = String::new();
        let size = (columns, run.console.rows());
        if self.lines > 0 {
            // In a terminal of another size the lines of before lie elsewhere.
            let moved = self.size.is_some_and(|before| before != size);
            let back = if moved { "\x1b[H".to_owned() } else { format!("\x1b[{}A\r", self.lines) };
            frame.push_str(&back);
            frame.push_str("\x1b[J");
        }
        self.size = Some(size);
        lines.iter().for_each(|line| {
            frame.push_str(line);
            frame.push('\n');
        });
        self.lines = lines.len();
        (self.drawn, self.due) = (Some(Instant::now()), None);
        run.console.write(frame.as_bytes())?;
        run.console.flush()
    }

    /// What fits into so many lines. What is wrong with the connection is told in any case: the rest is old then.
    fn fitted(&self, columns: usize, room: usize, colour: bool) -> Vec<String> {
        let mut trouble = self.trouble.as_ref().map_or_else(Vec::new, |text| folded(text, columns));
        trouble.truncate(room.saturating_sub(2));
        if !trouble.is_empty() {
            trouble.insert(0, String::new());
        }
        let room = room.saturating_sub(trouble.len()).max(1);
        let mut lines = self.content(columns, colour);
        if lines.len() > room {
            let hidden = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push(cut(&format!("… {hidden} more lines: make the terminal higher"), columns));
        }
        lines.extend(trouble);
        lines
    }

    fn content(&self, columns: usize, colour: bool) -> Vec<String> {
        let mut lines = folded(&self.head(), columns);
        lines.push(String::new());
        let instances: Vec<&Instance> = self.instances.values().collect();
        let services: Vec<&ServiceSummary> = self.services.values().collect();
        if instances.is_empty() && services.is_empty() {
            lines.push(cut(&self.empty, columns));
        }
        lines.extend(drawn(&services, columns, colour));
        lines.extend(drawn(&instances, columns, colour));
        let bad: Vec<&Check> =
            instances.iter().flat_map(|one| &one.checks).filter(|one| fails(one)).collect();
        if !bad.is_empty() {
            lines.push(String::new());
            lines.extend(drawn(&bad, columns, colour));
        }
        lines
    }

    /// What is shown, counted.
    fn head(&self) -> String {
        let (passing, warning, critical) = self.counted();
        let services = match self.services.len() {
            0 => String::new(),
            count => format!("{count}, instances: "),
        };
        format!("{}: {services}{passing} passing, {warning} warning, {critical} critical", self.title)
    }

    /// How many instances pass, warn and are critical.
    fn counted(&self) -> (u64, u64, u64) {
        if self.services.is_empty() {
            let count =
                |status| self.instances.values().filter(|one| one.status == Some(status)).count() as u64;
            return (count(Status::Passing), count(Status::Warning), count(Status::Critical));
        }
        let sum = |of: fn(&ServiceSummary) -> u64| self.services.values().map(of).sum();
        (sum(|one| one.passing), sum(|one| one.warning), sum(|one| one.critical))
    }
}

fn put<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, value: V, gone: bool) {
    if gone {
        all.remove(&key)
    } else {
        all.insert(key, value)
    };
}

fn fails(check: &Check) -> bool {
    check.status != Status::Passing
}

fn drawn<T: Row>(items: &[T], columns: usize, colour: bool) -> Vec<String> {
    if items.is_empty() { Vec::new() } else { table_lines(items, columns, colour) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, passing: u64, critical: u64) -> Record {
        let (tags, kinds) = (vec!["v1".to_owned()], Vec::new());
        Record::Service(ServiceSummary { name: name.into(), tags, kinds, passing, warning: 0, critical })
    }

    fn event(kind: RecordKind, record: Record) -> Step {
        Step::Record(Box::new(RecordEvent { cursor: String::new(), index: 1, kind, record, old: None }))
    }

    #[test]
    fn nothing_is_drawn_before_all_has_come_and_what_left_is_gone() {
        let mut board = Board::new("services", "no service is registered");
        board.take(event(RecordKind::Present, service("web", 2, 0)));
        board.take(event(RecordKind::Present, service("db", 1, 1)));
        assert!(board.due.is_none());
        board.take(Step::Ready);
        assert!(board.due.is_some());
        let lines = board.content(60, false);
        assert_eq!(lines[0], "services: 2, instances: 3 passing, 0 warning, 1 critical");
        assert!(lines[3].starts_with("db ") && lines[4].starts_with("web "), "{lines:?}");
        board.take(event(RecordKind::Left, service("db", 0, 2)));
        assert_eq!(board.content(60, false).len(), 4);
        board.take(Step::Reset);
        assert_eq!(board.content(60, false)[2], "no service is registered");
    }

    #[test]
    fn a_low_terminal_still_tells_that_the_connection_is_gone() {
        let mut board = Board::new("services", "no service is registered");
        (0..30).for_each(|n| board.take(event(RecordKind::Present, service(&format!("s-{n}"), 1, 0))));
        board.take(Step::Ready);
        assert_eq!(board.fitted(60, 9, false).len(), 9);
        let error = konsul_client::Error::Config("gone".into());
        board.take(Step::Lost { error, wait: Duration::from_secs(1) });
        for room in 2..20 {
            let lines = board.fitted(60, room, false);
            assert!(lines.len() <= room, "{room}: {lines:?}");
            assert!(room < 3 || lines.last().is_some_and(|line| line == "gone; trying again in 1.0s"));
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut board = Board::new("services", "no service is registered");
        board.take(event(RecordKind::Present, service(&"long".repeat(20), 2, 0)));
        board.take(Step::Ready);
        let error = konsul_client::Error::Config("nobody answers at 127.0.0.1:1".into());
        board.take(Step::Lost { error, wait: Duration::from_millis(1500) });
        for columns in 1..120 {
            let lines = board.fitted(columns, 100, false);
            assert!(columns < 30 || lines.join(" ").ends_with("trying again in 1.5s"), "{lines:?}");
            for line in lines {
                assert!(crate::output::text_width(&line) <= columns, "{columns}: {line:?}");
            }
        }
    }
}
