//! `/v2/graph` and `/v2/services/{name}/impact`: who needs whom, as services declare it.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_api::v2::code;
use konsul_api::v2::discovery::{Cycle, Graph as Body, GraphService, Impact, Need, Reached};
use konsul_operations::arguments::{ServiceGraph, ServiceList};
use konsul_operations::dependencies::{Graph, Origin, graphviz, mermaid, tree};
use konsul_operations::{Answer, Context, Operations};
use konsul_types::{CheckStatus, Index, ServiceName};

use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::{services, told};

/// Most circles that are told.
const CYCLES_MAX: usize = 100;
/// Most lines of a tree.
const LINES_MAX: usize = 10_000;

/// `GET /v2/graph`.
pub(crate) fn graph(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let service = inbound.query.get("service").map(ServiceName::new).transpose();
    let service = service.map_err(|why| Rejection::of_parameter("service", why.what))?;
    let form = inbound.form;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let args = ServiceGraph { service: service.clone() };
        let Answer { value: graph, meta } = edge.operations.service_graph(&context, args).await?;
        let root = service.as_ref().map(|name| number(&graph, name, meta.index)).transpose()?;
        let health = Health::read(&*edge.operations, &context, &graph).await?;
        let reply = match form {
            0 => Reply::json(&body(&graph, &health, meta.index)),
            1 => Reply::typed("text/plain; charset=utf-8", as_tree(&graph, &health, root)),
            2 => Reply::typed("text/vnd.mermaid", mermaid(&graph, |at| health.known(at))),
            _ => Reply::typed("text/vnd.graphviz", graphviz(&graph, |at| health.known(at))),
        };
        Ok(reply.with_index(meta.index))
    })
}

fn number(graph: &Graph, name: &ServiceName, index: Index) -> Rejected<usize> {
    graph.number(name).ok_or_else(|| {
        let detail = format!("there is no service {name}, and none says that it needs it");
        Rejection::new(&code::SERVICE_NOT_FOUND, detail).at(index)
    })
}

/// How the services of a graph stand by themselves.
struct Health(Vec<Option<CheckStatus>>);

impl Health {
    async fn read(operations: &dyn Operations, context: &Context, graph: &Graph) -> Rejected<Health> {
        let Answer { value: found, .. } = operations.service_list(context, ServiceList::default()).await?;
        let by_name: BTreeMap<ServiceName, CheckStatus> = found
            .iter()
            .map(|one| (one.name.folded(), of_counts(one.passing, one.warning, one.critical)))
            .collect();
        let of = |at: usize| by_name.get(&graph.name(at).folded()).copied();
        Ok(Health((0..graph.len()).map(of).collect()))
    }

    fn known(&self, at: usize) -> Option<CheckStatus> {
        self.0[at]
    }

    /// What is not registered can do nothing.
    fn own(&self, at: usize) -> CheckStatus {
        self.0[at].unwrap_or(CheckStatus::Critical)
    }
}

/// Critical without any usable instance, passing if all of them pass, else warning.
fn of_counts(passing: u64, warning: u64, critical: u64) -> CheckStatus {
    match (passing + warning, warning + critical) {
        (0, _) => CheckStatus::Critical,
        (_, 0) => CheckStatus::Passing,
        _ => CheckStatus::Warning,
    }
}

fn as_tree(graph: &Graph, health: &Health, root: Option<usize>) -> String {
    let roots: Vec<usize> = root.into_iter().collect();
    let effective = graph.effective(|at| health.own(at));
    let note = |at: usize| match health.known(at) {
        None => "not registered".to_owned(),
        Some(own) if effective.of(at).effective == own => own.to_string(),
        Some(own) => format!("{own}, {} with what it needs", effective.of(at).effective),
    };
    let drawn = tree(graph, &roots, LINES_MAX, note);
    if drawn.cut { drawn.text + "…\n" } else { drawn.text }
}

fn body(graph: &Graph, health: &Health, index: Index) -> Body {
    let effective = graph.effective(|at| health.own(at));
    let names = |numbers: &[usize]| graph.names_of(numbers).into_iter().map(str::to_owned).collect();
    let service = |at: usize| {
        let standing = effective.of(at);
        GraphService {
            name: graph.name(at).to_string(),
            registered: graph.is_registered(at),
            status: told::status(standing.own),
            effective: told::status(standing.effective),
            because: effective.because(at).map(|path| names(&path)).unwrap_or_default(),
            needs: needs(graph, at),
        }
    };
    let cycles = graph.cycles(CYCLES_MAX);
    let cycle = |one: &konsul_operations::dependencies::Cycle| Cycle {
        members: names(&one.members),
        required: one.required,
    };
    Body {
        services: (0..graph.len()).map(service).collect(),
        cycles: cycles.found.iter().map(cycle).collect(),
        cycles_complete: cycles.complete,
        start_order: graph
            .start_order()
            .layers
            .iter()
            .map(|layer| layer.iter().map(|group| names(group)).collect())
            .collect(),
        index: index.0,
    }
}

fn needs(graph: &Graph, at: usize) -> Vec<Need> {
    let need = |edge: &konsul_operations::dependencies::Edge| Need {
        service: graph.name(edge.to).to_string(),
        required: edge.required,
        origin: match edge.origin {
            Origin::Declared => "declared".to_owned(),
            Origin::Observed => "observed".to_owned(),
        },
    };
    graph.needs(at).iter().map(need).collect()
}

/// `GET /v2/services/{name}/impact`.
pub(crate) fn impact(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let name = services::name(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let args = ServiceGraph { service: Some(name.clone()) };
        let Answer { value: graph, meta } = edge.operations.service_graph(&context, args).await?;
        let down = number(&graph, &name, meta.index)?;
        let impact = graph.impact(&[down]);
        let reached = impact.reached.iter().map(|one| Reached {
            service: graph.name(one.service).to_string(),
            effect: one.effect.name().to_owned(),
            path: graph.names_of(&impact.path(*one)).into_iter().map(str::to_owned).collect(),
        });
        let body =
            Impact { service: graph.name(down).to_string(), reached: reached.collect(), index: meta.index.0 };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}
