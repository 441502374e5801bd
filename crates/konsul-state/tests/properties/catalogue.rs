//! Random histories of registrations over few names, held against the plain meaning of the catalogue: three maps.
//!
//! After each step: every record is as the maps say, the state verifies, a snapshot gives back the same state, and each
//! service's index moved exactly if what is told of it became different.

use std::collections::BTreeMap;

use konsul_state::{Applied, State};
use konsul_types::{
    CatalogCommand, Change, Check, CheckId, CheckResult, CheckStatus, CheckedService, Command, Index, Millis,
    Namespace, Node, NodeName, Outcome, Proposal, Registration, Service, ServiceId, ServiceName, Tags,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::run;

const NODES: [&str; 3] = ["n1", "n2", "N1"];
const SERVICES: [&str; 3] = ["web", "db", "Web"];
const INSTANCES: [&str; 3] = ["a", "b", "c"];
const CHECKS: [&str; 3] = ["x", "y", "z"];

/// A check to be registered: its id, the instance that it is of, its status.
type Wanted = (usize, Option<usize>, CheckStatus);

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Register {
        node: usize,
        ns: bool,
        service: Option<(usize, usize, u16)>,
        checks: Vec<Wanted>,
        replace: bool,
    },
    RemoveService {
        node: usize,
        ns: bool,
        id: usize,
    },
    RemoveCheck {
        node: usize,
        ns: bool,
        id: usize,
    },
    RemoveNode(usize),
    Result {
        node: usize,
        ns: bool,
        id: usize,
        status: CheckStatus,
        output: u8,
    },
}

fn status() -> impl Strategy<Value = CheckStatus> {
    prop_oneof![Just(CheckStatus::Passing), Just(CheckStatus::Warning), Just(CheckStatus::Critical)]
}

fn step() -> impl Strategy<Value = Step> {
    let check = (0..CHECKS.len(), option::weighted(0.8, 0..INSTANCES.len()), status());
    let service = option::weighted(0.8, (0..INSTANCES.len(), 0..SERVICES.len(), 1u16..3));
    let place = || (0..NODES.len(), any::<bool>(), 0usize..3);
    prop_oneof![
        8 => (0..NODES.len(), any::<bool>(), service, vec(check, 0..3), any::<bool>()).prop_map(
            |(node, ns, service, mut checks, replace)| {
                // A check that an entry writes twice would make changes that cancel out.
                checks.dedup_by_key(|(id, ..)| *id);
                Step::Register { node, ns, service, checks, replace }
            }
        ),
        6 => (place(), status(), 0u8..2)
            .prop_map(|((node, ns, id), status, output)| Step::Result { node, ns, id, status, output }),
        2 => place().prop_map(|(node, ns, id)| Step::RemoveService { node, ns, id }),
        2 => place().prop_map(|(node, ns, id)| Step::RemoveCheck { node, ns, id }),
        1 => (0..NODES.len()).prop_map(Step::RemoveNode),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..60)
}

fn namespace(team: bool) -> Namespace {
    if team { Namespace::new("team").expect("a name") } else { Namespace::default_namespace() }
}

fn node_name(number: usize) -> NodeName {
    NodeName::new(NODES[number]).expect("a name")
}

/// Node in lower case, namespace, id.
type Place = (String, Namespace, String);

/// The plain meaning: identities in lower case, and what matters of each record.
#[derive(Debug, Clone, Default, PartialEq)]
struct World {
    nodes: Vec<String>,
    /// Service as it was written, and port.
    services: BTreeMap<Place, (String, u16)>,
    /// Instance, status, output.
    checks: BTreeMap<Place, (Option<String>, CheckStatus, String)>,
}

/// What is told of a service: each instance with its port and every check that counts for it.
type Told = BTreeMap<(String, String), (String, Vec<(String, CheckStatus, String)>)>;

impl World {
    fn told(&self, namespace: &Namespace, name: &str) -> Told {
        let of =
            self.services.iter().filter(|((_, ns, _), (of, _))| ns == namespace && of.to_lowercase() == name);
        of.map(|((node, _, id), (spelled, port))| {
            let checks = self.checks.iter().filter(|((on, ns, _), (of, ..))| {
                on == node && (of.is_none() || ns == namespace && of.as_ref() == Some(id))
            });
            let checks = checks
                .map(|((.., id), (of, status, output))| (format!("{id} of {of:?}"), *status, output.clone()));
            ((node.clone(), id.clone()), (format!("{spelled}:{port}"), checks.collect()))
        })
        .collect()
    }

    fn apply(&mut self, step: &Step) -> bool {
        match step {
            Step::Register { node, ns, service, checks, replace } => {
                let on = NODES[*node].to_lowercase();
                let mut next = self.clone();
                if !next.nodes.contains(&on) {
                    next.nodes.push(on.clone());
                }
                if let Some((id, name, port)) = service {
                    let place = (on.clone(), namespace(*ns), INSTANCES[*id].to_owned());
                    next.services.insert(place, (SERVICES[*name].to_owned(), *port));
                    let named = |id: &String| {
                        checks.iter().any(|(check, of, _)| CHECKS[*check] == id && (of.is_some() || !*ns))
                    };
                    next.checks.retain(|(at, space, check), (of, ..)| {
                        let own =
                            *at == on && *space == namespace(*ns) && of.as_deref() == Some(INSTANCES[*id]);
                        !(own && *replace) || named(check)
                    });
                }
                for (id, of, status) in checks {
                    let space = if of.is_some() { namespace(*ns) } else { namespace(false) };
                    let of = of.map(|of| INSTANCES[of].to_owned());
                    let there =
                        |of: &String| next.services.contains_key(&(on.clone(), space.clone(), of.clone()));
                    if of.as_ref().is_some_and(|of| !there(of)) {
                        return false;
                    }
                    let place = (on.clone(), space, CHECKS[*id].to_owned());
                    next.checks.insert(place, (of, *status, String::new()));
                }
                *self = next;
            }
            Step::RemoveService { node, ns, id } => {
                let place = (NODES[*node].to_lowercase(), namespace(*ns), INSTANCES[*id].to_owned());
                self.services.remove(&place);
                self.checks.retain(|(on, ns, _), (of, ..)| {
                    !(*on == place.0 && *ns == place.1 && of.as_ref() == Some(&place.2))
                });
            }
            Step::RemoveCheck { node, ns, id } => {
                self.checks.remove(&(NODES[*node].to_lowercase(), namespace(*ns), CHECKS[*id].to_owned()));
            }
            Step::RemoveNode(node) => {
                let name = NODES[*node].to_lowercase();
                self.nodes.retain(|found| *found != name);
                self.services.retain(|(on, ..), _| *on != name);
                self.checks.retain(|(on, ..), _| *on != name);
            }
            Step::Result { node, ns, id, status, output } => {
                let place = (NODES[*node].to_lowercase(), namespace(*ns), CHECKS[*id].to_owned());
                match self.checks.get_mut(&place) {
                    Some(check) => (check.1, check.2) = (*status, output.to_string()),
                    None => return false,
                }
            }
        }
        true
    }
}

fn command(step: &Step) -> CatalogCommand {
    match step {
        Step::Register { node, ns, service, checks, replace } => {
            CatalogCommand::Register(Box::new(registration(*node, *ns, *service, checks, *replace)))
        }
        Step::RemoveService { node, ns, id } => CatalogCommand::DeregisterService {
            node: node_name(*node),
            namespace: namespace(*ns),
            id: ServiceId::new(INSTANCES[*id]).expect("an id"),
        },
        Step::RemoveCheck { node, ns, id } => CatalogCommand::DeregisterCheckOf {
            node: node_name(*node),
            namespace: namespace(*ns),
            id: CheckId::new(CHECKS[*id]).expect("an id"),
        },
        Step::RemoveNode(node) => CatalogCommand::DeregisterNode { name: node_name(*node) },
        Step::Result { node, ns, id, status, output } => CatalogCommand::Results(vec![CheckResult {
            node: node_name(*node),
            namespace: namespace(*ns),
            id: CheckId::new(CHECKS[*id]).expect("an id"),
            status: *status,
            output: output.to_string().into(),
        }]),
    }
}

fn registration(
    node: usize,
    ns: bool,
    service: Option<(usize, usize, u16)>,
    checks: &[Wanted],
    replace_checks: bool,
) -> Registration {
    let name = |number: usize| ServiceName::new(SERVICES[number]).expect("a name");
    let id = |number: usize| ServiceId::new(INSTANCES[number]).expect("an id");
    let service = service.map(|(at, of, port)| Service {
        port,
        ..Service::new(node_name(node), namespace(ns), id(at), name(of))
    });
    let checks = checks.iter().map(|(check, of, status)| Check {
        namespace: if of.is_some() { namespace(ns) } else { namespace(false) },
        service: of.map(|of| CheckedService { id: id(of), name: name(0), tags: Tags::default() }),
        ..Check::new(node_name(node), CheckId::new(CHECKS[*check]).expect("an id"), *status)
    });
    Registration {
        node: Node {
            id: None,
            name: node_name(node),
            address: "10.0.0.1".into(),
            tagged_addresses: BTreeMap::new(),
            meta: BTreeMap::new(),
            create_index: Index(0),
            modify_index: Index(0),
        },
        // Two spellings of one node would otherwise be changes of its record.
        skip_node_update: true,
        service,
        checks: checks.collect(),
        replace_checks,
    }
}

fn world_of(state: &State) -> World {
    let catalog = state.catalog();
    let nodes = catalog.nodes().map(|node| node.name.as_str().to_lowercase()).collect();
    let mut world = World { nodes, ..World::default() };
    for one in catalog.services() {
        let place = (one.node.folded().to_string(), one.namespace.clone(), one.id.to_string());
        world.services.insert(place, (one.name.to_string(), one.port));
    }
    for one in catalog.checks() {
        let place = (one.node.folded().to_string(), one.namespace.clone(), one.id.to_string());
        let of = one.service.as_ref().map(|of| of.id.to_string());
        world.checks.insert(place, (of, one.status, one.output.to_string()));
    }
    world
}

/// Which services the changes name.
fn named(applied: &Applied) -> Vec<(Namespace, String)> {
    let changes = applied.changes.iter().flat_map(|set| &set.changes);
    let names = changes.filter_map(|change| match change {
        Change::Instances { namespace, name, .. } => Some((namespace.clone(), name.to_string())),
        _ => None,
    });
    names.collect()
}

/// Each service moves if and only if something else is told of it; for passing readers if a status or an instance differs.
fn indexes(
    before: &World,
    after: &World,
    state: &State,
    named: &[(Namespace, String)],
) -> Result<(), String> {
    let silent = |told: &Told| -> Told {
        let quiet = |checks: &Vec<(String, CheckStatus, String)>| {
            checks.iter().map(|(id, status, _)| (id.clone(), *status, String::new())).collect()
        };
        told.iter().map(|(place, (port, checks))| (place.clone(), (port.clone(), quiet(checks)))).collect()
    };
    for team in [false, true] {
        for name in ["web", "db"] {
            let space = namespace(team);
            let (old, new) = (before.told(&space, name), after.told(&space, name));
            let service = ServiceName::new(name).expect("a name");
            let moved = |passing| state.catalog().service_changed(&space, &service, passing) == state.index();
            let differs = old != new;
            if named.contains(&(space.clone(), name.to_owned())) != differs {
                return Err(format!("{name} of {space} was named {} in the changes", !differs));
            }
            if differs && !moved(false) {
                return Err(format!("{name} of {space} did not move"));
            }
            if !new.is_empty() && !differs && moved(false) {
                return Err(format!("{name} of {space} moved for nothing"));
            }
            if !new.is_empty() && (silent(&old) != silent(&new)) != moved(true) {
                return Err(format!("{name} of {space} moved {} for passing readers", moved(true)));
            }
        }
    }
    Ok(())
}

/// Runs a history; the first promise that does not hold, in words.
pub(crate) fn check(steps: &[Step]) -> Result<(), String> {
    let (mut state, mut world) = (State::new(), World::default());
    apply(&mut state, Command::RaiseFeatureLevel { level: 3 })?;
    for (number, step) in steps.iter().enumerate() {
        let before = world.clone();
        let wanted = world.apply(step);
        let applied = apply(&mut state, Command::Catalog(command(step)))?;
        let done = match &applied.outcome {
            Outcome::Each(each) => each.iter().all(Option::is_none),
            other => other.refusal().is_none(),
        };
        let here = |why: String| format!("step {number} {step:?}: {why}");
        if done != wanted {
            return Err(here(format!("answered {:?}", applied.outcome)));
        }
        world.nodes.sort();
        if world_of(&state) != world {
            return Err(here(format!("{:?} instead of {world:?}", world_of(&state))));
        }
        if let Some(why) = state.verify() {
            return Err(here(why));
        }
        indexes(&before, &world, &state, &named(&applied)).map_err(here)?;
        let chunks: Vec<Vec<u8>> = state.chunks().collect();
        let restored = run::read(&chunks)?;
        if restored != state {
            return Err(here("what comes back from a snapshot is another state".into()));
        }
        state = restored;
    }
    Ok(())
}

fn apply(state: &mut State, command: Command) -> Result<Applied, String> {
    let at = Millis(1_000_000 + state.log_index());
    let proposal = Proposal { at, request: None, actor: String::new(), command };
    let proposal = Proposal::decode(&proposal.encode()).map_err(|why| why.to_string())?;
    state.apply(1, state.log_index() + 1, &proposal).map_err(|why| why.to_string())
}
