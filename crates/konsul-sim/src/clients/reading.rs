//! Reads of all kinds, performed and noted alike.

use konsul_operations::arguments::{EventList, KvGet, KvKeys, KvList, SessionList, SessionRead};
use konsul_operations::{Answer, Blocking, Consistency, Context, Error, Operations};
use konsul_runtime::time::{Duration, now};
use konsul_types::Index;

use super::{Client, PATIENCE};
use crate::desk::{Counter, Heard};
use crate::history::{Content, Query, Read, Waited};
use crate::port::answered_by;

/// An answer as the client sees it.
pub struct Seen {
    /// What it was told.
    pub content: Content,
    /// At which index.
    pub reported: Index,
}

impl Client {
    /// Reads and notes. `wait` makes it wait for something newer than an index.
    pub async fn read(
        &mut self,
        query: Query,
        ctx: Context,
        wait: Option<(Index, Duration)>,
    ) -> Option<Seen> {
        let linearizable = !matches!(ctx.consistency, Consistency::Stale { .. });
        let blocking = wait.map(|(index, wait)| Blocking { index, wait });
        let (began, began_at) = (self.common.history.tick(), now());
        let patience = PATIENCE + wait.map_or(Duration::ZERO, |(_, wait)| wait);
        let (asked, history) = (query.clone(), self.common.history.clone());
        let heard = self
            .ask(patience, move |counter| async move {
                // The moment from which the server waits, not that at which the client began to ask.
                let deadline =
                    wait.map(|(index, wait)| Waited { index, deadline: (now() + wait).as_nanos() });
                let (content, reported) = perform(&counter, &ctx, asked, blocking).await?;
                Ok((content, reported, answered_by(), history.tick(), now(), deadline))
            })
            .await;
        let Heard::Answer(Ok((content, reported, state, ended, ended_at, waited))) = heard else {
            return None;
        };
        self.common.history.journals().reads.push(Read {
            client: self.id,
            query,
            linearizable,
            waited,
            began,
            ended,
            began_at: began_at.as_nanos(),
            ended_at: ended_at.as_nanos(),
            state,
            reported,
            content: content.clone(),
        });
        Some(Seen { content, reported })
    }
}

async fn perform(
    counter: &Counter,
    ctx: &Context,
    query: Query,
    blocking: Option<Blocking>,
) -> Result<(Content, Index), Error> {
    let ops = &counter.operations;
    match query {
        Query::Get(_, key) => {
            let found = ops.kv_get(ctx, KvGet { key, blocking }).await?;
            Ok(told(found, |entry| Content::Record(entry.map(|entry| entry.record))))
        }
        Query::List(_, prefix) => {
            let found = ops.kv_list(ctx, KvList { prefix, blocking }).await?;
            Ok(told(found, |entries| {
                Content::Records(entries.into_iter().map(|entry| (entry.key, entry.record)).collect())
            }))
        }
        Query::Keys(_, prefix, separator) => {
            let found = ops.kv_keys(ctx, KvKeys { prefix, separator, blocking }).await?;
            Ok(told(found, Content::Names))
        }
        Query::Session(_, id) => {
            let found = ops.session_info(ctx, SessionRead { id, blocking }).await?;
            Ok(told(found, |session| Content::Session(session.map(|session| session.spec.id))))
        }
        Query::Sessions(_) => {
            let found = ops.session_list(ctx, SessionList { node: None, blocking }).await?;
            Ok(told(found, |sessions| {
                Content::Sessions(sessions.iter().map(|session| session.spec.id).collect())
            }))
        }
        Query::Events => {
            let found = ops.event_list(ctx, EventList { name: None, blocking }).await?;
            Ok(told(found, Content::Events))
        }
    }
}

fn told<T>(answer: Answer<T>, content: impl FnOnce(T) -> Content) -> (Content, Index) {
    let reported = answer.meta.index;
    (content(answer.value), reported)
}
