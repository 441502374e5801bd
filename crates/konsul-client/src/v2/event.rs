//! Events over `/v2`.

use http::Method;
use konsul_api::v2::event::{Event, EventFire};
use konsul_api::v2::page::EventPage;

use super::call::Call;
use super::{Pages, V2};
use crate::error::Error;

const PATH: &str = "/v2/events";

/// Which events. All that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventSelect {
    /// Only of this name.
    pub name: Option<String>,
    /// Only those for a node of this name, in place of the answering agent's.
    pub node: Option<String>,
    /// Only those for an instance of this service, in place of those that the answering agent keeps.
    pub service: Option<String>,
    /// Only those for an instance with this tag; needs `service`.
    pub tag: Option<String>,
}

impl EventSelect {
    pub(super) fn on(&self, call: Call) -> Call {
        call.maybe("name", self.name.as_deref())
            .maybe("node", self.node.as_deref())
            .maybe("service", self.service.as_deref())
            .maybe("tag", self.tag.as_deref())
    }
}

impl<'a> V2<'a> {
    /// Fires an event.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn event_fire(&self, event: &EventFire) -> Result<Event, Error> {
        self.answer(&self.write(Method::POST, PATH).json(event)?).await
    }

    /// Lists the events that the server keeps, oldest first.
    pub fn event_list(&self, select: &EventSelect) -> Pages<'a, EventPage> {
        Pages::new(*self, select.on(self.get(PATH)))
    }
}
