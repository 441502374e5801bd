//! `/v1/coordinate/…`: where nodes stand by round-trip times.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::coordinate as wire;
use konsul_api::v1::decode::Unknown;
use konsul_api::v1::write::{Object, list};
use konsul_operations::arguments::CoordinateList;
use konsul_operations::{Answer, Error};
use konsul_types::{Coordinate, Index, NodeCoordinate, NodeName, Real};

use super::asked::Asked;
use super::catalog::Found;
use super::error::reply;
use super::inbound::Inbound;
use super::read::{Options, body_namespace};
use super::register::elsewhere;
use super::reply::Reply;
use super::route::Route;
use crate::service::Handled;

/// The dimensions of Consul's coordinates. Others cannot be compared with them.
const DIMENSIONS: usize = 8;

/// `GET datacenters`: the servers of each datacentre, under the names that they have between datacentres.
pub(crate) fn datacenters(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move {
        match find_datacenters(&asked).await {
            Ok(body) => Reply::written(body),
            Err(why) => reply(&why),
        }
    }))
}

async fn find_datacenters(asked: &Asked) -> Result<Vec<u8>, Error> {
    let datacenter = asked.datacenter().await?;
    let operations = &asked.edge.operations;
    let servers = operations.raft_configuration(&asked.context).await?.value;
    let servers: BTreeSet<String> = servers.into_iter().map(|server| server.node).collect();
    let known = operations.coordinate_list(&asked.context, CoordinateList::default()).await?.value;
    let mut out = vec![b'['];
    let mut object = Object::begin(&mut out);
    object.text("Datacenter", &datacenter);
    object.text("AreaID", "wan");
    let known = known.iter().filter(|one| servers.contains(one.node.as_str()));
    list(object.value("Coordinates"), known, |out, one| {
        shown(one).write_of(&format!("{}.{datacenter}", one.node), &one.segment, out);
    });
    object.end();
    out.push(b']');
    Ok(out)
}

fn shown(one: &NodeCoordinate) -> wire::Coordinate {
    let of = &one.coordinate;
    wire::Coordinate {
        vec: of.vec.iter().map(|number| number.get()).collect(),
        error: of.error.get(),
        adjustment: of.adjustment.get(),
        height: of.height.get(),
    }
}

/// `GET nodes`.
pub(crate) fn nodes(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let segment = inbound.query.get("segment").map(str::to_owned);
    Ok(Box::pin(async move { asked.finish(find(&asked, None, segment).await) }))
}

/// `GET node/:node`.
pub(crate) fn node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let (node, segment) = (inbound.node_name()?, inbound.query.get("segment").map(str::to_owned));
    Ok(Box::pin(async move {
        match find(&asked, Some(node), segment).await {
            Ok((body, meta)) if body == b"[]" => asked.dress(Reply::empty(StatusCode::NOT_FOUND), meta),
            other => asked.finish(other),
        }
    }))
}

async fn find(asked: &Asked, node: Option<NodeName>, segment: Option<String>) -> Found {
    let args = CoordinateList { node, segment, blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.coordinate_list(&asked.context, args).await?;
    let mut out = Vec::new();
    list(&mut out, value.iter(), |out, one| shown(one).write_of(one.node.as_str(), &one.segment, out));
    Ok((out, meta))
}

/// `PUT update`.
pub(crate) fn update(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let body: wire::Update = match taking.decode(Unknown::Skip).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        elsewhere(&body.datacenter, &mut context);
        if let Err(why) = body_namespace("", &body.partition, &context.namespace) {
            return Reply::bad(why);
        }
        let coordinate = match coordinate(body) {
            Ok(coordinate) => coordinate,
            Err(why) => return Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        match edge.operations.coordinate_update(&context, coordinate).await {
            Ok(()) => Reply::empty(StatusCode::OK),
            Err(why) => reply(&why),
        }
    }))
}

fn coordinate(body: wire::Update) -> Result<NodeCoordinate, String> {
    let node = NodeName::new(body.node).map_err(|why| format!("Invalid {why}"))?;
    let coord = body.coord.ok_or("invalid coordinate")?;
    if coord.vec.len() != DIMENSIONS {
        return Err("incompatible coordinate".to_owned());
    }
    let numbers = [coord.error, coord.adjustment, coord.height];
    if !numbers.iter().chain(&coord.vec).all(|number| number.is_finite()) {
        return Err("invalid coordinate".to_owned());
    }
    let [error, adjustment, height] = numbers.map(Real::new);
    let vec = coord.vec.into_iter().map(Real::new).collect();
    let coordinate = Coordinate { vec, error, adjustment, height };
    Ok(NodeCoordinate { node, segment: body.segment.into(), coordinate, modify_index: Index::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_coordinates_are_taken() {
        let of = |coord: Option<wire::Coordinate>| {
            coordinate(wire::Update { node: "n".into(), coord, ..wire::Update::default() })
        };
        assert_eq!(of(None).unwrap_err(), "invalid coordinate");
        assert_eq!(of(Some(wire::Coordinate::default())).unwrap_err(), "incompatible coordinate");
        let whole = wire::Coordinate { vec: vec![0.5; 8], ..wire::Coordinate::default() };
        assert!(of(Some(whole.clone())).is_ok());
        assert_eq!(
            of(Some(wire::Coordinate { height: f64::INFINITY, ..whole })).unwrap_err(),
            "invalid coordinate"
        );
    }
}
