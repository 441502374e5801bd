//! One request in the making.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use crate::encode;
use crate::options::{Consistency, ReadOptions, WriteOptions};
use crate::transport::Body;

/// One request in the making: a path, a query string, a body.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) body: Body,
    pub(crate) patience: Duration,
    pub(crate) namespace: Option<String>,
    pub(crate) datacenter: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What `/v2` calls the namespace, the datacentre and the partition, instead of Consul's names.
    pub(crate) is_native: bool,
    has_query: bool,
}

impl Request {
    /// A request for a fixed path.
    pub(crate) fn new(method: Method, path: &str) -> Request {
        Request {
            method,
            target: path.to_owned(),
            body: Body::empty(),
            patience: Duration::ZERO,
            namespace: None,
            datacenter: None,
            headers: Vec::new(),
            is_native: false,
            has_query: false,
        }
    }

    pub(crate) fn get(path: &str) -> Request {
        Request::new(Method::GET, path)
    }

    pub(crate) fn put(path: &str) -> Request {
        Request::new(Method::PUT, path)
    }

    /// Adds a key to the path: its slashes stay.
    pub(crate) fn key(mut self, key: &str) -> Request {
        encode::push_path(&mut self.target, key);
        self
    }

    /// Adds a word to the path: its slashes are encoded.
    pub(crate) fn word(mut self, word: &str) -> Request {
        encode::push_word(&mut self.target, word);
        self
    }

    /// Adds a parameter without a value.
    pub(crate) fn flag(mut self, name: &str) -> Request {
        self.target.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.target.push_str(name);
        self
    }

    /// Adds a parameter.
    pub(crate) fn param(self, name: &str, value: &str) -> Request {
        let mut request = self.flag(name);
        request.target.push('=');
        encode::push_word(&mut request.target, value);
        request
    }

    /// Adds a parameter if it has a value.
    pub(crate) fn maybe(self, name: &str, value: Option<impl AsRef<str>>) -> Request {
        match value {
            Some(value) => self.param(name, value.as_ref()),
            None => self,
        }
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = Body::full(body.into());
        self
    }

    pub(crate) fn stream(mut self, body: Body) -> Request {
        self.body = body;
        self
    }

    pub(crate) fn reading(mut self, options: &ReadOptions) -> Request {
        self.patience = options.patience();
        self.namespace.clone_from(&options.namespace);
        self.datacenter.clone_from(&options.datacenter);
        let request = match options.consistency {
            Consistency::Default => self,
            Consistency::Consistent => self.flag("consistent"),
            Consistency::Stale => self.flag("stale"),
        };
        if options.index == 0 {
            return request;
        }
        let wait = options.wait.map(|w| format!("{}ms", w.as_millis()));
        request.param("index", &options.index.to_string()).maybe("wait", wait)
    }

    /// Makes it a request of `/v2`, whose server may take longer by `patience`.
    pub(crate) fn native(mut self, patience: Duration, namespace: &Option<String>) -> Request {
        self.is_native = true;
        self.patience = patience;
        self.namespace.clone_from(namespace);
        self
    }

    pub(crate) fn writing(mut self, options: &WriteOptions) -> Request {
        self.namespace.clone_from(&options.namespace);
        self.datacenter.clone_from(&options.datacenter);
        self
    }
}
