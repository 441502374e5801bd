//! The body of `txn`.
//!
//! Input: the body.

use konsul_http::v1::txn::{Undecided, decode};
use konsul_types::names::KEY_BYTES_MAX;
use konsul_types::txn::TXN_OPS_MAX;
use konsul_types::{KvCommand, KvTxnOp, Namespace, TxnOp};

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "txn",
    about: "bodies of transactions: verbs, keys, values",
    input_bytes_max: 12 * 1024,
    bounds: Bounds { base_bytes: 2 << 20, bytes_per_byte: 256 },
    run,
    seeds,
};

/// Small, so that inputs meet it.
const VALUE_BYTES_MAX: u64 = 64;

fn run(bytes: &[u8]) {
    match decode(bytes, &Namespace::default_namespace(), VALUE_BYTES_MAX) {
        Ok(ops) => {
            assert!(ops.len() <= TXN_OPS_MAX, "{} operations were taken", ops.len());
            ops.iter().for_each(check_member);
        }
        Err(Undecided::Hopeless(failures)) => {
            assert!(!failures.is_empty() && failures.len() <= TXN_OPS_MAX);
            assert!(failures.is_sorted_by_key(|one| one.op_index), "failures are out of order");
        }
        Err(Undecided::Malformed(text) | Undecided::TooLarge(text)) => assert!(!text.is_empty()),
    }
}

fn check_member(op: &TxnOp) {
    let TxnOp::Kv { op: KvTxnOp::Write(KvCommand::Put { key, value, .. }), .. } = op else { return };
    assert!(value.len() as u64 <= VALUE_BYTES_MAX, "a value of {} bytes was taken", value.len());
    assert!(
        (1..=KEY_BYTES_MAX).contains(&key.as_str().len()),
        "a key of {} bytes was taken",
        key.as_str().len()
    );
}

fn seeds() -> Vec<Vec<u8>> {
    let verbs = [
        "set",
        "cas",
        "lock",
        "unlock",
        "get",
        "get-or-empty",
        "get-tree",
        "check-index",
        "check-session",
        "check-not-exists",
        "delete",
        "delete-tree",
        "delete-cas",
        "other",
    ];
    let member = |verb: &&str| {
        format!(
            r#"{{"KV":{{"Verb":"{verb}","Key":"a/b","Value":"dmFsdWU=","Flags":1,"Index":2,"Session":"adf4238a-882b-9ddc-4a9d-5b6758e4159e"}}}}"#
        )
    };
    let known: Vec<String> = verbs[..13].iter().map(member).collect();
    let every: Vec<String> = verbs.iter().map(member).collect();
    let many = vec![r#"{"KV":{"Verb":"get","Key":"a"}}"#; 129];
    [
        "[]".to_owned(),
        format!("[{}]", known.join(",")),
        format!("[{}]", every.join(", ")),
        format!("[{}]", many.join(",")),
        r#"[{"kv":{"verb":"set","key":"","value":null,"namespace":"a"}},{"Node":{}},{},null] x"#.to_owned(),
        r#"[{"KV":{"Verb":"set","Key":"a","Value":"not base64!"}}]"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}
