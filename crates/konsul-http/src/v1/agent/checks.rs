//! `/v1/agent/check…`: the checks that the agent keeps, and the results of those that report themselves.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::decode::Unknown;
use konsul_api::v1::definition as wire;
use konsul_api::v1::write::Object;
use konsul_operations::arguments::{AgentCheckRegister, AgentCheckUpdate};
use konsul_operations::{Context, Error};
use konsul_types::{CheckId, CheckStatus};

use super::super::error::reply;
use super::super::inbound::Inbound;
use super::super::read::Options;
use super::super::reply::Reply;
use super::super::route::Route;
use super::super::shapes::write_check;
use super::define;
use super::services::done;
use crate::service::Handled;

/// `GET checks`.
pub(crate) fn checks(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let filter = inbound.query.get("filter").unwrap_or("").to_owned();
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        let found = match edge.operations.agent_checks(&context, filter).await {
            Ok(found) => found,
            Err(why) => return reply(&why),
        };
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        for check in &found {
            write_check(check, object.named(check.id.as_str()));
        }
        object.end();
        Reply::written(out)
    }))
}

/// `PUT check/register`.
pub(crate) fn register(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let defined = match taking.decode::<wire::Check>(Unknown::Refuse).await {
            Ok(body) => define::check(body, &context.namespace),
            Err(refused) => Err(refused),
        };
        let definition = match defined {
            Ok(definition) => definition,
            Err(refused) => return refused,
        };
        let namespace = definition.namespace.clone().unwrap_or_else(|| context.namespace.clone());
        let context = Context { namespace, ..context };
        match edge.operations.agent_check_register(&context, AgentCheckRegister { definition }).await {
            Err(Error::ServiceNotFound(id)) => {
                Reply::plain(StatusCode::NOT_FOUND, format!("ServiceID {id:?} does not exist"))
            }
            other => done(other),
        }
    }))
}

/// `PUT check/deregister/:id`.
pub(crate) fn deregister(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let id = known_form(inbound.tail)?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move { done(edge.operations.agent_check_deregister(&context, id).await) }))
}

/// No check has an id that cannot be one.
fn known_form(id: &str) -> Result<CheckId, Reply> {
    CheckId::new(id).map_err(|_| reply(&Error::CheckNotFound(id.to_owned())))
}

/// `PUT check/pass/:id`.
pub(crate) fn pass(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    noted(inbound, CheckStatus::Passing)
}

/// `PUT check/warn/:id`.
pub(crate) fn warn(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    noted(inbound, CheckStatus::Warning)
}

/// `PUT check/fail/:id`.
pub(crate) fn fail(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    noted(inbound, CheckStatus::Critical)
}

fn noted(inbound: &mut Inbound<'_>, status: CheckStatus) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let output = inbound.query.get("note").unwrap_or("").to_owned();
    let args = AgentCheckUpdate { id: known_form(inbound.tail)?, status, output };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move { done(edge.operations.agent_check_update(&context, args).await) }))
}

/// `PUT check/update/:id`.
pub(crate) fn update(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let id = inbound.tail.to_owned();
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let body: wire::Update = match taking.decode(Unknown::Skip).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let Some(status) = CheckStatus::of_name(&body.status) else {
            return Reply::bad(format!("Invalid check status: '{}'", body.status));
        };
        let id = match known_form(&id) {
            Ok(id) => id,
            Err(refused) => return refused,
        };
        let args = AgentCheckUpdate { id, status, output: body.output };
        done(edge.operations.agent_check_update(&context, args).await)
    }))
}
