//! Who leads and who votes.

use crate::error::Error;
use crate::request::Request;
use crate::transport::Transport;

/// Calls about the cluster's state that anybody may make.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a>(pub(crate) &'a Transport);

impl Status<'_> {
    /// The leader's server address; `None` if nobody leads.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn leader(&self) -> Result<Option<String>, Error> {
        let leader: String = self.0.json(Request::get("/v1/status/leader")).await?.value;
        Ok((!leader.is_empty()).then_some(leader))
    }

    /// The servers' addresses.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn peers(&self) -> Result<Vec<String>, Error> {
        Ok(self.0.json(Request::get("/v1/status/peers")).await?.value)
    }
}
