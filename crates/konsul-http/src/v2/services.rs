//! `/v2/services` and `/v2/graph`.

use std::sync::Arc;

use konsul_api::v2::catalog::{ServiceSummary as Summary, ServiceTimeline as Timeline};
use konsul_api::v2::code;
use konsul_api::v2::discovery::{Picked, Reason, Why, WhyAnswer};
use konsul_api::v2::page::{InstancePage, ServicePage};
use konsul_operations::Answer;
use konsul_operations::answer::{ServiceSummary, WhyInstance};
use konsul_operations::arguments::{ServiceInstances, ServiceList, ServicePick, ServiceTimeline, ServiceWhy};
use konsul_types::{ServiceId, ServiceName};

use super::inbound::{Begun, Inbound};
use super::narrow::{Paging, key, narrow, pairs, texts};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::told;

/// The service that the path names.
pub(crate) fn name(inbound: &Inbound<'_>) -> Rejected<ServiceName> {
    ServiceName::new(inbound.variable).map_err(|why| Rejection::of_parameter("name", why.what))
}

/// `GET /v2/services`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let paging = Paging::read(inbound, &context, &["filter", "node_meta"])?;
    let args = ServiceList { narrow: narrow(inbound)?, names_only: false, blocking: None };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } = edge.operations.service_list(&context, args).await?;
        let next_cursor = paging.page(&mut found, |one| key(&[one.name.as_str()]));
        let items = found.iter().map(summary).collect();
        Ok(Reply::json(&ServicePage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

/// A service as a whole.
pub(crate) fn summary(of: &ServiceSummary) -> Summary {
    Summary {
        name: of.name.to_string(),
        tags: of.tags.iter().map(ToString::to_string).collect(),
        kinds: of.kinds.iter().map(ToString::to_string).collect(),
        passing: of.passing,
        warning: of.warning,
        critical: of.critical,
    }
}

/// `GET /v2/services/{name}`.
pub(crate) fn instances(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let name = name(inbound)?;
    let paging =
        Paging::read(inbound, &context, &["name", "tag", "meta", "node_meta", "filter", "passing", "near"])?;
    let meta_wanted = pairs(inbound, "meta")?;
    let args = ServiceInstances {
        name,
        connect: false,
        tags: texts(inbound, "tag"),
        narrow: narrow(inbound)?,
        with_checks: true,
        passing: inbound.flag("passing"),
        blocking: None,
    };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } = edge.operations.service_instances(&context, args).await?;
        found.retain(|one| one.service.meta.contains_all(&meta_wanted));
        let next_cursor =
            paging.page(&mut found, |one| key(&[one.node.name.as_str(), one.service.id.as_str()]));
        let items = found.iter().map(told::instance).collect();
        Ok(Reply::json(&InstancePage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

/// `GET /v2/services/{name}/pick`.
pub(crate) fn pick(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let text = |name: &str| inbound.query.get(name).unwrap_or("").to_owned();
    let args = ServicePick {
        name: name(inbound)?,
        tags: texts(inbound, "tag"),
        narrow: narrow(inbound)?,
        strategy: text("strategy"),
        key: text("key"),
        zone: text("zone"),
        count: inbound.number("count").and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
    };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.service_pick(&context, args).await?;
        let items = value.instances.iter().map(told::instance).collect();
        let body = Picked { strategy: value.strategy, items, index: meta.index.0 };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}

/// `GET /v2/services/{name}/why`.
pub(crate) fn why(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let id = inbound.query.get("id").map(ServiceId::new).transpose();
    let args = ServiceWhy {
        name: name(inbound)?,
        id: id.map_err(|why| Rejection::of_parameter("id", why.what))?,
        tags: texts(inbound, "tag"),
        filter: inbound.query.get("filter").unwrap_or("").to_owned(),
        passing: inbound.flag("passing"),
    };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.service_why(&context, args).await?;
        let items = value.iter().map(explained).collect();
        Ok(Reply::json(&WhyAnswer { items, index: meta.index.0 }).with_index(meta.index))
    })
}

fn explained(of: &WhyInstance) -> Why {
    let reason =
        |(code, detail): &(&'static str, String)| Reason { code: (*code).to_owned(), detail: detail.clone() };
    Why {
        instance: of.instance.as_ref().map(told::instance),
        in_dns: of.in_dns,
        in_health: of.in_health,
        reasons: of.reasons.iter().map(reason).collect(),
    }
}

/// `GET /v2/services/{name}/timeline`.
pub(crate) fn timeline(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let args = ServiceTimeline { name: name(inbound)?, count: inbound.limit() };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let service = args.name.to_string();
        let Answer { value, meta } = edge.operations.service_timeline(&context, args).await?;
        let Some(changes) = value else {
            let detail = format!("the service {service:?} has no instance");
            return Err(Rejection::new(&code::SERVICE_NOT_FOUND, detail).at(meta.index));
        };
        let items = changes.iter().map(told::change).collect();
        let body = Timeline { service, items, index: meta.index.0 };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}
