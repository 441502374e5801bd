//! Sessions over `/v2`.

use http::Method;
use konsul_api::v2::page::SessionPage;
use konsul_api::v2::session::{Session, SessionCreate};

use super::{Pages, V2};
use crate::error::Error;

const PATH: &str = "/v2/sessions";

impl<'a> V2<'a> {
    /// Makes a session.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn session_create(&self, session: &SessionCreate) -> Result<Session, Error> {
        self.answer(&self.write(Method::POST, PATH).json(session)?).await
    }

    /// Lists sessions, by id; those of one node, if one is given.
    pub fn session_list(&self, node: Option<&str>) -> Pages<'a, SessionPage> {
        Pages::new(*self, self.get(PATH).maybe("node", node))
    }

    /// Reads a session; `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn session_get(&self, id: &str) -> Result<Option<Session>, Error> {
        self.found(&self.get(PATH).then("/").word(id)).await
    }

    /// Renews a session; `None` if it has ended.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn session_renew(&self, id: &str) -> Result<Option<Session>, Error> {
        self.found(&self.write(Method::POST, PATH).then("/").word(id).then("/renew")).await
    }

    /// Ends a session; one that does not exist is success.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn session_destroy(&self, id: &str) -> Result<(), Error> {
        self.done(&self.write(Method::DELETE, PATH).then("/").word(id)).await
    }
}
