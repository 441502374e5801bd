//! Sessions.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The check that stands for a node's liveness, on which sessions lean unless told otherwise.
pub const NODE_LIVENESS_CHECK: &str = "serfHealth";

/// A session as clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Session {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The node that it lives with.
    pub node: String,
    /// How long a lock lost by invalidation stays free, in nanoseconds.
    pub lock_delay: i64,
    /// `release` or `delete`.
    pub behavior: String,
    /// Its time to live as the client wrote it.
    #[serde(rename = "TTL")]
    pub ttl: String,
    /// Checks of the node that it leans on.
    pub node_checks: Option<Vec<String>>,
    /// Checks of services that it leans on.
    pub service_checks: Option<Vec<ServiceCheck>>,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
    /// Its namespace; absent when that is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A check of a service that a session leans on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceCheck {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The namespace that the client named.
    pub namespace: String,
}

/// What `session/create` answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Created {
    /// The new session's id.
    #[serde(rename = "ID")]
    pub id: String,
}

/// What `session/create` takes. Every field may be left out; the defaults are Consul's.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Create {
    /// Taken and not used: the server draws the id.
    #[serde(rename = "ID")]
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Its node; empty for the answering agent's.
    pub node: String,
    /// The lock delay.
    pub lock_delay: Span,
    /// `release`, `delete`, or empty for `release`.
    pub behavior: String,
    /// The time to live as text; empty for none.
    #[serde(rename = "TTL")]
    pub ttl: String,
    /// Checks of the node.
    pub node_checks: Vec<String>,
    /// Checks of services.
    pub service_checks: Vec<ServiceCheck>,
    /// The older form of `NodeChecks`.
    pub checks: Vec<String>,
    /// The namespace; empty for the request's.
    pub namespace: String,
    /// The partition; only `default` or empty.
    pub partition: String,
    /// Taken and not used.
    pub create_index: u64,
    /// Taken and not used.
    pub modify_index: u64,
}

impl Default for Create {
    fn default() -> Create {
        let liveness = vec![NODE_LIVENESS_CHECK.to_owned()];
        Create {
            id: String::new(),
            name: String::new(),
            node: String::new(),
            lock_delay: Span::Text("15s".to_owned()),
            behavior: String::new(),
            ttl: String::new(),
            node_checks: liveness.clone(),
            service_checks: Vec::new(),
            checks: liveness,
            namespace: String::new(),
            partition: String::new(),
            create_index: 0,
            modify_index: 0,
        }
    }
}

/// A duration as it stands in a body: Go's text, or a number of nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Span {
    /// Go's text, such as `1m30s`; not checked yet.
    Text(String),
    /// Nanoseconds.
    Nanos(f64),
}

impl Default for Span {
    fn default() -> Span {
        Span::Nanos(0.0)
    }
}

impl Span {
    /// Whether it is no time at all, as far as that can be told without reading a text.
    pub fn is_zero(&self) -> bool {
        match self {
            Span::Text(text) => text.is_empty(),
            // Go cuts the same way.
            Span::Nanos(nanos) => *nanos as i64 == 0,
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Span::Text(text) => to.serialize_str(text),
            Span::Nanos(nanos) => to.serialize_i64(*nanos as i64),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = Span;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as \"15s\", or a number of nanoseconds")
            }
            fn visit_str<E>(self, text: &str) -> Result<Span, E> {
                Ok(Span::Text(text.to_owned()))
            }
            fn visit_u64<E>(self, nanos: u64) -> Result<Span, E> {
                Ok(Span::Nanos(nanos as f64))
            }
            fn visit_i64<E>(self, nanos: i64) -> Result<Span, E> {
                Ok(Span::Nanos(nanos as f64))
            }
            fn visit_f64<E>(self, nanos: f64) -> Result<Span, E> {
                Ok(Span::Nanos(nanos))
            }
            fn visit_unit<E>(self) -> Result<Span, E> {
                Ok(Span::Nanos(0.0))
            }
        }
        from.deserialize_any(Either)
    }
}

impl Create {
    /// The node checks that the request means: `NodeChecks` and `Checks` together, each named once.
    ///
    /// An empty `Checks` says that no check of the node is wanted at all, an empty `NodeChecks` that the default of
    /// `Checks` is not.
    pub fn wanted_node_checks(&self) -> Vec<String> {
        if self.checks.is_empty() {
            return Vec::new();
        }
        let default = [NODE_LIVENESS_CHECK.to_owned()];
        if self.node_checks.is_empty() && self.checks == default {
            return Vec::new();
        }
        // The default of `Checks` was not asked for where `NodeChecks` says something else.
        let older =
            if self.checks == default && self.node_checks != default { &[][..] } else { &self.checks };
        let mut wanted: Vec<String> = Vec::with_capacity(self.node_checks.len() + older.len());
        for check in self.node_checks.iter().chain(older) {
            if !wanted.contains(check) {
                wanted.push(check.clone());
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::decode::{Unknown, from_slice};

    #[track_caller]
    fn check(body: &str, expect: &[&str]) {
        let create: Create = from_slice(body.as_bytes(), Unknown::Refuse).unwrap();
        assert_eq!(create.wanted_node_checks(), expect, "{body}");
    }

    #[test]
    fn node_checks_and_the_older_checks_combine() {
        check("{}", &["serfHealth"]);
        check("{\"Checks\":[]}", &[]);
        check("{\"Checks\":null}", &[]);
        check("{\"NodeChecks\":[]}", &[]);
        check("{\"Checks\":[\"a\"]}", &["serfHealth", "a"]);
        check("{\"NodeChecks\":[],\"Checks\":[\"a\"]}", &["a"]);
        check("{\"NodeChecks\":[\"b\"]}", &["b"]);
        check(
            "{\"NodeChecks\":[\"b\",\"serfHealth\"],\"checks\":[\"serfHealth\",\"a\"]}",
            &["b", "serfHealth", "a"],
        );
    }

    #[test]
    fn a_span_is_text_or_nanoseconds() {
        let delay = |body: &str| from_slice::<Create>(body.as_bytes(), Unknown::Refuse).unwrap().lock_delay;
        assert_eq!(delay("{}"), Span::Text("15s".into()));
        assert_eq!(delay("{\"LockDelay\":\"1m\"}"), Span::Text("1m".into()));
        assert_eq!(delay("{\"lockdelay\":15}"), Span::Nanos(15.0));
        let why = from_slice::<Create>(b"{\"LockDelay\":[]}", Unknown::Refuse).unwrap_err().to_string();
        assert!(why.contains("expected a duration such as"), "{why}");
    }
}
