//! Sessions: what locks lean on.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::options::{Answer, ReadOptions, WriteOptions};
use crate::request::Request;
use crate::transport::Transport;
use crate::wire;

/// What a new session is to be. Empty fields are left to the server.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewSession {
    /// A name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its node; empty for the agent's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// `release` or `delete`: what becomes of its keys when it ends.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub behavior: String,
    /// Time to live as Go writes durations, such as `15s`.
    #[serde(rename = "TTL", skip_serializing_if = "String::is_empty")]
    pub ttl: String,
    /// Lock delay as Go writes durations, such as `15s`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lock_delay: String,
    /// The checks that it leans on; `None` for `serfHealth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_checks: Option<Vec<String>>,
}

/// A session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Session {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: String,
    /// Lock delay in nanoseconds.
    pub lock_delay: i64,
    /// What becomes of its keys.
    pub behavior: String,
    /// Time to live.
    #[serde(rename = "TTL")]
    pub ttl: String,
    /// The checks that it leans on.
    #[serde(deserialize_with = "wire::list")]
    pub node_checks: Vec<String>,
    /// Index of the write that created it.
    pub create_index: u64,
    /// Index of the write that last changed it.
    pub modify_index: u64,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "ID")]
    id: String,
}

/// Calls on sessions.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a>(pub(crate) &'a Transport);

impl Sessions<'_> {
    /// Makes a session and answers its id.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn create(&self, session: &NewSession, options: &WriteOptions) -> Result<String, Error> {
        let body = serde_json::to_vec(session).map_err(|e| Error::Config(e.to_string()))?;
        let request = Request::put("/v1/session/create").body(body).writing(options);
        let created: Answer<Created> = self.0.json(request).await?;
        Ok(created.value.id)
    }

    /// Ends a session; an unknown one is success.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn destroy(&self, id: &str, options: &WriteOptions) -> Result<(), Error> {
        self.0.done(Request::put("/v1/session/destroy/").word(id).writing(options)).await
    }

    /// Renews a session; `None` if it has ended.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn renew(&self, id: &str, options: &WriteOptions) -> Result<Option<Session>, Error> {
        let reply = self.0.send(Request::put("/v1/session/renew/").word(id).writing(options)).await?;
        if reply.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let renewed: Answer<Vec<Session>> = reply.success().await?.json().await?;
        Ok(renewed.value.into_iter().next())
    }

    /// Reads a session; `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn info(&self, id: &str, options: &ReadOptions) -> Result<Answer<Option<Session>>, Error> {
        let request = Request::get("/v1/session/info/").word(id).reading(options);
        let found: Answer<Vec<Session>> = self.0.json(request).await?;
        Ok(found.map(|list| list.into_iter().next()))
    }

    /// Reads all sessions.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn list(&self, options: &ReadOptions) -> Result<Answer<Vec<Session>>, Error> {
        self.0.json(Request::get("/v1/session/list").reading(options)).await
    }

    /// Reads the sessions of a node.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn of_node(&self, node: &str, options: &ReadOptions) -> Result<Answer<Vec<Session>>, Error> {
        self.0.json(Request::get("/v1/session/node/").word(node).reading(options)).await
    }
}
