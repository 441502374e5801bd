//! Services, nodes, checks and queries from the command line, against a server that keeps them.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use support::{Node, Shell};

const WEB: &str = r#"
service {
  name = "web"
  id   = "web-1"
  port = 8080
  tags = ["v1", "blue"]
  meta = { team = "a" }
  check {
    id   = "beat"
    name = "beat"
    ttl  = "1h"
    status = "passing"
  }
}
"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn registered() -> (Node, Shell) {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    std::fs::write(shell.path("web.hcl"), WEB).unwrap();
    shell.ok(&["service", "register", "web.hcl"]);
    (node, shell)
}

#[test]
fn what_a_file_defines_is_shown_as_it_was_defined() {
    let (_node, shell) = registered();
    let shown = json(&shell.ok(&["service", "show", "web", "-o", "json"]));
    let one = &shown[0];
    assert_eq!(
        (&one["id"], &one["port"], &one["status"]),
        (&"web-1".into(), &8080.into(), &"passing".into())
    );
    assert_eq!(
        (one["tags"].to_string(), one["meta"].to_string()),
        (r#"["v1","blue"]"#.into(), r#"{"team":"a"}"#.into())
    );
    assert!(shell.ok(&["service", "ls"]).contains("web\t1\t0\t0\t"));
    assert!(shell.ok(&["service", "ls", "--local"]).starts_with("web-1\t"));
    assert_eq!(shell.ok(&["service", "show", "web", "--meta", "team:b"]), "");
    assert_eq!(shell.run(&["service", "show", "nothing"]).code, Some(3));
}

#[test]
fn a_file_with_a_mistake_registers_nothing_and_names_the_line() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    std::fs::write(shell.path("bad.hcl"), "service {\n  name = \"web\"\n  port = \"x\"\n}\n").unwrap();
    let ended = shell.run(&["service", "register", "bad.hcl"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("bad.hcl:3"), "{ended:?}");
    assert_eq!(shell.ok(&["service", "ls", "--local"]), "");
}

#[test]
fn reports_steer_health_and_the_choice_and_are_remembered() {
    let (_node, shell) = registered();
    assert!(shell.ok(&["service", "pick", "web"]).starts_with("web-1\tpassing\t"));
    shell.ok(&["check", "fail", "beat", "no worker is left"]);
    assert_eq!(shell.run(&["service", "pick", "web"]).code, Some(3));
    let health = shell.run(&["health", "web"]);
    assert_eq!(health.code, Some(1), "{health:?}");
    let why = json(&shell.ok(&["service", "why", "web", "-o", "json"]));
    assert_eq!(why[0]["in_dns"], false, "{why}");
    shell.ok(&["check", "pass", "beat", "42 jobs done"]);
    assert_eq!(shell.run(&["health", "web"]).code, Some(0));
    let past = json(&shell.ok(&["check", "history", "beat", "-o", "json"]));
    let steps: Vec<&str> =
        past["transitions"].as_array().unwrap().iter().map(|one| one["to"].as_str().unwrap()).collect();
    assert_eq!(steps[..2], ["passing", "critical"], "{past}");
    assert_eq!(shell.run(&["check", "pass", "nothing"]).code, Some(3));
}

#[test]
fn maintenance_takes_an_instance_out_of_answers_and_back() {
    let (_node, shell) = registered();
    shell.ok(&["service", "maint", "web-1", "--reason", "new disk"]);
    assert_eq!(shell.ok(&["service", "show", "web", "--passing"]), "");
    shell.ok(&["service", "maint", "web-1", "--off"]);
    assert!(shell.ok(&["service", "show", "web", "--passing"]).starts_with("web-1\t"));
    shell.ok(&["service", "deregister", "web-1"]);
    assert_eq!(shell.run(&["service", "deregister", "web-1"]).code, Some(3));
    assert_eq!(shell.run(&["health", "web"]).code, Some(3));
}

#[test]
fn a_node_without_an_agent_is_in_the_catalogue() {
    let (_node, shell) = registered();
    let db = ["--name", "db", "--port", "5432", "--on-node", "db-host", "--node-address", "10.0.0.9"];
    shell.ok(&[&["service", "register", "--depends-on", "disk"][..], &db].concat());
    assert!(shell.ok(&["node", "ls"]).contains("db-host\t10.0.0.9"));
    let shown = json(&shell.ok(&["node", "show", "db-host", "-o", "json"]));
    assert_eq!(
        (&shown["services"][0]["id"], &shown["services"][0]["owner"]),
        (&"db".into(), &"catalog".into())
    );
    assert!(shell.ok(&["service", "graph", "db"]).contains("disk"));
    assert_eq!(shell.ok(&["service", "impact", "disk", "-o", "plain"]), "db\tbroken\tdb needs disk\n");
    shell.ok(&["service", "deregister", "db", "--on-node", "db-host"]);
    assert_eq!(shell.run(&["service", "show", "db"]).code, Some(3));
}

#[test]
fn a_query_is_made_executed_and_removed() {
    let (_node, shell) = registered();
    let id = shell.ok(&["query", "create", r#"{"name":"q","service":"web","tags":["v1"]}"#]);
    let id = id.trim();
    assert!(shell.ok(&["query", "execute", "q"]).starts_with("web-1\t"));
    shell.ok(&["query", "update", id, r#"{"name":"q","service":"web","tags":["!v1"]}"#]);
    assert_eq!(shell.ok(&["query", "execute", "q"]), "");
    assert!(shell.ok(&["query", "explain", "q", "-o", "json"]).contains("!v1"));
    shell.ok(&["query", "delete", id]);
    assert_eq!(shell.run(&["query", "get", id]).code, Some(3));
}
