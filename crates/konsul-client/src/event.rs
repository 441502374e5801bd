//! Events: short messages to every agent.

use serde::Deserialize;

use crate::error::Error;
use crate::options::{Answer, ReadOptions};
use crate::request::Request;
use crate::transport::Transport;
use crate::wire;

/// A fired event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Event {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its bytes.
    #[serde(deserialize_with = "wire::bytes")]
    pub payload: Vec<u8>,
    /// Regular expression over node names.
    pub node_filter: String,
    /// Regular expression over service names.
    pub service_filter: String,
    /// Regular expression over tags.
    pub tag_filter: String,
    /// Its place among events.
    #[serde(rename = "LTime")]
    pub ltime: u64,
}

/// An event to fire; empty filters mean everybody.
#[derive(Debug, Clone, Default)]
pub struct NewEvent {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Regular expression over node names.
    pub node: String,
    /// Regular expression over service names.
    pub service: String,
    /// Regular expression over tags.
    pub tag: String,
}

/// Calls on events.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a>(pub(crate) &'a Transport);

impl Events<'_> {
    /// Fires an event.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn fire(&self, event: NewEvent) -> Result<Event, Error> {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let request = Request::put("/v1/event/fire/")
            .word(&event.name)
            .maybe("node", some(event.node))
            .maybe("service", some(event.service))
            .maybe("tag", some(event.tag))
            .body(event.payload);
        Ok(self.0.json(request).await?.value)
    }

    /// Lists the events that the agent keeps, oldest first.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn list(&self, name: Option<&str>, options: &ReadOptions) -> Result<Answer<Vec<Event>>, Error> {
        self.0.json(Request::get("/v1/event/list").maybe("name", name).reading(options)).await
    }
}
