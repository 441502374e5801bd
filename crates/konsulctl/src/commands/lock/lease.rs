//! A session that is kept alive, and the moment up to which it certainly lives.
//!
//! A session ends when it was not renewed for its time to live. The server counts from when it took the last renewal,
//! which is after the renewal was sent: so up to `sent + ttl` on this machine's own clock the session lives, whatever
//! the server, the network and the clock on the wall do meanwhile. Nobody needs to tell us that it is over, and nobody
//! can tell us too late.
//!
//! The clock is [`since_boot`]'s, which goes on while the machine sleeps.

use std::time::Duration;

use konsul_client::Client;

use crate::clock::since_boot;

/// A session that is kept alive.
#[derive(Debug)]
pub(crate) struct Lease {
    client: Client,
    session: String,
    ttl: Duration,
    /// This long before its end it counts as lost, so that what runs under it can be stopped in time.
    margin: Duration,
    valid_until: Duration,
}

/// Why a lease is over.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The server says that the session has ended.
    Ended,
    /// The server says that the lock is somebody else's, or free.
    Taken,
    /// The session was not renewed in time. What stood in the way.
    Expired(String),
}

/// The lock that a lease is for, once it has been granted.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) fencing: u64,
}

impl Lease {
    /// The lease of a session that was asked for at `sent`, by [`since_boot`].
    pub(crate) fn new(
        client: Client,
        session: String,
        ttl: Duration,
        grace: Duration,
        sent: Duration,
    ) -> Lease {
        // Two thirds are left for renewals, also where somebody asks for more grace than there is time.
        let margin = grace.min(ttl / 3);
        Lease { client, session, ttl, margin, valid_until: sent + ttl }
    }

    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// How long it is still good for: zero when what runs under it must be stopped.
    fn left(&self) -> Duration {
        self.valid_until.saturating_sub(self.margin).saturating_sub(since_boot())
    }

    /// Keeps the session alive until it is lost. With a lock it looks at each renewal whether it is still held. The future
    /// may be dropped and asked for again.
    pub(crate) async fn keep(&mut self, held: Option<&Held>) -> Lost {
        let mut obstacle = String::from("the machine or this process was stopped");
        let mut pause = self.ttl / 3;
        loop {
            let wake = self.left().min(pause);
            tokio::time::sleep(wake).await;
            if self.left().is_zero() {
                return Lost::Expired(obstacle);
            }
            let left = self.left();
            match tokio::time::timeout(left, self.renew(held)).await {
                Ok(Ok(None)) => pause = self.ttl / 3,
                Ok(Ok(Some(lost))) => return lost,
                Ok(Err(error)) => {
                    obstacle = error.to_string();
                    pause = (self.ttl / 30).min(Duration::from_secs(1));
                }
                Err(_) => return Lost::Expired("the server did not answer in time".to_owned()),
            }
        }
    }

    async fn renew(&mut self, held: Option<&Held>) -> Result<Option<Lost>, konsul_client::Error> {
        let sent = since_boot();
        if self.client.v2().session_renew(&self.session).await?.is_none() {
            return Ok(Some(Lost::Ended));
        }
        self.valid_until = sent + self.ttl;
        let Some(held) = held else { return Ok(None) };
        let lock = self.client.v2().lock_get(&held.name).await?;
        let ours = lock.is_some_and(|lock| {
            lock.session.as_deref() == Some(&self.session) && lock.fencing == Some(held.fencing)
        });
        Ok((!ours).then_some(Lost::Taken))
    }
}
