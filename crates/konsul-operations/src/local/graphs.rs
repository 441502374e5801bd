//! What the services of a namespace need of each other.

use std::collections::BTreeSet;

use konsul_state::State;
use konsul_types::{Dependency, ServiceName};
use konsul_watch::Topic;

use super::Inner;
use crate::answer::Answer;
use crate::arguments::ServiceGraph;
use crate::context::Context;
use crate::dependencies::{Bounds, Builder, Graph, TooLarge};
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    /// A service that may not be read is in the graph only if one that may be read says that it needs it, and then as if it
    /// were not registered.
    pub(crate) async fn service_graph(
        &self,
        ctx: &Context,
        args: ServiceGraph,
    ) -> Result<Answer<Graph>, Error> {
        let topic = || Topic::Services(ctx.namespace.clone());
        let answer = self
            .read(ctx, None, topic, |state| {
                let changed = state.catalog().services_changed(&ctx.namespace);
                state.found(self.graph(ctx, state, args.service.as_ref()), changed, changed)
            })
            .await?;
        Ok(Answer { value: answer.value?, meta: answer.meta })
    }

    fn graph(&self, ctx: &Context, state: &State, service: Option<&ServiceName>) -> Result<Graph, Error> {
        let catalog = state.catalog();
        let mut builder = Builder::new();
        let names = catalog.service_names(&ctx.namespace).map(|(name, _)| name);
        for name in names.filter(|name| self.allows(ctx, &Permission::ServiceRead(name.as_str()))) {
            builder.service(name);
            let advice = catalog.instances(&ctx.namespace, name).filter_map(|one| one.advice.as_ref());
            advice.for_each(|advice| builder.declared(name, &advice.depends_on));
        }
        let graph = builder.build(Bounds::default()).map_err(|why| too_large(&why))?;
        match service {
            None => Ok(graph),
            Some(service) => around(&graph, service),
        }
    }
}

fn too_large(why: &TooLarge) -> Error {
    Error::TooLarge {
        what: "the dependency graph".into(),
        actual: why.found as u64,
        limit: why.max as u64,
        unit: why.what,
    }
}

/// The part that a service belongs to: all that is reached from it along edges, whichever way they go.
fn around(graph: &Graph, service: &ServiceName) -> Result<Graph, Error> {
    let mut part = BTreeSet::new();
    let mut open: Vec<usize> = graph.number(service).into_iter().collect();
    while let Some(at) = open.pop() {
        if part.insert(at) {
            open.extend(graph.needs(at).iter().chain(graph.needed_by(at)).map(|edge| edge.to));
        }
    }
    let mut builder = Builder::new();
    for at in part {
        let name = graph.name(at);
        if graph.is_registered(at) {
            let need = |edge: &crate::dependencies::Edge| Dependency {
                service: graph.name(edge.to).clone(),
                required: edge.required,
            };
            builder.declared(name, &graph.needs(at).iter().map(need).collect::<Vec<_>>());
        }
    }
    builder.build(Bounds::default()).map_err(|why| too_large(&why))
}
