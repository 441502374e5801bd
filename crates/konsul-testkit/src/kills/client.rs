//! The clients that write until the server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use konsul_client::kv::{PutMode, PutOptions};
use konsul_client::txn::{KvOp, Outcome};
use konsul_client::{Client, ReadOptions};
use tokio::task::JoinSet;

use super::ledger::{COUNTER, Known, Ledger, pair_keys, single_key};
use super::number;

/// Clients at work.
pub(super) struct Load {
    clients: JoinSet<Worker>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    unknown: AtomicU64,
    raises_sent: AtomicU64,
    raises_acknowledged: AtomicU64,
}

/// One client: its number, what it knows, and the highest index that it saw.
struct Worker {
    number: usize,
    client: Client,
    single: Known,
    pair: Known,
    index: u64,
    shared: Arc<Shared>,
}

/// What came of one write.
enum Fate {
    Acknowledged,
    Unknown,
    Refused,
}

impl Load {
    pub(super) fn start(ledger: &Ledger, client: &Client) -> Load {
        let shared = Arc::<Shared>::default();
        let mut clients = JoinSet::new();
        for number in 0..ledger.single.len() {
            let worker = Worker {
                number,
                client: client.clone(),
                single: ledger.single[number],
                pair: ledger.pairs[number],
                index: 0,
                shared: Arc::clone(&shared),
            };
            clients.spawn(worker.work());
        }
        Load { clients, shared }
    }

    /// Ends the clients and enters what they know. Answers acknowledged and unknown writes.
    pub(super) async fn stop(mut self, ledger: &mut Ledger) -> (u64, u64) {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            let worker = ended.expect("a client does not panic");
            ledger.single[worker.number] = worker.single;
            ledger.pairs[worker.number] = worker.pair;
            ledger.index = ledger.index.max(worker.index);
        }
        ledger.counter.sent += self.shared.raises_sent.load(Ordering::Relaxed);
        ledger.counter.acknowledged += self.shared.raises_acknowledged.load(Ordering::Relaxed);
        (self.shared.acknowledged.load(Ordering::Relaxed), self.shared.unknown.load(Ordering::Relaxed))
    }
}

impl Worker {
    /// Writes until told to stop or until a write's outcome is unknown: then the server is gone.
    async fn work(mut self) -> Worker {
        let mut turn = self.number;
        while !self.shared.stop.load(Ordering::Relaxed) {
            turn += 1;
            let fate = match turn % 4 {
                0 => self.write_pair().await,
                1 => self.raise().await,
                _ => self.write_single().await,
            };
            match fate {
                Fate::Acknowledged => self.shared.acknowledged.fetch_add(1, Ordering::Relaxed),
                Fate::Refused => 0,
                Fate::Unknown => {
                    self.shared.unknown.fetch_add(1, Ordering::Relaxed);
                    return self;
                }
            };
        }
        self
    }

    async fn write_single(&mut self) -> Fate {
        let key = single_key(self.number);
        self.single.sent += 1;
        let value = self.single.sent.to_string().into_bytes();
        match self.client.kv().put(&key, value, &PutOptions::default()).await {
            Ok(true) => {
                self.single.acknowledged = self.single.sent;
                self.read_back(&key).await
            }
            Ok(false) => Fate::Refused,
            Err(why) if why.never_sent() => {
                self.single.sent -= 1;
                Fate::Unknown
            }
            Err(_) => Fate::Unknown,
        }
    }

    /// What this client wrote is what it reads, at an index that rises.
    async fn read_back(&mut self, key: &str) -> Fate {
        if let Ok((found, modify_index, index)) = number(&self.client, key).await {
            assert_eq!(found, self.single.acknowledged, "{key} does not hold what was acknowledged");
            assert_eq!(index, modify_index, "{key} is answered with another index than its own");
            assert!(index > self.index, "{key}: index {index} after {}", self.index);
            self.index = index;
        }
        Fate::Acknowledged
    }

    async fn write_pair(&mut self) -> Fate {
        self.pair.sent += 1;
        let value = self.pair.sent.to_string().into_bytes();
        let ops = pair_keys(self.number).map(|key| KvOp {
            verb: "set".into(),
            key,
            value: value.clone(),
            ..KvOp::default()
        });
        match self.client.txn().run(&ops, &ReadOptions::default()).await {
            Ok(Outcome::Committed(_)) => {
                self.pair.acknowledged = self.pair.sent;
                Fate::Acknowledged
            }
            Ok(_) => Fate::Refused,
            Err(why) if why.never_sent() => {
                self.pair.sent -= 1;
                Fate::Unknown
            }
            Err(_) => Fate::Unknown,
        }
    }

    /// Raises the common counter by one, if nobody else did since it was read.
    async fn raise(&mut self) -> Fate {
        let Ok((value, modify_index, _)) = number(&self.client, COUNTER).await else { return Fate::Unknown };
        self.shared.raises_sent.fetch_add(1, Ordering::Relaxed);
        let options = PutOptions { mode: PutMode::Cas(modify_index), ..PutOptions::default() };
        match self.client.kv().put(COUNTER, (value + 1).to_string().into_bytes(), &options).await {
            Ok(true) => {
                self.shared.raises_acknowledged.fetch_add(1, Ordering::Relaxed);
                Fate::Acknowledged
            }
            Ok(false) => {
                self.shared.raises_sent.fetch_sub(1, Ordering::Relaxed);
                Fate::Refused
            }
            Err(_) => Fate::Unknown,
        }
    }
}
