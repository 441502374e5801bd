//! Old values against a plain list of everything that ever was.

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::{
    Command, Index, Key, KvCommand, KvTxnOp, Limits, Millis, Namespace, Proposal, PutMode, TxnOp, Value,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::run::read;

const KEYS: [&str; 3] = ["a", "a/b", "c"];

/// One write: a value for a key, or its removal.
type Write = (usize, Option<u8>);

/// An entry: what it writes, or the room that old values have from now on.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Writes(Vec<Write>),
    Room(u64),
    Snapshot,
}

pub(crate) fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let write = || (0..KEYS.len(), prop_oneof![3 => any::<u8>().prop_map(Some), 1 => Just(None)]);
    let entry = prop_oneof![
        20 => vec(write(), 1..4).prop_map(Entry::Writes),
        1 => (0u64..900).prop_map(Entry::Room),
        1 => Just(Entry::Snapshot),
    ];
    vec(entry, 1..60)
}

/// Every version of a key, newest first: since which entry it held what.
type Versions = BTreeMap<&'static str, Vec<(Index, Option<Value>)>>;

struct World {
    state: State,
    all: Versions,
    /// Whether old values were ever dropped for want of room.
    dropped: bool,
}

pub(crate) fn check(entries: &[Entry]) -> Result<(), String> {
    let mut world = World { state: State::new(), all: Versions::new(), dropped: false };
    world.apply(Command::RaiseFeatureLevel { level: konsul_types::FEATURE_LEVEL })?;
    for entry in entries {
        world.step(entry)?;
        world.compare()?;
    }
    Ok(())
}

impl World {
    fn apply(&mut self, command: Command) -> Result<(), String> {
        let position = self.state.log_index() + 1;
        let proposal =
            Proposal { at: Millis(1_000 * position), request: None, actor: String::new(), command };
        self.state.apply(1, position, &proposal).map_err(|why| why.to_string())?;
        self.state.verify().map_or(Ok(()), Err)
    }

    fn step(&mut self, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Writes(writes) => {
                let ops = writes.iter().map(member).collect();
                self.apply(Command::Batch { atomic: false, ops })?;
                self.note(writes);
            }
            Entry::Room(bytes) => {
                self.apply(Command::SetBounds(Limits { history_bytes: *bytes, ..Limits::default() }))?;
                self.dropped = true;
            }
            Entry::Snapshot => {
                let chunks: Vec<_> = self.state.chunks().collect();
                let again = read(&chunks)?;
                if again != self.state {
                    return Err("what comes back from a snapshot is another state".into());
                }
                self.state = again;
            }
        }
        Ok(())
    }

    /// Notes what an entry left of each key that it changed. What it wrote in between was never there.
    fn note(&mut self, writes: &[Write]) {
        let index = self.state.index();
        for (number, _) in writes {
            let key = KEYS[*number];
            let found = self.state.kv_get(&Namespace::default_namespace(), key).value.cloned();
            let versions = self.all.entry(key).or_default();
            let was = versions.first().and_then(|(_, value)| value.clone());
            let is_new = found.as_ref().is_some_and(|record| record.modify_index == index);
            if (is_new || found.is_none() && was.is_some())
                && versions.first().is_none_or(|(last, _)| *last != index)
            {
                versions.insert(0, (index, found.map(|record| record.value.clone())));
            }
        }
    }

    fn compare(&self) -> Result<(), String> {
        for key in KEYS {
            let all = self.all.get(key).map_or(&[][..], Vec::as_slice);
            let found: Vec<_> = self.state.kv_versions(&Namespace::default_namespace(), key).collect();
            // A key that an entry made and removed leaves an absence that is no news.
            let mut told: Vec<(Index, Option<Value>)> = Vec::new();
            for version in found.iter().rev() {
                let value = version.record.as_ref().map(|record| record.value.clone());
                let was = told.first().and_then(|(_, value)| value.clone());
                if value.is_some() || was.is_some() {
                    told.insert(0, (version.index, value));
                }
            }
            // The oldest known may itself be an absence, which the plain list begins without.
            if !all.starts_with(&told) {
                return Err(format!("{key}: {told:?} of {all:?}"));
            }
            if !self.dropped && told.len() != all.len() {
                return Err(format!("{key}: only {told:?} of {all:?}, and there was room"));
            }
        }
        Ok(())
    }
}

fn member((number, value): &Write) -> TxnOp {
    let key = Key::new(KEYS[*number]).expect("these are keys");
    let op = match value {
        // Values are never the same twice in a row by chance alone; an equal put is no version.
        Some(byte) => KvCommand::Put {
            key,
            value: Value::from(vec![*byte; 1 + usize::from(*byte) % 40]),
            flags: 0,
            mode: PutMode::Set,
            ttl_ms: None,
        },
        None => KvCommand::Delete { key, cas: None },
    };
    TxnOp::Kv { namespace: Namespace::default_namespace(), op: KvTxnOp::Write(op) }
}
