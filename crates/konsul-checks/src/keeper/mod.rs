//! The keeper: every check, when it is due, how it stands, and what of that is still to be told. A plain value under one
//! lock; it is told the time and answers what is to be done, so that virtual time drives it as well as the real one.
//!
//! A check goes by a [`Ticket`] that is never used again. What arrives for a ticket that is gone (a run that was cut,
//! a report that waited) finds nothing and is dropped, so that no result of an old definition reaches a new one.

mod entry;
mod event;
mod lanes;
mod timers;

pub use event::{AddError, Added, Event, Report, UpdateError, View};

pub(crate) use entry::Start;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use konsul_runtime::random;
use konsul_runtime::time::{self, Duration, Instant};
use konsul_types::{CheckStatus, Millis};

use crate::decide::{Finding, head_of_note};
use crate::definition::{CheckKey, Definition, Initial, Kind};
use crate::run::Run;
use crate::settings::{Rules, Settings};
use crate::stats::{Counters, Results, Stats};
use entry::{Entry, Polling, Stage, Work};
use lanes::Lanes;
use timers::{Purpose, Timers};

/// How often checks are looked through for those that were critical for too long, as in Consul.
const DEREGISTER_LOOK: Duration = Duration::from_secs(30);

/// One life of a check, from a registration to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) at: Instant,
    pub(crate) wall: Millis,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self { at: time::now(), wall: Millis(time::wall_ms()) }
    }
}

pub(crate) struct Keeper {
    rules: Rules,
    checks_max: usize,
    entries: BTreeMap<Ticket, Entry>,
    by_key: BTreeMap<CheckKey, Ticket>,
    timers: Timers,
    lanes: Lanes,
    /// Checks with something to tell, in the order in which they got it.
    telling: VecDeque<Ticket>,
    tickets: u64,
    next_look: Instant,
    counters: Counters,
    starts: Vec<Start>,
}

impl Keeper {
    pub(crate) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            rules: settings.rules,
            checks_max: settings.checks_max,
            entries: BTreeMap::new(),
            by_key: BTreeMap::new(),
            timers: Timers::default(),
            lanes: Lanes::new(settings.running_max, settings.processes_max),
            telling: VecDeque::new(),
            tickets: 0,
            next_look: now + DEREGISTER_LOOK,
            counters: Counters::new(),
            starts: Vec::new(),
        }
    }

    /// Whether there is a check of this key whose definition is equal.
    pub(crate) fn same(&self, key: &CheckKey, definition: &Definition) -> bool {
        let entry = self.by_key.get(key).and_then(|ticket| self.entries.get(ticket));
        entry.is_some_and(|entry| *entry.definition == *definition)
    }

    /// Adds a check, or replaces that of the same key. `runner` is there exactly for checks that run at intervals.
    pub(crate) fn add(
        &mut self,
        key: CheckKey,
        definition: Definition,
        initial: Initial,
        runner: Option<Arc<dyn Run>>,
        now: Now,
    ) -> Result<(Ticket, Option<Ticket>), AddError> {
        let old = self.by_key.get(&key).copied();
        if old.is_none() && self.entries.len() >= self.checks_max {
            return Err(AddError::Full { limit: self.checks_max });
        }
        let before = old.and_then(|ticket| self.take(ticket, now.at));
        let ticket = self.next_ticket();
        let ttl_left = initial.ttl_left;
        let mut entry = Entry::new(key.clone(), definition, initial, runner, self.rules.flaps, now);
        if let Some(before) = before {
            entry.go_on_from(before);
        }
        self.arm_first(ticket, &entry, ttl_left, now.at);
        if entry.has_news() {
            self.telling.push_back(ticket);
        }
        self.by_key.insert(key, ticket);
        self.entries.insert(ticket, entry);
        Ok((ticket, old))
    }

    fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The first run comes after a random part of the interval; a time to live begins to run down at once.
    fn arm_first(&mut self, ticket: Ticket, entry: &Entry, ttl_left: Option<Duration>, now: Instant) {
        match &entry.work {
            Work::Polled(polling) => {
                let nanos = u64::try_from(polling.interval.as_nanos()).unwrap_or(u64::MAX);
                self.timers.arm(ticket, Purpose::Run, now + Duration::from_nanos(random::between(0, nanos)));
            }
            Work::Ttl(ttl) => {
                self.timers.arm(ticket, Purpose::Lapse, now + ttl_left.unwrap_or(*ttl).min(*ttl));
            }
            Work::Alias => {}
        }
        if entry.output_waits() {
            self.timers.arm(ticket, Purpose::Output, now + self.output_delay());
        }
    }

    /// Removes a check. Its ticket leads to nothing from now on.
    pub(crate) fn remove(&mut self, key: &CheckKey, now: Instant) -> Option<Ticket> {
        let ticket = self.by_key.remove(key)?;
        self.take(ticket, now);
        Some(ticket)
    }

    /// Whether the ticket still leads to a check.
    pub(crate) fn has(&self, ticket: Ticket) -> bool {
        self.entries.contains_key(&ticket)
    }

    fn take(&mut self, ticket: Ticket, now: Instant) -> Option<Entry> {
        let entry = self.entries.remove(&ticket)?;
        self.timers.disarm_all(ticket);
        if let Work::Polled(polling) = &entry.work {
            self.lanes.leave(polling.lane, ticket, &polling.stage);
            self.pump(now);
        }
        if entry.has_news() {
            self.telling.retain(|other| *other != ticket);
        }
        Some(entry)
    }

    /// Does what is due: runs, lapses, delayed outputs, the look for what was critical for too long.
    pub(crate) fn tick(&mut self, now: Now) {
        while let Some((due, ticket, purpose)) = self.timers.pop_due(now.at) {
            match purpose {
                Purpose::Run => self.run_due(ticket, due, now.at),
                Purpose::Lapse => self.lapse_due(ticket, now),
                Purpose::Output => self.output_due(ticket),
            }
        }
        self.pump(now.at);
        if now.at >= self.next_look {
            self.look_for_removals(now.at);
        }
    }

    /// When [`Keeper::tick`] has something to do again.
    pub(crate) fn next_deadline(&self) -> Instant {
        self.timers.first().map_or(self.next_look, |first| first.min(self.next_look))
    }

    fn run_due(&mut self, ticket: Ticket, due: Instant, now: Instant) {
        let Some(Entry { work: Work::Polled(polling), .. }) = self.entries.get_mut(&ticket) else { return };
        let missed = polling.missed(due, now);
        self.timers.arm(ticket, Purpose::Run, due + polling.interval * (missed + 1));
        self.counters.skipped += u64::from(missed);
        match polling.stage {
            Stage::Idle => {
                polling.stage = Stage::Waiting { due };
                self.lanes.wait(polling.lane, ticket);
            }
            Stage::Running { .. } if polling.behind.is_none() => polling.behind = Some(due),
            Stage::Running { .. } | Stage::Waiting { .. } => self.counters.skipped += 1,
        }
    }

    /// Starts what waits, as long as there is room.
    fn pump(&mut self, now: Instant) {
        while let Some(ticket) = self.lanes.next() {
            let Some(entry) = self.entries.get_mut(&ticket) else { continue };
            let Some((start, lag)) = entry.start(ticket, now) else { continue };
            self.counters.started(lag);
            self.starts.push(start);
        }
    }

    /// The runs that are to be started now.
    pub(crate) fn take_starts(&mut self) -> Vec<Start> {
        std::mem::take(&mut self.starts)
    }

    /// A run has ended.
    pub(crate) fn finished(&mut self, ticket: Ticket, finding: Finding, now: Now) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        let Work::Polled(polling) = &mut entry.work else { return };
        let Stage::Running { started } = polling.stage else { return };
        self.counters.finished(polling.name, finding.status, now.at - started);
        self.lanes.leave(polling.lane, ticket, &polling.stage);
        polling.stage = Stage::Idle;
        if let Some(due) = polling.behind.take() {
            polling.stage = Stage::Waiting { due };
            self.lanes.wait(polling.lane, ticket);
        }
        entry.checked_at = Some(now.wall);
        if let Some(judged) = entry.judge(finding) {
            self.show(ticket, judged, now);
        }
        self.pump(now.at);
    }

    /// A check with a time to live is told how it stands.
    pub(crate) fn update(
        &mut self,
        key: &CheckKey,
        status: CheckStatus,
        output: &str,
        now: Now,
    ) -> Result<(), UpdateError> {
        let unknown = || UpdateError::Unknown { key: key.clone() };
        let ticket = *self.by_key.get(key).ok_or_else(unknown)?;
        let entry = self.entries.get_mut(&ticket).ok_or_else(unknown)?;
        let Work::Ttl(ttl) = entry.work else { return Err(UpdateError::NotTtl { key: key.clone() }) };
        self.timers.arm(ticket, Purpose::Lapse, now.at + ttl);
        self.counters.updates += 1;
        entry.checked_at = Some(now.wall);
        let output = head_of_note(output, entry.definition.output_bytes());
        self.show(ticket, Finding { status, output: output.into() }, now);
        Ok(())
    }

    fn lapse_due(&mut self, ticket: Ticket, now: Now) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        self.counters.lapsed += 1;
        entry.checked_at = Some(now.wall);
        let finding = Finding::critical(entry.lapsed_output());
        self.show(ticket, finding, now);
    }

    /// The target of an alias check stands like this now.
    pub(crate) fn follow(&mut self, ticket: Ticket, finding: Finding, now: Now) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        entry.checked_at = Some(now.wall);
        self.show(ticket, finding, now);
    }

    /// Takes over what was found, and sees to it that it is told if it is news.
    fn show(&mut self, ticket: Ticket, mut finding: Finding, now: Now) {
        let delay = self.output_delay();
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        if self.rules.discard_output {
            finding.output = Arc::from("");
        }
        let was_telling = entry.has_news();
        if !entry.show(finding, now) {
            return;
        }
        if entry.report {
            self.timers.disarm(ticket, Purpose::Output);
            self.tell(ticket, was_telling);
        } else if entry.output_waits() && delay.is_zero() {
            entry.report = true;
            self.tell(ticket, was_telling);
        } else if entry.output_waits() {
            self.timers.arm_unless_armed(ticket, Purpose::Output, now.at + delay);
        } else {
            self.timers.disarm(ticket, Purpose::Output);
        }
    }

    fn tell(&mut self, ticket: Ticket, was_telling: bool) {
        if was_telling {
            self.counters.coalesced += 1;
        } else {
            self.telling.push_back(ticket);
        }
    }

    fn output_due(&mut self, ticket: Ticket) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        if entry.output_waits() && !entry.has_news() {
            entry.report = true;
            self.telling.push_back(ticket);
        }
    }

    /// Between half and one and a half of the interval, so that what began together is not told together.
    fn output_delay(&self) -> Duration {
        let every = u64::try_from(self.rules.output_every.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos((every / 2).saturating_add(random::between(0, every)))
    }

    fn look_for_removals(&mut self, now: Instant) {
        self.next_look = now + DEREGISTER_LOOK;
        for (ticket, entry) in &mut self.entries {
            if entry.is_to_go(now) {
                let was_telling = entry.has_news();
                entry.removal = true;
                if !was_telling {
                    self.telling.push_back(*ticket);
                }
            }
        }
    }

    /// Whether there is something to tell.
    pub(crate) fn has_news(&self) -> bool {
        !self.telling.is_empty()
    }

    /// What is to be told next.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        loop {
            let ticket = *self.telling.front()?;
            let event = self.entries.get_mut(&ticket).and_then(Entry::next_event);
            if !self.entries.get(&ticket).is_some_and(Entry::has_news) {
                self.telling.pop_front();
            }
            if let Some(event) = event {
                match event {
                    Event::Report(_) => self.counters.reports += 1,
                    Event::Deregister { .. } => self.counters.deregistrations += 1,
                }
                return Some(event);
            }
        }
    }

    pub(crate) fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    pub(crate) fn view(&self, key: &CheckKey) -> Option<View> {
        self.by_key.get(key).and_then(|ticket| self.entries.get(ticket)).map(Entry::view)
    }

    pub(crate) fn keys(&self) -> Vec<CheckKey> {
        self.by_key.keys().cloned().collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut by_status = Results::default();
        self.entries.values().for_each(|entry| by_status.count(entry.shown.status));
        let flapping = self.entries.values().filter(|entry| entry.flapping().is_some()).count();
        let (running, waiting) = self.lanes.load();
        Stats { checks: self.entries.len(), by_status, running, waiting, flapping, ..self.counters.read() }
    }
}

/// What an entry of this definition does.
fn work_of(definition: &Definition, runner: Option<Arc<dyn Run>>, rule: Option<crate::FlapRule>) -> Work {
    match (&definition.kind, runner) {
        (Kind::Polled(polled), Some(runner)) => Work::Polled(Box::new(Polling::new(polled, runner, rule))),
        (Kind::Ttl(ttl), _) => Work::Ttl(*ttl),
        // Without a runner a polled check would never run; `Checks::add` always brings one.
        (Kind::Alias(_), _) | (Kind::Polled(_), None) => Work::Alias,
    }
}
