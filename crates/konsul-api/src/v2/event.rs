//! User events.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::value::present;

/// What is fired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFire {
    /// Its name.
    #[schema(min_length = 1, max_length = 256)]
    pub name: String,
    /// Its bytes as text; absent for none. At most one of `payload` and `payload_base64` is there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payload: Option<String>,
    /// Its bytes in base64.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub payload_base64: Option<String>,
    /// A regular expression over names of nodes; absent for all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "regex")]
    pub node_filter: Option<String>,
    /// A regular expression over names of services; absent for all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "regex")]
    pub service_filter: Option<String>,
    /// A regular expression over tags of services; absent for all. Needs `service_filter`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "regex")]
    pub tag_filter: Option<String>,
}

/// A fired event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its bytes, where they are UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payload: Option<String>,
    /// Its bytes in base64, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub payload_base64: Option<String>,
    /// Which nodes it is for; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub node_filter: Option<String>,
    /// Which services it is for; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_filter: Option<String>,
    /// Which tags it is for; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tag_filter: Option<String>,
    /// Counts events since the first one.
    pub logical_time: u64,
    /// The index at which it was fired.
    pub index: u64,
}
