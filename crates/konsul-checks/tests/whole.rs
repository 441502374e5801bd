//! The whole way in real time: a check of a real server turns critical and comes back, and what that takes.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::Script;
use konsul_checks::{
    Alias, CheckKey, Checks, Definition, Event, HttpCheck, Initial, Kind, Machine, Polled, Probe, Run,
    RunFuture, Runners, Settings, TargetHealth, Targets,
};
use konsul_runtime::sync::{mpsc, watch};
use konsul_types::{CheckId, CheckStatus};

struct NoTargets;

impl Targets for NoTargets {
    fn watch(&self, _: &Alias) -> watch::Receiver<TargetHealth> {
        watch::channel(TargetHealth::Absent).1
    }
}

fn key(id: &str) -> CheckKey {
    CheckKey::of(CheckId::new(id).unwrap())
}

fn each_second(url: &str) -> Definition {
    Definition::new(Kind::Polled(Polled::new(Probe::Http(HttpCheck::get(url)), Duration::from_secs(1))))
}

async fn next(events: &mut mpsc::Receiver<Event>) -> (CheckStatus, String) {
    loop {
        let event = tokio::time::timeout(common::LONG, events.recv()).await.expect("it is told").unwrap();
        if let Event::Report(report) = event {
            return (report.status, report.output.to_string());
        }
    }
}

#[tokio::test]
async fn a_change_is_reported_within_an_interval() {
    let script = Script::default();
    script.status("200 OK", "up");
    let server = script.start();
    let url = format!("http://{}/", server.address);
    let (checks, mut events) =
        Checks::start(&Settings::default(), Arc::new(Machine::default()), Arc::new(NoTargets));
    checks.add(key("web"), each_second(&url), Initial::default()).unwrap();
    let told = |line: &str, body: &str| format!("HTTP GET {url}: {line} Output: {body}");
    assert_eq!(next(&mut events).await, (CheckStatus::Passing, told("200 OK", "up")));
    for _ in 0..2 {
        script.status("500 Internal Server Error", "down");
        let begun = Instant::now();
        let critical = (CheckStatus::Critical, told("500 Internal Server Error", "down"));
        assert_eq!(next(&mut events).await, critical);
        script.status("200 OK", "up");
        assert_eq!(next(&mut events).await, (CheckStatus::Passing, told("200 OK", "up")));
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    assert_eq!(checks.stats().skipped, 0);
}

#[tokio::test]
async fn an_alias_without_a_port_says_so() {
    let (checks, mut events) =
        Checks::start(&Settings::default(), Arc::new(Machine::default()), Arc::new(NoTargets));
    let alias = Alias {
        node: None,
        service: Some("web".into()),
        namespace: konsul_types::Namespace::default_namespace(),
    };
    checks
        .add(key("al"), Definition::new(Kind::Alias(alias)), Initial::status(CheckStatus::Passing))
        .unwrap();
    let (status, output) = next(&mut events).await;
    assert_eq!(status, CheckStatus::Critical);
    assert!(
        output.contains("could not be found") || output.starts_with("Failure checking aliased"),
        "{output}"
    );
}

/// Runners that panic: a defect of one kind must not take the keeper with it.
struct Panicking;

impl Runners for Panicking {
    fn runner(&self, _: &Probe) -> Arc<dyn Run> {
        Arc::new(Self)
    }
}

impl Run for Panicking {
    fn run(&self, _: konsul_checks::Limit) -> RunFuture<'_> {
        Box::pin(async { panic!("a defect on purpose") })
    }
}

#[tokio::test]
async fn a_runner_that_panics_is_critical_and_runs_again() {
    let settings = Settings { running_max: 1, ..Settings::default() };
    let (checks, mut events) = Checks::start(&settings, Arc::new(Panicking), Arc::new(NoTargets));
    checks.add(key("a"), each_second("http://127.0.0.1:1/"), Initial::status(CheckStatus::Passing)).unwrap();
    assert_eq!(
        next(&mut events).await,
        (CheckStatus::Critical, "the check ended without a result".to_owned())
    );
    let ran = async {
        while checks.stats().runs["http"].critical < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(common::LONG, ran).await.unwrap();
    assert_eq!(checks.stats().running, 0);
}
