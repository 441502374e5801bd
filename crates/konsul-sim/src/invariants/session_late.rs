//! I-26 SessionLate: with a leader alive, a session that nobody renews is gone within twice its time to live and a bound.
//!
//! Source: Consul's documentation of sessions (at most twice the time to live); consul issue 1172.

use konsul_state::State;
use konsul_types::{Millis, Session};

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-26 SessionLate";

/// At the end of a run nobody has renewed anything for longer than the longest session lives, and the leader was alive.
pub fn held(state: &State) -> Held {
    state.sessions().all().try_for_each(|(_, session)| is_over(session, state.at()))
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
}
