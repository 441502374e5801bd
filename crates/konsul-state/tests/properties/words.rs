//! Names under a prefix, and the end of a prefix, against the plain computation.

use std::collections::BTreeSet;

use konsul_state::State;
use konsul_state::text::prefix_end;
use konsul_types::{Command, Key, KvCommand, Millis, Namespace, Proposal, PutMode, Value};
use proptest::collection::vec;
use proptest::prelude::Strategy;

/// Keys, a prefix and a separator.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    keys: Vec<String>,
    prefix: String,
    separator: String,
}

/// Texts of few characters, the highest ones and those beside the gap of the surrogates among them.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    "[ab/\u{D7FF}\u{E000}\u{10FFFF}-]{0,6}"
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let separator = "[ab/\u{D7FF}\u{10FFFF}-]{0,2}";
    (vec(texts(), 0..20), "[ab/\u{10FFFF}]{0,3}", separator).prop_map(|(keys, prefix, separator)| Case {
        keys: keys.into_iter().filter(|key| !key.is_empty()).collect(),
        prefix,
        separator,
    })
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let mut state = State::new();
    let namespace = Namespace::default_namespace();
    for (number, key) in (1..).zip(&case.keys) {
        put(&mut state, number, key).map_err(|why| format!("{why:?}"))?;
    }
    let found: Vec<String> = state
        .keyspace(&namespace)
        .into_iter()
        .flat_map(|keys| keys.names(&case.prefix, &case.separator))
        .map(|name| name.to_string())
        .collect();
    let wanted = plain(case);
    (found == wanted).then_some(()).ok_or_else(|| format!("{found:?} instead of {wanted:?}"))
}

fn put(state: &mut State, number: u64, key: &str) -> Result<(), Box<dyn std::error::Error>> {
    let op = KvCommand::Put {
        key: Key::new(key)?,
        value: Value::default(),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    let command = Command::Kv { namespace: Namespace::default_namespace(), op };
    state.apply(1, number, &Proposal { at: Millis(1), request: None, actor: String::new(), command })?;
    Ok(())
}

/// Cuts every key after the first separator beyond the prefix.
fn plain(case: &Case) -> Vec<String> {
    let keys: BTreeSet<&String> = case.keys.iter().collect();
    let mut names: Vec<String> = Vec::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(&case.prefix) else { continue };
        let cut = (!case.separator.is_empty()).then(|| rest.find(&case.separator)).flatten();
        let end = cut.map_or(key.len(), |at| case.prefix.len() + at + case.separator.len());
        if names.last().is_none_or(|last| *last != key[..end]) {
            names.push(key[..end].to_owned());
        }
    }
    names
}

/// Whatever begins with a prefix is below its end; whatever does not is below the prefix, or not below the end.
pub(crate) fn check_end(prefix: &str, other: &str) -> Result<(), String> {
    let below = prefix_end(prefix).is_none_or(|end| other < end.as_str());
    let inside = other >= prefix && below;
    if inside != other.starts_with(prefix) {
        return Err(format!("{other:?} and the end {:?} of {prefix:?}", prefix_end(prefix)));
    }
    Ok(())
}
