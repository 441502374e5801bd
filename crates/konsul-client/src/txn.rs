//! Transactions over the key-value store: all or nothing.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kv::KvPair;
use crate::options::{Answer, ReadOptions};
use crate::request::Request;
use crate::transport::Transport;
use crate::wire;

/// One member of a transaction. `verb` is Consul's: `set`, `cas`, `lock`, `unlock`, `delete`, `delete-tree`,
/// `delete-cas`, `get`, `get-or-empty`, `get-tree`, `check-index`, `check-session`, `check-not-exists`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KvOp {
    /// What to do.
    pub verb: String,
    /// On which key or prefix.
    pub key: String,
    /// The bytes to write.
    #[serde(serialize_with = "wire::to_base64")]
    pub value: Vec<u8>,
    /// The flags to write.
    pub flags: u64,
    /// The index to compare with.
    pub index: u64,
    /// The session concerned.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// Its namespace; empty for the client's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Why a member failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TxnError {
    /// Which member, from 0.
    pub op_index: usize,
    /// Why.
    pub what: String,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it happened.
    Committed(Vec<KvPair>),
    /// None of it happened: every member that failed.
    RolledBack(Vec<TxnError>),
}

#[derive(Serialize)]
struct Member<'a> {
    #[serde(rename = "KV")]
    kv: &'a KvOp,
}

#[derive(Deserialize)]
struct Got {
    #[serde(rename = "KV")]
    kv: Option<KvPair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    #[serde(default, deserialize_with = "wire::list")]
    results: Vec<Got>,
    #[serde(default, deserialize_with = "wire::list")]
    errors: Vec<TxnError>,
}

/// Calls that run transactions.
#[derive(Debug, Clone, Copy)]
pub struct Txn<'a>(pub(crate) &'a Transport);

impl Txn<'_> {
    /// Runs operations, all or none. The options matter where all members read.
    ///
    /// # Errors
    /// [`Error`], as every call. A transaction that was rolled back is an answer.
    pub async fn run(&self, ops: &[KvOp], options: &ReadOptions) -> Result<Outcome, Error> {
        let members: Vec<_> = ops.iter().map(|kv| Member { kv }).collect();
        let body = serde_json::to_vec(&members).map_err(|e| Error::Config(e.to_string()))?;
        let reply = self.0.send(Request::put("/v1/txn").body(body).reading(options)).await?;
        if reply.status() == StatusCode::CONFLICT {
            let refused: Answer<Body> = reply.json().await?;
            return Ok(Outcome::RolledBack(refused.value.errors));
        }
        let done: Answer<Body> = reply.success().await?.json().await?;
        Ok(Outcome::Committed(done.value.results.into_iter().filter_map(|got| got.kv).collect()))
    }
}
