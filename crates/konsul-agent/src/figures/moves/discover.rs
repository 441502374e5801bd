//! What the registry and DNS count.

use std::sync::Arc;

use konsul_config::Config;
use konsul_operations::Operations as _;
use konsul_operations::arguments::QueryWrite;
use konsul_operations::ports::LocalRegistry as _;
use konsul_runtime::time::timeout;
use konsul_types::{
    CheckDefinition, CheckId, CheckStatus, Index, Namespace, PreparedQuery, QueryId, QueryService,
};

use super::{Node, PATIENCE};
use crate::figures::table;
use crate::registry::{Registry, RegistryOptions};

/// Registers checks, asks them and DNS.
pub(super) async fn discover(node: &mut Node) {
    let config = node.agent.config();
    let options = RegistryOptions { node: node.agent.wanted.borrow().node.clone(), dir: None };
    let registry = Arc::new(Registry::start(options, &config, node.replica().clone()).unwrap());
    node.agent.sources.registry.get_or_init(|| Arc::downgrade(&registry));
    let address = node.address.to_string();
    let tcp = CheckDefinition {
        name: "tcp".into(),
        tcp: address,
        interval_ms: 1_000,
        ..CheckDefinition::default()
    };
    registry.register_check(tcp).await.unwrap();
    node.look();
    let ttl = CheckDefinition { name: "ttl".into(), ttl_ms: 60_000, ..CheckDefinition::default() };
    registry.register_check(ttl).await.unwrap();
    node.look();
    let (space, id) = (Namespace::default_namespace(), CheckId::new("ttl").unwrap());
    registry.update_check(space, id, CheckStatus::Passing, "well".into()).await.unwrap();
    node.until(&table::CHECK_RUNS, |runs| runs > 0.0).await;
    node.until(&table::SERVICES, |services| services > 0.0).await;
    let query = PreparedQuery {
        id: QueryId(konsul_runtime::random::uuid_v4()),
        name: "q".into(),
        session: None,
        template: None,
        service: QueryService { service: "consul".into(), ..QueryService::default() },
        dns_ttl: "".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    node.operations.query_create(&Node::context(), QueryWrite { query }).await.unwrap();
    ask_dns(node, &config).await;
}

/// A question that is answered, and bytes that are none.
async fn ask_dns(node: &mut Node, config: &Config) {
    let endpoints = crate::dns::bind(config).unwrap();
    let dns = crate::dns::start(config, endpoints, &node.operations).unwrap().unwrap();
    node.agent.sources.dns.get_or_init(|| dns.figures());
    node.look();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(dns.addresses()[0]).await.unwrap();
    socket.send(b"no question").await.unwrap();
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["consul", "service", "consul"] {
        question.push(label.len() as u8);
        question.extend_from_slice(label.as_bytes());
    }
    question.extend_from_slice(&[0, 0, 1, 0, 1]);
    let mut answer = [0; 512];
    // The first answer of a kind begins its series, the second one moves it.
    for _ in 0..2 {
        socket.send(&question).await.unwrap();
        timeout(PATIENCE, socket.recv(&mut answer)).await.unwrap().unwrap();
        node.look();
    }
    node.until(&table::DNS_ANSWERS, |answers| answers > 0.0).await;
    node.until(&table::DNS_DROPPED, |dropped| dropped > 0.0).await;
    dns.stop(PATIENCE).await;
}
