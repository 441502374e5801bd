//! Prepared queries: kept in the state, found and executed here. What they mean is in [`crate::queries`].

use std::sync::{Arc, PoisonError};

use konsul_state::State;
use konsul_state::queries::Queries;
use konsul_types::{
    Check, Command, Index, Node, NodeName, Pairs, PreparedQuery, QueryCommand, QueryId, QueryService,
    Service, ServiceName,
};
use konsul_watch::Topic;

use super::instances::{Select, in_order};
use super::near::Place;
use super::{Inner, connect};
use crate::answer::{Answer, Instance, QueryAnswer, QueryExplained};
use crate::arguments::{Near, QueryExecute, QueryList, QueryWrite};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;
use crate::queries::{
    Candidate, Draft, Nearness, ResolveError, Shelf, Source, TEMPLATE_TYPE, failover, find, resolve, select,
    validate,
};

impl<R: Replica> Inner<R> {
    pub(crate) async fn query_create(&self, ctx: &Context, args: QueryWrite) -> Result<QueryId, Error> {
        // A repeat of a request is answered with the id that the first one drew.
        let id =
            QueryId(ctx.request.map_or_else(konsul_runtime::random::uuid_v4, |asked| asked.step(0).id.0));
        let query = PreparedQuery { id, ..args.query };
        self.permit_query_write(ctx, &query)?;
        checked(&query, true)?;
        self.write(ctx, Command::Query(QueryCommand::Create(Box::new(query)))).await.map(|_| id)
    }

    pub(crate) async fn query_update(&self, ctx: &Context, args: QueryWrite) -> Result<(), Error> {
        self.permit_query_write(ctx, &args.query)?;
        self.permit_stored(ctx, args.query.id)?;
        checked(&args.query, false)?;
        let command = QueryCommand::Update(Box::new(args.query));
        self.write(ctx, Command::Query(command)).await.map(|_| ())
    }

    pub(crate) async fn query_delete(&self, ctx: &Context, id: QueryId) -> Result<(), Error> {
        self.permit_stored(ctx, id)?;
        self.write(ctx, Command::Query(QueryCommand::Delete(id))).await.map(|_| ())
    }

    /// What is there already is guarded by its own name too.
    fn permit_stored(&self, ctx: &Context, id: QueryId) -> Result<(), Error> {
        let stored = self.replica.state().queries().get(id).cloned();
        stored.map_or(Ok(()), |query| self.permit_query_write(ctx, &query))
    }

    /// A query without a name is known to whoever made it: its id is as good as a key to it.
    fn permit_query_write(&self, ctx: &Context, query: &PreparedQuery) -> Result<(), Error> {
        match guarded_by(query) {
            Some(name) => self.permit(ctx, &Permission::QueryWrite(name)),
            None => Ok(()),
        }
    }

    pub(crate) async fn query_list(
        &self,
        ctx: &Context,
        args: QueryList,
    ) -> Result<Answer<Vec<Arc<PreparedQuery>>>, Error> {
        let answer = self
            .read(
                ctx,
                args.blocking,
                || Topic::Queries,
                |state| {
                    let changed = state.queries().changed();
                    match self.queries_seen(ctx, state, args.id) {
                        Ok(queries) => state.found(Ok(queries), changed, changed),
                        // Nobody waits for what is not there.
                        Err(why) => state.found(Err(why), Index(u64::MAX), changed),
                    }
                },
            )
            .await?;
        Ok(Answer { value: answer.value?, meta: answer.meta })
    }

    fn queries_seen(
        &self,
        ctx: &Context,
        state: &State,
        id: Option<QueryId>,
    ) -> Result<Vec<Arc<PreparedQuery>>, Error> {
        let Some(id) = id else {
            let seen = |query: &&Arc<PreparedQuery>| match guarded_by(query) {
                Some(name) => self.allows(ctx, &Permission::QueryRead(name)),
                None => self.allows(ctx, &Permission::Management),
            };
            return Ok(state.queries().iter().filter(seen).cloned().collect());
        };
        let query = state.queries().get(id).ok_or(Error::QueryNotFound)?;
        self.permit_query_read(ctx, query)?;
        Ok(vec![Arc::clone(query)])
    }

    fn permit_query_read(&self, ctx: &Context, query: &PreparedQuery) -> Result<(), Error> {
        match guarded_by(query) {
            Some(name) => self.permit(ctx, &Permission::QueryRead(name)),
            None => Ok(()),
        }
    }

    pub(crate) async fn query_explain(
        &self,
        ctx: &Context,
        args: QueryExecute,
    ) -> Result<Answer<QueryExplained>, Error> {
        let answer = self
            .read(
                ctx,
                None,
                || Topic::Queries,
                |state| {
                    let query = self.resolved(ctx, state, &args.name);
                    let changed = state.queries().changed();
                    state.found(query.map(|query| QueryExplained { id: query.id, query }), changed, changed)
                },
            )
            .await?;
        Ok(Answer { value: answer.value?, meta: answer.meta })
    }

    pub(crate) async fn query_execute(
        &self,
        ctx: &Context,
        args: QueryExecute,
    ) -> Result<Answer<QueryAnswer>, Error> {
        let answer = self
            .read(
                ctx,
                None,
                || Topic::Queries,
                |state| {
                    let executed = self.resolved(ctx, state, &args.name);
                    let executed = executed.map(|query| self.execute(ctx, state, &args, &query));
                    let index = executed.as_ref().map_or(Index(1), |(_, index)| *index);
                    state.found(executed.map(|(answer, _)| answer), index, index)
                },
            )
            .await?;
        Ok(Answer { value: answer.value?, meta: answer.meta })
    }

    /// The query that is meant, with its template filled in.
    fn resolved(&self, ctx: &Context, state: &State, name: &str) -> Result<PreparedQuery, Error> {
        let shelf = Stored(state.queries());
        let stored = find(&shelf, name).map_err(unresolved)?;
        self.permit_query_read(ctx, stored)?;
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        resolve(&shelf, &mut templates, name, "").map_err(unresolved)
    }

    fn execute(
        &self,
        ctx: &Context,
        state: &State,
        args: &QueryExecute,
        query: &PreparedQuery,
    ) -> (QueryAnswer, Index) {
        let asks = &query.service;
        // Those of another cluster are not known here.
        let name = ServiceName::new(asks.service.as_str()).ok().filter(|_| asks.peer.is_empty());
        let connect = asks.connect || args.connect;
        let found = name.as_ref().map(|name| self.candidates(ctx, state, name, connect)).unwrap_or_default();
        let instances = self.chosen(state, args, asks, found);
        // No other datacentre is known, so that only peers are left to be tried, and none of them can be reached.
        let tried = if instances.is_empty() { failover(&asks.failover, &[]).len() } else { 0 };
        let answer = QueryAnswer {
            service: asks.service.to_string(),
            instances,
            dns_ttl: query.dns_ttl.to_string(),
            datacenter: self.agent.datacenter(),
            failovers: u32::try_from(tried).unwrap_or(u32::MAX),
        };
        let index = name.map(|name| state.catalog().service_changed(&ctx.namespace, &name, false));
        (answer, index.unwrap_or_default())
    }

    /// Every instance that whoever asks may see, with its checks.
    fn candidates(&self, ctx: &Context, state: &State, name: &ServiceName, mesh: bool) -> Vec<Instance> {
        let select = Select {
            tags: &[],
            node_meta: &Pairs::default(),
            with_checks: true,
            passing: false,
            filter: None,
            datacenter: "",
        };
        if !mesh {
            return self.instances_of(ctx, state, name, &select);
        }
        let capable = connect::instances(state.catalog(), &ctx.namespace, name);
        self.gather(ctx, state, capable.into_iter(), &select, 0)
    }

    fn chosen(
        &self,
        state: &State,
        args: &QueryExecute,
        asks: &QueryService,
        found: Vec<Instance>,
    ) -> Vec<Instance> {
        let node = self.near_node(state, args, asks);
        let place = node.as_ref().map(|node| Place::of(state, node));
        let distance = |node: &Node| place.as_ref()?.distance(&node.name);
        let near = node.as_ref().map(|node| Nearness { node: node.as_str(), distance: &distance });
        let limit = args.limit.unwrap_or(0);
        let selected = select(asks, &found, near, limit, &mut konsul_runtime::random::u64);
        in_order(found, selected.order)
    }

    fn near_node(&self, state: &State, args: &QueryExecute, asks: &QueryService) -> Option<NodeName> {
        let (asked, named) = match &args.near {
            None => ("", None),
            Some(Near::Agent) => ("_agent", None),
            Some(Near::Client(address)) => ("_ip", Some(*address)),
            Some(Near::Node(name)) => (name.as_str(), None),
        };
        let client = named.or(args.client).map(|address| address.to_canonical().to_string());
        let agent = self.agent.node_name();
        let source = Source {
            asked,
            query: &asks.near,
            agent: agent.as_str(),
            ip: client.as_deref().unwrap_or_default(),
        };
        source.of(state.catalog().nodes().map(|node| &**node))
    }
}

/// The name by which a query is guarded; `None` if it has none.
fn guarded_by(query: &PreparedQuery) -> Option<&str> {
    (query.template.is_some() || !query.name.is_empty()).then_some(query.name.as_str())
}

/// What a client wrote beside the record is the edge's to look at: an id, a token, a template's type, a negative number.
fn checked(query: &PreparedQuery, is_new: bool) -> Result<(), Error> {
    let draft = Draft {
        query,
        is_new,
        id: "",
        template_type: if query.template.is_some() { TEMPLATE_TYPE } else { "" },
        token: "",
        nearest_n: i64::from(query.service.failover.nearest_n),
    };
    validate(&draft).map_err(|why| Error::invalid("query", why.to_string()))
}

fn unresolved(why: ResolveError) -> Error {
    match why {
        ResolveError::NotFound => Error::QueryNotFound,
        other => Error::invalid("name", other.to_string()),
    }
}

/// The state's queries.
struct Stored<'a>(&'a Queries);

impl Shelf for Stored<'_> {
    fn by_id(&self, id: QueryId) -> Option<&PreparedQuery> {
        self.0.get(id).map(|query| &**query)
    }

    fn by_name(&self, name: &str) -> Option<&PreparedQuery> {
        // A template of just this name is found below as the longest that fits.
        self.0.named(name).map(|query| &**query)
    }

    fn template_for(&self, name: &str) -> Option<&PreparedQuery> {
        self.0.template_for(name).map(|query| &**query)
    }
}

impl Candidate for Instance {
    fn node(&self) -> &Node {
        &self.node
    }

    fn service(&self) -> &Service {
        &self.service
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().map(|check| &**check)
    }

    /// Those that may not be seen were never collected.
    fn is_permitted(&self) -> bool {
        true
    }
}
