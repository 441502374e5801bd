//! Events over `/v2`.

use http::Method;
use konsul_api::v2::event::{Event, EventFire};
use konsul_api::v2::page::EventPage;

use super::{Pages, V2};
use crate::error::Error;

const PATH: &str = "/v2/events";

impl<'a> V2<'a> {
    /// Fires an event.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn event_fire(&self, event: &EventFire) -> Result<Event, Error> {
        self.answer(&self.write(Method::POST, PATH).json(event)?).await
    }

    /// Lists the events that the server keeps, oldest first; of one name, if one is given.
    pub fn event_list(&self, name: Option<&str>) -> Pages<'a, EventPage> {
        Pages::new(*self, self.get(PATH).maybe("name", name))
    }
}
