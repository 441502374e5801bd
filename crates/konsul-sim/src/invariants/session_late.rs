//! I-26 SessionLate: with a leader alive, a session that nobody renews is gone within twice its time to live and a bound.
//!
//! Source: Consul's documentation of sessions (at most twice the time to live); consul issue 1172.

use konsul_state::State;
use konsul_types::{CheckStatus, Millis, Session};

use super::session_early;
use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-26 SessionLate";

/// At the end of a run nobody has renewed anything for longer than the longest session lives, and the leader was alive.
pub fn held(state: &State) -> Held {
    state.sessions().all().try_for_each(|(_, session)| is_over(session, state.at()))
}

/// No session outlives what it leans on: its node is there, and so is each check that it named, and none is critical.
pub fn leans_well(state: &State) -> Held {
    let catalog = state.catalog();
    state.sessions().all().try_for_each(|(namespace, session)| {
        let spec = &session.spec;
        let named = session_early::leans_on(namespace, spec);
        let found = named.iter().filter_map(|(of, id)| catalog.check_of(&spec.node, of, id));
        let statuses: Vec<CheckStatus> = found.map(|check| check.status).collect();
        stands(session, catalog.node(&spec.node).is_some(), named.len(), &statuses)
    })
}

fn stands(session: &Session, has_node: bool, wanted: usize, found: &[CheckStatus]) -> Held {
    let well = has_node && found.len() == wanted && !found.contains(&CheckStatus::Critical);
    hold(NAME, well, || {
        format!(
            "session {} outlived what it leans on, of which there is {found:?}: {session:?}",
            session.spec.id
        )
    })
}

fn is_over(session: &Session, now: Millis) -> Held {
    hold(NAME, session.deadline.is_none(), || {
        format!(
            "session {} is still there at {now}, long after its last renewal: {session:?}",
            session.spec.id
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::session;
    use super::*;

    #[test]
    fn fires_on_a_session_that_outlived_its_time() {
        assert!(is_over(&session(1, None, 0), Millis(9)).is_ok());
        assert!(is_over(&session(1, Some(100), 0), Millis(9_000)).is_err());
    }

    #[test]
    fn fires_on_a_session_that_outlived_what_it_leans_on() {
        let session = session(1, None, 0);
        let with = |has_node, found: &[CheckStatus]| stands(&session, has_node, 1, found);
        assert!(with(true, &[CheckStatus::Warning]).is_ok());
        assert!(with(false, &[CheckStatus::Passing]).is_err());
        assert!(with(true, &[]).is_err() && with(true, &[CheckStatus::Critical]).is_err());
    }
}
