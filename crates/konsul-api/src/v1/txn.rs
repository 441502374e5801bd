//! Transactions.

use serde::{Deserialize, Serialize};

use super::bytes::Base64;
use super::decode::{Unknown, from_slice};
use super::registration;

/// A member of a transaction. Exactly one of its fields is set; the first that is, counts.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Op {
    /// On the key-value store.
    #[serde(rename = "KV", default)]
    pub kv: Option<KvOp>,
    /// On the catalogue's nodes.
    #[serde(rename = "Node", default)]
    pub node: Option<NodeOp>,
    /// On the catalogue's services.
    #[serde(rename = "Service", default)]
    pub service: Option<ServiceOp>,
    /// On the catalogue's checks.
    #[serde(rename = "Check", default)]
    pub check: Option<CheckOp>,
}

/// What a member does with a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeOp {
    /// `get`, `set`, `cas`, `delete` or `delete-cas`.
    pub verb: String,
    /// The node.
    pub node: registration::Node,
}

/// What a member does with an instance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceOp {
    /// `get`, `set`, `cas`, `delete` or `delete-cas`.
    pub verb: String,
    /// Its node's name.
    pub node: String,
    /// The instance.
    pub service: registration::Service,
}

/// What a member does with a check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckOp {
    /// `get`, `set`, `cas`, `delete` or `delete-cas`.
    pub verb: String,
    /// The check.
    pub check: registration::Check,
}

/// What a member does with a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KvOp {
    /// What to do, such as `set` or `check-index`.
    pub verb: String,
    /// The key, or the prefix.
    pub key: String,
    /// The value to be written.
    pub value: Base64,
    /// The flags to be written.
    pub flags: u64,
    /// The index that is compared.
    pub index: u64,
    /// The session that locks, unlocks, or is compared.
    pub session: String,
    /// The namespace; empty for the request's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The partition; only `default` or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partition: String,
}

/// Reads the members from a request's body.
///
/// # Errors
/// What was met, what was expected, line and column.
pub fn decode(body: &[u8]) -> serde_json::Result<Vec<Op>> {
    from_slice(body, Unknown::Skip)
}

/// Why one member failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Failure {
    /// The member's position, from 0.
    pub op_index: u64,
    /// What went wrong.
    pub what: String,
}

/// The answer to a transaction that was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RolledBack {
    /// Always `null`.
    pub results: Option<()>,
    /// Why nothing happened.
    pub errors: Vec<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_have_any_case_and_unknown_ones_are_skipped() {
        let ops = decode(b"[{\"kv\":{\"verb\":\"set\",\"KEY\":\"a\",\"Value\":\"Yf8=\",\"More\":1}},{\"Node\":{\"Verb\":\"get\"}}]")
            .unwrap();
        let kv =
            KvOp { verb: "set".into(), key: "a".into(), value: Base64(b"a\xff".to_vec()), ..KvOp::default() };
        assert_eq!(ops[0].kv, Some(kv));
        assert!(ops[1].kv.is_none() && ops[1].node.is_some());
    }

    #[test]
    fn errors_say_where() {
        let why = |body: &str| decode(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(why("{}"), "invalid type: map, expected a sequence at line 1 column 2");
        assert_eq!(
            why("[{\"KV\":{\"Value\":\"!\"}}]"),
            "illegal base64 data at input byte 0 at line 1 column 19"
        );
    }
}
