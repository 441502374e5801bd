//! What has run out: sessions and keys with a time to live, and the delays of locks.

use konsul_state::State;
use konsul_types::{Command, Millis};

/// Most sessions or keys that one command ends, so that no entry takes long to apply.
const BATCH: usize = 512;

/// Commands that end what is over at `at`, and whether there is more than they hold.
pub(super) fn due(state: &State, at: Millis, term: u64) -> (Vec<Command>, bool) {
    let mut commands = Vec::new();
    let sessions = due_sessions(state, at);
    let keys = due_keys(state, at);
    let more = sessions.len() == BATCH || keys.len() == BATCH;
    if !sessions.is_empty() {
        commands.push(Command::SessionExpire { term, sessions });
    }
    let locks = due_locks(state, at);
    let more = more || locks.len() == BATCH;
    if !locks.is_empty() {
        commands.push(Command::LockDue { term, locks });
    }
    if !keys.is_empty() {
        commands.push(Command::KvExpire { term, keys });
    }
    (commands, more)
}

/// When the next one is over.
pub(super) fn next(state: &State) -> Option<Millis> {
    let session = state.sessions().deadlines().next().map(|(at, ..)| at);
    let key = state.keyspaces().filter_map(|(_, keys)| keys.deadlines().next().map(|(at, _)| at)).min();
    let lock = state.locks().delays().next().map(|(until, ..)| until);
    session.into_iter().chain(key).chain(lock).min()
}

/// Locks whose delay is over: whoever waits gets them.
fn due_locks(state: &State, at: Millis) -> Vec<(konsul_types::Namespace, konsul_types::LockName, Millis)> {
    let over = state.locks().delays().take_while(|(until, ..)| *until <= at).take(BATCH);
    over.map(|(until, namespace, name)| (namespace.clone(), name.clone(), until)).collect()
}

fn due_sessions(state: &State, at: Millis) -> Vec<(konsul_types::Namespace, konsul_types::SessionId, u64)> {
    let over = state.sessions().deadlines().take_while(|(deadline, ..)| *deadline <= at).take(BATCH);
    over.filter_map(|(_, namespace, id)| {
        let session = state.sessions().get(namespace, id)?;
        Some((namespace.clone(), id, session.renewal))
    })
    .collect()
}

fn due_keys(
    state: &State,
    at: Millis,
) -> Vec<(konsul_types::Namespace, konsul_types::Key, konsul_types::Index)> {
    let over = state.keyspaces().flat_map(|(namespace, keys)| {
        let over = keys.deadlines().take_while(|(deadline, _)| *deadline <= at);
        over.filter_map(move |(_, key)| {
            let record = keys.get(key.as_str())?;
            Some((namespace.clone(), key.clone(), record.modify_index))
        })
    });
    over.take(BATCH).collect()
}
