//! Several operations in one request.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type,
};
use utoipa::openapi::{RefOr, Schema};

use super::kv::Entry;
use super::shape;
use super::value::{Text, objects, present};

/// Most members of a batch.
pub const OPERATIONS_MAX: usize = 10_000;

/// Several operations.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchRequest)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// All or none, at one index; otherwise each for itself, in order.
    #[serde(default)]
    pub atomic: bool,
    /// The members, in order.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 10_000)]
    pub operations: Vec<Operation>,
}

/// The same as it lies in its body: a batch is where speed counts, and its texts go elsewhere anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRef<'a> {
    /// All or none, at one index; otherwise each for itself, in order.
    #[serde(default)]
    pub atomic: bool,
    /// The members, in order.
    #[serde(borrow, deserialize_with = "objects")]
    pub operations: Vec<Operation<Text<'a>>>,
}

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Writes a key. Takes a value, and may take `flags`, `ttl` and `if_index`.
    KvPut,
    /// Reads a key.
    #[default]
    KvGet,
    /// Removes a key. May take `if_index`.
    KvDelete,
    /// Removes all keys under a prefix.
    KvDeleteTree,
    /// Fails unless a key's modify index is `if_index`; zero: unless it is absent.
    KvCheck,
}

/// A member of a batch. Which fields it may have depends on what it does; the schema says it, and [`Operation::fits`]
/// checks it. One flat type, because tagged enums are read by way of a copy. `S` is what its texts are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "S: Deserialize<'de>"))]
pub struct Operation<S = String> {
    /// What it does.
    pub op: Verb,
    /// Which key; none for [`Verb::KvDeleteTree`].
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub key: Option<S>,
    /// Which prefix, for [`Verb::KvDeleteTree`].
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<S>,
    /// Its namespace; absent for the request's.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<S>,
    /// The value as text.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<S>,
    /// The value in base64.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<S>,
    /// A number that clients use as they like.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub flags: Option<u64>,
    /// Time to live.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<S>,
    /// Only if the key's modify index is this; zero: only if it is absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub if_index: Option<u64>,
}

impl<S> Operation<S> {
    /// Whether it has the fields that it must have, and no others.
    pub fn fits(&self) -> bool {
        let has_value = self.value.is_some() != self.value_base64.is_some();
        let has_none = self.value.is_none() && self.value_base64.is_none();
        let bare = has_none && self.flags.is_none() && self.ttl.is_none();
        let of_key = self.key.is_some() && self.prefix.is_none();
        match self.op {
            Verb::KvPut => of_key && has_value,
            Verb::KvGet => of_key && bare && self.if_index.is_none(),
            Verb::KvDelete => of_key && bare,
            Verb::KvDeleteTree => {
                self.prefix.is_some() && self.key.is_none() && bare && self.if_index.is_none()
            }
            Verb::KvCheck => of_key && bare && self.if_index.is_some(),
        }
    }
}

impl utoipa::PartialSchema for Operation {
    fn schema() -> RefOr<Schema> {
        let key = ("key", shape::key());
        let index = ("if_index", index());
        let put = [
            key.clone(),
            ("value", text("The value as text. Exactly one of `value` and `value_base64` is there.")),
            ("value_base64", base64()),
            ("flags", number("A number that clients use as they like; zero if it is absent.")),
            ("ttl", shape::duration()),
            index.clone(),
        ];
        OneOfBuilder::new()
            .description(Some("A member of a batch."))
            .item(member("kv_put", "Writes a key.", put, &["key"]))
            .item(member("kv_get", "Reads a key.", [key.clone()], &["key"]))
            .item(member("kv_delete", "Removes a key.", [key.clone(), index.clone()], &["key"]))
            .item(member(
                "kv_delete_tree",
                "Removes all keys under a prefix.",
                [("prefix", shape::key())],
                &["prefix"],
            ))
            .item(member(
                "kv_check",
                "Fails unless a key is at an index, or absent for zero. In an atomic batch nothing happens then.",
                [key, index],
                &["key", "if_index"],
            ))
            .into()
    }
}

impl ToSchema for Operation {
    fn name() -> std::borrow::Cow<'static, str> {
        "BatchOperation".into()
    }
}

fn member<const N: usize>(
    op: &str,
    about: &str,
    fields: [(&'static str, Schema); N],
    required: &[&str],
) -> Schema {
    let tag = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([op]));
    let mut out = ObjectBuilder::new()
        .schema_type(Type::Object)
        .title(Some(op))
        .description(Some(about))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .property("op", tag)
        .required("op")
        .property("namespace", shape::namespace());
    for (name, schema) in fields {
        out = out.property(name, schema);
    }
    required.iter().fold(out, |out, name| out.required(*name)).into()
}

fn text(about: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).into()
}

fn base64() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .content_encoding("base64")
        .description(Some("The value in base64."))
        .into()
}

fn number(about: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(about))
        .into()
}

fn index() -> Schema {
    number("Only if the key's modify index is this; zero: only if it is absent.")
}

/// Why a member failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchFailure)]
pub struct Failure {
    /// The problem's code.
    pub code: String,
    /// What went wrong.
    pub detail: String,
}

/// What became of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchResult)]
pub struct Outcome {
    /// The member's place, from 0.
    pub position: u64,
    /// For a write that happened: the key's modify index after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub modify_index: Option<u64>,
    /// For the removal of a prefix: how many keys there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deleted: Option<u64>,
    /// For a read: the entry; absent if the key is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entry: Option<Entry>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<Failure>,
}

/// What became of a batch. As NDJSON: a line for each result, then a line with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchAnswer)]
pub struct Answer {
    /// What became of each member, in order. An atomic batch that did not happen lists only the members that failed.
    pub results: Vec<Outcome>,
    /// The sums.
    pub summary: Summary,
}

/// The last line of a batch's answer as NDJSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchSummaryLine)]
pub struct SummaryLine {
    /// The sums.
    pub summary: Summary,
}

/// The sums of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchSummary)]
pub struct Summary {
    /// How many happened.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// The index of the answer.
    pub index: u64,
}
