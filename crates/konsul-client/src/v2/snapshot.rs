//! Backups over `/v2`: streamed both ways, and those that the server takes by itself.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use konsul_api::v2::backup::{Backup, Backups};
use konsul_api::v2::system::SnapshotRestored;

use super::V2;
use crate::error::Error;
use crate::transport::{Body, ByteSource, Reply};

const PATH: &str = "/v2/snapshot";

impl V2<'_> {
    /// Begins to read a backup: take its bytes with [`Reply::piece`]. Its index is in [`Reply::meta`].
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn snapshot_save(&self) -> Result<Reply, Error> {
        self.send(&self.get(PATH)).await
    }

    /// Replaces the whole state by a backup whose bytes come from `source`, at once or not at all.
    ///
    /// # Errors
    /// [`Error`], as every call. The state is untouched unless the outcome is unknown.
    pub async fn snapshot_restore(&self, source: ByteSource) -> Result<SnapshotRestored, Error> {
        let call = self
            .write(Method::PUT, PATH)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(call.stream(self.transport, Body::stream(source)).await?.json().await?.value)
    }

    /// The schedule of the backups that the server takes by itself, and what it keeps.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn backup_list(&self) -> Result<Backups, Error> {
        self.answer(&self.get("/v2/backups")).await
    }

    /// Takes such a backup now.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn backup_run(&self) -> Result<Backup, Error> {
        self.answer(&self.write(Method::POST, "/v2/backups")).await
    }
}
