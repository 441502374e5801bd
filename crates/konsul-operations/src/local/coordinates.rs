//! Coordinates of nodes.

use std::sync::Arc;

use konsul_state::State;
use konsul_types::coordinate::DIMENSIONS_MAX;
use konsul_types::{CatalogCommand, Command, NodeCoordinate};
use konsul_watch::Topic;

use super::Inner;
use super::near::Place;
use crate::answer::{Answer, Distance};
use crate::arguments::{CoordinateDistance, CoordinateList};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn coordinate_list(
        &self,
        ctx: &Context,
        args: CoordinateList,
    ) -> Result<Answer<Vec<Arc<NodeCoordinate>>>, Error> {
        self.read(
            ctx,
            args.blocking,
            || Topic::Coordinates,
            |state| {
                let catalog = state.catalog();
                let meant = |one: &&Arc<NodeCoordinate>| {
                    args.segment.as_ref().is_none_or(|segment| one.segment == *segment)
                        && self.may_read_node(ctx, &one.node)
                };
                let found: Vec<_> = match &args.node {
                    Some(node) => catalog.coordinates_of(node).filter(meant).cloned().collect(),
                    None => catalog.coordinates().filter(meant).cloned().collect(),
                };
                let changed = catalog.coordinates_changed();
                state.found(found, changed, changed)
            },
        )
        .await
    }

    pub(crate) async fn coordinate_distance(
        &self,
        ctx: &Context,
        args: CoordinateDistance,
    ) -> Result<Answer<Distance>, Error> {
        for node in [&args.from, &args.to] {
            self.permit(ctx, &Permission::NodeRead(node.as_str()))?;
        }
        let answer = self
            .read(
                ctx,
                None,
                || Topic::Coordinates,
                |state| {
                    let changed = state.catalog().coordinates_changed();
                    state.found(distance(state, &args), changed, changed)
                },
            )
            .await?;
        let Answer { value, meta } = answer;
        value.map(|value| Answer { value, meta })
    }

    /// Stores where a node stands. That of an unknown node is passed over, as in Consul.
    pub(crate) async fn coordinate_update(&self, ctx: &Context, args: NodeCoordinate) -> Result<(), Error> {
        if args.coordinate.vec.is_empty() || args.coordinate.vec.len() > DIMENSIONS_MAX {
            return Err(Error::invalid("Coord", "incompatible coordinate"));
        }
        self.permit(ctx, &Permission::NodeWrite(args.node.as_str()))?;
        let command = Command::Catalog(CatalogCommand::Coordinates(vec![args]));
        self.write(ctx, command).await.map(|_| ())
    }
}

fn distance(state: &State, args: &CoordinateDistance) -> Result<Distance, Error> {
    let unknown = [&args.from, &args.to].into_iter().find(|node| state.catalog().node(node).is_none());
    if let Some(node) = unknown {
        return Err(Error::NodeNotFound(node.to_string()));
    }
    let (from, to) = (Place::of(state, &args.from), Place::of(state, &args.to));
    Ok(Distance {
        seconds: from.distance(&args.to),
        from_is_known: !from.is_unknown(),
        to_is_known: !to.is_unknown(),
    })
}
