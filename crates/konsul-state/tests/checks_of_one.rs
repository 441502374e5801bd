//! No node and no instance has more checks than one may have, however they come.

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::{
    CatalogCommand, Check, CheckId, CheckStatus, CheckedService, Command, Index, Millis, Namespace, Node,
    NodeName, Outcome, Proposal, Refusal, Registration, Service, ServiceId, ServiceName, Tags,
};

/// Most checks of one node itself or of one instance.
const MOST: u32 = 256;

fn apply(state: &mut State, command: Command) -> Outcome {
    let proposal = Proposal { at: Millis(1), request: None, actor: String::new(), command };
    state.apply(1, state.log_index() + 1, &proposal).expect("it applies").outcome
}

fn registered(state: &mut State, of: Option<&str>, checks: std::ops::Range<u32>, replace: bool) -> Outcome {
    let node = NodeName::new("n").expect("a name");
    let name = ServiceName::new("web").expect("a name");
    let service = of.map(|id| {
        let id = ServiceId::new(id).expect("an id");
        Service::new(node.clone(), Namespace::default_namespace(), id, name.clone())
    });
    let of = service.as_ref().map(|one| CheckedService {
        id: one.id.clone(),
        name: name.clone(),
        tags: Tags::default(),
    });
    let check = |number: u32| {
        let id = CheckId::new(format!("c{number}")).expect("an id");
        Check { service: of.clone(), ..Check::new(node.clone(), id, CheckStatus::Passing) }
    };
    let registration = Registration {
        node: Node {
            id: None,
            name: node.clone(),
            address: "10.0.0.1".into(),
            tagged_addresses: BTreeMap::new(),
            meta: BTreeMap::new(),
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
        },
        skip_node_update: false,
        checks: checks.map(check).collect(),
        service,
        replace_checks: replace,
    };
    apply(state, Command::Catalog(CatalogCommand::Register(Box::new(registration))))
}

fn state() -> State {
    let mut state = State::new();
    apply(&mut state, Command::RaiseFeatureLevel { level: 3 });
    state
}

#[track_caller]
fn is_full(outcome: &Outcome) {
    assert!(matches!(outcome.refusal(), Some(Refusal::CatalogFull { limit: 256, .. })), "{outcome:?}");
}

#[test]
fn too_many_that_come_together_are_refused_and_nothing_is_written() {
    for of in [None, Some("web-1")] {
        let mut state = state();
        is_full(&registered(&mut state, of, 0..MOST + 1, false));
        assert_eq!(state.catalog().nodes().len(), 0);
        assert_eq!(registered(&mut state, of, 0..MOST, false), Outcome::Done);
        is_full(&registered(&mut state, of, MOST..MOST + 1, false));
        // Those that are there may be written again.
        assert_eq!(registered(&mut state, of, 0..MOST, false), Outcome::Done);
    }
}

#[test]
fn one_that_becomes_another_owners_is_new_to_that_one() {
    let mut state = state();
    assert_eq!(registered(&mut state, Some("web-1"), 0..MOST, false), Outcome::Done);
    assert_eq!(registered(&mut state, Some("web-2"), MOST..MOST + 1, false), Outcome::Done);
    is_full(&registered(&mut state, Some("web-1"), MOST..MOST + 1, false));
}

#[test]
fn as_many_others_may_replace_them() {
    let mut state = state();
    assert_eq!(registered(&mut state, Some("web-1"), 0..MOST, false), Outcome::Done);
    assert_eq!(registered(&mut state, Some("web-1"), MOST..2 * MOST, true), Outcome::Done);
    assert_eq!(state.catalog().checks().len(), MOST as usize);
}
