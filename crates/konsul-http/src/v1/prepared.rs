//! `/v1/query…`: questions about services that are kept under a name.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::decode::Unknown;
use konsul_api::v1::query as wire;
use konsul_api::v1::write::{Object, list};
use konsul_operations::arguments::{Near, QueryExecute, QueryList, QueryWrite};
use konsul_operations::queries::{Draft, TEMPLATE_TYPE, validate};
use konsul_operations::{Answer, Error};
use konsul_types::query::{QueryFailover, QueryTarget};
use konsul_types::{Index, PreparedQuery, QueryId, QueryService, QueryTemplate};
use uuid::Uuid;

use super::asked::{Asked, near};
use super::catalog::Found;
use super::error::reply;
use super::inbound::Inbound;
use super::kv::session_id;
use super::query::parse_bool;
use super::read::Options;
use super::reply::Reply;
use super::route::Route;
use super::shapes::write_entry;
use super::txn::query_meta;
use crate::service::Handled;

/// `POST /v1/query`.
pub(crate) fn create(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let written = taking.decode(Unknown::Skip).await.and_then(|body: wire::Query| checked(&body, None));
        match written {
            Ok(query) => match edge.operations.query_create(&context, QueryWrite { query }).await {
                Ok(id) => Reply::json(&wire::Created { id: id.to_string() }),
                Err(why) => reply(&why),
            },
            Err(refused) => refused,
        }
    }))
}

/// `PUT /v1/query/:id`.
pub(crate) fn update(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let id = inbound.tail.to_owned();
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let body = match taking.is_declared {
            true => taking.decode(Unknown::Skip).await,
            false => Ok(wire::Query::default()),
        };
        match body.and_then(|body| checked(&body, Some(&id))) {
            Ok(query) => match edge.operations.query_update(&context, QueryWrite { query }).await {
                Ok(()) => Reply::empty(StatusCode::OK),
                Err(why) => reply(&why),
            },
            Err(refused) => refused,
        }
    }))
}

/// `DELETE /v1/query/:id`.
pub(crate) fn delete(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let id = query_id(inbound.tail).ok_or_else(|| unknown(inbound.tail))?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.query_delete(&context, id).await {
            Ok(()) => Reply::empty(StatusCode::OK),
            Err(why) => reply(&why),
        }
    }))
}

fn refuse(text: impl Into<String>) -> Reply {
    Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, text.into())
}

fn unknown(id: &str) -> Reply {
    refuse(format!("Cannot modify non-existent prepared query: '{id}'"))
}

fn query_id(text: &str) -> Option<QueryId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

/// The record that a body means, if it may stand; with the path's id where one is replaced.
fn checked(body: &wire::Query, replaces: Option<&str>) -> Result<PreparedQuery, Reply> {
    let known = replaces.map(|id| query_id(id).ok_or_else(|| unknown(id))).transpose()?;
    let query = record(body, known.unwrap_or(QueryId(Uuid::nil())))?;
    let draft = Draft {
        query: &query,
        is_new: replaces.is_none(),
        id: &body.id,
        template_type: &body.template.kind,
        token: &body.token,
        nearest_n: body.service.failover.nearest_n,
    };
    validate(&draft).map_err(|why| refuse(why.to_string()))?;
    if !body.token.is_empty() {
        // One that was taken and not kept would let the query answer with other rights than its owner meant.
        let why =
            "Invalid prepared query: a Token cannot be kept before there is access control; leave it out";
        return Err(refuse(why));
    }
    Ok(query)
}

fn record(body: &wire::Query, id: QueryId) -> Result<PreparedQuery, Reply> {
    // No session has an id that is none.
    let session = Some(body.session.as_str()).filter(|text| !text.is_empty());
    let session =
        session.map(|text| session_id(text).ok_or_else(|| refuse("invalid session"))).transpose()?;
    let template = (!body.template.kind.is_empty()).then(|| QueryTemplate {
        regexp: body.template.regexp.as_str().into(),
        remove_empty_tags: body.template.remove_empty_tags,
    });
    Ok(PreparedQuery {
        id,
        name: body.name.as_str().into(),
        session,
        template,
        service: service(&body.service)?,
        dns_ttl: body.dns.ttl.as_str().into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    })
}

fn service(body: &wire::Service) -> Result<QueryService, Reply> {
    let only_own = [
        (&body.namespace, "Namespace"),
        (&body.partition, "Partition"),
        (&body.sameness_group, "SamenessGroup"),
    ];
    if let Some((text, field)) = only_own.into_iter().find(|(text, _)| !text.is_empty() && *text != "default")
    {
        let why = "a query asks in the namespace that it is kept in, and in no other partition or group";
        return Err(Reply::bad(format!("Invalid field: \"Service.{field}\" {text:?} - {why}")));
    }
    let pairs = |pairs: &Option<std::collections::BTreeMap<String, String>>| {
        pairs.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    };
    Ok(QueryService {
        service: body.service.as_str().into(),
        failover: failover(&body.failover),
        only_passing: body.only_passing,
        near: body.near.as_str().into(),
        tags: body.tags.iter().flatten().map(String::as_str).collect(),
        ignore_check_ids: body.ignore_check_ids.iter().flatten().map(|id| id.as_str().into()).collect(),
        node_meta: pairs(&body.node_meta),
        service_meta: pairs(&body.service_meta),
        connect: body.connect,
        peer: body.peer.as_str().into(),
    })
}

fn failover(body: &wire::Failover) -> QueryFailover {
    let target = |target: &wire::Target| QueryTarget {
        peer: target.peer.as_str().into(),
        datacenter: target.datacenter.as_str().into(),
        partition: target.partition.as_str().into(),
        namespace: target.namespace.as_str().into(),
    };
    QueryFailover {
        // What is below zero is refused by the rules for drafts, which see it as it is.
        nearest_n: u32::try_from(body.nearest_n).unwrap_or(0),
        datacenters: body.datacenters.iter().flatten().map(|name| name.as_str().into()).collect(),
        targets: body.targets.iter().flatten().map(target).collect(),
    }
}

/// `GET /v1/query`.
pub(crate) fn list_all(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move { asked.finish(find(&asked, None).await) }))
}

/// `GET /v1/query/:id`.
pub(crate) fn get(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let id = query_id(inbound.tail).ok_or_else(|| reply(&Error::QueryNotFound))?;
    Ok(Box::pin(async move { asked.finish(find(&asked, Some(id)).await) }))
}

async fn find(asked: &Asked, id: Option<QueryId>) -> Found {
    let args = QueryList { id, blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.query_list(&asked.context, args).await?;
    let shown: Vec<wire::Query> = value.iter().map(|query| shown(query)).collect();
    Ok((konsul_api::v1::json::to_vec(&shown).expect("bodies have only text as keys"), meta))
}

fn shown(query: &PreparedQuery) -> wire::Query {
    let (template, service) = (query.template.as_ref(), &query.service);
    wire::Query {
        id: query.id.to_string(),
        name: query.name.to_string(),
        session: query.session.map(|id| id.to_string()).unwrap_or_default(),
        token: String::new(),
        template: wire::Template {
            kind: template.map(|_| TEMPLATE_TYPE.to_owned()).unwrap_or_default(),
            regexp: template.map(|template| template.regexp.to_string()).unwrap_or_default(),
            remove_empty_tags: template.is_some_and(|template| template.remove_empty_tags),
        },
        service: wire::Service {
            service: service.service.to_string(),
            failover: shown_failover(&service.failover),
            only_passing: service.only_passing,
            near: service.near.to_string(),
            tags: some(service.tags.iter()),
            ignore_check_ids: some(service.ignore_check_ids.iter()),
            node_meta: some_pairs(&service.node_meta),
            service_meta: some_pairs(&service.service_meta),
            connect: service.connect,
            peer: service.peer.to_string(),
            ..wire::Service::default()
        },
        dns: wire::Dns { ttl: query.dns_ttl.to_string() },
        create_index: query.create_index.0,
        modify_index: query.modify_index.0,
    }
}

fn shown_failover(failover: &QueryFailover) -> wire::Failover {
    let target = |target: &QueryTarget| wire::Target {
        peer: target.peer.to_string(),
        datacenter: target.datacenter.to_string(),
        partition: target.partition.to_string(),
        namespace: target.namespace.to_string(),
    };
    let targets: Vec<wire::Target> = failover.targets.iter().map(target).collect();
    wire::Failover {
        nearest_n: failover.nearest_n.into(),
        datacenters: some(failover.datacenters.iter()),
        targets: (!targets.is_empty()).then_some(targets),
    }
}

fn some<T: ToString>(texts: impl Iterator<Item = T>) -> Option<Vec<String>> {
    let texts: Vec<String> = texts.map(|text| text.to_string()).collect();
    (!texts.is_empty()).then_some(texts)
}

fn some_pairs(pairs: &konsul_types::Pairs) -> Option<std::collections::BTreeMap<String, String>> {
    (!pairs.is_empty()).then(|| pairs.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// `GET /v1/query/:id/execute`.
pub(crate) fn execute(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let (asked, args) = asked_for(inbound)?;
    Ok(Box::pin(async move { asked.finish(found(&asked, args).await) }))
}

async fn found(asked: &Asked, args: QueryExecute) -> Found {
    let own = asked.datacenter().await?;
    let Answer { value, meta } = asked.edge.operations.query_execute(&asked.context, args).await?;
    let datacenter = if value.datacenter.is_empty() { &*own } else { value.datacenter.as_str() };
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.text("Service", &value.service);
    object.text_if("Namespace", super::shapes::shown(&asked.context.namespace).unwrap_or(""));
    list(object.value("Nodes"), value.instances.iter(), |out, one| write_entry(one, datacenter, out));
    let mut dns = Object::begin(object.value("DNS"));
    dns.text("TTL", &value.dns_ttl);
    dns.end();
    object.text("Datacenter", datacenter);
    object.number("Failovers", value.failovers.into());
    // Executing does not wait, so that the consistency is told in the headers alone.
    let fields = query_meta(meta, meta.consistency);
    object.number("Index", fields.index);
    object.number("LastContact", fields.last_contact);
    object.truth("KnownLeader", fields.known_leader);
    object.text("ConsistencyLevel", &fields.consistency_level);
    object.truth("NotModified", false);
    object.number("Backend", 0);
    object.truth("ResultsFilteredByACLs", false);
    object.end();
    Ok((out, meta))
}

/// `GET /v1/query/:id/explain`.
pub(crate) fn explain(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let (asked, args) = asked_for(inbound)?;
    Ok(Box::pin(async move {
        match asked.edge.operations.query_explain(&asked.context, args).await {
            Ok(Answer { value, meta }) => {
                let query = wire::Query { id: value.id.to_string(), ..shown(&value.query) };
                let body = wire::Explained { query, meta: query_meta(meta, meta.consistency) };
                asked.dress(Reply::json(&body), meta)
            }
            Err(why) => reply(&why),
        }
    }))
}

fn asked_for(inbound: &mut Inbound<'_>) -> Result<(Asked, QueryExecute), Reply> {
    let asked = inbound.asked()?;
    let client = inbound.client();
    let limit = match inbound.query.text("limit") {
        None => None,
        // Consul reads it as a signed number, and takes what is not above zero for no bound.
        Some(text) => match text.parse::<i64>() {
            Ok(limit) => usize::try_from(limit).ok().filter(|limit| *limit > 0),
            Err(_) => {
                let why = format!("Bad limit: strconv.ParseInt: parsing {text:?}: invalid syntax");
                return Err(refuse(why));
            }
        },
    };
    let near = match inbound.query.text("near") {
        Some("_ip") => Some(Near::Client(client)),
        text => text.and_then(near),
    };
    let connect = match inbound.query.text("connect") {
        None => false,
        Some(text) => {
            parse_bool(text).ok_or_else(|| Reply::bad(format!("Invalid value for connect: {text:?}")))?
        }
    };
    let name = inbound.tail.to_owned();
    Ok((asked, QueryExecute { name, near, limit, connect, client: Some(client) }))
}

#[cfg(test)]
mod tests {
    use konsul_api::v1::decode::from_slice;

    use super::super::reply::Content;
    use super::*;

    fn of(body: &str, replaces: Option<&str>) -> Result<PreparedQuery, (u16, String)> {
        let body: wire::Query = from_slice(body.as_bytes(), Unknown::Skip).unwrap();
        checked(&body, replaces).map_err(|refused| match refused {
            Reply { content: Content::Plain(text), status, .. } => (status.as_u16(), text.into_owned()),
            _ => panic!("should be a text"),
        })
    }

    #[test]
    fn what_is_written_is_read() {
        let text = r#"{"ID":"","Name":"q","Session":"","Token":"","Template":{"Type":"","Regexp":"","RemoveEmptyTags":false},"Service":{"Service":"web","SamenessGroup":"","Failover":{"NearestN":0,"Datacenters":["dc2"],"Targets":null},"OnlyPassing":true,"Near":"_agent","Tags":["a","!b"],"IgnoreCheckIDs":["c"],"NodeMeta":{"k":"v"},"ServiceMeta":null,"Connect":false,"Peer":""},"DNS":{"TTL":"10s"},"CreateIndex":0,"ModifyIndex":0}"#;
        let query = of(text, None).unwrap();
        let shown = wire::Query { id: String::new(), ..shown(&query) };
        assert_eq!(String::from_utf8(konsul_api::v1::json::to_vec(&shown).unwrap()).unwrap(), text);
    }

    #[test]
    fn refusals_are_consuls() {
        let id = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
        let web = r#"{"Name":"q","Service":{"Service":"web"}}"#;
        assert_eq!(of(web, Some(id)).unwrap().id.to_string(), id);
        let why = |body: &str, replaces| of(body, replaces).unwrap_err();
        assert_eq!(why(web, Some("x")), (500, "Cannot modify non-existent prepared query: 'x'".into()));
        assert_eq!(
            why(r#"{"ID":"x"}"#, None),
            (500, "ID must be empty when creating a new prepared query".into())
        );
        assert_eq!(why("{}", None), (500, "Invalid prepared query: Must be bound to a session".into()));
        assert_eq!(
            why(r#"{"Name":"q","Session":"s","Service":{"Service":"web"}}"#, None),
            (500, "invalid session".into())
        );
        let (status, text) =
            why(r#"{"Name":"q","Service":{"Service":"web","Failover":{"NearestN":-1}}}"#, None);
        assert_eq!((status, text.as_str()), (500, "Invalid prepared query: Bad NearestN '-1', must be >= 0"));
        assert_eq!(why(r#"{"Name":"q","Service":{"Service":"web","Namespace":"x"}}"#, None).0, 400);
    }
}
