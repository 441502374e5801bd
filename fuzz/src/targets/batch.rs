//! The body of a batch.
//!
//! Input: the body.

use konsul_http::v2::batch::members;
use konsul_types::names::KEY_BYTES_MAX;
use konsul_types::{KvTxnOp, Namespace, TxnOp};

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "batch",
    about: "bodies of batches: shapes, faults with their pointers, members",
    input_bytes_max: 12 * 1024,
    // The first body that is refused reads the document's schemas.
    bounds: Bounds { base_bytes: 16 << 20, bytes_per_byte: 512 },
    run,
    seeds,
};

/// Small, so that inputs meet it.
const VALUE_BYTES_MAX: u64 = 64;

fn run(bytes: &[u8]) {
    match members(bytes, &Namespace::default_namespace(), VALUE_BYTES_MAX) {
        Ok(ops) => {
            assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok());
            ops.iter().for_each(check_member);
        }
        Err(why) => assert!(!why.is_empty(), "a refusal without a word"),
    }
}

fn check_member(op: &TxnOp) {
    if let TxnOp::Kv { op: KvTxnOp::GetOrEmpty { key } | KvTxnOp::CheckNotExists { key }, .. } = op {
        let size = key.as_str().len();
        assert!((1..=KEY_BYTES_MAX).contains(&size), "a key of {size} bytes was taken");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        r#"{"operations":[{"op":"node_register","registration":{"name":"n","address":"a"}},{"op":"agent_check_update","check_id":"c","status":"passing"}]}"#,
        r#"{"atomic":true,"operations":[{"op":"service_register","node":"n","service":{"name":"web","port":80}},{"op":"check_register","node":"n","check":{"id":"c","status":"warning"}}]}"#,
        r#"{"atomic":true,"operations":[{"op":"kv_put","key":"a","value":"b","flags":1,"ttl":"30s","if_index":0}]}"#,
        r#"{"operations":[{"op":"kv_put","key":"a","value_base64":"/w==","namespace":"team-1"},{"op":"kv_get","key":"a"}]}"#,
        r#"{"operations":[{"op":"kv_delete","key":"a","if_index":7},{"op":"kv_delete_tree","prefix":"a/"},{"op":"kv_check","key":"a","if_index":0}]}"#,
        r#"{"operations":[{"op":"kv_put","key":"a"},{"op":"fly"},{},7,["kv_get","a"]],"other":1}"#,
        r#"{"operations":[]}"#,
        r#"{"operations":[{"op":"kv_put","key":"","value_base64":"!","ttl":"x","namespace":"A"}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
