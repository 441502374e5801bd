//! Reads of all kinds, performed and noted alike.

use konsul_operations::answer::Instance as Found;
use konsul_operations::arguments::{
    CheckList, CheckSelect, EventList, KvGet, KvKeys, KvList, Narrow, NodeList, NodeServices, QueryExecute,
    QueryList, ServiceInstances, SessionList, SessionRead,
};
use konsul_operations::{Answer, Blocking, Consistency, Context, Error, Operations};
use konsul_runtime::time::{Duration, now};
use konsul_types::{Index, ServiceName};

use super::{Client, PATIENCE};
use crate::desk::{Counter, Heard};
use crate::history::{Content, Instance, Query, Read, Waited};
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
            let found = ops.event_list(ctx, EventList { blocking, ..EventList::default() }).await?;
            Ok(told(found, Content::Events))
        }
        other => perform_on_services(counter, ctx, other, blocking).await,
    }
}

async fn perform_on_services(
    counter: &Counter,
    ctx: &Context,
    query: Query,
    blocking: Option<Blocking>,
) -> Result<(Content, Index), Error> {
    let ops = &counter.operations;
    match query {
        Query::Health(_, name, passing) => {
            let found = ops.service_instances(ctx, instances(name, passing, blocking)).await?;
            Ok(told(found, |found| Content::Instances(found.into_iter().map(instance).collect())))
        }
        Query::ServiceChecks(_, name) => {
            let args = CheckList { select: CheckSelect::Service(name), narrow: Narrow::default(), blocking };
            Ok(told(ops.check_list(ctx, args).await?, Content::Checks))
        }
        Query::Checks(_) => {
            let args = CheckList { select: CheckSelect::Status(None), narrow: Narrow::default(), blocking };
            Ok(told(ops.check_list(ctx, args).await?, Content::Checks))
        }
        Query::Nodes => {
            let found = ops.node_list(ctx, NodeList { narrow: Narrow::default(), blocking }).await?;
            Ok(told(found, Content::Nodes))
        }
        Query::Node(_, node) => {
            let args = NodeServices { node, filter: String::new(), blocking };
            let found = ops.node_services(ctx, args).await?;
            Ok(told(found, |node| Content::Node(node.map(|node| (node.node, node.services)))))
        }
        Query::Queries => {
            let found = ops.query_list(ctx, QueryList { id: None, blocking }).await?;
            Ok(told(found, Content::Queries))
        }
        Query::Execute(_, name) => {
            let args = QueryExecute { name, near: None, limit: None, connect: false, client: None };
            let found = match ops.query_execute(ctx, args).await {
                // That there is none of this name is an answer, too.
                Err(Error::QueryNotFound) => return Ok((Content::Executed(None), Index(1))),
                found => found?,
            };
            Ok(told(found, |answer| {
                let mut found: Vec<Instance> = answer.instances.into_iter().map(instance).collect();
                found.sort_by_key(|one| (one.service.node.folded(), one.service.id.clone()));
                Content::Executed(Some(found))
            }))
        }
        other => unreachable!("{other:?} is asked of the other rooms"),
    }
}

fn instances(name: ServiceName, passing: bool, blocking: Option<Blocking>) -> ServiceInstances {
    ServiceInstances {
        name,
        connect: false,
        tags: Vec::new(),
        narrow: Narrow::default(),
        with_checks: true,
        passing,
        blocking,
    }
}

fn instance(found: Found) -> Instance {
    Instance { node: found.node, service: found.service, checks: found.checks }
}

fn told<T>(answer: Answer<T>, content: impl FnOnce(T) -> Content) -> (Content, Index) {
    let reported = answer.meta.index;
    (content(answer.value), reported)
}
