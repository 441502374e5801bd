//! From declarations to a graph.

use std::collections::BTreeMap;

use konsul_types::{Dependency, ServiceName};

use super::graph::{Edge, Graph, Origin};

/// How large a graph may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most services, registered or only needed.
    pub services_max: usize,
    /// Most edges.
    pub edges_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { services_max: 100_000, edges_max: 1_000_000 }
    }
}

/// More than the bounds allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dependency graph has {found} {what}; at most {max} are allowed")]
pub struct TooLarge {
    /// Services or dependencies.
    pub what: &'static str,
    /// How many there are.
    pub found: usize,
    /// How many there may be.
    pub max: usize,
}

#[derive(Debug, Default)]
struct Declared {
    registered: bool,
    needs: BTreeMap<ServiceName, Edge>,
}

/// Collects services and what they need. Names are folded: they are compared without regard to case.
#[derive(Debug, Default)]
pub struct Builder {
    services: BTreeMap<ServiceName, Declared>,
}

impl Builder {
    /// An empty one.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// A registered service, whether it needs anything or not.
    pub fn service(&mut self, name: &ServiceName) {
        self.services.entry(name.folded()).or_default().registered = true;
    }

    /// What an instance of a registered service declares to need.
    pub fn declared(&mut self, name: &ServiceName, needs: &[Dependency]) {
        self.service(name);
        for need in needs {
            self.edge(name, &need.service, need.required, Origin::Declared);
        }
    }

    /// That a service was seen to use another one, which does not tell whether it can do without: taken as optional.
    pub fn observed(&mut self, name: &ServiceName, uses: &ServiceName) {
        self.edge(name, uses, false, Origin::Observed);
    }

    fn edge(&mut self, from: &ServiceName, to: &ServiceName, required: bool, origin: Origin) {
        self.services.entry(to.folded()).or_default();
        let needs = &mut self.services.entry(from.folded()).or_default().needs;
        let edge = needs.entry(to.folded()).or_insert(Edge { to: 0, required, origin });
        edge.required |= required;
        edge.origin = edge.origin.min(origin);
    }

    /// The graph.
    ///
    /// # Errors
    /// If there are more services or edges than allowed.
    pub fn build(self, bounds: Bounds) -> Result<Graph, TooLarge> {
        let within = |what, found, max| {
            if found > max { Err(TooLarge { what, found, max }) } else { Ok(()) }
        };
        within("services", self.services.len(), bounds.services_max)?;
        let edges = self.services.values().map(|service| service.needs.len()).sum();
        within("dependencies", edges, bounds.edges_max)?;
        Ok(self.numbered())
    }

    /// Numbers follow the names' order, so that whatever goes by number is stable.
    fn numbered(self) -> Graph {
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        let number = |name: &ServiceName| names.binary_search(name).expect("an edge adds both of its ends");
        let mut registered = Vec::with_capacity(names.len());
        let mut needs = Vec::with_capacity(names.len());
        for declared in self.services.into_values() {
            registered.push(declared.registered);
            needs.push(declared.needs.iter().map(|(to, edge)| Edge { to: number(to), ..*edge }).collect());
        }
        Graph::new(names, registered, needs)
    }
}
