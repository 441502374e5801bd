//! Operations on keys.

use std::sync::Arc;

use konsul_state::State;
use konsul_types::kv::KvCommand;
use konsul_types::{Command, Index, Key, Outcome};
use konsul_watch::Topic;

use super::{Inner, unexpected};
use crate::answer::{Answer, KvEntry};
use crate::arguments::{KvGet, KvKeys, KvList, KvPut};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn kv_get(&self, ctx: &Context, args: KvGet) -> Result<Answer<Option<KvEntry>>, Error> {
        self.permit(ctx, &Permission::KeyRead(args.key.as_str()))?;
        let namespace = &ctx.namespace;
        let topic = || Topic::Key(namespace.clone(), args.key.clone());
        self.read(ctx, args.blocking, topic, |state| {
            let found = state.kv_get(namespace, args.key.as_str());
            let entry = found.value.map(|record| KvEntry {
                namespace: namespace.clone(),
                key: args.key.clone(),
                record: Arc::clone(record),
            });
            konsul_state::Found { value: entry, changed: found.changed, reported: found.reported }
        })
        .await
    }

    pub(crate) async fn kv_list(&self, ctx: &Context, args: KvList) -> Result<Answer<Vec<KvEntry>>, Error> {
        self.permit(ctx, &Permission::KeyList(&args.prefix))?;
        let namespace = &ctx.namespace;
        let topic = || Topic::Prefix(namespace.clone(), Arc::from(args.prefix.as_str()));
        self.read(ctx, args.blocking, topic, |state| {
            let keys = state.keyspace(namespace).into_iter().flat_map(|keys| keys.under(&args.prefix));
            let seen = keys.filter(|(key, _)| self.allows(ctx, &Permission::KeyRead(key.as_str())));
            let entries = seen.map(|(key, record)| KvEntry {
                namespace: namespace.clone(),
                key: key.clone(),
                record: Arc::clone(record),
            });
            state.kv_under(namespace, &args.prefix, entries.collect())
        })
        .await
    }

    pub(crate) async fn kv_keys(&self, ctx: &Context, args: KvKeys) -> Result<Answer<Vec<Arc<str>>>, Error> {
        self.permit(ctx, &Permission::KeyList(&args.prefix))?;
        let namespace = &ctx.namespace;
        let topic = || Topic::Prefix(namespace.clone(), Arc::from(args.prefix.as_str()));
        self.read(ctx, args.blocking, topic, |state| {
            let keys = state.keyspace(namespace).into_iter();
            let names: Vec<Arc<str>> =
                keys.flat_map(|keys| keys.names(&args.prefix, &args.separator)).collect();
            let seen = names.into_iter().filter(|name| self.sees_name(ctx, state, name)).collect();
            state.kv_under(namespace, &args.prefix, seen)
        })
        .await
    }

    /// Whether a name may be told that stands for a key, or for all keys that begin with it: one of them must be readable.
    fn sees_name(&self, ctx: &Context, state: &State, name: &str) -> bool {
        if self.allows_all() {
            return true;
        }
        let mut keys = state.keyspace(&ctx.namespace).into_iter().flat_map(|keys| keys.under(name));
        keys.any(|(key, _)| self.allows(ctx, &Permission::KeyRead(key.as_str())))
    }

    pub(crate) async fn kv_put(&self, ctx: &Context, args: KvPut) -> Result<KvEntry, Error> {
        self.permit(ctx, &Permission::KeyWrite(args.key.as_str()))?;
        let KvPut { key, value, flags, mode, ttl_ms } = args;
        let op = KvCommand::Put { key: key.clone(), value, flags, mode, ttl_ms };
        match self.write(ctx, Command::Kv { namespace: ctx.namespace.clone(), op }).await? {
            (_, Outcome::Kv(record)) => Ok(KvEntry { namespace: ctx.namespace.clone(), key, record }),
            (_, other) => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn kv_delete(&self, ctx: &Context, key: Key, cas: Option<Index>) -> Result<(), Error> {
        self.permit(ctx, &Permission::KeyWrite(key.as_str()))?;
        let op = KvCommand::Delete { key, cas };
        self.write(ctx, Command::Kv { namespace: ctx.namespace.clone(), op }).await.map(|_| ())
    }

    pub(crate) async fn kv_delete_tree(&self, ctx: &Context, prefix: String) -> Result<u64, Error> {
        self.permit(ctx, &Permission::KeyWritePrefix(&prefix))?;
        let op = KvCommand::DeleteTree { prefix };
        match self.write(ctx, Command::Kv { namespace: ctx.namespace.clone(), op }).await? {
            (_, Outcome::Counted(count)) => Ok(count),
            (_, other) => Err(unexpected(&other)),
        }
    }
}
