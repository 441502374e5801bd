//! The final scan: everything that was noted, compared with the log.
//!
//! The log is replayed once, in order, through the [`Model`]. At each index the server's outcome and changes must be the
//! model's, and every read that was answered at that index must have been answered as the model answers. Then the journals are
//! held to what needs no model: order in real time, requests applied once, sessions, locks, the feed, the registers.

use std::collections::BTreeMap;

use konsul_types::txn::TxnFailure;
use konsul_types::{ChangeSet, Index, Outcome, Refusal, TxnError};

use crate::blind;
use crate::broken::{Broken, Held, hold};
use crate::clients::Common;
use crate::history::{Content, Ending, Journals, Query, Read, Seen, Stretch};
use crate::invariants::{
    acked_durable, exactly_once, feed, index_monotonic, lock_delay, lock_fence, missed_wake, no_phantom,
    passing_only, prefix_index, quiet_write, real_time, restore_atomic, service_news, session_early,
    session_late, spurious_wake, stale_expiry,
};
use crate::machine::Machine;
use crate::model::{Model, Named, Told};
use crate::observer::Entry;

/// The name under which a difference from the model is reported.
pub const MODEL: &str = "History";

/// The log as it was applied, by index.
pub type Log = BTreeMap<u64, Entry>;

/// Most configurations that one blind search visits.
const BLIND_BUDGET: usize = 60_000;

/// Does all checks of the end.
///
/// # Errors
/// The first promise that did not hold.
pub fn all(machine: &mut Machine, common: &Common) -> Held {
    let journals = machine.history.journals();
    let log = &machine.observer.log;
    explained(&journals, log)?;
    lock_fence::held(log)?;
    lock_delay::held(log)?;
    quiet_write::held(log)?;
    passing_only::held(&journals.reads)?;
    session_early::explained(log)?;
    let news = replay(&journals, log)?;
    real_time::held(&journals)?;
    no_phantom::held(&journals)?;
    exactly_once::held(&journals, log, &common.plan.limits)?;
    index_monotonic::held(&journals.reads)?;
    restore_atomic::held(&journals.reads, log)?;
    for stretch in &journals.stretches {
        feed::held(stretch, log)?;
    }
    spurious_wake::held(&journals, log)?;
    let faults = common.plan.faults;
    let is_prompt = !(faults.pause || faults.slow_sync || faults.full);
    if is_prompt {
        missed_wake::held(&journals.reads, log)?;
        missed_wake::of_services(&journals.reads, log, &news)?;
    }
    stale_expiry::held(log)?;
    session_early::held(&journals.renewals, log, faults.clock_jump)?;
    if !machine.is_over() {
        session_late::held(machine.observer.pure())?;
    }
    drop(journals);
    blind(machine, common)
}

/// Every acknowledged command is at its index; every command in the log was asked for as often, and none that was said not to
/// happen is there.
fn explained(journals: &Journals, log: &Log) -> Held {
    let mut asked: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let bytes = |request, command| konsul_types::encoding::encode(&(request, command));
    for proposed in &journals.proposals {
        match &proposed.ending {
            Ending::Not(_) => continue,
            Ending::At(index, outcome) => {
                let found = log.get(&index.0).and_then(|entry| entry.proposal.as_ref());
                acked_durable::kept(index.0, &proposed.command, found.map(|found| &found.command), outcome)?;
            }
            Ending::Maybe => {}
        }
        *asked.entry(bytes(proposed.request, &proposed.command)).or_default() += 1;
    }
    for (index, entry) in log {
        let Some(proposal) = &entry.proposal else { continue };
        let left = asked.entry(bytes(proposal.request.map(|asked| asked.id), &proposal.command)).or_default();
        *left -= 1;
        hold(acked_durable::NAME, *left >= 0, || {
            format!(
                "entry {index} holds {:?}, which nobody asked for or which was said not to happen",
                proposal.command
            )
        })?;
    }
    Ok(())
}

/// Replays the log through the model; answers when what is told of which service became different.
fn replay(journals: &Journals, log: &Log) -> Result<News, Broken> {
    let mut outcomes: BTreeMap<u64, Vec<&Outcome>> = BTreeMap::new();
    for proposed in &journals.proposals {
        if let Ending::At(index, outcome) = &proposed.ending {
            outcomes.entry(index.0).or_default().push(outcome);
        }
    }
    let mut reads: BTreeMap<u64, Vec<&Read>> = BTreeMap::new();
    journals.reads.iter().for_each(|read| reads.entry(read.state.0).or_default().push(read));
    let mut txns: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    journals
        .txn_reads
        .iter()
        .enumerate()
        .for_each(|(at, read)| txns.entry(read.state.0).or_default().push(at));
    let (mut model, mut told, mut news) = (Model::default(), Told::new(), News::default());
    for (index, entry) in log {
        let as_expected = step(&mut model, *index, entry, outcomes.get(index).map_or(&[], Vec::as_slice));
        if let Some(set) = entry.changes.as_ref().filter(|set| service_news::may_tell(set)) {
            let before = std::mem::replace(&mut told, model.told());
            service_news::held(set, &before, &told)?;
            note_news(&mut news, set, &before, &told);
        }
        as_expected?;
        for read in reads.remove(index).unwrap_or_default() {
            answered(&model, read)?;
        }
        for at in txns.remove(index).unwrap_or_default() {
            let read = &journals.txn_reads[at];
            let wanted = model.txn_read(&read.ops);
            hold(MODEL, wanted == read.results, || {
                format!("at {index} the transaction {:?} read {:?}, not {wanted:?}", read.ops, read.results)
            })?;
        }
        if journals.backups.contains_key(&Index(*index)) {
            model.save();
        }
    }
    let beyond = reads.keys().chain(txns.keys()).find(|index| **index > 0);
    hold(MODEL, beyond.is_none(), || {
        format!("a read was answered by a state at {beyond:?}, which the log does not reach")
    })?;
    Ok(news)
}

/// Where what is told of a service became different for readers of all instances, or for those of passing ones.
pub type News = BTreeMap<(Named, bool), Vec<u64>>;

fn note_news(news: &mut News, set: &ChangeSet, before: &Told, after: &Told) {
    for named in before.keys().chain(after.keys()) {
        for passing in [false, true] {
            if service_news::differs(before, after, named, passing) {
                let at = news.entry((named.clone(), passing)).or_default();
                // A service that was there before and is there now comes twice.
                at.extend((at.last() != Some(&set.index.0)).then_some(set.index.0));
            }
        }
    }
}

fn step(model: &mut Model, index: u64, entry: &Entry, heard: &[&Outcome]) -> Held {
    let Some(proposal) = &entry.proposal else {
        model.advance(entry.term, Index(index));
        return Ok(());
    };
    let expected = model.apply(entry.term, Index(index), proposal);
    let changes = entry.changes.as_ref().map_or(&[][..], |set| &set.changes);
    hold(MODEL, changes == expected.changes, || {
        format!("entry {index}, {:?}, changed {changes:?}, not {:?}", proposal.command, expected.changes)
    })?;
    let Some(wanted) = expected.outcome else { return Ok(()) };
    for outcome in entry.outcome.iter().chain(heard.iter().copied()) {
        hold(MODEL, alike(&wanted, outcome), || {
            format!("entry {index}, {:?}, was answered {outcome:?}, not {wanted:?}", proposal.command)
        })?;
    }
    Ok(())
}

/// Equal, but for words that are only for people.
fn alike(wanted: &Outcome, found: &Outcome) -> bool {
    wanted == found || wordless(wanted) == wordless(found)
}

fn wordless(outcome: &Outcome) -> Outcome {
    let quiet = |error: &TxnError| match &error.why {
        TxnFailure::Catalog { .. } => {
            TxnError { op: error.op, why: TxnFailure::Catalog { why: String::new() } }
        }
        _ => error.clone(),
    };
    match outcome {
        Outcome::Refused(Refusal::RestoreOrder { .. } | Refusal::RestoreRefused { .. }) => {
            Outcome::Refused(Refusal::RestoreOrder { why: String::new() })
        }
        Outcome::Refused(Refusal::QueryAlias { .. }) => {
            Outcome::Refused(Refusal::QueryAlias { why: String::new() })
        }
        Outcome::TxnRolledBack(errors) => Outcome::TxnRolledBack(errors.iter().map(quiet).collect()),
        other => other.clone(),
    }
}

fn answered(model: &Model, read: &Read) -> Held {
    let wanted = model.answer(&read.query);
    spurious_wake::of_service(read, model)?;
    hold(MODEL, wanted == read.content, || {
        format!("at {} {:?} was answered {:?}, not {wanted:?}", read.state, read.query, read.content)
    })?;
    if !read.query.is_indexed() {
        return Ok(());
    }
    let exact = match &read.content {
        Content::Record(Some(_)) | Content::Nodes(_) | Content::Node(Some(_)) | Content::Queries(_) => true,
        // Without instances a service has no index of its own.
        Content::Instances(_) | Content::Checks(_) => has_own_index(model, &read.query),
        _ => false,
    };
    prefix_index::held(&read.query, read.reported, model.changed(&read.query), read.state, exact)
}

fn has_own_index(model: &Model, query: &Query) -> bool {
    match query {
        Query::Health(namespace, name, _) | Query::ServiceChecks(namespace, name) => {
            model.has_instances(namespace, name)
        }
        _ => true,
    }
}

/// Once in a while the indexes are forgotten and the registers searched.
fn blind(machine: &mut Machine, common: &Common) -> Held {
    let mut by_key: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (key, operation) in common.registers.lock().iter() {
        by_key.entry(key.clone()).or_default().push(operation.clone());
    }
    for (key, mut operations) in by_key {
        operations.sort_by_key(|operation| operation.began);
        // A beginning of a history is linearizable if the whole is, as long as nothing in it saw what comes later.
        operations.truncate(blind::OPERATIONS_MAX);
        let cut = operations.last().map_or(0, |last| last.began);
        for operation in &mut operations {
            if operation.ended > cut && !matches!(operation.answered, blind::Answered::Read(_)) {
                operation.answered = blind::Answered::Maybe;
                operation.ended = u64::MAX;
            }
        }
        operations.retain(|operation| operation.ended <= cut || operation.answered == blind::Answered::Maybe);
        match blind::check(&operations, BLIND_BUDGET) {
            blind::Verdict::Linearizable => machine.marks.hit("blind check"),
            blind::Verdict::GivenUp => machine.marks.hit("blind check given up"),
            blind::Verdict::NotLinearizable => {
                let what = format!("no order explains the {} operations on {key}", operations.len());
                return Err(Broken::new("Linearizability", what));
            }
        }
    }
    Ok(())
}

/// How often subscribers were reset.
pub fn resets(stretches: &[Stretch]) -> u64 {
    let seen = stretches.iter().flat_map(|stretch| &stretch.seen);
    seen.filter(|seen| matches!(seen, Seen::Reset { .. })).count() as u64
}
