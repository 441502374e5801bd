//! The body of `session/create`.
//!
//! Input: the body.

use konsul_api::v1::decode::{Unknown, from_slice};
use konsul_api::v1::session::Create;

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "session",
    about: "bodies of session/create: JSON as Go reads it",
    input_bytes_max: 4 * 1024,
    bounds: Bounds { base_bytes: 1 << 20, bytes_per_byte: 256 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    let strict = from_slice::<Create>(bytes, Unknown::Refuse);
    let lenient = from_slice::<Create>(bytes, Unknown::Skip);
    if let Ok(wanted) = &strict {
        assert_eq!(
            lenient.as_ref().ok(),
            Some(wanted),
            "what the strict reader takes, the lenient one reads alike"
        );
        assert!(wanted.wanted_node_checks().len() <= bytes.len() + 2, "more checks than the body could hold");
    }
    if lenient.is_ok() {
        assert!(begins_with_json(bytes), "a body was taken that does not begin with JSON");
    }
    for refusal in [strict.err(), lenient.err()].into_iter().flatten() {
        assert!(!refusal.to_string().is_empty());
    }
}

/// Whether bytes begin like a JSON object, or with the `null` that stands for an empty one. What follows the document is
/// nobody's business.
fn begins_with_json(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"{") || text.starts_with(b"null")
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "{}",
        "null",
        r#"{"Name":"lock","TTL":"10s","Behavior":"delete","LockDelay":"15s"}"#,
        r#"{"lockdelay":15000000000,"NODE":"node-1","Checks":["serfHealth"],"NodeChecks":null}"#,
        r#"{"ServiceChecks":[{"ID":"web","Namespace":"default"}],"Namespace":"a","Partition":"default"} more"#,
        r#"{"ID":"","CreateIndex":5,"ModifyIndex":6,"Name":"\u00e7\n\"","Unknown":[{"a":[1,2.5e3,true]}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
