//! Backups, streamed both ways.

use crate::error::Error;
use crate::options::ReadOptions;
use crate::request::Request;
use crate::transport::{Body, ByteSource, Reply, Transport};

/// Calls on backups.
#[derive(Debug, Clone, Copy)]
pub struct Snapshots<'a>(pub(crate) &'a Transport);

impl Snapshots<'_> {
    /// Begins to read a backup: take its bytes with [`Reply::piece`]. Its index is in [`Reply::meta`].
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn save(&self, options: &ReadOptions) -> Result<Reply, Error> {
        self.0.send(Request::get("/v1/snapshot").reading(options)).await?.success().await
    }

    /// Replaces the whole state by a backup whose bytes come from `source`.
    ///
    /// # Errors
    /// [`Error`], as every call. The state is untouched unless the outcome is unknown.
    pub async fn restore(&self, source: ByteSource) -> Result<(), Error> {
        self.0.done(Request::put("/v1/snapshot").stream(Body::stream(source))).await
    }
}
