//! A directory for tests: a small catalogue that can be changed, made unready, and made to wait.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use konsul_dns::{
    Asked, Directory, DirectoryError, Executed, Instance, Node, NodeQuery, PreparedQuery, Reverse, Service,
    ServiceKind, ServiceQuery, TaggedAddress, Virtual, at_once,
};
use konsul_runtime::sync::Notify;
use konsul_runtime::time::Duration;

#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) nodes: BTreeMap<String, Arc<Node>>,
    /// By name, with the tags of each instance.
    pub(crate) services: BTreeMap<String, Vec<(Instance, Vec<String>)>>,
    pub(crate) versions: BTreeMap<String, u64>,
    pub(crate) queries: BTreeMap<String, Executed>,
    pub(crate) order: konsul_dns::Order,
}

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) catalogue: Mutex<Catalogue>,
    generation: AtomicU64,
    pub(crate) is_unready: AtomicBool,
    /// How often instances were asked for.
    pub(crate) asked: AtomicU64,
    pub(crate) last_service: Mutex<Option<ServiceQuery>>,
    pub(crate) last_prepared: Mutex<Option<PreparedQuery>>,
    /// Lets those go who asked for the service `slow`.
    pub(crate) gate: Arc<Notify>,
}

pub(crate) fn node(name: &str, address: &str) -> Node {
    Node { name: name.into(), datacenter: "dc1".into(), address: address.into(), ..Node::default() }
}

impl Fake {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Catalogue)) {
        change(&mut self.catalogue.lock().unwrap());
        self.generation.fetch_add(1, SeqCst);
    }

    pub(crate) fn add_node(&self, node: Node) -> &Fake {
        self.change(|catalogue| drop(catalogue.nodes.insert(node.name.to_lowercase(), Arc::new(node))));
        self
    }

    /// An instance of a service on a node; `edit` makes it what it should be.
    pub(crate) fn add(
        &self,
        service: &str,
        on: &str,
        tags: &[&str],
        edit: impl FnOnce(&mut Instance),
    ) -> &Fake {
        self.change(|catalogue| {
            let node = Arc::clone(&catalogue.nodes[on]);
            let mut instance = Instance { node, port: 80, ..Instance::default() };
            edit(&mut instance);
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            catalogue.services.entry(service.to_lowercase()).or_default().push((instance, tags));
            *catalogue.versions.entry(service.to_lowercase()).or_default() += 1;
        });
        self
    }

    pub(crate) fn touch(&self) {
        self.change(|_| {});
    }

    fn find(&self, query: &ServiceQuery) -> Result<Option<Arc<Service>>, DirectoryError> {
        match query.locality.datacenter.as_deref() {
            None | Some("dc1" | "dc2") => {}
            Some("broken") => return Err(DirectoryError::Unavailable("no leader".into())),
            Some(other) => return Err(DirectoryError::NoPath(other.to_owned())),
        }
        if query.locality.peer.is_some() {
            return Err(DirectoryError::Unsupported("peering"));
        }
        let catalogue = self.catalogue.lock().unwrap();
        let Some(instances) = catalogue.services.get(&query.name) else { return Ok(None) };
        let bears = |tags: &[String]| match &query.tag {
            Some(tag) => tags.iter().any(|other| other.eq_ignore_ascii_case(tag)),
            None => true,
        };
        let is_meant = |instance: &Instance| query.kind == ServiceKind::Plain || instance.port == 443;
        let chosen = instances.iter().filter(|(instance, tags)| bears(tags) && is_meant(instance));
        let instances = chosen.map(|(instance, _)| instance.clone()).collect();
        let version = catalogue.versions[&query.name];
        Ok(Some(Arc::new(Service { version, instances, order: catalogue.order })))
    }
}

impl Directory for Fake {
    fn generation(&self) -> Option<u64> {
        (!self.is_unready.load(SeqCst)).then(|| self.generation.load(SeqCst))
    }

    fn service_version(&self, query: &ServiceQuery) -> Option<u64> {
        self.catalogue.lock().unwrap().versions.get(&query.name).copied()
    }

    fn service(&self, query: ServiceQuery) -> Asked<Option<Arc<Service>>> {
        self.asked.fetch_add(1, SeqCst);
        *self.last_service.lock().unwrap() = Some(query.clone());
        let found = self.find(&query);
        if query.name != "slow" {
            return at_once(found);
        }
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.notified().await;
            found
        })
    }

    fn node(&self, query: NodeQuery) -> Asked<Option<Arc<Node>>> {
        at_once(Ok(self.catalogue.lock().unwrap().nodes.get(&query.name).cloned()))
    }

    fn by_address(&self, address: IpAddr) -> Asked<Option<Reverse>> {
        let catalogue = self.catalogue.lock().unwrap();
        let has = |text: &str| text.parse() == Ok(address);
        let node = catalogue.nodes.values().find(|node| has(&node.address));
        let node = node.map(|node| Reverse::Node { name: node.name.clone(), datacenter: "dc1".into() });
        let service = catalogue.services.iter().find(|(_, all)| all.iter().any(|(one, _)| has(&one.address)));
        let service = service.map(|(name, _)| {
            let namespace = name.contains("team").then(|| "team".to_owned());
            Reverse::Service { name: name.clone(), namespace, datacenter: "dc1".into() }
        });
        at_once(Ok(node.or(service)))
    }

    fn prepared_query(&self, query: PreparedQuery) -> Asked<Option<Executed>> {
        let found = self.catalogue.lock().unwrap().queries.get(&query.name).cloned();
        *self.last_prepared.lock().unwrap() = Some(query);
        at_once(Ok(found))
    }

    fn virtual_address(&self, query: ServiceQuery) -> Asked<Virtual> {
        at_once(Ok(match query.name.as_str() {
            "web" => Virtual::Address("240.0.0.1".parse().unwrap()),
            "db" => Virtual::NoAddress,
            _ => Virtual::NoService,
        }))
    }

    fn servers(&self) -> Asked<Vec<Arc<Node>>> {
        let catalogue = self.catalogue.lock().unwrap();
        let servers = catalogue.nodes.iter().filter(|(name, _)| name.starts_with("server"));
        at_once(Ok(servers.map(|(_, node)| Arc::clone(node)).collect()))
    }
}

pub(crate) fn tagged(address: &str, port: u16) -> TaggedAddress {
    TaggedAddress { address: address.into(), port }
}

/// What most tests ask about.
pub(crate) fn small() -> Arc<Fake> {
    let fake = Arc::new(Fake::default());
    let mut n1 = node("N1", "10.0.0.1");
    n1.meta.insert("rack".into(), "a 1".into());
    n1.meta.insert("rfc1035-note".into(), "bare".into());
    fake.add_node(n1).add_node(node("n2", "10.0.0.2")).add_node(node("v6", "2001:db8::1"));
    fake.add_node(node("dots.in.name", "10.0.0.4")).add_node(node("named", "elsewhere.example.org"));
    fake.add("web", "n1", &["v1", "blue.green"], |instance| instance.weights.passing = 10);
    fake.add("web", "n2", &["v2"], |instance| instance.port = 8080);
    fake.add("db", "n2", &[], |instance| instance.address = "10.1.0.7".into());
    fake.change(|catalogue| {
        let web = catalogue.services["web"].iter().map(|(instance, _)| instance.clone()).collect();
        let ttl = Some(Duration::from_secs(7));
        let executed = Executed { service: "web".into(), ttl, instances: web };
        catalogue.queries.insert("nearest.web".into(), executed.clone());
        catalogue.queries.insert("plain".into(), Executed { ttl: None, ..executed.clone() });
        catalogue.queries.insert("empty".into(), Executed { instances: Vec::new(), ..executed });
    });
    fake
}
