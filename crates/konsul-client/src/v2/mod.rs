//! Konsul's own API, `/v2`: typed calls on the wire types of `konsul-api`.
//!
//! What it adds to the bare requests: a write carries an idempotency key, so that a call whose answer was lost is made
//! again by itself and still happens once ([`retry`]); lists come page by page ([`page`]); a watch goes on where it was
//! cut, by its cursor ([`watch`]); exports and imports stream; a refusal is the server's problem document as a type
//! ([`problem`]).
//!
//! [`V2`] borrows a [`Client`](crate::Client). Each operation is a method of it with the operation's own id, in a file for
//! each noun: `client.v2().kv_get("app/color", None)`. Bodies and answers are the wire's own types, [`api`].

mod agent;
pub mod batch;
mod call;
pub mod discovery;
pub mod event;
pub mod kv;
mod lines;
mod lock;
pub mod page;
pub mod problem;
mod query;
pub mod retry;
mod session;
mod snapshot;
mod sse;
mod system;
pub mod transfer;
pub mod watch;

use http::Method;
use serde::de::DeserializeOwned;

pub use call::Condition;
pub use konsul_api::v2 as api;
pub use page::Pages;
pub use problem::{Problem, ShapeError};
pub use retry::Retry;

use crate::error::Error;
use crate::transport::{Reply, Transport};
use call::Call;

/// A handle on `/v2` of one agent, with what its calls have in common.
#[derive(Debug, Clone, Copy)]
pub struct V2<'a> {
    transport: &'a Transport,
    namespace: Option<&'a str>,
    retry: Retry,
}

impl<'a> V2<'a> {
    pub(crate) fn new(transport: &'a Transport) -> V2<'a> {
        V2 { transport, namespace: None, retry: Retry::default() }
    }

    /// The same handle for a namespace; `None` for the client's.
    #[must_use]
    pub fn namespace(self, namespace: Option<&'a str>) -> V2<'a> {
        V2 { namespace, ..self }
    }

    /// The same handle with another patience for calls that fail.
    #[must_use]
    pub fn retrying(self, retry: Retry) -> V2<'a> {
        V2 { retry, ..self }
    }

    /// A watch. Nothing is dialled before its first step.
    pub fn watch(&self, query: &watch::WatchQuery) -> watch::Watch<'a> {
        watch::Watch::new(*self, query)
    }

    fn get(&self, path: &str) -> Call {
        Call::get(path).namespace(self.namespace)
    }

    fn write(&self, method: Method, path: &str) -> Call {
        Call::write(method, path).namespace(self.namespace)
    }

    async fn send(&self, call: &Call) -> Result<Reply, Error> {
        call.send(self.transport, &self.retry).await
    }

    async fn answer<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        call.answer(self.transport, &self.retry).await
    }

    async fn found<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, Error> {
        call.found(self.transport, &self.retry).await
    }

    async fn done(&self, call: &Call) -> Result<(), Error> {
        call.done(self.transport, &self.retry).await
    }
}
