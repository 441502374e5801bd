//! A client that is cut again and again sees every change once and in order: resumed by cursor, over both kinds of
//! streams, while somebody writes all the time.
//!
//! By default some forty cuts in a few seconds. `KONSUL_CUT_SECONDS=60` cuts once a second for a minute.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::json;
use support::PATIENCE;
use support::real::{Real, put};
use support::sse::Events;
use support::ws::Socket;
use tokio::time::timeout;

/// How often the client is cut, and how long each of its connections lives.
#[derive(Debug, Clone, Copy)]
struct Plan {
    cuts: u64,
    each: Duration,
}

fn plan() -> Plan {
    match std::env::var("KONSUL_CUT_SECONDS") {
        Ok(seconds) => Plan { cuts: seconds.parse().unwrap(), each: Duration::from_secs(1) },
        Err(_) => Plan { cuts: 40, each: Duration::from_millis(60) },
    }
}

/// Writes numbered values, one after the other and now and then several keys in one entry, until it is told to stop;
/// answers how many.
fn write(real: &Arc<Real>, stop: &Arc<AtomicBool>, written: &Arc<AtomicU64>) -> tokio::task::JoinHandle<()> {
    let (real, stop, written) = (Arc::clone(real), Arc::clone(stop), Arc::clone(written));
    tokio::spawn(async move {
        while !stop.load(SeqCst) {
            let number = written.load(SeqCst);
            if number % 10 == 0 {
                let keys: Vec<String> = (number..number + 3).map(key).collect();
                real.put_together(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
                written.store(number + 3, SeqCst);
            } else {
                put(&real.node, &key(number), "x").await;
                written.store(number + 1, SeqCst);
            }
            // Others than the client's, too.
            put(&real.node, "other", "x").await;
        }
    })
}

fn key(number: u64) -> String {
    format!("app/{number}/x")
}

/// What a client knows over all its connections.
#[derive(Debug, Default)]
struct Knows {
    next: u64,
    cursor: Option<String>,
    /// How often it went on from a cursor of a change.
    resumed: u64,
    after_change: bool,
}

impl Knows {
    fn take(&mut self, kind: &str, changed: Option<&str>, cursor: &str) {
        match kind {
            "change" => {
                assert_eq!(changed, Some(key(self.next).as_str()), "after {self:?}");
                self.next += 1;
            }
            "ready" => self.resumed += u64::from(self.after_change),
            "heartbeat" => {}
            other => panic!("{other} after {self:?}"),
        }
        self.after_change = kind == "change";
        self.cursor = Some(cursor.to_owned());
    }
}

/// How long a connection lives.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// So long, and then it is cut, in the middle of whatever comes.
    Cut(Duration),
    /// Until so many changes are known.
    Known(u64),
}

impl Until {
    fn ends(self) -> Instant {
        Instant::now() + if let Until::Cut(each) = self { each } else { PATIENCE }
    }

    /// Whether everything that is waited for is known.
    fn is_over(self, knows: &Knows) -> bool {
        matches!(self, Until::Known(all) if knows.next >= all)
    }
}

async fn over_sse(real: &Real, knows: &mut Knows, until: Until) {
    let mut events = Events::open(real.address, QUERY, knows.cursor.as_deref()).await;
    let ends = until.ends();
    while !until.is_over(knows) {
        let left = ends.saturating_duration_since(Instant::now());
        let Ok(Some(frame)) = timeout(left, events.next()).await else { return };
        knows.take(&frame.event, frame.data["key"].as_str(), &frame.id);
    }
}

async fn over_ws(real: &Real, knows: &mut Knows, until: Until) {
    let mut socket = Socket::open(real.address).await;
    socket.subscribe("a", json!({"glob": "app/*/x", "cursor": knows.cursor})).await;
    let ends = until.ends();
    while !until.is_over(knows) {
        let left = ends.saturating_duration_since(Instant::now());
        let Ok(message) = timeout(left, socket.next()).await else { return };
        if let Some(cursor) = message["cursor"].as_str() {
            knows.take(message["type"].as_str().unwrap(), message["key"].as_str(), cursor);
        }
    }
}

const QUERY: &str = "glob=app/*/x";

/// Where a stream stands that begins before anything is written.
async fn beginning(real: &Real) -> Knows {
    let ready = Events::open(real.address, QUERY, None).await.next().await.unwrap();
    Knows { cursor: Some(ready.id), ..Knows::default() }
}

/// Runs a client beside a writer, cuts it as often as the plan says, and lets it see the rest.
macro_rules! cut_again_and_again {
    ($over:ident) => {{
        let (plan, real) = (plan(), Arc::new(Real::start().await));
        let mut knows = beginning(&real).await;
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = write(&real, &stop, &written);
        for _ in 0..plan.cuts {
            $over(&real, &mut knows, Until::Cut(plan.each)).await;
        }
        stop.store(true, SeqCst);
        writer.await.unwrap();
        let written = written.load(SeqCst);
        $over(&real, &mut knows, Until::Known(written)).await;
        assert_eq!(knows.next, written);
        assert!(written > plan.cuts, "too little was written for so many cuts: {written}");
        assert!(knows.resumed > plan.cuts / 2, "{} of {} cuts came after a change", knows.resumed, plan.cuts);
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn over_server_sent_events() {
    cut_again_and_again!(over_sse);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_websocket() {
    cut_again_and_again!(over_ws);
}
