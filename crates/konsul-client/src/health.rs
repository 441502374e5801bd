//! Instances and checks as the server writes them, for whoever hands them on.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::options::{Answer, ReadOptions};
use crate::request::Request;
use crate::transport::Transport;

/// Instances, checks, nodes and names of services, each as one piece of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Health<'a>(pub(crate) &'a Transport);

impl Health<'_> {
    /// The instances of a service with their nodes and checks.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service(
        &self,
        name: &str,
        tags: &[String],
        passing: bool,
        options: &ReadOptions,
    ) -> Result<Answer<Box<RawValue>>, Error> {
        let request = Request::get("/v1/health/service/").word(name);
        let request = tags.iter().fold(request, |request, tag| request.param("tag", tag));
        let request = if passing { request.flag("passing") } else { request };
        self.0.json(request.reading(options)).await
    }

    /// The checks of a service's instances.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn checks(&self, service: &str, options: &ReadOptions) -> Result<Answer<Box<RawValue>>, Error> {
        self.0.json(Request::get("/v1/health/checks/").word(service).reading(options)).await
    }

    /// The checks that stand so: `any`, `passing`, `warning` or `critical`.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn state(&self, state: &str, options: &ReadOptions) -> Result<Answer<Box<RawValue>>, Error> {
        self.0.json(Request::get("/v1/health/state/").word(state).reading(options)).await
    }

    /// Every node.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn nodes(&self, options: &ReadOptions) -> Result<Answer<Box<RawValue>>, Error> {
        self.0.json(Request::get("/v1/catalog/nodes").reading(options)).await
    }

    /// The names of services with their tags.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn services(&self, options: &ReadOptions) -> Result<Answer<Box<RawValue>>, Error> {
        self.0.json(Request::get("/v1/catalog/services").reading(options)).await
    }
}
