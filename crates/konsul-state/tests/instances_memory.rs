//! What an instance costs, with a check of its own, and what the past of that check costs: counted by the allocator, so
//! that a figure says what a structure takes and not what the system set aside.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::{
    CatalogCommand, Check, CheckId, CheckStatus, CheckedService, Command, Index, Millis, Namespace, Node,
    NodeName, Proposal, Registration, Service, ServiceId, ServiceName, Tags,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const INSTANCES: u64 = 20_000;

/// Instances of a service, and on a node.
const OF_EACH: u64 = 20;

fn apply(state: &mut State, command: Command) {
    let proposal = Proposal { at: Millis(1), request: None, actor: String::new(), command };
    let applied = state.apply(1, state.log_index() + 1, &proposal).unwrap();
    assert!(applied.outcome.refusal().is_none(), "{:?}", applied.outcome);
}

/// Registers an instance, or says of its check how it stands.
fn register(state: &mut State, number: u64, status: CheckStatus) {
    let node = NodeName::new(format!("node-{}", number / OF_EACH)).unwrap();
    let name = ServiceName::new(format!("service-{}", number % (INSTANCES / OF_EACH))).unwrap();
    let mut service = Service::new(
        node.clone(),
        Namespace::default_namespace(),
        ServiceId::new(format!("instance-{number}")).unwrap(),
        name.clone(),
    );
    service.port = 80;
    let tags: Tags = ["primary", "v1.42.0", "zone-a"].into_iter().collect();
    let build = format!("{number:010}");
    service.meta = [("team", "payments"), ("build", &build)].into_iter().collect();
    service.tags = tags.clone();
    service.address = "10.0.0.1".into();
    let mut check =
        Check::new(node.clone(), CheckId::new(format!("service:instance-{number}")).unwrap(), status);
    check.name = "alive".into();
    check.service = Some(CheckedService { id: service.id.clone(), name, tags });
    check.output = "HTTP GET http://127.0.0.1:8080/health: 200 OK".into();
    let node = Node {
        id: None,
        name: node,
        address: "10.0.0.1".into(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    let (service, checks) = (Some(service), vec![check]);
    let registration = Registration { node, skip_node_update: false, checks, service, replace_checks: false };
    apply(state, Command::Catalog(CatalogCommand::Register(Box::new(registration))));
}

/// Bytes more than before, for each instance.
fn each(state: &mut State, status: CheckStatus) -> u64 {
    let before = MEMORY.current_usage();
    (0..INSTANCES).for_each(|number| register(state, number, status));
    MEMORY.current_usage().saturating_sub(before) as u64 / INSTANCES
}

#[test]
fn an_instance_and_its_past_have_a_price() {
    let mut state = State::new();
    apply(&mut state, Command::RaiseFeatureLevel { level: 3 });
    let made = each(&mut state, CheckStatus::Passing);
    let first = each(&mut state, CheckStatus::Critical);
    let second = each(&mut state, CheckStatus::Passing);
    println!("bytes of an instance: {made}; of the first change {first}, of the next {second}");
    assert!(made <= 1600, "{made} bytes of an instance");
    // A transition, and what the allocator rounds up.
    assert!(first <= 128 && second <= 128, "{first} and {second} bytes of a change");
}
