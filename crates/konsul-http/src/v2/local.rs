//! `/v2/agent`: what the answering agent keeps.

use std::sync::Arc;

use konsul_api::v2::page::{CheckPage, InstancePage};
use konsul_api::v2::registration::{CheckDefinition, CheckUpdate, Maintenance};
use konsul_operations::arguments::{
    AgentCheckRegister, AgentCheckUpdate, AgentMaintenance, AgentServiceRegister,
};
use konsul_types::{CheckId, ServiceId};

use super::body::{Faults, decode};
use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::{registering, told};

fn service_id(inbound: &Inbound<'_>) -> Rejected<ServiceId> {
    ServiceId::new(inbound.variable).map_err(|why| Rejection::of_parameter("id", why.what))
}

fn check_id(inbound: &Inbound<'_>) -> Rejected<CheckId> {
    CheckId::new(inbound.variable).map_err(|why| Rejection::of_parameter("id", why.what))
}

fn filter(inbound: &Inbound<'_>) -> String {
    inbound.query.get("filter").unwrap_or("").to_owned()
}

/// `GET /v2/agent/services`.
pub(crate) fn services(inbound: &mut Inbound<'_>) -> Begun {
    let (context, filter) = (inbound.context()?, filter(inbound));
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let found = edge.operations.agent_services(&context, filter).await?;
        let index = edge.operations.index();
        let items = found.iter().map(|one| told::service(one)).collect();
        Ok(Reply::json(&InstancePage { items, next_cursor: None, index: index.0 }).with_index(index))
    })
}

/// `GET /v2/agent/checks`.
pub(crate) fn checks(inbound: &mut Inbound<'_>) -> Begun {
    let (context, filter) = (inbound.context()?, filter(inbound));
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let found = edge.operations.agent_checks(&context, filter).await?;
        let index = edge.operations.index();
        let items = found.iter().map(|one| told::check(one)).collect();
        Ok(Reply::json(&CheckPage { items, next_cursor: None, index: index.0 }).with_index(index))
    })
}

/// `PUT /v2/agent/services/{id}`.
pub(crate) fn register_service(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let id = service_id(inbound)?;
    inbound.media()?;
    let replace_checks = inbound.flag("replace_checks");
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        let wanted = decode("ServiceDefinition", &bytes)?;
        let mut faults = Faults::default();
        let definition = registering::service(&mut faults, "", &context.namespace, Some(id.as_str()), wanted);
        faults.check()?;
        let definition = definition.expect("a definition without a fault is there");
        let args = AgentServiceRegister { definition, replace_checks };
        edge.operations.agent_service_register(&context, args).await?;
        Ok(Reply::nothing())
    })
}

/// `DELETE /v2/agent/services/{id}`.
pub(crate) fn deregister_service(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = service_id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        edge.operations.agent_service_deregister(&context, id).await?;
        Ok(Reply::nothing())
    })
}

/// `PUT /v2/agent/checks/{id}`.
pub(crate) fn register_check(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let id = check_id(inbound)?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        let wanted: CheckDefinition = decode("CheckDefinition", &bytes)?;
        let mut faults = Faults::default();
        let definition = registering::check(&mut faults, "", Some(id.as_str()), wanted);
        faults.check()?;
        let mut definition = definition.expect("a definition without a fault is there");
        definition.namespace = definition.service.is_some().then(|| context.namespace.clone());
        edge.operations.agent_check_register(&context, AgentCheckRegister { definition }).await?;
        Ok(Reply::nothing())
    })
}

/// `DELETE /v2/agent/checks/{id}`.
pub(crate) fn deregister_check(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = check_id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        edge.operations.agent_check_deregister(&context, id).await?;
        Ok(Reply::nothing())
    })
}

/// `PUT /v2/agent/checks/{id}/status`.
pub(crate) fn update_check(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = check_id(inbound)?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let wanted: CheckUpdate = decode("CheckUpdate", &whole.await?)?;
        let status = told::asked_status(wanted.status);
        let args = AgentCheckUpdate { id, status, output: wanted.output };
        edge.operations.agent_check_update(&context, args).await?;
        Ok(Reply::nothing())
    })
}

/// `PUT /v2/agent/maintenance`.
pub(crate) fn maintenance(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let wanted: Maintenance = decode("Maintenance", &whole.await?)?;
        let mut faults = Faults::default();
        let id = wanted
            .service_id
            .map(|text| faults.take("/service_id", ServiceId::new(text).map_err(|why| why.what)));
        faults.check()?;
        let service = id.flatten().map(|id| (context.namespace.clone(), id));
        let args = AgentMaintenance { service, enable: wanted.enable, reason: wanted.reason };
        edge.operations.agent_maintenance(&context, args).await?;
        Ok(Reply::nothing())
    })
}
