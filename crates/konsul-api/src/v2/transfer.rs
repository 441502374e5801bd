//! Export and import: a line of JSON for each key.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::value::present;

/// A line of an export. It has no indexes, so that exporting what was imported gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ExportLine)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The key.
    #[schema(schema_with = super::shape::key)]
    pub key: String,
    /// The value as text. Exactly one of `value` and `value_base64` is there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// The value in base64, where it is not UTF-8.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
    /// The client's own number; zero if it is absent.
    #[serde(default)]
    pub flags: u64,
    /// The namespace; absent for the request's.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::namespace)]
    pub namespace: Option<String>,
    /// What is left of its time to live.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub ttl: Option<String>,
}

/// What an import does to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportAction)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The key is new.
    Create,
    /// The key has another value, number or time to live.
    Update,
    /// The key is not in what is imported, and is removed.
    Delete,
}

/// A line of an import's answer: a key that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportChange)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
}

/// The last line of an import's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSummaryLine)]
pub struct SummaryLine {
    /// The sums; absent if the import broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub summary: Option<Summary>,
    /// Why it broke off, and at which line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<super::problem::Problem>,
}

/// The sums of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct Summary {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Lines that were read.
    pub lines: u64,
    /// Keys that are new.
    pub created: u64,
    /// Keys that changed.
    pub updated: u64,
    /// Keys that were removed.
    pub deleted: u64,
    /// Keys that are as they were.
    pub unchanged: u64,
    /// The index of the last write; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub index: Option<u64>,
}
