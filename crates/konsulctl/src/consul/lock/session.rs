//! The session under a lock: made, kept alive, ended. It counts as lost when it could not be renewed in time by this
//! machine's own clock, whether or not anybody says so.

use std::time::Duration;

use konsul_client::session::NewSession;
use konsul_client::{Client, Error, WriteOptions};

use crate::clock::since_boot;

/// Consul's own choice.
const TTL: Duration = Duration::from_secs(15);

/// This long before its end a session counts as lost, so that what runs under it can be stopped in time.
const MARGIN: Duration = Duration::from_secs(5);

/// How long the end may take.
const END: Duration = Duration::from_secs(5);

pub(super) struct Session {
    client: Client,
    pub(super) id: String,
    valid_until: Duration,
}

impl Session {
    pub(super) async fn create(client: &Client, name: &str) -> Result<Session, Error> {
        let wanted = NewSession { name: name.to_owned(), ttl: "15s".to_owned(), ..NewSession::default() };
        let sent = since_boot();
        let id = client.session().create(&wanted, &WriteOptions::default()).await?;
        Ok(Session { client: client.clone(), id, valid_until: sent + TTL })
    }

    fn left(&self) -> Duration {
        (self.valid_until - MARGIN).saturating_sub(since_boot())
    }

    /// Keeps it alive until it is lost.
    pub(super) async fn keep(&mut self) {
        let mut pause = TTL / 3;
        loop {
            tokio::time::sleep(pause.min(self.left())).await;
            let left = self.left();
            if left.is_zero() {
                return;
            }
            let sent = since_boot();
            let options = WriteOptions::default();
            match tokio::time::timeout(left, self.client.session().renew(&self.id, &options)).await {
                Ok(Ok(Some(_))) => {
                    self.valid_until = sent + TTL;
                    pause = TTL / 3;
                }
                Ok(Err(_)) => pause = Duration::from_millis(500),
                Ok(Ok(None)) | Err(_) => return,
            }
        }
    }

    /// Ends it. If that fails its time to live does it.
    pub(super) async fn end(&self) {
        let options = WriteOptions::default();
        let _ = tokio::time::timeout(END, self.client.session().destroy(&self.id, &options)).await;
    }
}
