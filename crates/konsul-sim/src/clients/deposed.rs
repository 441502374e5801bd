//! A leader of an earlier time that does not know that it is one: it looks, waits, and then proposes what would have been
//! right when it looked.

use konsul_operations::ports::Replica;
use konsul_runtime::time::{Duration, sleep};
use konsul_types::{Command, Index, Key, Namespace, SessionId};

use super::{Client, PATIENCE};

/// What it saw.
struct Sight {
    term: u64,
    sessions: Vec<(Namespace, SessionId, u64)>,
    keys: Vec<(Namespace, Key, Index)>,
}

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let heard = client.ask(PATIENCE, |counter| async move { Ok(look(&counter.port)) }).await;
        let Some(sight) = heard.ok() else { continue };
        sleep(Duration::from_millis(20 + client.below(2_500))).await;
        let Sight { term, sessions, keys } = sight;
        let command = if client.one_in(2) || keys.is_empty() {
            Command::SessionExpire { term, sessions }
        } else {
            Command::KvExpire { term, keys }
        };
        client
            .ask(
                PATIENCE,
                move |counter| async move { counter.port.propose(None, command).await.map(|_| ()) },
            )
            .await;
    }
}

fn look(port: &impl Replica) -> Sight {
    let state = port.state();
    let sessions = state.sessions().all().filter(|(_, session)| session.deadline.is_some());
    let keys = state.keyspaces().flat_map(|(name, keys)| {
        keys.deadlines().filter_map(move |(_, key)| {
            Some((name.clone(), key.clone(), keys.get(key.as_str())?.modify_index))
        })
    });
    Sight {
        term: state.term(),
        sessions: sessions.map(|(name, s)| (name.clone(), s.spec.id, s.renewal)).take(20).collect(),
        keys: keys.take(20).collect(),
    }
}
