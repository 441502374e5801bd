//! What there is, on its way out. The state that it is of is kept as long as that takes.

use std::collections::VecDeque;
use std::sync::Arc;

use konsul_state::State;
use konsul_types::{CheckStatus, Namespace, NodeName, ServiceName};

use super::view::View;
use crate::answer::Instance;
use crate::context::Context;
use crate::local::Inner;
use crate::local::instances::Select;
use crate::local::summaries::whole;
use crate::ports::Replica;
use crate::watch::{Record, RecordSelect, ServiceSelect};

/// What is left of it.
pub(super) struct Present {
    state: Arc<State>,
    namespace: Namespace,
    left: VecDeque<Item>,
}

enum Item {
    Record(Record),
    /// A service that is not counted yet.
    Service(ServiceName),
}

/// What came next.
pub(super) enum Next {
    Record(Record),
    /// Nothing of so much that was looked at.
    Looked(usize),
    End,
}

impl Present {
    pub(super) fn new<R: Replica>(
        inner: &Inner<R>,
        ctx: &Context,
        view: &View,
        state: Arc<State>,
    ) -> Present {
        let namespace = view.namespace.clone();
        let left = match &view.select {
            RecordSelect::Service(of) => instances(inner, ctx, view, of, &state),
            RecordSelect::Services => {
                let names = state.catalog().service_names(&namespace);
                names.map(|(name, _)| Item::Service(name.clone())).collect()
            }
            RecordSelect::Node(name) => of_node(&state, &namespace, name),
            RecordSelect::Checks(status) => checks(&state, &namespace, *status),
            RecordSelect::Events(of) => {
                let events = inner.events_for(ctx, &state, of.name.as_deref(), &of.receiver);
                events.into_iter().map(|event| Item::Record(Record::Event(event))).collect()
            }
        };
        Present { state, namespace, left }
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    pub(super) fn next(&mut self) -> Next {
        match self.left.pop_front() {
            None => Next::End,
            Some(Item::Record(record)) => Next::Record(record),
            Some(Item::Service(name)) => {
                let catalog = self.state.catalog();
                let instances = catalog.instances(&self.namespace, &name);
                let service = whole(instances.map(|one| (&**one, Some(catalog.status_of(one)))));
                service.map_or(Next::Looked(1), |one| Next::Record(Record::Service(Box::new(one))))
            }
        }
    }
}

fn instances<R: Replica>(
    inner: &Inner<R>,
    ctx: &Context,
    view: &View,
    of: &ServiceSelect,
    state: &State,
) -> VecDeque<Item> {
    let select = Select {
        tags: &of.tags,
        node_meta: &of.node_meta,
        with_checks: true,
        passing: of.passing,
        filter: view.filter(),
        datacenter: view.datacenter(),
    };
    let found = inner.instances_of(ctx, state, &of.name, &select);
    found.into_iter().map(|one| Item::Record(Record::Instance(Box::new(one)))).collect()
}

fn of_node(state: &State, namespace: &Namespace, name: &NodeName) -> VecDeque<Item> {
    let catalog = state.catalog();
    let Some(node) = catalog.node(name) else { return VecDeque::new() };
    let own: Vec<_> = catalog.checks_of_node(name).cloned().collect();
    let instance = |service: &Arc<konsul_types::Service>| {
        let checks = own.iter().chain(catalog.checks_of(service)).cloned().collect();
        Instance { node: Arc::clone(node), service: Arc::clone(service), checks }
    };
    let here = catalog.services_on(name).filter(|one| one.namespace == *namespace);
    let instances = here.map(|one| Record::Instance(Box::new(instance(one))));
    let checks = own.iter().map(|check| Record::Check(Arc::clone(check)));
    let all = [Record::Node(Arc::clone(node))].into_iter().chain(checks).chain(instances);
    all.map(Item::Record).collect()
}

fn checks(state: &State, namespace: &Namespace, status: Option<CheckStatus>) -> VecDeque<Item> {
    let here = state.catalog().checks().filter(|one| one.service.is_none() || one.namespace == *namespace);
    let stand = here.filter(|one| status.is_none_or(|status| one.status == status));
    stand.map(|one| Item::Record(Record::Check(Arc::clone(one)))).collect()
}
