//! The clients: a fixed number of each kind, always at work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use konsul_client::kv::{PutMode, PutOptions};
use konsul_client::session::NewSession;
use konsul_client::{Client, Error, ReadOptions, WriteOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Options;

/// Clients that overwrite keys.
const WRITERS: u64 = 16;
/// Clients that make sessions and take locks.
const HOLDERS: u64 = 4;
/// Clients that wait for changes.
const READERS: u64 = 32;
/// Clients that hang up in the middle of a request.
const DROPPERS: u64 = 2;

/// Every so many sessions one is left to run out.
const ABANDONED: u64 = 8;

/// Between two turns of a client that is not a writer.
const TURN: Duration = Duration::from_millis(200);

/// Failures that are kept: the first ones tell.
const FAILURES_MAX: usize = 5;

/// Clients at work. Dropping it cuts them off.
pub(super) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

/// What the clients did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Overwritten keys.
    pub(super) writes: u64,
    sessions: u64,
    waits: u64,
    dropped: u64,
    /// What a client did not expect.
    pub(super) failures: Vec<String>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Done { writes, sessions, waits, dropped, .. } = self;
        write!(f, "{writes} writes, {sessions} sessions, {waits} waits, {dropped} dropped connections")
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    writes: AtomicU64,
    sessions: AtomicU64,
    waits: AtomicU64,
    dropped: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(super) fn start(client: &Client, options: &Options) -> Load {
        let shared = Arc::<Shared>::default();
        let mut clients = JoinSet::new();
        for number in 0..WRITERS {
            clients.spawn(write(client.clone(), number, options.clone(), Arc::clone(&shared)));
        }
        for number in 0..HOLDERS {
            clients.spawn(hold(client.clone(), number, Arc::clone(&shared)));
        }
        for number in 0..READERS {
            clients.spawn(wait(client.clone(), number, options.keys, Arc::clone(&shared)));
        }
        for number in 0..DROPPERS {
            clients.spawn(hang_up(client.address().to_owned(), number, Arc::clone(&shared)));
        }
        Load { clients, shared }
    }

    /// What was done so far.
    pub(super) fn done(&self) -> Done {
        self.shared.done()
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.shared.failures().is_empty()
    }

    /// Ends the clients, each after its turn, and lets their connections go.
    pub(super) async fn stop(mut self) -> Done {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            if let Err(why) = ended {
                self.shared.fail(&why.to_string());
            }
        }
        self.shared.done()
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn fail(&self, what: &str) {
        let mut failures = self.failures();
        if failures.len() < FAILURES_MAX {
            failures.push(what.to_owned());
        }
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> Done {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Done {
            writes: count(&self.writes),
            sessions: count(&self.sessions),
            waits: count(&self.waits),
            dropped: count(&self.dropped),
            failures: self.failures().clone(),
        }
    }

    /// Counts what went as it should and notes what did not.
    fn note<T>(&self, counter: &AtomicU64, what: &str, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                counter.fetch_add(1, Ordering::Relaxed);
                Some(value)
            }
            Err(why) => {
                self.fail(&format!("{what}: {why}"));
                None
            }
        }
    }
}

fn key(number: u64) -> String {
    format!("soak/{}/{number:06}", number % 10)
}

/// Overwrites its part of the keys, one after another, again and again.
async fn write(client: Client, number: u64, options: Options, shared: Arc<Shared>) {
    let mut ticks = interval(Duration::from_secs(WRITERS).div_f64(options.writes_per_second as f64));
    // A slow moment is not made up for by a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = number;
    while shared.goes_on() {
        ticks.tick().await;
        let value = format!("{turn:0100}").into_bytes();
        let done = client.kv().put(&key(turn % options.keys), value, &PutOptions::default()).await;
        shared.note(&shared.writes, "a write", done);
        turn += WRITERS;
    }
}

/// Makes a session, takes a lock with it, gives it back, and ends the session or leaves it to run out.
async fn hold(client: Client, number: u64, shared: Arc<Shared>) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = number;
    while shared.goes_on() {
        turns.tick().await;
        turn += 1;
        let outcome = hold_once(&client, number, turn.is_multiple_of(ABANDONED)).await;
        shared.note(&shared.sessions, "a session and its lock", outcome);
    }
}

async fn hold_once(client: &Client, number: u64, abandoned: bool) -> Result<(), Error> {
    let wanted = NewSession { ttl: "10s".to_owned(), lock_delay: "0s".to_owned(), ..NewSession::default() };
    let session = client.session().create(&wanted, &WriteOptions::default()).await?;
    let lock = format!("soak/lock/{number}");
    let put = |mode| PutOptions { mode, ..PutOptions::default() };
    // A lock that an abandoned session still has is refused, which is no failure.
    client.kv().put(&lock, b"held".to_vec(), &put(PutMode::Acquire(session.clone()))).await?;
    if abandoned {
        return Ok(());
    }
    client.session().renew(&session, &WriteOptions::default()).await?;
    client.kv().put(&lock, Vec::new(), &put(PutMode::Release(session.clone()))).await?;
    client.session().destroy(&session, &WriteOptions::default()).await
}

/// Waits for a change of a key or of a prefix. Every other time it does not wait for the answer.
async fn wait(client: Client, number: u64, keys: u64, shared: Arc<Shared>) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut turn, mut index) = (number, 1);
    while shared.goes_on() {
        turns.tick().await;
        turn += 1;
        let options = ReadOptions::default().wait_for(index, Duration::from_secs(2));
        let reading = async {
            if number.is_multiple_of(2) {
                client.kv().get(&key(turn % keys), &options).await.map(|answer| answer.meta)
            } else {
                client.kv().list(&format!("soak/{}/", turn % 10), &options).await.map(|answer| answer.meta)
            }
        };
        if turn.is_multiple_of(2) {
            // A key that nobody writes in the meantime leaves the reader parked; dropping it closes its connection.
            let _ = timeout(TURN / 4, reading).await;
            shared.waits.fetch_add(1, Ordering::Relaxed);
        } else if let Some(meta) = shared.note(&shared.waits, "a blocking read", reading.await) {
            index = meta.index;
        }
    }
}

/// Opens a connection, sends the beginning of a request, and hangs up.
async fn hang_up(address: String, number: u64, shared: Arc<Shared>) {
    const BEGINNINGS: [&[u8]; 4] = [
        b"",
        b"GET /v1/kv/soak HTTP/1.1\r\nHost: k",
        b"PUT /v1/kv/soak/half HTTP/1.1\r\nHost: k\r\nContent-Length: 100\r\n\r\nhalf",
        b"GET /v1/kv/soak/nothing?index=1&wait=60s HTTP/1.1\r\nHost: k\r\n\r\n",
    ];
    let mut turns = interval(TURN / 4);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = number as usize;
    while shared.goes_on() {
        turns.tick().await;
        turn += 1;
        let outcome = async {
            let mut socket = TcpStream::connect(&address).await?;
            socket.write_all(BEGINNINGS[turn % BEGINNINGS.len()]).await
        };
        match outcome.await {
            Ok(()) => drop(shared.dropped.fetch_add(1, Ordering::Relaxed)),
            Err(why) => shared.fail(&format!("a connection: {why}")),
        }
    }
}
