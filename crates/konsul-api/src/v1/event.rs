//! User events.

use serde::{Deserialize, Serialize};

use super::bytes::Base64;

/// An event as clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Event {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub payload: Base64,
    /// Regular expression over node names; empty for all.
    pub node_filter: String,
    /// Regular expression over service names; empty for all.
    pub service_filter: String,
    /// Regular expression over tags; empty for all.
    pub tag_filter: String,
    /// The version of this form: 1.
    pub version: u64,
    /// A logical time; zero in the answer to the one who fired it.
    #[serde(rename = "LTime")]
    pub ltime: u64,
}
