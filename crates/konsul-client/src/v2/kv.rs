//! The key-value store over `/v2`.

use http::Method;
use konsul_api::v2::kv::{Diff, Entry, Patch, Put, TreeDeleted, Undo, Undone};
use konsul_api::v2::page::{EntryPage, HistoryPage, SearchPage};
use konsul_api::v2::value::{Form, ValueError, bytes};

use super::call::{Call, Condition};
use super::{Pages, V2};
use crate::error::Error;
use crate::options::Consistency;

const PATH: &str = "/v2/kv/";

/// Which keys are listed, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// What their names begin with.
    pub prefix: String,
    /// Names are cut after the first of these beyond the prefix; empty cuts nothing.
    pub delimiter: String,
    /// Whether values are left out.
    pub keys_only: bool,
    /// How fresh the answer must be; `None` for the server's default.
    pub consistency: Option<Consistency>,
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// A part of a name, or a glob.
    pub q: String,
    /// What the names must begin with.
    pub prefix: String,
    /// Whether it is looked for in values instead of names.
    pub in_values: bool,
}

/// What is put under a key: bytes, in the form that JSON can carry.
pub fn put_of(value: &[u8]) -> Put {
    let (value, value_base64) = Form::of(value).fields();
    Put { value, value_base64, ..Put::default() }
}

/// The bytes of an entry; empty where it came without them.
///
/// # Errors
/// [`ValueError`] if the server sent something that is neither text nor base64.
pub fn value_of(entry: &Entry) -> Result<Vec<u8>, ValueError> {
    match bytes(entry.value.clone(), entry.value_base64.as_deref()) {
        Err(ValueError::Neither) => Ok(Vec::new()),
        other => other,
    }
}

impl<'a> V2<'a> {
    /// Reads one key; `None` if it is absent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn kv_get(&self, key: &str, consistency: Option<Consistency>) -> Result<Option<Entry>, Error> {
        self.found(&self.get(PATH).key(key).consistency(consistency)).await
    }

    /// Reads one key's bytes alone; `None` if it is absent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn kv_get_raw(
        &self,
        key: &str,
        consistency: Option<Consistency>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let call = self.get(PATH).key(key).consistency(consistency).accept("application/octet-stream");
        match self.send(&call).await {
            Ok(reply) => Ok(Some(reply.bytes().await?)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a key, and answers the entry as it is now, without its value.
    ///
    /// # Errors
    /// [`Error`], as every call; a condition that did not hold is the problem `stale_index`.
    pub async fn kv_put(&self, key: &str, put: &Put, condition: Condition) -> Result<Entry, Error> {
        let call = self.write(Method::PUT, PATH).key(key).condition(condition).json(put)?;
        self.answer(&call).await
    }

    /// Changes what stands beside a key's value.
    ///
    /// # Errors
    /// As [`V2::kv_put`].
    pub async fn kv_patch(&self, key: &str, patch: &Patch, condition: Condition) -> Result<Entry, Error> {
        let call = self.write(Method::PATCH, PATH).key(key).condition(condition).json(patch)?;
        self.answer(&call).await
    }

    /// Removes a key.
    ///
    /// # Errors
    /// As [`V2::kv_put`].
    pub async fn kv_delete(&self, key: &str, condition: Condition) -> Result<(), Error> {
        self.done(&self.write(Method::DELETE, PATH).key(key).condition(condition)).await
    }

    /// Lists keys.
    pub fn kv_list(&self, query: &ListQuery) -> Pages<'a, EntryPage> {
        let delimiter = (!query.delimiter.is_empty()).then_some(&query.delimiter);
        let call = self
            .get("/v2/kv")
            .param("prefix", &query.prefix)
            .maybe("delimiter", delimiter)
            .flag("keys_only", query.keys_only)
            .consistency(query.consistency);
        Pages::new(*self, call)
    }

    /// Removes every key under a prefix. An empty prefix stands for the whole namespace.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn kv_delete_tree(&self, prefix: &str) -> Result<TreeDeleted, Error> {
        let call =
            self.write(Method::DELETE, "/v2/kv").param("prefix", prefix).flag("all", prefix.is_empty());
        self.answer(&call).await
    }

    /// Searches names, or values, across folders.
    pub fn kv_search(&self, query: &SearchQuery) -> Pages<'a, SearchPage> {
        let prefix = (!query.prefix.is_empty()).then_some(&query.prefix);
        let place = query.in_values.then_some("values");
        let call = self.get("/v2/kv_search").param("q", &query.q).maybe("prefix", prefix).maybe("in", place);
        Pages::new(*self, call)
    }

    /// The versions of a key that are kept, newest first.
    pub fn kv_history(&self, key: &str) -> Pages<'a, HistoryPage> {
        Pages::new(*self, self.get("/v2/kv_history/").key(key))
    }

    /// The difference between two versions of a key; `None` for the present one, and for the one before it.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn kv_diff(&self, key: &str, from: Option<u64>, to: Option<u64>) -> Result<Diff, Error> {
        let text = |index: Option<u64>| index.map(|index| index.to_string());
        let call = self.get("/v2/kv_diff/").key(key).maybe("from", text(from)).maybe("to", text(to));
        self.answer(&call).await
    }

    /// Puts an earlier version of a key back; `None` for the one before the present one.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn kv_undo(&self, key: &str, to_index: Option<u64>) -> Result<Undone, Error> {
        let call: Call = self.write(Method::POST, "/v2/kv_undo/").key(key).json(&Undo { to_index })?;
        self.answer(&call).await
    }
}
