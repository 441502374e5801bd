//! The key-value store.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::array::{ArrayError, ArrayReader};
use crate::error::Error;
use crate::options::{Answer, Meta, ReadOptions, WriteOptions};
use crate::request::Request;
use crate::transport::{Reply, Transport};
use crate::wire;

/// A key and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KvPair {
    /// How often it was locked.
    pub lock_index: u64,
    /// Its name.
    pub key: String,
    /// A number that clients use as they like.
    pub flags: u64,
    /// Its bytes.
    #[serde(deserialize_with = "wire::bytes", serialize_with = "wire::to_base64")]
    pub value: Vec<u8>,
    /// Who holds the lock.
    pub session: Option<String>,
    /// Index of the write that created it.
    pub create_index: u64,
    /// Index of the write that last changed it.
    pub modify_index: u64,
    /// Its namespace, if not the default one.
    pub namespace: Option<String>,
    /// Its partition, if not the default one.
    pub partition: Option<String>,
}

/// On what condition a put happens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PutMode {
    /// Always.
    #[default]
    Set,
    /// Only if the key's modify index is this; zero: only if it is absent.
    Cas(u64),
    /// Takes the lock for a session.
    Acquire(String),
    /// Gives a session's lock back.
    Release(String),
}

/// What a put may say beside key and value.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// The condition.
    pub mode: PutMode,
    /// The flags.
    pub flags: u64,
    /// Time after which the key vanishes, as Go writes durations, such as `30s`; the server checks it. Konsul's own.
    pub ttl: Option<String>,
    /// Where it goes.
    pub write: WriteOptions,
}

const PATH: &str = "/v1/kv/";

/// Calls on the key-value store.
#[derive(Debug, Clone, Copy)]
pub struct Kv<'a>(pub(crate) &'a Transport);

impl Kv<'_> {
    /// Reads one key; `None` if it is absent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn get(&self, key: &str, options: &ReadOptions) -> Result<Answer<Option<KvPair>>, Error> {
        let found: Answer<Option<Vec<KvPair>>> =
            self.found(Request::get(PATH).key(key).reading(options)).await?;
        Ok(found.map(|list| list.and_then(|pairs| pairs.into_iter().next())))
    }

    /// Reads one key's bytes alone; `None` if it is absent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn raw(&self, key: &str, options: &ReadOptions) -> Result<Answer<Option<Vec<u8>>>, Error> {
        let reply = self.0.send(Request::get(PATH).key(key).flag("raw").reading(options)).await?;
        let meta = reply.meta();
        if reply.status() == StatusCode::NOT_FOUND {
            return Ok(Answer { value: None, meta });
        }
        let value = reply.success().await?.bytes().await?;
        Ok(Answer { value: Some(value), meta })
    }

    /// Reads every key under a prefix, in order.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn list(&self, prefix: &str, options: &ReadOptions) -> Result<Answer<Vec<KvPair>>, Error> {
        let request = Request::get(PATH).key(prefix).flag("recurse").reading(options);
        Ok(self.found(request).await?.map(Option::unwrap_or_default))
    }

    /// Reads every key under a prefix, one after the other as they arrive, so that the memory needed is that of one.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn list_stream(&self, prefix: &str, options: &ReadOptions) -> Result<KvStream, Error> {
        let request = Request::get(PATH).key(prefix).flag("recurse").reading(options);
        let reply = self.0.send(request).await?;
        let meta = reply.meta();
        if reply.status() == StatusCode::NOT_FOUND {
            return Ok(KvStream { reply: None, reader: ArrayReader::default(), ready: Vec::new(), meta });
        }
        let reply = Some(reply.success().await?);
        Ok(KvStream { reply, reader: ArrayReader::default(), ready: Vec::new(), meta })
    }

    /// Reads the names of the keys under a prefix, cut after the first separator beyond it; an empty one cuts nothing.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn keys(
        &self,
        prefix: &str,
        separator: &str,
        options: &ReadOptions,
    ) -> Result<Answer<Vec<String>>, Error> {
        let separator = (!separator.is_empty()).then_some(separator);
        let request =
            Request::get(PATH).key(prefix).flag("keys").maybe("separator", separator).reading(options);
        Ok(self.found(request).await?.map(Option::unwrap_or_default))
    }

    /// Writes a key. `false` if the condition did not hold.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn put(&self, key: &str, value: Vec<u8>, options: &PutOptions) -> Result<bool, Error> {
        let request = Request::put(PATH).key(key).body(value).writing(&options.write);
        let flags = (options.flags != 0).then(|| options.flags.to_string());
        let request = request.maybe("flags", flags).maybe("ttl", options.ttl.as_ref());
        let request = match &options.mode {
            PutMode::Set => request,
            PutMode::Cas(index) => request.param("cas", &index.to_string()),
            PutMode::Acquire(session) => request.param("acquire", session),
            PutMode::Release(session) => request.param("release", session),
        };
        self.0.verdict(request).await
    }

    /// Removes a key; with `cas` only if its modify index is that. `false` if it is not.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn delete(&self, key: &str, cas: Option<u64>, options: &WriteOptions) -> Result<bool, Error> {
        let cas = cas.map(|index| index.to_string());
        let request = Request::new(Method::DELETE, PATH).key(key).maybe("cas", cas).writing(options);
        self.0.verdict(request).await
    }

    /// Removes every key under a prefix.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn delete_tree(&self, prefix: &str, options: &WriteOptions) -> Result<(), Error> {
        let request = Request::new(Method::DELETE, PATH).key(prefix).flag("recurse").writing(options);
        self.0.verdict(request).await.map(|_| ())
    }

    /// Sends a read whose 404 with an empty body means that there is nothing. Any other 404 is not the store's.
    async fn found<T: serde::de::DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<Answer<Option<T>>, Error> {
        let reply = self.0.send(request).await?;
        if reply.status() != StatusCode::NOT_FOUND {
            return Ok(reply.success().await?.json().await?.map(Some));
        }
        let meta = reply.meta();
        match reply.success().await {
            Err(Error::Status { body, .. }) if body.is_empty() => Ok(Answer { value: None, meta }),
            Err(other) => Err(other),
            Ok(reply) => Err(reply.nonsense("a 404 that is a success")),
        }
    }
}

/// Keys on their way in. See [`Kv::list_stream`].
pub struct KvStream {
    reply: Option<Reply>,
    reader: ArrayReader,
    ready: Vec<KvPair>,
    meta: Meta,
}

impl KvStream {
    /// How fresh the answer is.
    pub fn meta(&self) -> Meta {
        self.meta
    }

    /// The next keys, in order; `None` after the last ones. Never an empty list.
    ///
    /// # Errors
    /// [`Error::Broken`] if the connection ends early, [`Error::Decode`] if the answer is not a list of keys.
    pub async fn next(&mut self) -> Result<Option<Vec<KvPair>>, Error> {
        let Some(reply) = &mut self.reply else {
            return Ok(None);
        };
        while self.ready.is_empty() {
            let Some(piece) = reply.piece().await? else {
                self.reader.finish().map_err(|e| reply.nonsense(e.to_string()))?;
                return Ok(None);
            };
            let ready = &mut self.ready;
            let fed = self.reader.feed(&piece, |element, line| {
                let parsed = serde_json::from_slice(element);
                ready.push(parsed.map_err(|e| ArrayError { line, what: e.to_string() })?);
                Ok::<_, ArrayError>(())
            });
            fed.map_err(|e| reply.nonsense(e.to_string()))?;
        }
        Ok(Some(std::mem::take(&mut self.ready)))
    }
}
