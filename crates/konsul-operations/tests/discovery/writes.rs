//! Registration and removal in the catalogue: the rules of Consul's servers.

use konsul_operations::arguments::{NodeServices, SessionCreate, SessionRead};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Error, Operations};
use konsul_types::session::ServiceCheckRef;
use konsul_types::{Behavior, CheckId, CheckStatus, Namespace, Node, Owner, Refusal, Registration, Service};

use crate::support::*;

#[track_caller]
fn said(result: Result<(), Error>) -> String {
    match result {
        Err(Error::Invalid { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_consuls_servers_refuse_is_refused_in_their_words() {
    let server = start().await;
    let ops = &server.operations;
    let bare = Node { address: String::new(), ..node("n1") };
    let text = said(try_register(ops, registration(bare.clone(), None, vec![])).await);
    assert_eq!(text, "Must provide address if SkipNodeUpdate is not set");
    let skipping = Registration { skip_node_update: true, ..registration(bare, None, vec![]) };
    try_register(ops, skipping).await.unwrap();
    let any = Service { address: "0.0.0.0".into(), ..service("n1", "a", "a", &[]) };
    let text = said(try_register(ops, registration(node("n1"), Some(any), vec![])).await);
    assert_eq!(text, "Invalid service address");
    let astray = node_check("n2", "c", CheckStatus::Passing);
    let text = said(try_register(ops, registration(node("n1"), None, vec![astray])).await);
    assert_eq!(text, "Node 'n2' for check 'c' doesn't match register request node 'n1'");
    let lost = check("n1", "c", &service("n1", "none", "none", &[]), CheckStatus::Passing);
    let refused = try_register(ops, registration(node("n1"), None, vec![lost])).await;
    assert_eq!(refused, Err(Error::Refused(Refusal::MissingService)));
    let many = Node { meta: (0..65).map(|n| (format!("k{n}"), String::new())).collect(), ..node("n1") };
    let text = said(try_register(ops, registration(many, None, vec![])).await);
    assert_eq!(text, "Invalid Node Meta: Node metadata cannot contain more than 64 key/value pairs");
    assert_eq!(ops.replica().state().catalog().checks_on(&node_name("n1")).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_registration_writes_nothing_and_the_owner_is_the_catalogue() {
    let server = start().await;
    let ops = &server.operations;
    let web = Service { owner: Owner::Agent, ..service("elsewhere", "w", "web", &["a"]) };
    let full = || {
        let checks = vec![check("n1", "c", &web, CheckStatus::Passing)];
        registration(node("n1"), Some(web.clone()), checks)
    };
    try_register(ops, full()).await.unwrap();
    let state = ops.replica().state();
    let stored = state.catalog().service(&node_name("n1"), &Namespace::default_namespace(), &web.id).unwrap();
    assert_eq!((stored.owner, stored.node.as_str()), (Owner::Catalog, "n1"));
    let index = ask(ops, instances_of("web")).await.1;
    try_register(ops, full()).await.unwrap();
    assert_eq!(ask(ops, instances_of("web")).await.1, index);
    assert_eq!(ops.replica().state().verify(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_not_taken_from_a_healthy_node() {
    let server = start().await;
    let ops = &server.operations;
    let with = |id: &str| Node { id: Some(id.parse().unwrap()), ..node("n1") };
    let first = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
    let alive = node_check("n1", "serfHealth", CheckStatus::Passing);
    register(ops, with(first), None, vec![alive]).await;
    let taken =
        try_register(ops, registration(with("bdf4238a-882b-9ddc-4a9d-5b6758e4159e"), None, vec![])).await;
    match taken {
        Err(Error::Refused(Refusal::NodeNameTaken { name, id, .. })) => {
            assert_eq!((name.as_str(), id.as_str()), ("n1", first));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_takes_along_what_hangs_on_it_and_what_is_not_there_is_done() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n1", "b", "web", CheckStatus::Passing).await;
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Passing)]).await;
    deregister(ops, "n1", Some("nothing"), None).await;
    deregister(ops, "nowhere", None, None).await;
    let checks = |on: &str| ops.replica().state().catalog().checks_on(&node_name(on)).count();
    deregister(ops, "n1", Some("a"), Some("disk")).await;
    assert_eq!((checks("n1"), ask(ops, instances_of("web")).await.0), (2, vec!["b".to_owned()]));
    deregister(ops, "n1", None, Some("disk")).await;
    assert_eq!(checks("n1"), 1);
    deregister(ops, "N1", None, None).await;
    let args = NodeServices { node: "n1".into(), filter: String::new(), blocking: None };
    assert!(ops.node_services(&ctx(), args).await.unwrap().value.is_none());
    assert_eq!(checks("n1"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_check_of_its_instance() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    let args = SessionCreate {
        name: String::new(),
        node: Some(node_name("n1")),
        lock_delay_ms: 0,
        behavior: Behavior::Release,
        ttl_nanos: 0,
        ttl_text: String::new(),
        node_checks: vec![],
        service_checks: vec![ServiceCheckRef { id: CheckId::new("c-a").unwrap(), namespace: String::new() }],
    };
    let session = ops.session_create(&ctx(), args).await.unwrap();
    let id = session.spec.id;
    let info = || async {
        ops.session_info(&ctx(), SessionRead { id, blocking: None }).await.unwrap().value.is_some()
    };
    result(ops, "n1", "a", "web", CheckStatus::Warning, "slow").await;
    assert!(info().await);
    result(ops, "n1", "a", "web", CheckStatus::Critical, "gone").await;
    assert!(!info().await);
}
