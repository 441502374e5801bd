//! Runs a history, and looks at everything after each step.

use std::collections::BTreeMap;

use konsul_state::{Applied, Restorer, State};
use konsul_types::event::Event;
use konsul_types::node::CheckV1;
use konsul_types::restore::RestoreCommand;
use konsul_types::txn::{KvTxnOp, TxnOp};
use konsul_types::{
    CatalogCommand, Change, CheckId, CheckStatus, Command, EventId, Index, Key, KvCommand, KvRecord, Limits,
    Millis, Namespace, Node, NodeName, Outcome, Proposal, PutMode, Refusal, RequestId, RestoreId, SessionId,
    SessionSpec,
};
use uuid::Uuid;

use crate::history::{Entry, Guess, KEYS, Member, Mode, NAMESPACES, Step, Write};
use crate::indexes::{Readers, Seen};
use crate::model::Model;

/// A history on its way: the state, what it should be, and what readers and followers of changes saw of it.
struct Run {
    state: State,
    model: Model,
    now: u64,
    term: u64,
    log: Vec<Logged>,
    answered: BTreeMap<RequestId, Outcome>,
    sent: Vec<Proposal>,
    feed: BTreeMap<(Namespace, Key), KvRecord>,
    readers: Readers,
    backup: Option<(Model, Vec<Vec<u8>>)>,
    marks: Marks,
}

/// An entry of the log: its term, its position, and, unless it is blank, what was asked and answered.
type Logged = (u64, u64, Option<(Proposal, Applied)>);

/// What a history came by, and how often.
pub(crate) type Marks = BTreeMap<&'static str, u32>;

/// Runs a history; the first promise that does not hold, in words.
pub(crate) fn check(history: &[Entry]) -> Result<Marks, String> {
    let (marks, _) = finish(history)?;
    Ok(marks)
}

/// Runs a history; answers what it came by, and the state that it leaves.
pub(crate) fn finish(history: &[Entry]) -> Result<(Marks, State), String> {
    let mut run = Run::new();
    for (number, entry) in history.iter().enumerate() {
        run.step(entry).map_err(|why| format!("step {number} {entry:?}: {why}"))?;
    }
    let marks = std::mem::take(&mut run.marks);
    let state = run.replay()?;
    Ok((marks, state))
}

/// The state that chunks are the snapshot of.
pub(crate) fn read(chunks: &[Vec<u8>]) -> Result<State, String> {
    let mut restorer = Restorer::new();
    for chunk in chunks {
        restorer.chunk(chunk).map_err(|why| why.to_string())?;
    }
    restorer.finish().map_err(|why| why.to_string())
}

impl Run {
    fn new() -> Run {
        Run {
            state: State::new(),
            model: Model::default(),
            now: 1_000_000,
            term: 1,
            log: Vec::new(),
            answered: BTreeMap::new(),
            sent: Vec::new(),
            feed: BTreeMap::new(),
            readers: Readers::default(),
            backup: None,
            marks: Marks::new(),
        }
    }

    fn step(&mut self, entry: &Entry) -> Result<(), String> {
        self.now = self.now.saturating_add_signed(entry.later);
        match &entry.step {
            Step::Blank(entries) => self.blank(*entries),
            Step::Snapshot => self.reread()?,
            Step::Backup => self.backup = Some((self.model.clone(), self.state.chunks().collect())),
            Step::Restore => self.restore()?,
            Step::Again(number) => {
                if let Some(proposal) = self.sent.get(*number).cloned() {
                    self.propose(&Proposal { at: Millis(self.now), ..proposal })?;
                }
            }
            Step::LeaderStart => {
                self.term += 1;
                self.command(entry, Command::LeaderStart { term: self.term })?;
            }
            step => {
                let command = command(step, &self.model, self.term);
                self.command(entry, command)?;
            }
        }
        self.promises()
    }

    fn blank(&mut self, entries: u64) {
        for _ in 0..entries {
            let position = self.state.log_index() + 1;
            self.state.advance(self.term, position);
            self.log.push((self.term, position, None));
            self.model.index += 1;
        }
        self.model.term = self.term;
    }

    fn command(&mut self, entry: &Entry, command: Command) -> Result<Applied, String> {
        let id = (u128::from(self.now) << 80) | (7 << 76) | (2 << 62) | self.log.len() as u128;
        let request = entry.request.then_some(RequestId(Uuid::from_u128(id)).into());
        let proposal = Proposal { at: Millis(self.now), request, actor: String::new(), command };
        if request.is_some() {
            self.sent.push(proposal.clone());
        }
        self.propose(&proposal)
    }

    /// Applies a proposal to state and model, and compares what they answer.
    fn propose(&mut self, proposal: &Proposal) -> Result<Applied, String> {
        let proposal = Proposal::decode(&proposal.encode()).map_err(|why| why.to_string())?;
        let position = self.state.log_index() + 1;
        let before = self.state.at();
        let applied = self.state.apply(self.term, position, &proposal).map_err(|why| why.to_string())?;
        if self.state.at() != before.max(proposal.at) {
            return Err(format!("time went from {before} to {}", self.state.at()));
        }
        self.model.index += 1;
        self.model.term = self.term;
        self.model.at = self.model.at.max(proposal.at.0);
        *self.marks.entry(mark(&proposal.command, &applied)).or_default() += 1;
        match proposal.request.and_then(|asked| self.answered.get(&asked.id).cloned()) {
            Some(first) => {
                *self.marks.entry("repeat").or_default() += 1;
                repeated(&proposal, &applied, &first, self.state.at())?;
            }
            None => self.first(&proposal, &applied)?,
        }
        self.follow(&applied)?;
        self.log.push((self.term, position, Some((proposal, applied.clone()))));
        Ok(applied)
    }

    fn first(&mut self, proposal: &Proposal, applied: &Applied) -> Result<(), String> {
        if let Some(asked) = proposal.request {
            self.answered.insert(asked.id, applied.outcome.clone());
        }
        if let Command::Restore(RestoreCommand::Commit { .. }) = &proposal.command {
            let (backup, _) = self.backup.clone().ok_or("nothing to restore")?;
            self.model.restore(&backup);
            return matches!(applied.outcome, Outcome::Counted(_))
                .then_some(())
                .ok_or_else(|| format!("{:?}", applied.outcome));
        }
        match self.model.apply(&proposal.command) {
            Some(wanted) if wanted != applied.outcome => {
                Err(format!("answered {:?} instead of {wanted:?}", applied.outcome))
            }
            _ => Ok(()),
        }
    }

    /// Follows the changes as a feed would, and shows them to readers.
    fn follow(&mut self, applied: &Applied) -> Result<(), String> {
        let changes = applied.changes.iter().flat_map(|set| set.changes.clone()).collect::<Vec<_>>();
        for change in &changes {
            match change {
                Change::Kv { namespace, key, old, new } => {
                    let place = (namespace.clone(), key.clone());
                    let known = match new {
                        Some(new) => self.feed.insert(place, (**new).clone()),
                        None => self.feed.remove(&place),
                    };
                    if known.as_ref() != old.as_deref() {
                        return Err(format!("the feed knew {known:?} before {change:?}"));
                    }
                    if old.as_ref() == new.as_ref() {
                        return Err(format!("no change: {change:?}"));
                    }
                }
                Change::Reset => self.feed = records(&self.state),
                _ => {}
            }
        }
        if applied.changes.as_ref().is_some_and(|set| set.index != applied.index || set.changes.is_empty()) {
            return Err("changes of another index, or none".into());
        }
        let reaped = matches!(applied.outcome, Outcome::Counted(_)) && changes.is_empty();
        self.readers.check(&self.state, &Seen { changes: &changes, reaped })
    }

    fn restore(&mut self) -> Result<(), String> {
        let Some((_, chunks)) = self.backup.clone() else { return Ok(()) };
        let id = RestoreId(Uuid::from_u128(9));
        let plain = Entry { later: 0, request: false, step: Step::Restore };
        self.command(&plain, Command::Restore(RestoreCommand::Begin { id }))?;
        let count = chunks.len() as u32;
        for (number, bytes) in (0..).zip(chunks) {
            self.command(
                &plain,
                Command::Restore(RestoreCommand::Chunk { id, number, bytes: bytes.into() }),
            )?;
            if number == 0 {
                self.reread()?;
            }
        }
        self.command(&plain, Command::Restore(RestoreCommand::Commit { id, chunks: count }))?;
        Ok(())
    }

    /// Goes on with what comes back from a snapshot, which must be the same in every respect.
    fn reread(&mut self) -> Result<(), String> {
        let chunks: Vec<Vec<u8>> = self.state.chunks().collect();
        let restored = read(&chunks)?;
        if restored != self.state {
            return Err("what comes back from a snapshot is another state".into());
        }
        if restored.hashes() != self.state.hashes() || !restored.chunks().eq(chunks) {
            return Err("what comes back from a snapshot has other hashes or bytes".into());
        }
        self.state = restored;
        Ok(())
    }

    /// What must hold after every step.
    fn promises(&mut self) -> Result<(), String> {
        if let Some(what) = self.state.verify() {
            return Err(what);
        }
        if self.state.index() != Index(self.model.index) {
            return Err(format!("index {} instead of {}", self.state.index(), self.model.index));
        }
        let kv = records(&self.state);
        if kv != self.model.kv {
            return Err(format!("keys {kv:?} instead of {:?}", self.model.kv));
        }
        if kv != self.feed {
            return Err("whoever follows the changes holds something else".into());
        }
        let sessions: BTreeMap<_, _> =
            self.state.sessions().all().map(|(name, s)| ((name.clone(), s.spec.id), (**s).clone())).collect();
        if sessions != self.model.sessions {
            return Err(format!("sessions {sessions:?} instead of {:?}", self.model.sessions));
        }
        self.bounds()
    }

    /// Counters, and the bounds that the state keeps for itself.
    fn bounds(&self) -> Result<(), String> {
        for usage in self.state.usage() {
            let of = |name: &Namespace| *name == usage.namespace;
            let keys = self.model.kv.keys().filter(|(name, _)| of(name)).count() as u64;
            let sessions = self.model.sessions.keys().filter(|(name, _)| of(name)).count() as u64;
            if (usage.keys, usage.sessions) != (keys, sessions) {
                return Err(format!("{usage:?} instead of {keys} keys and {sessions} sessions"));
            }
        }
        if self.state.requests().len() as u64 > self.state.limits().requests {
            return Err(format!("{} requests are remembered", self.state.requests().len()));
        }
        Ok(())
    }

    /// The same log on another replica gives the same answers, changes and state.
    fn replay(mut self) -> Result<State, String> {
        self.reread()?;
        let mut other = State::new();
        for (term, position, entry) in &self.log {
            let Some((proposal, first)) = entry else {
                other.advance(*term, *position);
                continue;
            };
            let again = other.apply(*term, *position, proposal).map_err(|why| why.to_string())?;
            if again != *first {
                return Err(format!("replay of {proposal:?} gave {again:?} instead of {first:?}"));
            }
        }
        (other == self.state).then_some(other).ok_or_else(|| "replay gave another state".into())
    }
}

/// What a repeated request may be answered: what it was answered first, or, after its time, that nobody can tell.
fn repeated(proposal: &Proposal, applied: &Applied, first: &Outcome, at: Millis) -> Result<(), String> {
    let made = proposal.request.and_then(|asked| asked.id.made_at()).unwrap_or(0);
    let window = Limits::default().request_window_ms;
    let fine = match &applied.outcome {
        Outcome::Refused(Refusal::RequestExpired) => at.since(Millis(made)) > window,
        Outcome::AppliedBefore(_) => true,
        answer => answer == first,
    };
    if !fine || applied.changes.is_some() {
        return Err(format!("a repeat was answered {:?} instead of {first:?}", applied.outcome));
    }
    Ok(())
}

/// A name for what a command came to.
fn mark(command: &Command, applied: &Applied) -> &'static str {
    match (&applied.outcome, command) {
        (Outcome::Refused(why), _) => match why {
            Refusal::StaleIndex { .. } => "stale index",
            Refusal::LockHeld => "lock held",
            Refusal::LockDelay { .. } => "lock delay",
            Refusal::NotHolder => "not the holder",
            Refusal::UnknownSession { .. } => "unknown session",
            Refusal::SessionExists { .. } => "session exists",
            Refusal::MissingNode => "missing node",
            Refusal::MissingCheck { .. } => "missing check",
            Refusal::CriticalCheck { .. } => "critical check",
            Refusal::RequestExpired => "request expired",
            Refusal::Superseded => "superseded",
            _ => "other refusal",
        },
        (Outcome::Kv(record), _) if record.session.is_some() => "locked key",
        (Outcome::Kv(_), _) if applied.changes.is_none() => "equal put",
        (Outcome::Kv(_), _) => "put",
        (Outcome::Txn(_), _) if applied.changes.is_some() => "committed",
        (Outcome::TxnRolledBack(_), _) => "rolled back",
        (Outcome::Counted(1..), Command::SessionExpire { .. }) => "session expired",
        (Outcome::Counted(1..), Command::KvExpire { .. }) => "key expired",
        (Outcome::Counted(1..), Command::LeaderStart { .. }) => "grace",
        (Outcome::Counted(1..), Command::Reap { .. }) => "reaped",
        (Outcome::Counted(_), Command::Restore(_)) => "restored",
        (Outcome::Session(_), Command::SessionRenew { .. }) => "renewed",
        (_, Command::SessionDestroy { .. })
            if applied.changes.as_ref().is_some_and(|c| c.changes.len() > 1) =>
        {
            "lost locks"
        }
        _ => "other",
    }
}

fn records(state: &State) -> BTreeMap<(Namespace, Key), KvRecord> {
    let all = state.keyspaces().flat_map(|(name, keys)| {
        keys.under("").map(move |(key, record)| ((name.clone(), key.clone()), (**record).clone()))
    });
    all.collect()
}

fn namespace(number: usize) -> Namespace {
    Namespace::new(NAMESPACES[number]).expect("these are names")
}

fn key(number: usize) -> Key {
    Key::new(KEYS[number]).expect("these are keys")
}

fn session(number: u8) -> SessionId {
    SessionId(Uuid::from_u128(u128::from(number)))
}

fn node(number: u8) -> NodeName {
    NodeName::new(format!("n{number}")).expect("this is a name")
}

fn check_id() -> CheckId {
    CheckId::new("c").expect("this is an id")
}

/// The index that a guess means for a key.
fn guessed(guess: Guess, model: &Model, ns: usize, number: usize) -> Index {
    let found = model.kv.get(&(namespace(ns), key(number))).map_or(0, |record| record.modify_index.0);
    match guess {
        Guess::Zero => Index(0),
        Guess::Right => Index(found),
        Guess::Wrong => Index(found + 1),
    }
}

fn write(ns: usize, write: &Write, model: &Model) -> KvCommand {
    match write {
        Write::Put { key: number, value, flags, mode, ttl } => KvCommand::Put {
            key: key(*number),
            value: vec![*value; usize::from(*value)].into(),
            flags: *flags,
            mode: match mode {
                Mode::Set => PutMode::Set,
                Mode::Cas(guess) => PutMode::Cas(guessed(*guess, model, ns, *number)),
                Mode::Acquire(id) => PutMode::Acquire(session(*id)),
                Mode::Release(id) => PutMode::Release(session(*id)),
            },
            ttl_ms: *ttl,
        },
        Write::Delete { key: number, cas } => {
            KvCommand::Delete { key: key(*number), cas: cas.map(|guess| guessed(guess, model, ns, *number)) }
        }
        Write::DeleteTree { prefix, cut } => {
            KvCommand::DeleteTree { prefix: KEYS[*prefix].chars().take(*cut).collect() }
        }
    }
}

fn member(ns: usize, member: &Member, model: &Model) -> TxnOp {
    let op = match member {
        Member::Write(op) => KvTxnOp::Write(write(ns, op, model)),
        Member::Get(number) => KvTxnOp::Get { key: key(*number) },
        Member::GetOrEmpty(number) => KvTxnOp::GetOrEmpty { key: key(*number) },
        Member::CheckIndex(number, guess) => {
            KvTxnOp::CheckIndex { key: key(*number), index: guessed(*guess, model, ns, *number) }
        }
        Member::CheckSession(number, id) => KvTxnOp::CheckSession {
            key: key(*number),
            session: Some(session(*id)),
            text: session(*id).to_string(),
        },
        Member::CheckNotExists(number) => KvTxnOp::CheckNotExists { key: key(*number) },
    };
    TxnOp::Kv { namespace: namespace(ns), op }
}

/// The command that a step means in this world.
fn command(step: &Step, model: &Model, term: u64) -> Command {
    match step {
        Step::Write(ns, op) => Command::Kv { namespace: namespace(*ns), op: write(*ns, op, model) },
        Step::Txn(members) => {
            Command::Txn { ops: members.iter().map(|(ns, op)| member(*ns, op, model)).collect() }
        }
        Step::SessionCreate { ns, id, node: on, behavior, delay, ttl, checked } => Command::SessionCreate {
            namespace: namespace(*ns),
            spec: SessionSpec {
                id: session(*id),
                name: String::new(),
                node: node(*on),
                lock_delay_ms: *delay,
                behavior: *behavior,
                ttl_ms: *ttl,
                ttl_text: String::new(),
                node_checks: if *checked { vec![check_id()] } else { Vec::new() },
                service_checks: Vec::new(),
            },
        },
        Step::SessionDestroy { ns, id } => {
            Command::SessionDestroy { namespace: namespace(*ns), id: session(*id) }
        }
        Step::SessionRenew { ns, id } => {
            Command::SessionRenew { namespace: namespace(*ns), id: session(*id) }
        }
        Step::SessionExpire { ns, id, late, term: guess } => {
            let known = model.sessions.get(&(namespace(*ns), session(*id))).map_or(0, |s| s.renewal);
            let seen = known.wrapping_sub(u64::from(*late));
            Command::SessionExpire {
                term: if matches!(guess, Guess::Wrong) { term + 1 } else { term },
                sessions: vec![(namespace(*ns), session(*id), seen)],
            }
        }
        Step::KvExpire { ns, key: number, guess } => Command::KvExpire {
            term,
            keys: vec![(namespace(*ns), key(*number), guessed(*guess, model, *ns, *number))],
        },
        Step::Reap(back) => Command::Reap { upto: Index(model.index.saturating_sub(*back)) },
        Step::Fire => Command::EventFire { event: event() },
        step => Command::Catalog(catalog(step)),
    }
}

fn event() -> Event {
    Event {
        id: EventId(Uuid::from_u128(3)),
        name: "tick".into(),
        payload: Vec::new().into(),
        node_filter: String::new(),
        service_filter: String::new(),
        tag_filter: String::new(),
        ltime: 0,
        index: Index(0),
    }
}

fn catalog(step: &Step) -> CatalogCommand {
    match step {
        Step::NodeRemove(number) => CatalogCommand::DeregisterNode { name: node(*number) },
        Step::Check(number, status) => CatalogCommand::RegisterCheck { check: health(*number, *status) },
        Step::CheckRemove(number) => CatalogCommand::DeregisterCheck { node: node(*number), id: check_id() },
        Step::Node(number) => CatalogCommand::RegisterNode {
            node: Node {
                id: None,
                name: node(*number),
                address: "10.0.0.1".into(),
                tagged_addresses: BTreeMap::new(),
                meta: BTreeMap::new(),
                create_index: Index(0),
                modify_index: Index(0),
            },
        },
        other => unreachable!("{other:?} is not of the catalogue"),
    }
}

fn health(number: u8, status: CheckStatus) -> CheckV1 {
    CheckV1 {
        node: node(number),
        id: check_id(),
        name: String::new(),
        status,
        notes: String::new(),
        output: String::new(),
        create_index: Index(0),
        modify_index: Index(0),
    }
}
