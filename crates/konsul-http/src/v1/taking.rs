//! Bodies that are JSON, read whole.

use std::sync::Arc;

use hyper::body::Incoming;
use konsul_api::v1::decode::{Unknown, from_slice};
use serde::de::DeserializeOwned;

use super::inbound::Inbound;
use super::kv::body_refused;
use super::reply::Reply;
use crate::intake::{self, Pace};
use crate::service::Edge;

/// A body that is still to be taken in.
pub(crate) struct Taking {
    pub(crate) edge: Arc<Edge>,
    body: Incoming,
    pace: Pace,
    /// Whether the client said that there is one. As in Consul, a body without a declared length counts as none where it
    /// may be left out.
    pub(crate) is_declared: bool,
}

impl Inbound<'_> {
    /// Takes the body, to be decoded later.
    pub(crate) fn taking(&mut self) -> Taking {
        let (is_declared, pace) = (self.declared_length().is_some_and(|length| length > 0), self.pace());
        Taking { edge: Arc::clone(self.edge), body: self.take_body(), pace, is_declared }
    }
}

impl Taking {
    /// Reads the body.
    pub(crate) async fn decode<T: DeserializeOwned>(self, unknown: Unknown) -> Result<T, Reply> {
        let limit = self.edge.settings.limits.body_bytes;
        let bytes = intake::read(self.body, limit, self.pace)
            .await
            .map_err(|why| body_refused(&why, "the server's bound on bodies"))?;
        from_slice(&bytes, unknown).map_err(|why| Reply::bad(format!("Request decode failed: {why}")))
    }
}
