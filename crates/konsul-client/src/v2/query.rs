//! Prepared queries over `/v2`.

use http::Method;
use konsul_api::v2::page::QueryPage;
use konsul_api::v2::query::{Query, QueryAnswer, QueryCreated, QueryDefinition, QueryExplained};

use super::{Pages, V2};
use crate::error::Error;

const PATH: &str = "/v2/queries";

impl<'a> V2<'a> {
    /// Lists prepared queries, by id.
    pub fn query_list(&self) -> Pages<'a, QueryPage> {
        Pages::new(*self, self.get(PATH))
    }

    /// Makes a prepared query.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_create(&self, query: &QueryDefinition) -> Result<QueryCreated, Error> {
        self.answer(&self.write(Method::POST, PATH).json(query)?).await
    }

    /// Reads a prepared query; `None` if there is none of this id.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_get(&self, id: &str) -> Result<Option<Query>, Error> {
        self.found(&self.get(PATH).then("/").word(id)).await
    }

    /// Replaces a prepared query.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_update(&self, id: &str, query: &QueryDefinition) -> Result<(), Error> {
        self.done(&self.write(Method::PUT, PATH).then("/").word(id).json(query)?).await
    }

    /// Removes a prepared query.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_delete(&self, id: &str) -> Result<(), Error> {
        self.done(&self.write(Method::DELETE, PATH).then("/").word(id)).await
    }

    /// Executes a prepared query by id or name.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_execute(
        &self,
        name: &str,
        near: Option<&str>,
        count: Option<u32>,
    ) -> Result<QueryAnswer, Error> {
        let call = self.get(PATH).then("/").word(name).then("/execute").maybe("near", near);
        self.answer(&call.maybe("count", count.map(|count| count.to_string()))).await
    }

    /// Says what executing a prepared query would ask.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn query_explain(&self, name: &str) -> Result<QueryExplained, Error> {
        self.answer(&self.get(PATH).then("/").word(name).then("/explain")).await
    }
}
