//! The closed loop: each connection asks again as soon as it is answered. It finds the highest rate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Engine, Latencies, Load, Sample, Work};
use crate::cpu::{self, Process};
use crate::error::Error;

/// No answer for so long means that the server hangs.
pub(super) const HANGS: Duration = Duration::from_secs(30);

/// Runs `work` on all connections of `load`.
///
/// # Errors
///
/// The first wrong answer, broken connection, or thirty seconds without an answer.
pub fn closed(load: &Load<'_>, work: &mut dyn Work) -> Result<Sample, Error> {
    let mut engine = Engine::connect(load.address, load.connections)?;
    let mut watch = None;
    run(load, &mut engine, work, &mut || {
        Ok(!watch.get_or_insert_with(|| Watch::start(load.measure)).is_over())
    })
}

/// As [`closed`], measured for as long as `goes_on` answers so, which is first asked when the load is warm. It is asked
/// after each turn: let it be cheap.
///
/// # Errors
///
/// As [`closed`], and what `goes_on` says.
pub fn closed_while(
    load: &Load<'_>,
    work: &mut dyn Work,
    goes_on: &mut dyn FnMut() -> Result<bool, Error>,
) -> Result<Sample, Error> {
    let mut engine = Engine::connect(load.address, load.connections)?;
    run(load, &mut engine, work, goes_on)
}

/// Sends `count` requests of `work` over `connections` connections, and tells how long they took.
///
/// # Errors
///
/// As [`closed`].
pub fn fill(
    address: SocketAddr,
    connections: usize,
    count: u64,
    work: &mut dyn Work,
) -> Result<Duration, Error> {
    let mut engine = Engine::connect(address, connections)?;
    let began = Instant::now();
    let mut watch = Watch::start(Duration::ZERO);
    let (mut sent, mut answered) = (0, 0);
    let mut freed: Vec<usize> = (0..engine.connections()).collect();
    while answered < count {
        for at in freed.iter().copied() {
            if sent < count {
                engine.send(at, |out| work.write(out))?;
                sent += 1;
            }
        }
        engine.step(Some(Duration::from_millis(100)), &mut freed, |_, response| work.judge(response))?;
        answered += freed.len() as u64;
        watch.note(!freed.is_empty())?;
    }
    Ok(began.elapsed())
}

fn run(
    load: &Load<'_>,
    engine: &mut Engine,
    work: &mut dyn Work,
    goes_on: &mut dyn FnMut() -> Result<bool, Error>,
) -> Result<Sample, Error> {
    let mut asked = vec![Instant::now(); engine.connections()];
    for (at, asked) in asked.iter_mut().enumerate() {
        *asked = Instant::now();
        engine.send(at, |out| work.write(out))?;
    }
    let mut freed = Vec::new();
    let mut warm = Watch::start(load.warm_up);
    while !warm.is_over() {
        turn(engine, work, &mut asked, &mut freed, &mut |_| {})?;
        warm.note(!freed.is_empty())?;
    }
    let mut latencies = Latencies::with_capacity(expected(load));
    let meter = Meter::start(load.server)?;
    let mut watch = Watch::start(Duration::ZERO);
    while goes_on()? {
        turn(engine, work, &mut asked, &mut freed, &mut |latency| latencies.add(latency))?;
        watch.note(!freed.is_empty())?;
    }
    meter.stop(latencies)
}

/// Takes the answers that are there, and asks again on their connections.
fn turn(
    engine: &mut Engine,
    work: &mut dyn Work,
    asked: &mut [Instant],
    freed: &mut Vec<usize>,
    note: &mut dyn FnMut(Duration),
) -> Result<(), Error> {
    engine.step(Some(Duration::from_millis(100)), freed, |at, response| {
        work.judge(response)?;
        note(asked[at].elapsed());
        Ok(())
    })?;
    for at in freed.iter().copied() {
        asked[at] = Instant::now();
        engine.send(at, |out| work.write(out))?;
    }
    Ok(())
}

fn expected(load: &Load<'_>) -> usize {
    load.measure.as_secs() as usize * 250_000 + 250_000
}

/// The time that a part of a run takes, and the time since something was answered.
pub(super) struct Watch {
    end: Instant,
    last: Instant,
}

impl Watch {
    pub(super) fn start(length: Duration) -> Watch {
        let now = Instant::now();
        Watch { end: now + length, last: now }
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    pub(super) fn note(&mut self, answered: bool) -> Result<(), Error> {
        if answered {
            self.last = Instant::now();
        }
        if self.last.elapsed() > HANGS {
            return Err(Error::Hangs(HANGS));
        }
        Ok(())
    }
}

/// Processor time of both sides over the measured part.
pub(super) struct Meter<'a> {
    server: &'a Process,
    began: Instant,
    server_cpu: Duration,
    own_cpu: Duration,
}

impl<'a> Meter<'a> {
    pub(super) fn start(server: &'a Process) -> Result<Meter<'a>, Error> {
        Ok(Meter { server, server_cpu: server.cpu_time()?, own_cpu: cpu::own_time(), began: Instant::now() })
    }

    pub(super) fn stop(self, mut latencies: Latencies) -> Result<Sample, Error> {
        let seconds = self.began.elapsed().as_secs_f64();
        let server_cpu = self.server.cpu_time()?.saturating_sub(self.server_cpu);
        let own_cpu = cpu::own_time().saturating_sub(self.own_cpu);
        Ok(Sample {
            requests: latencies.count() as u64,
            seconds,
            p50_us: latencies.percentile_us(0.5),
            p99_us: latencies.percentile_us(0.99),
            max_us: latencies.percentile_us(1.0),
            server_cpu_seconds: server_cpu.as_secs_f64(),
            generator_busy: own_cpu.as_secs_f64() / seconds,
        })
    }
}
