//! I-13 ExactlyOnce: a request id has at most one effect and one outcome, over restarts, snapshots and restores, within the
//! promised window; beyond it the answer is an error, never a second effect.
//!
//! Source: Konsul's promise for request ids; RIFL (*Implementing Linearizability at Large Scale and Low Latency*, 2015).

use std::collections::{BTreeMap, BTreeSet};

use konsul_types::{Limits, Millis, Outcome, Refusal, RequestId};

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::history::{Ending, Journals};

/// The invariant's name.
pub const NAME: &str = "I-13 ExactlyOnce";

const EXPIRED: Outcome = Outcome::Refused(Refusal::RequestExpired);

/// All requests with an id.
pub fn held(journals: &Journals, log: &Log, limits: &Limits) -> Held {
    let mut heard: BTreeMap<RequestId, &Outcome> = BTreeMap::new();
    for proposed in &journals.proposals {
        if let (Some(id), Ending::At(_, outcome)) = (proposed.request, &proposed.ending)
            && *outcome != EXPIRED
        {
            let first = *heard.entry(id).or_insert(outcome);
            hold(NAME, first == outcome, || format!("request {id} was answered {first:?} and {outcome:?}"))?;
        }
    }
    effects(log)?;
    expired_rightly(log, limits)
}

/// No id changed anything twice.
fn effects(log: &Log) -> Held {
    let mut seen: BTreeMap<RequestId, u64> = BTreeMap::new();
    for (index, entry) in log {
        let Some(id) = entry.proposal.as_ref().and_then(|proposal| proposal.request.map(|asked| asked.id))
        else {
            continue;
        };
        if entry.changes.is_some()
            && let Some(first) = seen.insert(id, *index)
        {
            return hold(NAME, false, || {
                format!("request {id} had an effect at {first} and again at {index}")
            });
        }
    }
    Ok(())
}

/// A request is refused as too old only if it is, or if more have come than are remembered.
fn expired_rightly(log: &Log, limits: &Limits) -> Held {
    let mut ids = BTreeSet::new();
    let mut newest = Millis(0);
    for (index, entry) in log {
        let Some(proposal) = &entry.proposal else { continue };
        newest = newest.max(proposal.at);
        let Some(id) = proposal.request.map(|asked| asked.id) else { continue };
        ids.insert(id);
        if entry.outcome.as_ref() != Some(&EXPIRED) {
            continue;
        }
        let made = Millis(id.made_at().unwrap_or(0));
        let is_far =
            newest.since(made) > limits.request_window_ms || made.since(newest) > limits.request_window_ms;
        // One that was made before a forgotten one cannot be told from it.
        let is_behind = ids.iter().any(|other| *other > id && is_old(*other, newest, limits))
            || ids.iter().any(|other| {
                *other != id && Millis(other.made_at().unwrap_or(0)) >= made && is_old(*other, newest, limits)
            });
        let are_many = ids.len() as u64 > limits.requests;
        hold(NAME, is_far || is_behind || are_many, || {
            format!("request {id}, made at {made}, was refused as too old at {index}, when it was {newest}")
        })?;
    }
    Ok(())
}

fn is_old(id: RequestId, now: Millis, limits: &Limits) -> bool {
    now.since(Millis(id.made_at().unwrap_or(0))) > limits.request_window_ms
}

#[cfg(test)]
mod tests {
    use konsul_types::Index;

    use super::super::fabricated::{any, entry, kv, record};
    use super::*;
    use crate::history::Proposed;

    fn request(made: u64) -> RequestId {
        RequestId(uuid::Builder::from_unix_timestamp_millis(made, &[0; 10]).into_uuid())
    }

    fn with(log: &mut Log, index: u64, at: u64, id: RequestId, effect: bool, outcome: Outcome) {
        let changes = if effect { vec![kv("k", None, Some(record(index, "v", None)))] } else { vec![] };
        entry(log, index, at, any(), changes);
        let entry = log.get_mut(&index).unwrap();
        entry.outcome = Some(outcome);
        entry.proposal.as_mut().unwrap().request = Some(id.into());
    }

    fn answered(id: RequestId, index: u64, outcome: Outcome) -> Proposed {
        let ending = Ending::At(Index(index), outcome);
        Proposed { client: Some(1), request: Some(id), command: any(), began: 0, ended: 1, ending }
    }

    #[test]
    fn fires_on_a_second_effect_another_answer_and_a_wrong_refusal() {
        let (id, limits) = (request(1_000), Limits::default());
        let mut log = Log::new();
        with(&mut log, 5, 1_000, id, true, Outcome::Done);
        with(&mut log, 6, 1_001, id, false, Outcome::Done);
        let mut journals = Journals::default();
        journals.proposals.push(answered(id, 5, Outcome::Done));
        assert!(held(&journals, &log, &limits).is_ok());

        let mut twice = log.clone();
        with(&mut twice, 7, 1_002, id, true, Outcome::Done);
        assert!(held(&journals, &twice, &limits).is_err());
        let mut early = log.clone();
        with(&mut early, 7, 1_002, id, false, EXPIRED);
        assert!(held(&journals, &early, &limits).is_err());
        let mut late = log.clone();
        with(&mut late, 7, 1_002 + limits.request_window_ms, id, false, EXPIRED);
        assert!(held(&journals, &late, &limits).is_ok());
        journals.proposals.push(answered(id, 6, Outcome::Counted(1)));
        assert!(held(&journals, &log, &limits).is_err());
    }
}
