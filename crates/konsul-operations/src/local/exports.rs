//! Keys of one state on their way out.

use std::collections::VecDeque;
use std::sync::Arc;

use konsul_state::State;
use konsul_types::{Key, Namespace};

use super::Inner;
use super::reads::answer;
use crate::answer::{Answer, Entries, Exported, KvEntry};
use crate::arguments::{Export, KvSelect};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

/// Keys that are read together.
const PAGE: usize = 256;

impl<R: Replica> Inner<R> {
    pub(crate) async fn export(
        self: &Arc<Self>,
        ctx: &Context,
        args: Export,
    ) -> Result<Answer<Exported>, Error> {
        self.permit(ctx, &Permission::KeyList(args.select.prefix()))?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let (index, at) = (state.index(), state.at().max(self.replica.now()));
        let entries = self.entries(ctx, state, args);
        Ok(answer(Exported { entries, at }, index, ctx.consistency, staleness))
    }

    /// The keys that are meant and that the identity may read.
    fn entries(self: &Arc<Self>, ctx: &Context, state: Arc<State>, args: Export) -> Entries {
        let spaces = if args.all_namespaces {
            state.keyspaces().map(|(name, _)| name.clone()).collect()
        } else {
            VecDeque::from([ctx.namespace.clone()])
        };
        let (inner, ctx) = (Arc::clone(self), ctx.clone());
        let walk = Walk { state, spaces, select: args.select, after: None, page: VecDeque::new() };
        Box::new(walk.filter(move |entry| {
            let there =
                |context: &Context| inner.permit(context, &Permission::KeyRead(entry.key.as_str())).is_ok();
            if entry.namespace == ctx.namespace {
                there(&ctx)
            } else {
                there(&Context { namespace: entry.namespace.clone(), ..ctx.clone() })
            }
        }))
    }
}

/// A walk over a state that it keeps, a page at a time.
struct Walk {
    state: Arc<State>,
    /// The namespaces that are left, the present one first.
    spaces: VecDeque<Namespace>,
    select: KvSelect,
    /// The last key that was read of the present one.
    after: Option<Key>,
    page: VecDeque<KvEntry>,
}

impl Iterator for Walk {
    type Item = KvEntry;

    fn next(&mut self) -> Option<KvEntry> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                return Some(entry);
            }
            self.turn()?;
        }
    }
}

impl Walk {
    /// Reads the next page, which may be empty where nothing is meant; `None` at the end.
    fn turn(&mut self) -> Option<()> {
        let namespace = self.spaces.front()?.clone();
        let prefix = self.select.prefix();
        let after = self.after.take();
        let mut read = 0;
        let keys = self.state.keyspace(&namespace).into_iter();
        for (key, record) in
            keys.flat_map(|keys| keys.under_after(prefix, after.as_ref().map(Key::as_str))).take(PAGE)
        {
            read += 1;
            self.after = Some(key.clone());
            if self.select.matches(key.as_str()) {
                let (namespace, key) = (namespace.clone(), key.clone());
                self.page.push_back(KvEntry { namespace, key, record: Arc::clone(record) });
            }
        }
        if read < PAGE || matches!(self.select, KvSelect::Key(_)) {
            self.after = None;
            self.spaces.pop_front();
        }
        Some(())
    }
}
