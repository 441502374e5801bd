//! Bars for what takes longer than a second, on a terminal only.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes, shown in KiB and MiB.
    Bytes,
    /// Things, such as keys.
    Items,
    /// Milliseconds; what happens in them is said with [`Progress::say`].
    Time,
}

/// How long something may take before it deserves a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Changes of the screen per second.
const HERTZ: u8 = 10;

/// A bar on standard error. It appears after a second, and never where nobody watches.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    shown: bool,
    may_show: bool,
}

impl Progress {
    pub(crate) fn start(console: &Console<'_>, what: &str, total: u64, unit: Unit) -> Progress {
        let length = (total > 0).then_some(total);
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        let style =
            ProgressStyle::with_template(&template(unit, length.is_some(), console.colour_on_stderr()));
        // A template that does not parse would be a slip in the table below, which a test reads.
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(what.to_owned());
        Progress { bar, begun: Instant::now(), shown: false, may_show: console.progress_is_seen() }
    }

    /// So much is done now.
    pub(crate) fn set(&mut self, done: u64) {
        self.show();
        self.bar.set_position(done);
    }

    /// So much more is done.
    pub(crate) fn add(&mut self, more: u64) {
        self.show();
        self.bar.inc(more);
    }

    /// What happens now.
    pub(crate) fn say(&mut self, text: String) {
        self.bar.set_message(text);
        self.show();
    }

    fn show(&mut self) {
        if self.may_show && !self.shown && self.begun.elapsed() >= PATIENCE {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(HERTZ));
        }
    }

    /// Takes it off the screen.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// The parts shrink with the terminal: the bar first (`wide_bar`), then the terminal cuts what is right of it.
fn template(unit: Unit, total: bool, colour: bool) -> String {
    let bar = if colour { "{wide_bar:.cyan}" } else { "{wide_bar}" };
    match (unit, total) {
        (Unit::Bytes, true) => format!("{{msg}} {bar} {{percent}}% {{bytes_per_sec}} {{eta}}"),
        (Unit::Time, true) => format!("{{msg}} {bar}"),
        (Unit::Items, true) => format!("{{msg}} {bar} {{percent}}% {{per_sec}} {{eta}}"),
        (Unit::Bytes, false) => "{spinner} {msg} {bytes} {bytes_per_sec}".to_owned(),
        (Unit::Time, false) => "{spinner} {msg} {elapsed}".to_owned(),
        (Unit::Items, false) => "{spinner} {msg} {human_pos} {per_sec}".to_owned(),
    }
}
