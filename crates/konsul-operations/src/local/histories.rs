//! What keys held before: history, difference, undo.

use std::sync::Arc;

use konsul_state::State;
use konsul_state::history::Version;
use konsul_types::kv::KvCommand;
use konsul_types::{Command, Index, KvRecord, Outcome, PutMode, Refusal};

use super::reads::answer;
use super::{Inner, unexpected};
use crate::answer::{Answer, KvDifference, KvEntry, KvVersion, KvVersions};
use crate::arguments::{KvDiff, KvHistory, KvUndo};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn kv_history(
        &self,
        ctx: &Context,
        args: KvHistory,
    ) -> Result<Answer<KvVersions>, Error> {
        self.permit(ctx, &Permission::KeyRead(args.key.as_str()))?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let below = |version: &Version| args.before.is_none_or(|before| version.index < before);
        let mut versions = state.kv_versions(&ctx.namespace, args.key.as_str()).filter(below);
        let told = versions.by_ref().take(args.limit.clamp(1, super::pages::PAGE_MAX)).map(told).collect();
        let more = versions.next().is_some();
        drop(versions);
        Ok(answer(KvVersions { versions: told, more }, state.index(), ctx.consistency, staleness))
    }

    pub(crate) async fn kv_diff(&self, ctx: &Context, args: KvDiff) -> Result<Answer<KvDifference>, Error> {
        self.permit(ctx, &Permission::KeyRead(args.key.as_str()))?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let difference = difference(&state, ctx, &args)?;
        Ok(answer(difference, state.index(), ctx.consistency, staleness))
    }

    /// The value to put back is chosen here, on a fresh state, and put on condition that the key is still as it was seen.
    pub(crate) async fn kv_undo(&self, ctx: &Context, args: KvUndo) -> Result<KvEntry, Error> {
        self.permit(ctx, &Permission::KeyWrite(args.key.as_str()))?;
        self.permit(ctx, &Permission::KeyRead(args.key.as_str()))?;
        self.fresh(&Context { consistency: crate::context::Consistency::Default, ..ctx.clone() }).await?;
        let state = self.replica.state();
        if let Some(record) = self.undone_before(ctx, &state)? {
            return Ok(KvEntry { namespace: ctx.namespace.clone(), key: args.key, record });
        }
        let seen = state.kv_get(&ctx.namespace, args.key.as_str()).value.cloned();
        let wanted = to_put_back(&state, ctx, &args, seen.as_deref())?;
        drop(state);
        let op = KvCommand::Put {
            key: args.key.clone(),
            value: wanted.value.clone(),
            flags: wanted.flags,
            mode: PutMode::Cas(seen.map_or(Index::ZERO, |record| record.modify_index)),
            ttl_ms: None,
        };
        match self.write(ctx, Command::Kv { namespace: ctx.namespace.clone(), op }).await? {
            (_, Outcome::Kv(record)) => {
                Ok(KvEntry { namespace: ctx.namespace.clone(), key: args.key, record })
            }
            (_, other) => Err(unexpected(&other)),
        }
    }

    /// What this very request was answered before. The choice that a repeat would make now is another one, and may fail.
    fn undone_before(&self, ctx: &Context, state: &State) -> Result<Option<Arc<KvRecord>>, Error> {
        let Some(asked) = ctx.request.filter(|asked| state.requests().get(asked.id).is_some()) else {
            return Ok(None);
        };
        match state.repeated(asked) {
            Some(Outcome::Kv(record)) => Ok(Some(record)),
            Some(Outcome::Refused(refusal)) => Err(Error::Refused(refusal)),
            Some(Outcome::AppliedBefore(index)) => Err(Error::DoneBefore { index }),
            Some(other) => Err(unexpected(&other)),
            None => Ok(None),
        }
    }
}

fn told(version: Version) -> KvVersion {
    let Version { index, at, record, current } = version;
    KvVersion { index, at, record, current }
}

fn no_such_version(args: &KvDiff, index: Index) -> Error {
    Error::NoSuchVersion { key: args.key.to_string(), index }
}

fn difference(state: &State, ctx: &Context, args: &KvDiff) -> Result<KvDifference, Error> {
    let mut versions = state.kv_versions(&ctx.namespace, args.key.as_str()).map(told).peekable();
    if versions.peek().is_none() {
        return Err(Error::Refused(Refusal::NoSuchKey { key: args.key.to_string() }));
    }
    let mut find = |index: Index| versions.by_ref().find(|version| version.index == index);
    let to = match args.to {
        Some(index) => find(index).ok_or_else(|| no_such_version(args, index))?,
        None => versions.next().ok_or_else(|| Error::Internal("a version that was just there".into()))?,
    };
    let from = match args.from {
        // Older ones come later; the same one twice is no difference, and no error.
        Some(index) if index == to.index => Some(to.clone()),
        Some(index) => Some(
            versions.find(|version| version.index == index).ok_or_else(|| no_such_version(args, index))?,
        ),
        None => versions.next(),
    };
    Ok(KvDifference { from, to })
}

/// The version that an undo puts back.
fn to_put_back(
    state: &State,
    ctx: &Context,
    args: &KvUndo,
    present: Option<&KvRecord>,
) -> Result<Arc<KvRecord>, Error> {
    let mut versions = state.kv_versions(&ctx.namespace, args.key.as_str());
    if let Some(index) = args.to_index {
        let found = versions.find(|version| version.index == index).and_then(|version| version.record);
        return found.ok_or_else(|| Error::NoSuchVersion { key: args.key.to_string(), index });
    }
    let differs = |record: &Arc<KvRecord>| {
        present.is_none_or(|now| (&now.value, now.flags) != (&record.value, record.flags))
    };
    let found = versions.filter_map(|version| version.record).find(differs);
    found.ok_or_else(|| Error::NothingToUndo { key: args.key.to_string() })
}
