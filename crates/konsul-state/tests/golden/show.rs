//! Outcomes, changes and state as text.

use std::fmt::Write as _;

use konsul_state::State;
use konsul_state::history::Version;
use konsul_types::txn::TxnResult;
use konsul_types::{
    BatchItem, Change, Check, KvRecord, Lock, LockHolder, LockWaiter, Node, Outcome, PreparedQuery, Refusal,
    Service, Session, SessionId,
};

/// What a command answered.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".into(),
        Outcome::Counted(n) => format!("counted {n}"),
        Outcome::Kv(kept) => format!("kv {}", record(kept)),
        Outcome::Txn(results) => {
            let lines = results.iter().map(result);
            match results.len() {
                ..20 => format!("committed{}", lines.collect::<String>()),
                many => format!("committed with {many} results"),
            }
        }
        Outcome::TxnRolledBack(errors) => {
            let lines =
                errors.iter().map(|error| format!("\n  op {}: {} {:?}", error.op, error.why, error.why));
            format!("rolled back{}", lines.collect::<String>())
        }
        Outcome::Session(kept) => format!("session {}", session(kept)),
        Outcome::Event(event) => {
            format!("event {:?} ltime={} index={}", event.name, event.ltime, event.index)
        }
        Outcome::Refused(why) => format!("refused: {why} {why:?}"),
        Outcome::AppliedBefore(index) => format!("applied before, at {index}"),
        Outcome::Lock(kept) => format!("lock {}", lock(kept)),
        Outcome::Queued { ahead, waiter: kept } => format!("queued behind {ahead}: {}", waiter(kept)),
        Outcome::Batch(items) => match items.len() {
            ..20 => format!("batch{}", items.iter().map(item).collect::<String>()),
            many => format!("batch with {many} results"),
        },
        Outcome::Each(refused) => {
            let line =
                |why: &Option<Refusal>| why.as_ref().map_or("done".into(), |why| format!("refused: {why}"));
            format!("each{}", refused.iter().map(|why| format!("\n  {}", line(why))).collect::<String>())
        }
    }
}

fn result(result: &TxnResult) -> String {
    match result {
        TxnResult::Kv { namespace, key, record: kept, with_value } => {
            let content = kept.as_deref().map_or("absent".into(), record);
            let value = if *with_value { "" } else { " (without value)" };
            format!("\n  {namespace} {key:?} {content}{value}")
        }
        TxnResult::Node(kept) => format!("\n  node {} {}", kept.name, node(kept)),
        TxnResult::Service(kept) => format!("\n  service {}", service(kept)),
        TxnResult::Check(kept) => format!("\n  check {} {} {}", kept.node, kept.id, check(kept)),
    }
}

/// What a command changed, a line for each.
pub(crate) fn change(change: &Change) -> String {
    let arrow = |old: Option<String>, new: Option<String>| {
        let text = |side: Option<String>| side.unwrap_or_else(|| "-".into());
        format!("{} → {}", text(old), text(new))
    };
    match change {
        Change::Kv { namespace, key, old, new } => {
            let sides = arrow(old.as_deref().map(record), new.as_deref().map(record));
            format!("kv {namespace} {key:?}: {sides}")
        }
        Change::Session { namespace, id, old, new } => {
            let sides = arrow(old.as_deref().map(session), new.as_deref().map(session));
            format!("session {namespace} {}: {sides}", short(*id))
        }
        Change::Node { name, old, new } => {
            format!("node {name}: {}", arrow(old.as_deref().map(node), new.as_deref().map(node)))
        }
        Change::Check { node, id, old, new } => {
            format!("check {node} {id}: {}", arrow(old.as_deref().map(check), new.as_deref().map(check)))
        }
        Change::Event(event) => format!("event {:?} {:?}", event.name, event.payload),
        Change::Reset => "reset".into(),
        Change::Lock { namespace, name, old, new } => {
            format!("lock {namespace} {name}: {}", arrow(old.as_deref().map(lock), new.as_deref().map(lock)))
        }
        Change::LockWaiter { namespace, name, session, old, new } => {
            let sides = arrow(old.as_deref().map(waiter), new.as_deref().map(waiter));
            format!("waiter {namespace} {name} {}: {sides}", short(*session))
        }
        Change::Service { old, new } => {
            format!("service {}", arrow(old.as_deref().map(service), new.as_deref().map(service)))
        }
        Change::Instances { namespace, name, passing } => {
            format!("instances {namespace} {name}{}", if *passing { "" } else { " (not of passing ones)" })
        }
        Change::Coordinate(one) => format!("coordinate {} modify={}", one.node, one.modify_index),
        Change::Query { id, old, new } => {
            format!("query {id}: {}", arrow(old.as_deref().map(query), new.as_deref().map(query)))
        }
    }
}

/// One key's record.
pub(crate) fn record(record: &KvRecord) -> String {
    let mut text =
        format!("{:?} create={} modify={}", record.value, record.create_index, record.modify_index);
    if record.flags != 0 {
        let _ = write!(text, " flags={}", record.flags);
    }
    if record.lock_index != 0 {
        let _ = write!(text, " locks={}", record.lock_index);
    }
    if let Some(id) = record.session {
        let _ = write!(text, " holder={}", short(id));
    }
    if let Some(at) = record.expires_at.at() {
        let _ = write!(text, " expires={at}");
    }
    text
}

fn item(item: &BatchItem) -> String {
    let text = match item {
        BatchItem::Done => "done".into(),
        BatchItem::Counted(n) => format!("counted {n}"),
        BatchItem::Record(kept) => kept.as_deref().map_or("absent".into(), record),
        BatchItem::Tree(rows) => {
            rows.iter().map(|(key, kept)| format!("[{key:?} {}]", record(kept))).collect()
        }
        BatchItem::Failed(why) => format!("failed: {why} {why:?}"),
        BatchItem::Catalog(kept) => return result(kept),
    };
    format!("\n  {text}")
}

fn lock(lock: &Lock) -> String {
    let holder = lock.holder.as_ref().map_or("nobody".into(), |holder| {
        let LockHolder { session, fencing, claim, value, since } = holder;
        format!("{} {value:?} fencing={fencing} claim={claim} since={since}", short(*session))
    });
    let delay = lock.delayed_until.map_or(String::new(), |until| format!(" delayed until {until}"));
    format!("of {holder}{delay} create={} modify={}", lock.create_index, lock.modify_index)
}

fn waiter(waiter: &LockWaiter) -> String {
    let LockWaiter { session, place, claim, value, since } = waiter;
    format!("{} {value:?} place={place} claim={claim} since={since}", short(*session))
}

/// One version of a key.
pub(crate) fn version(version: &Version) -> String {
    let at = version.at.map_or("?".into(), |at| at.to_string());
    let held = version.record.as_deref().map_or("absent".into(), record);
    let now = if version.current { " now" } else { "" };
    format!("@{} at={at} {held}{now}", version.index)
}

fn session(session: &Session) -> String {
    let deadline = session.deadline.map_or("none".into(), |at| at.to_string());
    format!(
        "{} on {} {:?} delay={}ms create={} modify={} renewal={} at={} deadline={deadline} grace={}",
        short(session.spec.id),
        session.spec.node,
        session.spec.behavior,
        session.spec.lock_delay_ms,
        session.create_index,
        session.modify_index,
        session.renewal,
        session.renewed_at,
        session.grace_used
    )
}

fn node(node: &Node) -> String {
    format!("{} create={} modify={}", node.address, node.create_index, node.modify_index)
}

fn check(check: &Check) -> String {
    let of = check.service.as_ref().map_or(String::new(), |of| {
        format!(" of {}/{} {:?}", check.namespace, of.id, of.tags.iter().collect::<Vec<_>>())
    });
    format!(
        "{:?} {:?}{of} create={} modify={}",
        check.status, check.output, check.create_index, check.modify_index
    )
}

fn service(service: &Service) -> String {
    format!(
        "{}/{}/{} is {} {}:{} {:?} create={} modify={}",
        service.node,
        service.namespace,
        service.id,
        service.name,
        service.address,
        service.port,
        service.tags.iter().collect::<Vec<_>>(),
        service.create_index,
        service.modify_index
    )
}

fn query(query: &PreparedQuery) -> String {
    format!(
        "{:?} of {} create={} modify={}",
        query.name, query.service.service, query.create_index, query.modify_index
    )
}

fn short(id: SessionId) -> String {
    format!("s{}", id.0.as_u128() & 0xFFFF)
}

/// Services with their indexes, instances with their checks' histories, and prepared queries.
fn services(state: &State, text: &mut String) {
    let catalog = state.catalog();
    for kept in catalog.services() {
        let _ = writeln!(text, "service {} stands {:?}", service(kept), catalog.status_of(kept));
    }
    for (namespace, name, group) in catalog.groups() {
        let _ = writeln!(
            text,
            "told of {namespace} {name}: {} instances changed={} passing={}",
            group.instances, group.changed, group.passing_changed
        );
    }
    for kept in catalog.checks() {
        let past = catalog.transitions(&kept.node, &kept.namespace, &kept.id);
        let past: Vec<_> = past.into_iter().flat_map(|past| past.iter()).collect();
        if past.len() > 1 {
            let steps: Vec<_> = past.iter().map(|step| format!("{:?}@{}", step.to, step.index)).collect();
            let _ = writeln!(text, "past of {} {}: {}", kept.node, kept.id, steps.join(" "));
        }
    }
    for kept in state.queries().iter() {
        let _ = writeln!(text, "query {} {}", kept.id, query(kept));
    }
}

/// Everything that the state holds.
pub(crate) fn state(state: &State) -> String {
    let mut text = format!(
        "index={} log={} term={} at={}\n",
        state.index(),
        state.log_index(),
        state.term(),
        state.at()
    );
    for (namespace, keys) in state.keyspaces() {
        let _ = writeln!(text, "namespace {namespace} keys={} bytes={}", keys.len(), keys.bytes());
        for (key, kept) in keys.under("") {
            let _ = writeln!(text, "  {key:?} {}", record(kept));
        }
        if !keys.history().is_empty() {
            let _ = writeln!(text, "  history {} bytes={}", keys.history().len(), keys.history().bytes());
        }
        for (at, key) in keys.deadlines() {
            let _ = writeln!(text, "  deadline {at} {key:?}");
        }
        for (key, until) in keys.lock_delays() {
            let _ = writeln!(text, "  lock delay {key:?} {until}");
        }
    }
    for (namespace, kept) in state.sessions().all() {
        let _ = writeln!(text, "session {namespace} {}", session(kept));
    }
    for (namespace, name, kept) in state.locks().all() {
        let _ = writeln!(text, "lock {namespace} {name} {}", lock(kept));
        for kept in state.locks().queue(namespace, name) {
            let _ = writeln!(text, "  waits {}", waiter(kept));
        }
    }
    for kept in state.catalog().nodes() {
        let _ = writeln!(text, "node {} {}", kept.name, node(kept));
    }
    for kept in state.catalog().checks() {
        let _ = writeln!(text, "check {} {} {}", kept.node, kept.id, check(kept));
    }
    services(state, &mut text);
    let events = state.events();
    if let (Some(first), Some(last)) = (events.iter().next(), events.iter().last()) {
        let (from, to) = (first.ltime, last.ltime);
        let _ = writeln!(
            text,
            "events {} ltime={from}..={to} changed={}",
            events.iter().count(),
            events.changed()
        );
    }
    if !state.requests().is_empty() {
        let _ = writeln!(text, "requests {}", state.requests().len());
    }
    text
}
