//! Reads of nodes and of what is on them.

use std::sync::Arc;

use konsul_filter::Filter;
use konsul_state::State;
use konsul_types::{Node, NodeId, NodeName, Pairs};
use konsul_watch::Topic;

use super::Inner;
use crate::answer::{Answer, NodeWithServices};
use crate::arguments::{NodeList, NodeServices};
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, NodeView, ServiceView};
use crate::permission::Permission;
use crate::ports::Replica;

/// Fewest characters of an id that stand for a node.
const ID_PREFIX_MIN: usize = 2;

impl<R: Replica> Inner<R> {
    pub(crate) async fn datacenter_list(&self, ctx: &Context) -> Result<Vec<String>, Error> {
        self.permit(ctx, &Permission::Public)?;
        Ok(vec![self.agent.datacenter()])
    }

    pub(crate) async fn node_list(
        &self,
        ctx: &Context,
        args: NodeList,
    ) -> Result<Answer<Vec<Arc<Node>>>, Error> {
        let narrow = &args.narrow;
        let filter = filters::compile(&narrow.filter, &filters::NODE)?;
        let datacenter = self.agent.datacenter();
        let fits = |node: &Node| {
            filter.as_ref().is_none_or(|f| f.matches(&NodeView { node, datacenter: &datacenter }))
        };
        self.read(
            ctx,
            args.blocking,
            || Topic::Nodes,
            |state| {
                let asked = state.catalog().nodes().filter(|node| has_meta(node, &narrow.node_meta));
                let seen = asked.filter(|node| self.may_read_node(ctx, &node.name));
                let mut nodes: Vec<Arc<Node>> = seen.filter(|node| fits(node)).cloned().collect();
                self.sort_near(state, narrow.near.as_ref(), &mut nodes, |node| &node.name);
                let changed = state.catalog().nodes_changed();
                state.found(nodes, changed, changed)
            },
        )
        .await
    }

    pub(crate) async fn node_services(
        &self,
        ctx: &Context,
        args: NodeServices,
    ) -> Result<Answer<Option<NodeWithServices>>, Error> {
        let filter = filters::compile(&args.filter, &filters::SERVICE)?;
        let topic = || match node_meant(&self.replica.state(), &args.node) {
            Meant::Node(name) | Meant::Nobody(Some(name)) => Topic::Node(name.folded()),
            Meant::Nobody(None) => Topic::Nodes,
        };
        self.read(ctx, args.blocking, topic, |state| {
            let catalog = state.catalog();
            let (value, changed) = match node_meant(state, &args.node) {
                Meant::Node(name) => {
                    let node = catalog.node(&name).filter(|node| self.may_read_node(ctx, &node.name));
                    let value = node.map(|node| self.services_of(ctx, state, node, filter.as_ref()));
                    (value, catalog.node_changed(&name))
                }
                Meant::Nobody(Some(name)) => (None, catalog.node_changed(&name)),
                Meant::Nobody(None) => (None, catalog.nodes_changed()),
            };
            state.found(value, changed, changed)
        })
        .await
    }

    fn services_of(
        &self,
        ctx: &Context,
        state: &State,
        node: &Arc<Node>,
        filter: Option<&Filter>,
    ) -> NodeWithServices {
        let here = state.catalog().services_on(&node.name).filter(|one| one.namespace == ctx.namespace);
        let seen = here.filter(|one| self.allows(ctx, &Permission::ServiceRead(one.name.as_str())));
        let fits = seen.filter(|one| filter.is_none_or(|f| f.matches(&ServiceView::of(one))));
        NodeWithServices { node: Arc::clone(node), services: fits.cloned().collect() }
    }

    pub(super) fn may_read_node(&self, ctx: &Context, node: &NodeName) -> bool {
        self.allows(ctx, &Permission::NodeRead(node.as_str()))
    }
}

/// Whether a node has all of some pairs.
pub(super) fn has_meta(node: &Node, wanted: &Pairs) -> bool {
    wanted.iter().all(|(key, value)| node.meta.get(key).is_some_and(|found| found == value))
}

/// Which node a text names.
enum Meant {
    /// One that is there.
    Node(NodeName),
    /// None that is there; the name is set if it could be one's.
    Nobody(Option<NodeName>),
}

/// By name, by id, by the beginning of an id that no other node shares.
fn node_meant(state: &State, text: &str) -> Meant {
    let catalog = state.catalog();
    let name = NodeName::new(text).ok();
    let by_name = || catalog.node(name.as_ref()?);
    let by_id = || catalog.node_of_id(&text.parse::<NodeId>().ok()?);
    let hex = text.len() >= ID_PREFIX_MIN && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let by_prefix = || if hex { catalog.node_of_id_prefix(text) } else { None };
    match by_name().or_else(by_id).or_else(by_prefix) {
        Some(node) => Meant::Node(node.name.clone()),
        // A text that could be an id's beginning waits for any node, since the one that comes may have another name.
        None if hex => Meant::Nobody(None),
        None => Meant::Nobody(name),
    }
}
