//! `/v2/queries`: prepared queries.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v2::code;
use konsul_api::v2::page::QueryPage;
use konsul_api::v2::query::{
    Failover, NAME_MAX, Query as Body, QueryAnswer, QueryCreated, QueryDefinition, QueryExplained, Template,
};
use konsul_operations::Answer;
use konsul_operations::arguments::{QueryExecute, QueryList, QueryWrite};
use konsul_types::query::{PreparedQuery, QueryFailover, QueryService, QueryTemplate};
use konsul_types::{Index, QueryId};

use super::body::{Faults, decode};
use super::inbound::{Begun, Inbound};
use super::narrow::{Paging, near};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::{parameters, told};

fn id(inbound: &Inbound<'_>) -> Rejected<QueryId> {
    let text = inbound.variable;
    let read = if parameters::is_uuid(text) { text.parse().ok() } else { None };
    read.ok_or_else(|| Rejection::of_parameter("id", format!("{text:?} is no UUID")))
}

/// `GET /v2/queries`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let paging = Paging::read(inbound, &context, &[])?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } =
            edge.operations.query_list(&context, QueryList::default()).await?;
        let next_cursor = paging.page(&mut found, |one| one.id.to_string().into_bytes());
        let items = found.iter().map(|one| body(one)).collect();
        Ok(Reply::json(&QueryPage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn body(of: &PreparedQuery) -> Body {
    Body {
        id: of.id.to_string(),
        definition: definition(of),
        create_index: of.create_index.0,
        modify_index: of.modify_index.0,
    }
}

fn definition(of: &PreparedQuery) -> QueryDefinition {
    let asks = &of.service;
    let owned = |pairs: &konsul_types::Pairs| {
        pairs.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let failover = Failover {
        nearest: u64::from(asks.failover.nearest_n),
        datacenters: asks.failover.datacenters.iter().map(ToString::to_string).collect(),
    };
    QueryDefinition {
        name: of.name.to_string(),
        service: asks.service.to_string(),
        tags: asks.tags.iter().map(str::to_owned).collect(),
        only_passing: asks.only_passing,
        near: asks.near.to_string(),
        node_meta: owned(&asks.node_meta),
        meta: owned(&asks.service_meta),
        ignore_checks: asks.ignore_check_ids.iter().map(ToString::to_string).collect(),
        connect: asks.connect,
        failover: Some(failover).filter(|failover| *failover != Failover::default()),
        template: of
            .template
            .as_ref()
            .map(|one| Template { regexp: one.regexp.to_string(), remove_empty_tags: one.remove_empty_tags }),
        session: of.session.map(|id| id.to_string()),
        dns_ttl: told::text(&of.dns_ttl),
    }
}

fn wanted(id: QueryId, bytes: &[u8]) -> Rejected<PreparedQuery> {
    let body: QueryDefinition = decode("QueryDefinition", bytes)?;
    let mut faults = Faults::default();
    let session = body.session.as_deref().and_then(|text| {
        let read = if parameters::is_uuid(text) { text.parse().ok() } else { None };
        faults.take("/session", read.ok_or_else(|| format!("{text:?} is no UUID")))
    });
    faults.duration("/dns_ttl", body.dns_ttl.as_deref());
    let failover = body.failover.unwrap_or_default();
    let nearest = u32::try_from(failover.nearest);
    let nearest_n = faults.take("/failover/nearest", nearest.map_err(|_| "is too large")).unwrap_or_default();
    faults.check()?;
    Ok(PreparedQuery {
        id,
        name: body.name.into(),
        session,
        template: body
            .template
            .map(|one| QueryTemplate { regexp: one.regexp.into(), remove_empty_tags: one.remove_empty_tags }),
        service: QueryService {
            service: body.service.into(),
            failover: QueryFailover {
                nearest_n,
                datacenters: failover.datacenters.into_iter().map(Into::into).collect(),
                targets: Vec::new(),
            },
            only_passing: body.only_passing,
            near: body.near.into(),
            tags: body.tags.into_iter().collect(),
            ignore_check_ids: body.ignore_checks.into_iter().map(Into::into).collect(),
            node_meta: body.node_meta.into_iter().collect(),
            service_meta: body.meta.into_iter().collect(),
            connect: body.connect,
            peer: Default::default(),
        },
        dns_ttl: body.dns_ttl.unwrap_or_default().into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    })
}

/// `POST /v2/queries`.
pub(crate) fn create(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        // The operation draws the id.
        let query = wanted(QueryId(uuid::Uuid::nil()), &bytes)?;
        let id = edge.operations.query_create(&context, QueryWrite { query }).await?;
        let index = edge.operations.index();
        let body = QueryCreated { id: id.to_string(), index: index.0 };
        let reply = Reply::json(&body).with_status(StatusCode::CREATED).with_index(index);
        Ok(reply.with_location(format!("/v2/queries/{id}")))
    })
}

/// `GET /v2/queries/{id}`.
pub(crate) fn get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let id = id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let args = QueryList { id: Some(id), blocking: None };
        let Answer { value, meta } = edge.operations.query_list(&context, args).await?;
        let found = value.first().ok_or(konsul_operations::Error::QueryNotFound)?;
        Ok(Reply::json(&body(found)).with_index(meta.index))
    })
}

/// `PUT /v2/queries/{id}`.
pub(crate) fn update(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let id = id(inbound)?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        let query = wanted(id, &bytes)?;
        edge.operations.query_update(&context, QueryWrite { query }).await?;
        Ok(Reply::nothing())
    })
}

/// `DELETE /v2/queries/{id}`.
pub(crate) fn delete(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        edge.operations.query_delete(&context, id).await?;
        Ok(Reply::nothing())
    })
}

fn execution(inbound: &Inbound<'_>) -> Rejected<QueryExecute> {
    let length = inbound.variable.len();
    if length > NAME_MAX as usize {
        let why = format!("a query is asked for by at most {NAME_MAX} bytes, and these are {length}");
        return Err(Rejection::new(&code::INVALID_PATH, why));
    }
    Ok(QueryExecute {
        name: inbound.variable.to_owned(),
        near: near(inbound)?,
        limit: inbound.number("count").and_then(|count| usize::try_from(count).ok()),
        connect: inbound.flag("connect"),
        client: Some(inbound.peer),
    })
}

/// `GET /v2/queries/{name}/execute`.
pub(crate) fn execute(inbound: &mut Inbound<'_>) -> Begun {
    let (context, args) = (inbound.context()?, execution(inbound)?);
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.query_execute(&context, args).await?;
        let body = QueryAnswer {
            service: value.service,
            items: value.instances.iter().map(told::instance).collect(),
            datacenter: value.datacenter,
            failovers: u64::from(value.failovers),
            index: meta.index.0,
        };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}

/// `GET /v2/queries/{name}/explain`.
pub(crate) fn explain(inbound: &mut Inbound<'_>) -> Begun {
    let (context, args) = (inbound.context()?, execution(inbound)?);
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.query_explain(&context, args).await?;
        let body = QueryExplained {
            id: value.id.to_string(),
            definition: definition(&value.query),
            index: meta.index.0,
        };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}
