//! `/v2/coordinates`.

use std::sync::Arc;

use konsul_api::v2::coordinate::{Coordinate, CoordinatePage, Distance};
use konsul_operations::Answer;
use konsul_operations::arguments::{CoordinateDistance, CoordinateList};
use konsul_types::{NodeCoordinate, NodeName};

use super::inbound::{Begun, Inbound};
use super::narrow::{Paging, key};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;

fn node(inbound: &Inbound<'_>, name: &str) -> Rejected<Option<NodeName>> {
    let named = inbound.query.get(name).map(NodeName::new).transpose();
    named.map_err(|why| Rejection::of_parameter(name, why.what))
}

/// `GET /v2/coordinates`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let paging = Paging::read(inbound, &context, &["node", "segment"])?;
    let segment = inbound.query.get("segment").map(str::to_owned);
    let args = CoordinateList { node: node(inbound, "node")?, segment, blocking: None };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } = edge.operations.coordinate_list(&context, args).await?;
        let next_cursor = paging.page(&mut found, |one| key(&[one.node.as_str(), &one.segment]));
        let items = found.iter().map(|one| told(one)).collect();
        Ok(Reply::json(&CoordinatePage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn told(of: &NodeCoordinate) -> Coordinate {
    let at = &of.coordinate;
    Coordinate {
        node: of.node.to_string(),
        segment: of.segment.to_string(),
        vec: at.vec.iter().map(|number| number.get()).collect(),
        error: at.error.get(),
        adjustment: at.adjustment.get(),
        height: at.height.get(),
        modify_index: of.modify_index.0,
    }
}

/// `GET /v2/coordinates/distance`.
pub(crate) fn distance(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let named = |name: &str| {
        let missing = || Rejection::of_parameter(name, "has to be there");
        node(inbound, name)?.ok_or_else(missing)
    };
    let args = CoordinateDistance { from: named("from")?, to: named("to")? };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let asked = args.clone();
        let Answer { value, meta } = edge.operations.coordinate_distance(&context, args).await?;
        let known = [(&asked.from, value.from_is_known), (&asked.to, value.to_is_known)];
        let body = Distance {
            from: asked.from.to_string(),
            to: asked.to.to_string(),
            rtt_seconds: value.seconds,
            unknown: known.iter().filter(|(_, known)| !known).map(|(node, _)| node.to_string()).collect(),
            index: meta.index.0,
        };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}
