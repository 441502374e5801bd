//! One check: its work, what it shows, and what of that was told.

use std::sync::Arc;

use konsul_runtime::time::{Duration, Instant};
use konsul_types::{CheckStatus, Millis};

use super::{Event, Now, Report, Ticket, View, work_of};
use crate::decide::{Finding, FlapRule, Flapping, Flaps, Judge, head};
use crate::definition::{CheckKey, Definition, Initial, Polled, Probe};
use crate::run::{Limit, Run};

pub(super) struct Entry {
    pub(super) key: CheckKey,
    pub(super) definition: Arc<Definition>,
    pub(super) work: Work,
    /// What the check shows, which its owner may ask for at any time.
    pub(super) shown: Finding,
    /// Since when it shows this status.
    since: Millis,
    critical_since: Option<Instant>,
    /// When something was last heard of it.
    pub(super) checked_at: Option<Millis>,
    /// What its owner knows of it.
    told: Finding,
    /// Nothing was found yet: the first finding is told at once, whatever of it is new.
    fresh: bool,
    /// A report waits to be taken.
    pub(super) report: bool,
    /// A request to remove its service waits to be taken.
    pub(super) removal: bool,
}

pub(super) enum Work {
    Polled(Box<Polling>),
    Ttl(Duration),
    Alias,
}

pub(super) struct Polling {
    pub(super) name: &'static str,
    pub(super) lane: usize,
    pub(super) interval: Duration,
    timeout: Duration,
    runner: Arc<dyn Run>,
    judge: Judge,
    flaps: Flaps,
    /// Where the thresholds last led.
    applied: Option<CheckStatus>,
    flapping: Option<Flapping>,
    pub(super) stage: Stage,
    /// A run became due while the one before was still under way: it follows at once.
    pub(super) behind: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    Waiting { due: Instant },
    Running { started: Instant },
}

/// A run that is to be started.
pub(crate) struct Start {
    pub(crate) ticket: Ticket,
    pub(crate) runner: Arc<dyn Run>,
    pub(crate) limit: Limit,
}

impl Polling {
    pub(super) fn new(polled: &Polled, runner: Arc<dyn Run>, rule: Option<FlapRule>) -> Self {
        Self {
            name: polled.probe.name(),
            lane: usize::from(matches!(polled.probe, Probe::Script(_) | Probe::Docker(_))),
            interval: polled.interval_in_force(),
            timeout: polled.timeout_in_force(),
            runner,
            judge: Judge::new(polled.thresholds),
            flaps: Flaps::new(rule),
            applied: None,
            flapping: None,
            stage: Stage::Idle,
            behind: None,
        }
    }

    /// How many further runs became due since `due`, as after a pause of the machine.
    pub(super) fn missed(&self, due: Instant, now: Instant) -> u32 {
        u32::try_from((now - due).as_nanos() / self.interval.as_nanos().max(1)).unwrap_or(u32::MAX - 1)
    }
}

impl Entry {
    pub(super) fn new(
        key: CheckKey,
        definition: Definition,
        initial: Initial,
        runner: Option<Arc<dyn Run>>,
        rule: Option<FlapRule>,
        now: Now,
    ) -> Self {
        let shown = Finding { status: initial.status, output: initial.output };
        let critical = shown.status == CheckStatus::Critical;
        Self {
            key,
            work: work_of(&definition, runner, rule),
            definition: Arc::new(definition),
            told: shown.clone(),
            shown,
            since: now.wall,
            critical_since: critical.then_some(now.at),
            checked_at: None,
            fresh: true,
            report: false,
            removal: false,
        }
    }

    /// Takes over how the check of the same key stood under its old definition.
    pub(super) fn go_on_from(&mut self, before: Entry) {
        self.shown = before.shown;
        self.since = before.since;
        self.critical_since = before.critical_since;
        self.checked_at = before.checked_at;
        self.told = before.told;
        self.fresh = before.fresh;
        self.report = before.report;
    }

    /// Goes from waiting to running. Answers how late that is.
    pub(super) fn start(&mut self, ticket: Ticket, now: Instant) -> Option<(Start, Duration)> {
        let output_max = self.definition.output_bytes();
        let Work::Polled(polling) = &mut self.work else { return None };
        let Stage::Waiting { due } = polling.stage else { return None };
        polling.stage = Stage::Running { started: now };
        let limit = Limit { until: now + polling.timeout, timeout: polling.timeout, output_max };
        Some((Start { ticket, runner: polling.runner.clone(), limit }, now - due))
    }

    /// What a result leads to, by thresholds and damping; `None` if everything stays.
    pub(super) fn judge(&mut self, finding: Finding) -> Option<Finding> {
        let Work::Polled(polling) = &mut self.work else { return Some(finding) };
        let led_to = polling.judge.judge(finding.status);
        let applied = led_to.or(polling.applied)?;
        polling.applied = Some(applied);
        let was_flapping = polling.flapping.is_some();
        polling.flapping = polling.flaps.feed(applied);
        match polling.flapping {
            Some(why) => Some(held(why, &finding, self.definition.output_bytes())),
            None if led_to.is_none() && !was_flapping => None,
            None => Some(Finding { status: applied, ..finding }),
        }
    }

    pub(super) fn flapping(&self) -> Option<Flapping> {
        match &self.work {
            Work::Polled(polling) => polling.flapping,
            Work::Ttl(_) | Work::Alias => None,
        }
    }

    /// Answers whether anything is new.
    pub(super) fn show(&mut self, finding: Finding, now: Now) -> bool {
        let first = std::mem::take(&mut self.fresh);
        if finding == self.shown {
            return false;
        }
        let changed = finding.status != self.shown.status;
        self.shown = finding;
        if changed {
            self.since = now.wall;
            let critical = self.shown.status == CheckStatus::Critical;
            self.critical_since = critical.then_some(now.at);
            self.removal &= critical;
        }
        self.report |= changed || first;
        true
    }

    /// Only the output differs from what the owner knows.
    pub(super) fn output_waits(&self) -> bool {
        !self.report && self.shown.output != self.told.output
    }

    pub(super) fn has_news(&self) -> bool {
        self.report || self.removal
    }

    pub(super) fn is_to_go(&self, now: Instant) -> bool {
        let limit = self.definition.deregister_after().zip(self.critical_since);
        limit.is_some_and(|(after, since)| now - since >= after)
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.report) {
            self.told = self.shown.clone();
            return Some(Event::Report(Report {
                key: self.key.clone(),
                status: self.shown.status,
                output: self.shown.output.clone(),
                at: self.checked_at.unwrap_or(self.since),
                flapping: self.flapping(),
            }));
        }
        let removal = std::mem::take(&mut self.removal);
        removal.then(|| Event::Deregister { key: self.key.clone(), critical_since: self.since })
    }

    /// Consul's words for a time to live that ran down.
    pub(super) fn lapsed_output(&self) -> String {
        let last = &self.shown.output;
        if last.is_empty() || last.starts_with(LAPSED) {
            return LAPSED.to_owned();
        }
        format!("{LAPSED} (last output before timeout follows): {last}")
    }

    pub(super) fn view(&self) -> View {
        View {
            definition: self.definition.clone(),
            status: self.shown.status,
            output: self.shown.output.clone(),
            since: self.since,
            checked_at: self.checked_at,
            flapping: self.flapping(),
        }
    }
}

const LAPSED: &str = "TTL expired";

/// A flapping check is critical, and says why before it says what it found.
fn held(why: Flapping, finding: &Finding, output_max: usize) -> Finding {
    let output = format!("{why}\n{}", finding.output);
    Finding::critical(head(&output, output_max))
}
