//! What a reader of any key or prefix sees of indexes over a history.

use std::collections::BTreeMap;

use konsul_state::{Found, State};
use konsul_types::{Change, Index, Namespace};

use crate::history::{KEYS, NAMESPACES, PREFIXES};

/// What was asked, and the indexes that it was answered with last.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    keys: BTreeMap<(usize, &'static str), (Index, Index)>,
    prefixes: BTreeMap<(usize, &'static str), (Index, Index)>,
    sessions: BTreeMap<usize, (Index, Index)>,
}

/// What one step did, as far as readers are concerned.
pub(crate) struct Seen<'a> {
    pub(crate) changes: &'a [Change],
    /// Graves were forgotten: what covers them may say more than before, never less.
    pub(crate) reaped: bool,
}

impl Readers {
    /// Asks everything again, and compares with what was answered before.
    pub(crate) fn check(&mut self, state: &State, seen: &Seen<'_>) -> Result<(), String> {
        for (number, name) in NAMESPACES.iter().enumerate() {
            let namespace = Namespace::new(*name).expect("these are names");
            for key in KEYS {
                let found = state.kv_get(&namespace, key);
                let touched = touches(seen, &namespace, |changed| changed == key);
                let last = self.keys.entry((number, key)).or_default();
                compare(last, &found, touched, seen.reaped)
                    .map_err(|why| format!("key {name} {key:?}: {why}"))?;
            }
            for prefix in KEYS.iter().chain(&PREFIXES) {
                let found = state.kv_under(&namespace, prefix, ());
                let touched = touches(seen, &namespace, |changed| changed.starts_with(prefix));
                let last = self.prefixes.entry((number, prefix)).or_default();
                compare(last, &found, touched, seen.reaped)
                    .map_err(|why| format!("prefix {name} {prefix:?}: {why}"))?;
            }
            let changed = state.sessions().changed(&namespace);
            let touched = seen.changes.iter().any(|change| match change {
                Change::Session { namespace: name, .. } => *name == namespace,
                change => *change == Change::Reset,
            });
            let last = self.sessions.entry(number).or_default();
            compare(last, &state.found((), changed, changed), touched, false)
                .map_err(|why| format!("sessions {name}: {why}"))?;
        }
        Ok(())
    }
}

fn touches(seen: &Seen<'_>, namespace: &Namespace, concerns: impl Fn(&str) -> bool) -> bool {
    seen.changes.iter().any(|change| match change {
        Change::Kv { namespace: name, key, .. } => name == namespace && concerns(key.as_str()),
        change => *change == Change::Reset,
    })
}

fn compare<T>(
    last: &mut (Index, Index),
    found: &Found<T>,
    touched: bool,
    reaped: bool,
) -> Result<(), String> {
    let (changed, reported) = std::mem::replace(last, (found.changed, found.reported));
    let now = (found.changed, found.reported);
    if now.1 < reported || now.1 == Index::ZERO || now.1 < now.0 {
        return Err(format!("reported {reported}, then {} (changed {})", now.1, now.0));
    }
    if touched && now.0 <= changed {
        return Err(format!("a change did not raise {changed}: {}", now.0));
    }
    if !touched && now.0 != changed && !(reaped && now.0 > changed) {
        return Err(format!("{changed} became {} without a change", now.0));
    }
    Ok(())
}
