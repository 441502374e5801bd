//! `/v1/agent/health/service/…`: how an instance of the agent's stands, as a status that load balancers understand.

use std::sync::Arc;

use http::StatusCode;
use http::header::{ACCEPT, HeaderName};
use konsul_api::v1::write::{Object, list};
use konsul_operations::{Context, Error};
use konsul_types::node::{NODE_MAINTENANCE, SERVICE_MAINTENANCE};
use konsul_types::{Check, CheckStatus, Service};

use super::super::error::reply;
use super::super::inbound::Inbound;
use super::super::read::Options;
use super::super::reply::Reply;
use super::super::route::Route;
use super::super::shapes::{write_agent_service, write_reduced_check};
use crate::service::{Edge, Handled};

/// `GET id/:id`.
pub(crate) fn by_id(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    answer(inbound, "Missing serviceID", |all, id| {
        let found = all.into_iter().find(|one| one.service.id.as_str() == id);
        Told {
            missing: format!("ServiceId {id} not found"),
            found: found.into_iter().collect(),
            as_list: false,
        }
    })
}

/// `GET name/:name`.
pub(crate) fn by_name(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    answer(inbound, "Missing service Name", |all, name| {
        let found = all.into_iter().filter(|one| one.service.name.as_str() == name).collect();
        Told { missing: format!("ServiceName {name} Not Found"), found, as_list: true }
    })
}

/// An instance with the checks that count for it.
struct Standing {
    service: Arc<Service>,
    checks: Vec<Arc<Check>>,
    worst: Aggregate,
}

/// What is to be told.
struct Told {
    /// What is said if there is no such instance.
    missing: String,
    found: Vec<Standing>,
    as_list: bool,
}

/// How several checks stand together; the later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aggregate {
    Passing,
    Warning,
    Critical,
    Maintenance,
}

impl Aggregate {
    fn of(check: &Check) -> Aggregate {
        let id = check.id.as_str();
        match check.status {
            _ if id == NODE_MAINTENANCE || id.starts_with(SERVICE_MAINTENANCE) => Aggregate::Maintenance,
            CheckStatus::Passing => Aggregate::Passing,
            CheckStatus::Warning => Aggregate::Warning,
            CheckStatus::Critical => Aggregate::Critical,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Aggregate::Passing => "passing",
            Aggregate::Warning => "warning",
            Aggregate::Critical => "critical",
            Aggregate::Maintenance => "maintenance",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Aggregate::Passing => StatusCode::OK,
            Aggregate::Warning => StatusCode::TOO_MANY_REQUESTS,
            Aggregate::Critical | Aggregate::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn answer(
    inbound: &mut Inbound<'_>,
    missing: &'static str,
    choose: fn(Vec<Standing>, &str) -> Told,
) -> Handled {
    let Options { context, .. } = inbound.options()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad(missing));
    }
    let wanted = inbound.tail.to_owned();
    let as_text = inbound.query.get("format") == Some("text")
        || inbound.header(&ACCEPT).is_some_and(|accept| accept.starts_with("text/plain"));
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        let found = async {
            let datacenter = edge.datacenter(&context).await?;
            Ok::<_, Error>((datacenter, standings(&edge, &context).await?))
        };
        match found.await {
            Ok((datacenter, all)) => told(&choose(all, &wanted), &datacenter, as_text),
            Err(why) => reply(&why),
        }
    }))
}

async fn standings(edge: &Edge, context: &Context) -> Result<Vec<Standing>, Error> {
    let services = edge.operations.agent_services(context, String::new()).await?;
    let checks = edge.operations.agent_checks(context, String::new()).await?;
    let standing = |service: Arc<Service>| {
        let counts = |check: &&Arc<Check>| check.service.as_ref().is_none_or(|of| of.id == service.id);
        let checks: Vec<_> = checks.iter().filter(counts).cloned().collect();
        let worst = checks.iter().map(|check| Aggregate::of(check)).max().unwrap_or(Aggregate::Passing);
        Standing { service, checks, worst }
    };
    Ok(services.into_iter().map(standing).collect())
}

fn told(told: &Told, datacenter: &str, as_text: bool) -> Reply {
    let worst = told.found.iter().map(|one| one.worst).max();
    let (status, reason) = match worst {
        Some(worst) => (worst.status(), worst.name()),
        None => (StatusCode::NOT_FOUND, told.missing.as_str()),
    };
    let reply = if as_text {
        Reply::typed("text/plain", reason.to_owned())
    } else {
        Reply::written(body(told, datacenter))
    };
    reply.with_status(status).with_header(REASON, reason)
}

const REASON: HeaderName = HeaderName::from_static("x-consul-reason");

const NOT_FOUND: &[u8] = b"{\"AggregatedStatus\":\"critical\",\"Service\":null,\"Checks\":null}";

fn body(told: &Told, datacenter: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match told.found.first() {
        _ if told.as_list => list(&mut out, told.found.iter(), |out, one| write(one, datacenter, out)),
        Some(one) => write(one, datacenter, &mut out),
        None => out.extend_from_slice(NOT_FOUND),
    }
    out
}

fn write(one: &Standing, datacenter: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.text("AggregatedStatus", one.worst.name());
    write_agent_service(&one.service, datacenter, None, object.value("Service"));
    list(object.value("Checks"), one.checks.iter(), |out, check| write_reduced_check(check, out));
    object.end();
}
