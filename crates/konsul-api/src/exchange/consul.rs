//! Consul's form: what `consul kv export` prints and `consul kv import` reads. Source: the output of Consul 1.x, byte for
//! byte: an array indented with tabs, values in padded base64, texts escaped as Go escapes them.

use serde::Deserialize;

use super::{Pair, told};
use crate::v1::json::{write_str, write_u64};

/// An entry as it is read. Fields that Consul does not know are passed over, as it does.
#[derive(Debug, Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    flags: u64,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    partition: String,
}

/// Reads an element of the array.
///
/// # Errors
/// What is wrong with it.
pub fn parse(element: &[u8]) -> Result<Pair, String> {
    let entry: Entry = serde_json::from_slice(element)
        .map_err(|why| format!("in the entry that ends here: {}", told(&why)))?;
    let Entry { key, flags, value, namespace, partition } = entry;
    if !matches!(partition.as_str(), "" | "default") {
        return Err(format!("key {key} is of partition {partition:?}, and partitions are not built yet"));
    }
    let value = crate::v1::bytes::decode(value.as_deref().unwrap_or_default())
        .map_err(|why| format!("the value of key {key} is not base64: {why}"))?;
    let namespace = (!namespace.is_empty()).then_some(namespace);
    Ok(Pair { key, value, flags, namespace, ttl: None })
}

/// Writes the array piece by piece.
#[derive(Debug, Default)]
pub struct Writer {
    begun: bool,
}

impl Writer {
    /// Appends an entry. The namespace `default` is left out, as a Consul leaves it out that has no other.
    pub fn write(&mut self, out: &mut Vec<u8>, pair: &Pair) {
        let namespace = pair.namespace.as_deref().filter(|name| *name != "default");
        self.write_parts(out, &pair.key, &pair.value, pair.flags, [namespace, None]);
    }

    /// The same, borrowed from where it lives, with namespace and partition as a server told them.
    pub fn write_parts(
        &mut self,
        out: &mut Vec<u8>,
        key: &str,
        value: &[u8],
        flags: u64,
        [namespace, partition]: [Option<&str>; 2],
    ) {
        let before: &[u8] = if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"[\n" };
        out.extend_from_slice(before);
        out.extend_from_slice(b"\t{\n\t\t\"key\": ");
        write_str(out, key);
        out.extend_from_slice(b",\n\t\t\"flags\": ");
        write_u64(out, flags);
        out.extend_from_slice(b",\n\t\t\"value\": ");
        // `null` stands for no bytes elsewhere in Consul's API, but not here.
        if value.is_empty() {
            out.extend_from_slice(b"\"\"");
        } else {
            crate::v1::bytes::write(out, value);
        }
        for (name, value) in [("namespace", namespace), ("partition", partition)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                out.extend_from_slice(b",\n\t\t");
                write_str(out, name);
                out.extend_from_slice(b": ");
                write_str(out, value);
            }
        }
        out.extend_from_slice(b"\n\t}");
    }

    /// Appends the end of the array.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.begun { b"\n]\n" } else { b"[]\n" });
    }
}
