//! Ten thousand readers that wait: how soon the last of them knows of a write, what each costs in memory, and what they cost
//! a write that does not concern them.

use std::time::Instant;

use super::{KONSUL, closed_loop, connections};
use crate::error::{Error, Result};
use crate::load::{Herd, Response};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::server::{Running, ask, konsul_read};
use crate::work::{Dialect, Keys, Put};

const PART: &str = "Parked readers";

const WATCHED: &str = "/v1/kv/watched";

/// Measures parked readers.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn parked(bench: &mut Bench) -> Result<()> {
    wakes(bench)?;
    elsewhere(bench)
}

fn wakes(bench: &mut Bench) -> Result<()> {
    let readers = bench.plan.readers;
    let what = format!("{readers} readers of one key");
    say(&format!("{what}, {} wakes", bench.plan.wakes));
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    write(&server, 0)?;
    server.process.until_quiet()?;
    let before = server.process.memory()?;
    let mut herd = Herd::connect(server.address, readers)?;
    for run in 1..=bench.plan.wakes {
        herd.park(&format!("{WATCHED}?index={}&wait=10m", index(&server)?), &server.process)?;
        if run == 1 {
            let each = server.process.memory()?.saturating_sub(before) as f64 / readers as f64;
            bench.report.add(PART, &format!("{what}: memory of each"), KONSUL, Figure::Bytes, each);
        }
        let value = format!("run{run:06}");
        let since = Instant::now();
        write(&server, run)?;
        let encoded = base64(&value);
        let woken = herd.all_answered(since, |response| judge(response, &encoded))?;
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        bench.report.add(
            PART,
            &format!("{what}: first answer"),
            KONSUL,
            Figure::Milliseconds,
            ms(woken.first),
        );
        bench.report.add(PART, &format!("{what}: last answer"), KONSUL, Figure::Milliseconds, ms(woken.last));
    }
    judge_wakes(bench, &what);
    server.stop()
}

fn judge_wakes(bench: &mut Bench, what: &str) {
    let mut last =
        bench.report.values(PART, &format!("{what}: last answer"), KONSUL, Figure::Milliseconds).to_vec();
    last.sort_by(f64::total_cmp);
    // All but one in twenty.
    let rank = (last.len() as f64 * 0.95).ceil() as usize;
    let nineteen = last[rank.clamp(1, last.len()) - 1];
    bench.report.judge(
        &format!("{what}: last answer, ms, in 19 of 20 runs"),
        vec![nineteen],
        Goal::AtMost(150.0),
    );
    let memory = bench.report.values(PART, &format!("{what}: memory of each"), KONSUL, Figure::Bytes);
    let kib = memory.iter().map(|bytes| bytes / 1024.0).collect();
    bench.report.judge(&format!("{what}: memory of each, KiB"), kib, Goal::AtMost(15.0));
}

fn elsewhere(bench: &mut Bench) -> Result<()> {
    let readers = bench.plan.readers;
    let (alone, beside) = (
        format!("PUT, {}, nobody parked", connections(64)),
        format!("PUT, {}, {readers} parked", connections(64)),
    );
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    write(&server, 0)?;
    let mut put = Put::new(Dialect::Konsul, Keys::random(10_000));
    // Twice as many rounds: what is looked for is small.
    for round in 1..=bench.plan.rounds * 2 {
        say(&format!("{readers} readers parked elsewhere, round {round} of {}", bench.plan.rounds * 2));
        let sample = closed_loop(&bench.plan, &server, 64, &mut put)?;
        bench.report.add_sample(PART, &alone, KONSUL, &sample);
        let mut herd = Herd::connect(server.address, readers)?;
        herd.park(&format!("{WATCHED}?index={}&wait=10m", index(&server)?), &server.process)?;
        let sample = closed_loop(&bench.plan, &server, 64, &mut put)?;
        bench.report.add_sample(PART, &beside, KONSUL, &sample);
        drop(herd);
        server.process.until_quiet()?;
    }
    for (figure, goal) in [(Figure::Rate, Goal::AtLeast(0.95)), (Figure::CpuEach, Goal::Shown)] {
        let with = bench.report.values(PART, &beside, KONSUL, figure).to_vec();
        let without = bench.report.values(PART, &alone, KONSUL, figure).to_vec();
        let title = figure.title().split(',').next().unwrap_or_default();
        bench.report.judge_ratio(
            &format!("an unrelated PUT: {title}, {readers} parked / nobody"),
            &with,
            &without,
            goal,
        );
    }
    server.stop()
}

fn write(server: &Running, run: usize) -> Result<()> {
    match ask(server.address, "PUT", WATCHED, format!("run{run:06}").as_bytes()) {
        Some((200, body)) if body == b"true" => Ok(()),
        other => Err(Error::Process(format!("writing {WATCHED}: {other:?}"))),
    }
}

/// The index of the watched key.
fn index(server: &Running) -> Result<u64> {
    let body = konsul_read(server.address, WATCHED)?;
    let entries: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    entries[0]["ModifyIndex"]
        .as_u64()
        .ok_or_else(|| Error::Process(format!("{WATCHED} has no index: {}", String::from_utf8_lossy(&body))))
}

fn base64(value: &str) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(value)
}

fn judge(response: &Response<'_>, encoded: &str) -> Result<()> {
    let right = response.body.windows(encoded.len()).any(|window| window == encoded.as_bytes());
    if right && response.status == 200 { Ok(()) } else { Err(Error::wrong("a blocking query", response)) }
}
