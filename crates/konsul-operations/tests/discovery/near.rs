//! Order by distance, and where coordinates come from.

use konsul_operations::arguments::{CoordinateList, Narrow, Near, NodeList, ServiceInstances};
use konsul_operations::{Error, Operations};
use konsul_types::{CheckStatus, Coordinate, Index, Node, NodeCoordinate, Real};

use crate::support::*;

fn at(name: &str, segment: &str, x: f64) -> NodeCoordinate {
    let mut vec = vec![Real::new(0.0); 8];
    vec[0] = Real::new(x);
    let zero = Real::new(0.0);
    let coordinate = Coordinate { vec, error: Real::new(1.5), adjustment: zero, height: zero };
    NodeCoordinate { node: node_name(name), segment: segment.into(), coordinate, modify_index: Index::ZERO }
}

fn near(near: Near) -> ServiceInstances {
    let narrow = Narrow { near: Some(near), ..Narrow::default() };
    ServiceInstances { narrow, ..instances_of("web") }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_come_first_and_unknown_ones_last_in_their_order() {
    let server = start().await;
    let ops = &server.operations;
    for name in ["n1", "n2", "n3", "n4", "n5"] {
        instance(ops, name, name, "web", CheckStatus::Passing).await;
    }
    register(ops, Node { address: "10.9.9.9".into(), ..node("caller") }, None, vec![]).await;
    let places = [
        at("test-node", "", 0.0),
        at("caller", "", 0.9),
        at("n1", "", 0.5),
        at("n3", "", 0.1),
        at("n5", "alpha", 0.0),
    ];
    for place in places {
        ops.coordinate_update(&ctx(), place).await.unwrap();
    }
    // The one in another segment is compared with nobody.
    assert_eq!(ask(ops, near(Near::Agent)).await.0, ["n3", "n1", "n2", "n4", "n5"]);
    let client = "::ffff:10.9.9.9".parse().unwrap();
    assert_eq!(ask(ops, near(Near::Client(client))).await.0, ["n1", "n3", "n2", "n4", "n5"]);
    let unknown = near(Near::Node(node_name("n2")));
    assert_eq!(ask(ops, unknown).await.0, ["n1", "n2", "n3", "n4", "n5"], "nothing is known of n2");
    let nodes = NodeList { narrow: near(Near::Agent).narrow, blocking: None };
    let nodes = ops.node_list(&ctx(), nodes).await.unwrap().value;
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["test-node", "n3", "n1", "caller", "n2", "n4", "n5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn coordinates_are_read_by_node_and_segment_and_those_of_nobody_are_passed_over() {
    let server = start().await;
    let ops = &server.operations;
    for place in [at("test-node", "", 1.0), at("test-node", "alpha", 2.0), at("nobody", "", 3.0)] {
        ops.coordinate_update(&ctx(), place).await.unwrap();
    }
    let list = |node: Option<&str>, segment: Option<&str>| {
        let args =
            CoordinateList { node: node.map(node_name), segment: segment.map(str::to_owned), blocking: None };
        async { ops.coordinate_list(&ctx(), args).await.unwrap().value.len() }
    };
    assert_eq!(list(None, None).await, 2);
    assert_eq!(list(None, Some("alpha")).await, 1);
    assert_eq!(list(Some("TEST-node"), Some("")).await, 1);
    assert_eq!(list(Some("nobody"), None).await, 0);
    let mut wrong = at("test-node", "", 1.0);
    wrong.coordinate.vec.clear();
    let said = ops.coordinate_update(&ctx(), wrong).await;
    assert_eq!(said, Err(Error::invalid("Coord", "incompatible coordinate")));
}
