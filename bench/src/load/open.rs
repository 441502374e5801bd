//! The open loop: requests fall due at a fixed rate, whether or not the ones before are answered. It finds the latency.
//!
//! A latency counts from when its request was due, not from when a connection was free for it: otherwise a server that stalls
//! would slow down its own examiner, and hide what those felt who came meanwhile. A server that does not keep up is not
//! spared: what waits at the end counts as it stands.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::closed::{Meter, Watch};
use super::{Engine, Latencies, Load, Sample, Work};
use crate::error::Error;

/// Runs `work` at `rate` requests a second over the connections of `load`.
///
/// # Errors
///
/// As [`closed`](super::closed()).
pub fn open(load: &Load<'_>, rate: f64, work: &mut dyn Work) -> Result<Sample, Error> {
    let mut engine = Engine::connect(load.address, load.connections)?;
    let mut pacer = Pacer::new(rate, engine.connections());
    let mut warm = Watch::start(load.warm_up);
    while !warm.is_over() {
        let answered = pacer.turn(&mut engine, work, &mut |_| {})?;
        warm.note(answered)?;
    }
    let mut latencies = Latencies::with_capacity((rate * load.measure.as_secs_f64() * 1.1) as usize);
    let meter = Meter::start(load.server)?;
    let mut watch = Watch::start(load.measure);
    while !watch.is_over() {
        let answered = pacer.turn(&mut engine, work, &mut |latency| latencies.add(latency))?;
        watch.note(answered)?;
    }
    // What is overdue at the end was not answered in time either, and must not vanish from the figures.
    let now = Instant::now();
    pacer.unanswered().for_each(|due| latencies.add(now.saturating_duration_since(due)));
    meter.stop(latencies)
}

struct Pacer {
    rate: f64,
    began: Instant,
    scheduled: u64,
    waiting: VecDeque<Instant>,
    free: Vec<usize>,
    /// When the request under way on each connection was due.
    due: Vec<Instant>,
    freed: Vec<usize>,
}

impl Pacer {
    fn new(rate: f64, connections: usize) -> Pacer {
        let began = Instant::now();
        Pacer {
            rate,
            began,
            scheduled: 0,
            waiting: VecDeque::new(),
            free: (0..connections).collect(),
            due: vec![began; connections],
            freed: Vec::new(),
        }
    }

    fn turn(
        &mut self,
        engine: &mut Engine,
        work: &mut dyn Work,
        note: &mut dyn FnMut(Duration),
    ) -> Result<bool, Error> {
        let next = self.schedule();
        self.dispatch(engine, work)?;
        let due = &self.due;
        engine.step_until(next, &mut self.freed, |at, response| {
            work.judge(response)?;
            note(due[at].elapsed());
            Ok(())
        })?;
        self.free.extend_from_slice(&self.freed);
        Ok(!self.freed.is_empty())
    }

    /// Lines up what is due, and tells when the next one will be.
    fn schedule(&mut self) -> Instant {
        let now = Instant::now();
        loop {
            let due = self.began + Duration::from_secs_f64(self.scheduled as f64 / self.rate);
            if due > now {
                return due;
            }
            self.waiting.push_back(due);
            self.scheduled += 1;
        }
    }

    fn dispatch(&mut self, engine: &mut Engine, work: &mut dyn Work) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            let Some(at) = self.free.pop() else { break };
            self.due[at] = self.waiting.pop_front().unwrap_or(self.began);
            engine.send(at, |out| work.write(out))?;
        }
        Ok(())
    }

    fn unanswered(&self) -> impl Iterator<Item = Instant> + '_ {
        self.waiting.iter().copied()
    }
}
