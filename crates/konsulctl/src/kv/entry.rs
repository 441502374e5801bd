//! An entry of an export, in Consul's form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use konsul_client::kv::KvPair;
use serde::Deserialize;

use crate::quoting::json_string;

/// An entry as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) flags: u64,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) partition: String,
}

impl Entry {
    /// The bytes of its value.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, String> {
        let text = self.value.as_deref().unwrap_or_default();
        STANDARD.decode(text).map_err(|e| format!("Error base 64 decoding value for key {}: {e}", self.key))
    }
}

/// An entry as Consul's command prints it inside an array indented with tabs.
pub(crate) fn render(pair: &KvPair) -> String {
    let mut fields = vec![
        format!("\"key\": {}", json_string(&pair.key)),
        format!("\"flags\": {}", pair.flags),
        format!("\"value\": \"{}\"", STANDARD.encode(&pair.value)),
    ];
    for (name, value) in [("namespace", &pair.namespace), ("partition", &pair.partition)] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            fields.push(format!("\"{name}\": {}", json_string(value)));
        }
    }
    format!("\t{{\n\t\t{}\n\t}}", fields.join(",\n\t\t"))
}
