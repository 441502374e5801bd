//! `/v1/health/…`: checks, and instances with their checks.

use konsul_operations::Answer;
use konsul_operations::arguments::{CheckList, CheckSelect};
use konsul_types::CheckStatus;

use super::asked::Asked;
use super::catalog::{Found, instances, none_of};
use super::inbound::Inbound;
use super::kept::Shape;
use super::reply::Reply;
use super::route::Route;
use super::shapes::write_checks;
use crate::service::Handled;

/// `GET node/:node`.
pub(crate) fn node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let select = CheckSelect::Node(inbound.node_name()?);
    checks_of(asked, select, true)
}

/// `GET checks/:service`.
pub(crate) fn checks(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let select = CheckSelect::Service(inbound.service_name()?);
    checks_of(asked, select, true)
}

/// `GET state/:state`. No check stands in a way that is no word for it, and so none is shown.
pub(crate) fn state(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let (status, some) = match inbound.tail {
        "" => return Err(Reply::bad("Missing check state")),
        "any" => (None, true),
        word => (CheckStatus::of_name(word), CheckStatus::of_name(word).is_some()),
    };
    checks_of(asked, CheckSelect::Status(status), some)
}

fn checks_of(asked: Asked, select: CheckSelect, some: bool) -> Handled {
    Ok(Box::pin(async move { asked.finish(find_checks(&asked, select, some).await) }))
}

async fn find_checks(asked: &Asked, select: CheckSelect, some: bool) -> Found {
    let args = CheckList { select, narrow: asked.narrow.clone(), blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.check_list(&asked.context, args).await?;
    let mut out = Vec::new();
    write_checks(value.iter().filter(|_| some).map(|check| &**check), &mut out);
    Ok((out, meta))
}

/// `GET service/:service`.
pub(crate) fn service(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    instances(inbound, Shape::Health, false)
}

/// `GET connect/:service`.
pub(crate) fn connect(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    instances(inbound, Shape::Health, true)
}

/// `GET ingress/:service`. Which gateways let a service in is told by configuration entries, and there are none yet: so none
/// does.
pub(crate) fn ingress(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    inbound.passing()?;
    none_of(inbound)
}
