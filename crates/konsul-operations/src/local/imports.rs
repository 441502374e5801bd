//! Keys on their way in: compared with what is there, then written in batches.
//!
//! # The life of an import
//!
//! Entries are given as they are read. [`Run::next`] takes one step: it compares some of them with the state, gathers what
//! differs, and puts that into the log as one batch; so memory holds what was given and one batch, however long the import
//! is. Where other keys are to be removed the entries must come in order, and the keys between two entries are found by
//! walking the table beside them. A step may be spent in one such gap alone.
//!
//! A dry run compares with the state at its beginning and writes nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use konsul_state::State;
use konsul_types::txn::{KvTxnOp, TxnOp};
use konsul_types::{BatchItem, Command, Index, Key, KvCommand, KvRecord, Namespace, Outcome, PutMode};

use super::{Inner, unexpected};
use crate::answer::{DifferenceKind, ImportDifference, ImportReport, ImportRun};
use crate::arguments::{Import, ImportEntry, ImportMode};
use crate::context::{Consistency, Context};
use crate::error::Error;
use crate::operations::Reply;
use crate::permission::Permission;
use crate::ports::Replica;

/// Most differences of one step.
const STEP_CHANGES: usize = 1_000;

/// Most bytes of values of one step.
const STEP_BYTES: usize = 2 << 20;

/// Most entries and keys that one step looks at.
const STEP_LOOKS: usize = 10_000;

impl<R: Replica> Inner<R> {
    pub(crate) async fn import(
        self: &Arc<Self>,
        ctx: &Context,
        args: Import,
    ) -> Result<Box<dyn ImportRun>, Error> {
        self.permit(ctx, &Permission::KeyWritePrefix(&args.prefix))?;
        if args.all_namespaces && args.mode == ImportMode::Replace {
            // It removes keys of namespaces that nobody named.
            self.permit(ctx, &Permission::Management)?;
        }
        self.fresh(&Context { consistency: Consistency::Default, ..ctx.clone() }).await?;
        let state = self.replica.state();
        if !args.dry_run && state.feature_level() < 2 {
            let present = state.feature_level();
            return Err(Error::FeatureLevel { what: "importing in batches", needs: 2, present });
        }
        let report = ImportReport { index: state.index(), ..ImportReport::default() };
        let gap = Gap::begin(&args, ctx, &state);
        Ok(Box::new(Run {
            inner: Arc::clone(self),
            ctx: ctx.clone(),
            beginning: args.dry_run.then_some(state),
            args,
            given: VecDeque::new(),
            ended: false,
            failed: false,
            last: None,
            gap,
            report,
            steps: 0,
        }))
    }
}

/// Where the walk beside the entries stands.
struct Gap {
    /// The namespaces that are not yet walked to their end, the present one first.
    spaces: VecDeque<Namespace>,
    /// The last key of the present one that was looked at.
    after: Option<Key>,
}

impl Gap {
    fn begin(args: &Import, ctx: &Context, state: &State) -> Gap {
        let spaces = match (args.mode, args.all_namespaces) {
            (ImportMode::Merge, _) => VecDeque::new(),
            (ImportMode::Replace, false) => VecDeque::from([ctx.namespace.clone()]),
            (ImportMode::Replace, true) => state.keyspaces().map(|(name, _)| name.clone()).collect(),
        };
        Gap { spaces, after: None }
    }
}

struct Run<R> {
    inner: Arc<Inner<R>>,
    ctx: Context,
    args: Import,
    /// What a dry run compares with.
    beginning: Option<Arc<State>>,
    given: VecDeque<ImportEntry>,
    ended: bool,
    failed: bool,
    /// The last entry that was compared.
    last: Option<(Namespace, Key)>,
    gap: Gap,
    report: ImportReport,
    steps: u64,
}

/// What one step gathers.
#[derive(Default)]
struct Step {
    differences: Vec<ImportDifference>,
    ops: Vec<TxnOp>,
    bytes: usize,
    looks: usize,
    entries: u64,
    unchanged: u64,
}

impl Step {
    fn is_full(&self) -> bool {
        self.differences.len() >= STEP_CHANGES || self.bytes >= STEP_BYTES || self.looks >= STEP_LOOKS
    }

    fn note(&mut self, namespace: &Namespace, key: &Key, kind: DifferenceKind, old: Option<Arc<KvRecord>>) {
        let (namespace, key) = (namespace.clone(), key.clone());
        self.differences.push(ImportDifference { namespace, key, kind, old });
    }

    fn remove(&mut self, namespace: &Namespace, key: &Key, record: &Arc<KvRecord>) {
        self.note(namespace, key, DifferenceKind::Delete, Some(Arc::clone(record)));
        // On condition: a key that was written since it was looked at is not what the import was compared with.
        let op = KvCommand::Delete { key: key.clone(), cas: Some(record.modify_index) };
        self.ops.push(TxnOp::Kv { namespace: namespace.clone(), op: KvTxnOp::Write(op) });
    }

    fn put(&mut self, entry: ImportEntry, old: Option<&Arc<KvRecord>>) {
        let kind = if old.is_some() { DifferenceKind::Update } else { DifferenceKind::Create };
        self.note(&entry.namespace, &entry.key, kind, old.cloned());
        let ImportEntry { namespace, key, value, flags, ttl_ms } = entry;
        self.bytes += value.len();
        let op = KvCommand::Put { key, value, flags, mode: PutMode::Set, ttl_ms };
        self.ops.push(TxnOp::Kv { namespace, op: KvTxnOp::Write(op) });
    }
}

impl<R: Replica> ImportRun for Run<R> {
    fn give(&mut self, entries: Vec<ImportEntry>) {
        self.given.extend(entries);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self) -> Reply<'_, Option<Vec<ImportDifference>>> {
        Box::pin(async move {
            if self.failed {
                return Err(Error::invalid("import", "the import is over: an entry before was refused"));
            }
            let differences = self.step().await;
            self.failed = differences.is_err();
            differences
        })
    }

    fn report(&self) -> ImportReport {
        self.report
    }
}

impl<R: Replica> Run<R> {
    async fn step(&mut self) -> Result<Option<Vec<ImportDifference>>, Error> {
        loop {
            let state = match &self.beginning {
                Some(state) => Arc::clone(state),
                None => self.inner.replica.state(),
            };
            let mut step = Step::default();
            // What comes before an entry that is wrong is in force when that is told.
            let wrong = self.compare(&state, &mut step).err();
            drop(state);
            let looked = step.looks > 0;
            let differences = self.settle(step).await?;
            if let Some(error) = wrong {
                return Err(error);
            }
            if !differences.is_empty() {
                return Ok(Some(differences));
            }
            if !looked {
                return Ok(None);
            }
            konsul_runtime::yield_now().await;
        }
    }

    /// Compares entries with the state until the step is full, or nothing is left.
    fn compare(&mut self, state: &State, step: &mut Step) -> Result<(), Error> {
        while !step.is_full() {
            let Some(entry) = self.given.front() else {
                if self.ended && self.args.mode == ImportMode::Replace {
                    self.walk(state, None, step);
                }
                return Ok(());
            };
            let place = (entry.namespace.clone(), entry.key.clone());
            self.check(entry).map_err(|why| self.at_entry(step, why))?;
            if self.args.mode == ImportMode::Replace && !self.walk(state, Some(&place), step) {
                return Ok(());
            }
            if let Some(entry) = self.given.pop_front() {
                compare_one(state, entry, step);
                self.last = Some(place);
            }
        }
        Ok(())
    }

    /// Notes the keys that lie before `until`, or all that are left, as to be removed. Answers whether the gap is through.
    fn walk(&mut self, state: &State, until: Option<&(Namespace, Key)>, step: &mut Step) -> bool {
        while let Some(namespace) = self.gap.spaces.front().cloned() {
            if until.is_some_and(|(space, _)| namespace > *space) {
                return true;
            }
            let end = until.filter(|(space, _)| *space == namespace).map(|(_, key)| key);
            if !self.walk_space(state, &namespace, end, step) {
                return false;
            }
            if let Some(key) = end {
                self.gap.after = Some(key.clone());
                return true;
            }
            self.gap.after = None;
            self.gap.spaces.pop_front();
        }
        true
    }

    fn walk_space(
        &mut self,
        state: &State,
        namespace: &Namespace,
        end: Option<&Key>,
        step: &mut Step,
    ) -> bool {
        let after = self.gap.after.clone();
        let keys = state.keyspace(namespace).into_iter();
        let rows = keys.flat_map(|keys| keys.under_after(&self.args.prefix, after.as_ref().map(Key::as_str)));
        for (key, record) in rows.take_while(|(key, _)| end.is_none_or(|end| *key < end)) {
            if step.is_full() {
                return false;
            }
            step.looks += 1;
            self.gap.after = Some(key.clone());
            step.remove(namespace, key, record);
        }
        true
    }

    /// Whether an entry may come here.
    fn check(&self, entry: &ImportEntry) -> Result<(), Error> {
        let key = entry.key.as_str();
        if entry.namespace != self.ctx.namespace && !self.args.all_namespaces {
            let why = format!("is {:?}; this import is into {:?} alone", entry.namespace, self.ctx.namespace);
            return Err(Error::invalid("namespace", format!("the namespace {why}")));
        }
        if !key.starts_with(&self.args.prefix) {
            let why = format!("the key {key:?} does not begin with {:?}", self.args.prefix);
            return Err(Error::invalid("key", why));
        }
        let is_late = |(space, last): &(Namespace, Key)| (&entry.namespace, &entry.key) <= (space, last);
        if self.args.mode == ImportMode::Replace && self.last.as_ref().is_some_and(is_late) {
            let why =
                "comes out of order: an import that replaces needs its entries sorted by namespace and key";
            return Err(Error::invalid("key", format!("the key {key:?} {why}")));
        }
        let ctx = Context { namespace: entry.namespace.clone(), ..self.ctx.clone() };
        self.inner.permit(&ctx, &Permission::KeyWrite(key))?;
        let (bytes, limit) = (entry.value.len() as u64, self.inner.replica.state().limits().value_bytes);
        if bytes > limit {
            return Err(Error::Refused(konsul_types::Refusal::ValueTooLarge { bytes, limit }));
        }
        Ok(())
    }

    fn at_entry(&self, step: &Step, error: Error) -> Error {
        Error::Entry { position: self.report.entries + step.entries + 1, error: Box::new(error) }
    }

    /// Puts a step in force and counts it.
    async fn settle(&mut self, step: Step) -> Result<Vec<ImportDifference>, Error> {
        let before = self.report.entries;
        if !self.args.dry_run && !step.ops.is_empty() {
            let (index, items) = self.write(step.ops).await?;
            self.report.index = index.max(self.report.index);
            let refused =
                items.iter().zip(&step.differences).find_map(|(item, of)| Some((item.failure()?, of)));
            if let Some((why, of)) = refused {
                let message = format!("after entry {before}, key {:?}: {why}", of.key.as_str());
                return Err(failure(why, message));
            }
        }
        self.report.entries += step.entries;
        self.report.unchanged += step.unchanged;
        for difference in &step.differences {
            match difference.kind {
                DifferenceKind::Create => self.report.created += 1,
                DifferenceKind::Update => self.report.updated += 1,
                DifferenceKind::Delete => self.report.deleted += 1,
            }
        }
        Ok(step.differences)
    }

    async fn write(&mut self, ops: Vec<TxnOp>) -> Result<(Index, Vec<BatchItem>), Error> {
        let request = self.ctx.request.map(|request| request.step(self.steps));
        self.steps += 1;
        let ctx = Context { request, ..self.ctx.clone() };
        let count = ops.len();
        match self.inner.write(&ctx, Command::Batch { atomic: true, ops }).await? {
            (index, Outcome::Batch(items)) => Ok((index, items)),
            (index, Outcome::TxnRolledBack(errors)) => {
                Ok((index, super::batches::rolled_back(count, errors)))
            }
            (_, other) => Err(unexpected(&other)),
        }
    }
}

/// An import's own words for what the state refused, under the state's code where it has one.
fn failure(why: &konsul_types::TxnFailure, message: String) -> Error {
    match why {
        konsul_types::TxnFailure::Refused { refusal, .. } => {
            tracing::debug!(%message, "an import was refused");
            Error::Refused(refusal.clone())
        }
        _ => Error::invalid("import", message),
    }
}

/// Compares one entry, which may come here.
fn compare_one(state: &State, entry: ImportEntry, step: &mut Step) {
    step.looks += 1;
    step.entries += 1;
    let old = state.keyspace(&entry.namespace).and_then(|keys| keys.get(entry.key.as_str()));
    match old {
        Some(old) if is_as_wanted(old, &entry) => step.unchanged += 1,
        old => step.put(entry, old),
    }
}

/// Whether the key needs no write. One with a time to live always does: its time begins anew.
fn is_as_wanted(old: &KvRecord, entry: &ImportEntry) -> bool {
    (&old.value, old.flags) == (&entry.value, entry.flags)
        && entry.ttl_ms.is_none()
        && old.expires_at.at().is_none()
}
