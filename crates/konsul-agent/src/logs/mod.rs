//! The agent's log: one layer under `tracing` that writes lines for the console and for whoever monitors.
//!
//! # The life of a line
//!
//! An event that is important enough for the console or for any monitor becomes a [`record::Record`]. It is formatted at
//! most twice, as text and as JSON, and handed on without waiting: to the console's own thread ([`console`]), and to each
//! monitor's bounded queue. Who is too slow loses lines and is told how many; the agent is never slowed down by its log.
//!
//! Levels can be changed while the agent runs ([`Logs::set_level`], and for single rooms [`Logs::set_filter`]); a monitor
//! has its own level, also below the console's. A line that is written while a request is answered names it, and its trace
//! if it has one.

mod console;
mod filter;
mod monitors;
mod record;

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use konsul_config::LogLevel;
use konsul_operations::ports::{LogFilter, LogLevels, LogLines};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use console::Console;
use filter::Filter;
use monitors::Monitors;
use record::Record;

use crate::figures::{Figure, table};

/// The agent's log. Clones are handles on the same one.
#[derive(Clone)]
pub struct Logs(Arc<Inner>);

struct Inner {
    console: Console,
    json: bool,
    filter: RwLock<Filter>,
    /// The least important level that a monitor wants; none wants anything at [`NOBODY`].
    ceiling: AtomicU8,
    /// Lines by importance.
    lines: [AtomicU64; 5],
    monitors: Monitors,
}

impl Logs {
    /// A log that writes to `out` what is at least as important as `level`. It hears nothing until it is installed.
    pub fn new(out: Box<dyn std::io::Write + Send>, level: LogLevel, json: bool) -> Logs {
        Logs(Arc::new(Inner {
            console: Console::start(out),
            json,
            filter: RwLock::new(Filter::new(level)),
            ceiling: AtomicU8::new(NOBODY),
            lines: Default::default(),
            monitors: Monitors::default(),
        }))
    }

    /// Makes this the log of the whole process. The first one wins: a process has one log.
    pub fn install(&self) {
        let subscriber = Registry::default().with(LogLayer(Arc::clone(&self.0)));
        // Fails only if another log is installed already, which then has to do.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }

    /// Changes what the console shows of rooms that have no level of their own.
    pub fn set_level(&self, level: LogLevel) {
        let filter = self.0.filter().with_level(level);
        self.0.set(filter);
    }

    /// What the console shows.
    pub fn levels(&self) -> LogLevels {
        self.0.filter().told()
    }

    /// Changes what the console shows, of all rooms.
    ///
    /// # Errors
    /// Which word is wrong; then everything stays.
    pub fn set_levels(&self, levels: &LogLevels) -> Result<LogLevels, String> {
        let filter = Filter::read(levels)?;
        self.0.set(filter.clone());
        Ok(filter.told())
    }

    /// A stream of lines.
    ///
    /// # Errors
    /// Consul's text if the level is none, or if there are too many monitors already.
    pub fn monitor(&self, filter: &LogFilter) -> Result<LogLines, String> {
        let level: LogLevel =
            filter.level.parse().map_err(|_| format!("Unknown log level: {}", filter.level))?;
        let lines = self.0.monitors.add(rank(level), filter.json)?;
        self.0.agree();
        Ok(lines)
    }

    /// Ends every monitor's stream.
    pub fn end_monitors(&self) {
        self.0.monitors.clear();
        self.0.agree();
    }

    /// How many lines the console or a monitor was too slow for.
    pub fn dropped(&self) -> u64 {
        self.0.console.dropped() + self.0.monitors.dropped()
    }

    /// How many monitors listen.
    pub fn monitors(&self) -> usize {
        self.0.monitors.count()
    }

    pub(crate) fn figures(&self) -> [Figure; 4] {
        let lines = record::NAMES.iter().zip(&self.0.lines);
        let lines = lines.map(|(name, lines)| ([(*name).to_owned()], lines.load(Ordering::Relaxed) as f64));
        [
            table::LOG_LINES.each(lines),
            table::LOG_MONITORS.count(self.monitors() as u64),
            table::LOG_WAITING.count(self.0.console.waiting()),
            table::LOG_DROPPED.count(self.dropped()),
        ]
    }

    /// Waits until what was logged so far is written.
    pub fn flush(&self) {
        self.0.console.flush();
    }
}

#[cfg(test)]
impl Logs {
    /// Runs something whose lines come here, and not to the process's log.
    pub(crate) fn within(&self, body: impl FnOnce()) {
        let subscriber = Registry::default().with(LogLayer(Arc::clone(&self.0)));
        tracing::subscriber::with_default(subscriber, body);
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logs")
    }
}

/// No monitor listens.
const NOBODY: u8 = u8::MAX;

impl Inner {
    fn filter(&self) -> Filter {
        self.filter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, filter: Filter) {
        *self.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        tracing::callsite::rebuild_interest_cache();
    }

    /// Raises or lowers what `tracing` lets through to what is wanted.
    fn agree(&self) {
        let ceiling = self.monitors.ceiling().unwrap_or(NOBODY);
        if self.ceiling.swap(ceiling, Ordering::Relaxed) != ceiling {
            tracing::callsite::rebuild_interest_cache();
        }
    }

    fn is_shown(&self, target: &str, rank: u8) -> bool {
        rank <= self.filter.read().unwrap_or_else(PoisonError::into_inner).of(target)
    }

    fn is_monitored(&self, rank: u8) -> bool {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        ceiling != NOBODY && rank <= ceiling
    }

    /// Asked once for each place in the code that logs, or that asks whether it should, until something changes.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let rank = rank_of(metadata);
        !metadata.is_span() && (self.is_monitored(rank) || self.is_shown(metadata.target(), rank))
    }

    fn write(&self, record: &Record, shown: bool) {
        if shown {
            self.lines[usize::from(record.rank)].fetch_add(1, Ordering::Relaxed);
            self.console.write(if self.json { record.json() } else { record.text() });
        }
        if self.monitors.write(record) {
            self.agree();
        }
    }
}

struct LogLayer(Arc<Inner>);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.wants(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (target, rank) = (event.metadata().target(), rank_of(event.metadata()));
        let shown = self.0.is_shown(target, rank);
        let mut record = Record::of(event, rank);
        if record.ours || rank <= least_heard(target) {
            self.0.write(&record, shown);
        } else if self.0.is_shown(target, TRACE) || self.0.is_monitored(TRACE) {
            record.rank = TRACE;
            self.0.write(&record, self.0.is_shown(target, TRACE));
        }
    }
}

const TRACE: u8 = 4;

/// Libraries report to their developers: below a warning that is noise, except where everything is wanted. openraft warns of
/// races that belong to an election, too; what stops a node it reports as an error.
fn least_heard(target: &str) -> u8 {
    rank(if target.starts_with("openraft") { LogLevel::Error } else { LogLevel::Warn })
}

/// 0 for errors to 4 for everything.
fn rank(level: LogLevel) -> u8 {
    match level {
        LogLevel::Error => 0,
        LogLevel::Warn => 1,
        LogLevel::Info => 2,
        LogLevel::Debug => 3,
        LogLevel::Trace => 4,
    }
}

fn rank_of(metadata: &Metadata<'_>) -> u8 {
    match *metadata.level() {
        tracing::Level::ERROR => 0,
        tracing::Level::WARN => 1,
        tracing::Level::INFO => 2,
        tracing::Level::DEBUG => 3,
        tracing::Level::TRACE => 4,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn with(logs: &Logs, body: impl FnOnce()) {
        let subscriber = Registry::default().with(LogLayer(Arc::clone(&logs.0)));
        tracing::subscriber::with_default(subscriber, body);
        logs.flush();
    }

    /// A line without its time.
    fn rest(line: &str) -> &str {
        line.split_once(' ').unwrap().1
    }

    #[test]
    fn lines_look_like_consuls() {
        let out = Shared::default();
        let logs = Logs::new(Box::new(out.clone()), LogLevel::Info, false);
        with(&logs, || {
            tracing::info!(address = "127.0.0.1:8500", took_ms = 7, "started");
            tracing::warn!(why = "a b\n\"c\"", "odd");
            tracing::debug!("not shown");
        });
        let text = out.text();
        let lines: Vec<&str> = text.lines().map(rest).collect();
        assert_eq!(
            lines,
            [
                "[INFO]  agent: started: address=127.0.0.1:8500 took_ms=7",
                "[WARN]  agent: odd: why=\"a b\\n\\\"c\\\"\"",
            ]
        );
    }

    #[test]
    fn json_lines_carry_the_same() {
        let out = Shared::default();
        let logs = Logs::new(Box::new(out.clone()), LogLevel::Info, true);
        with(&logs, || tracing::error!(count = 3, "a \"quote\""));
        let line: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(line["@level"], "error");
        assert_eq!(line["@message"], "a \"quote\"");
        assert_eq!(line["@module"], "agent");
        assert_eq!(line["count"], "3");
        assert!(line["@timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_monitor_sees_more_than_the_console_and_the_level_can_change() {
        let out = Shared::default();
        let logs = Logs::new(Box::new(out.clone()), LogLevel::Error, false);
        let filter = LogFilter { level: "DEBUG".into(), json: false };
        let mut lines = logs.monitor(&filter).unwrap();
        with(&logs, || {
            tracing::debug!("one");
            tracing::trace!("two");
            logs.set_level(LogLevel::Trace);
            tracing::trace!("three");
        });
        assert!(lines.try_recv().unwrap().ends_with("[DEBUG] agent: one\n"));
        assert!(lines.try_recv().is_err());
        assert!(
            out.text().ends_with("[TRACE] agent: three\n") && !out.text().contains("one"),
            "{}",
            out.text()
        );
        logs.end_monitors();
        assert!(lines.try_recv().is_err() && lines.is_closed());
        let why = logs.monitor(&LogFilter { level: "loud".into(), json: false }).unwrap_err();
        assert_eq!(why, "Unknown log level: loud");
    }

    #[test]
    fn a_room_has_its_own_level_while_it_is_wanted() {
        let out = Shared::default();
        let logs = Logs::new(Box::new(out.clone()), LogLevel::Warn, false);
        let levels =
            |room: &str| LogLevels { level: "warn".into(), targets: [(room.into(), "debug".into())].into() };
        with(&logs, || {
            tracing::debug!("one");
            logs.set_levels(&levels("agent::logs")).unwrap();
            tracing::debug!("two");
            tracing::debug!(target: "konsul_raft::log", "three");
            logs.set_levels(&levels("raft")).unwrap();
            tracing::debug!("four");
            tracing::debug!(target: "konsul_raft::log", "five");
            tracing::debug!(target: "hyper", "six");
        });
        let text = out.text();
        let lines: Vec<&str> = text.lines().map(rest).collect();
        assert_eq!(lines, ["[DEBUG] agent: two", "[DEBUG] raft: five"]);
        assert_eq!(logs.levels(), levels("raft"));
        assert!(logs.set_levels(&levels("")).is_err());
        assert_eq!(logs.levels(), levels("raft"));
        assert_eq!(logs.figures()[0].samples[3].value, 2.0);
    }

    #[test]
    fn a_line_names_the_request_that_it_belongs_to() {
        let out = Shared::default();
        let logs = Logs::new(Box::new(out.clone()), LogLevel::Info, true);
        let trace = konsul_runtime::trace::TraceId::from_u128(0xabc);
        let tag = konsul_runtime::trace::RequestTag::next().in_trace(trace);
        with(&logs, || {
            let _tagged = tag.enter();
            tracing::info!(request_id = "forged", "inside");
        });
        with(&logs, || tracing::info!("outside"));
        let text = out.text();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["request_id"], tag.to_string());
        assert_eq!(lines[0]["trace_id"], format!("{:032x}", 0xabc));
        assert!(lines[1].get("request_id").is_none());
    }

    #[test]
    fn a_slow_monitor_is_told_how_much_it_missed() {
        let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
        let mut lines = logs.monitor(&LogFilter { level: "info".into(), json: false }).unwrap();
        with(&logs, || (0..monitors::QUEUE + 3).for_each(|i| tracing::info!(i, "line")));
        for _ in 0..monitors::QUEUE {
            lines.try_recv().unwrap();
        }
        with(&logs, || tracing::info!("after"));
        let told = lines.try_recv().unwrap();
        assert!(told.contains("3 lines were dropped"), "{told}");
        assert!(lines.try_recv().unwrap().contains("after"));
        assert_eq!(logs.dropped(), 3);
    }
}
