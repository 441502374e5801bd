//! The server itself over `/v2`: what it is, what it holds, what it allows, how much it logs.

use http::{Method, StatusCode};
use konsul_api::v2::system::{Health, Limits, LogLevel, MetricsHistory, System, Usage};

use super::V2;
use super::call::Call;
use crate::error::Error;
use crate::options::Consistency;
use crate::request::Request;

const LOG_LEVEL: &str = "/v2/system/log_level";

impl V2<'_> {
    /// What the server is, who leads, and whether it is well.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn system(&self, consistency: Option<Consistency>) -> Result<System, Error> {
        self.answer(&self.get("/v2/system").consistency(consistency)).await
    }

    /// Every bound that is in force.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn limits(&self, consistency: Option<Consistency>) -> Result<Limits, Error> {
        self.answer(&self.get("/v2/limits").consistency(consistency)).await
    }

    /// How much there is, by namespace.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn usage(&self, consistency: Option<Consistency>) -> Result<Usage, Error> {
        self.answer(&self.get("/v2/usage").consistency(consistency)).await
    }

    /// All figures as they are now, in Prometheus' text form: `/metrics`.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn metrics(&self) -> Result<Vec<u8>, Error> {
        self.send(&Call::get("/metrics")).await?.bytes().await
    }

    /// The main figures of the last hour.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn metrics_history(&self) -> Result<MetricsHistory, Error> {
        self.answer(&self.get("/v2/metrics/history")).await
    }

    /// Whether the server is well, also while it is not: `/health`, which needs no leader and no credential.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn health(&self) -> Result<Health, Error> {
        let reply = self.transport.send(Request::get("/health")).await?;
        // A server that is not well says so with this status, and why in the same body.
        let is_told = reply.status() == StatusCode::SERVICE_UNAVAILABLE;
        let reply = if is_told { reply } else { reply.success().await? };
        Ok(reply.json().await?.value)
    }

    /// How much is logged.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn log_level_get(&self) -> Result<LogLevel, Error> {
        self.answer(&self.get(LOG_LEVEL)).await
    }

    /// Changes how much is logged, until the next start.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn log_level_set(&self, level: &LogLevel) -> Result<LogLevel, Error> {
        self.answer(&self.write(Method::PUT, LOG_LEVEL).json(level)?).await
    }

    /// The document that describes the API (OpenAPI), as JSON.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn openapi(&self) -> Result<Vec<u8>, Error> {
        self.send(&self.get("/v2/openapi.json")).await?.bytes().await
    }
}
