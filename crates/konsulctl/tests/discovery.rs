//! Services, nodes, checks and queries from the command line, against a server that keeps them.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command};

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

/// Lines of a command that goes on, as they come.
fn lines(child: &mut Child) -> std::io::Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

fn interrupted(mut child: Child) -> Option<i32> {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

#[test]
fn a_service_is_watched_and_goes_on_from_its_cursor() {
    let (_node, shell) = registered();
    let words =
        ["service", "watch", "web", "--passing", "--initial", "-o", "json", "--cursor-file", "cursor"];
    let mut watch = shell.binary().args(words).spawn().unwrap();
    let mut out = lines(&mut watch);
    let mut next = || json(&out.next().unwrap().unwrap());
    let first = next();
    assert_eq!((&first["kind"], &first["record"]["id"]), (&"present".into(), &"web-1".into()));
    shell.ok(&["check", "fail", "beat", "no worker is left"]);
    let left = next();
    assert_eq!((&left["kind"], &left["record"]["status"]), (&"left".into(), &"critical".into()));
    shell.ok(&["check", "pass", "beat"]);
    assert_eq!(next()["kind"], "entered");
    assert_eq!(interrupted(watch), Some(130));
    // Nobody watches, and nothing is lost.
    shell.ok(&["check", "fail", "beat", "again"]);
    shell.ok(&["service", "deregister", "web-1"]);
    let words = ["service", "watch", "web", "--passing", "--cursor-file", "cursor", "--count", "1"];
    let shown = shell.ok(&words);
    assert!(shown.contains("\tleft\tinstance\t") && shown.contains("/web-1\tcritical\t"), "{shown}");
    assert!(shown.contains("beat: again"), "{shown}");
}

#[test]
fn a_table_that_stays_up_to_date_is_a_line_for_each_change_without_a_terminal() {
    let (_node, shell) = registered();
    for (words, first, second) in [
        (&["service", "ls", "--watch"][..], "\tpresent\tservice\t", "1 critical"),
        (&["health", "web", "--watch"], "\tpresent\tinstance\t", "/web-1\tcritical"),
        (&["service", "show", "web", "--watch"], "\tpresent\tinstance\t", "/web-1\tcritical"),
    ] {
        let mut watch = shell.binary().args(words).spawn().unwrap();
        let mut out = lines(&mut watch).map(Result::unwrap);
        assert!(out.any(|line| line.contains(first)), "{words:?}");
        shell.ok(&["check", "fail", "beat", "no worker is left"]);
        let shown = out.find(|line| line.contains(second)).unwrap();
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert_eq!(interrupted(watch), Some(130));
        shell.ok(&["check", "pass", "beat"]);
    }
}

#[test]
fn nodes_checks_and_events_are_watched() {
    let (_node, shell) = registered();
    let mut watch = shell.binary().args(["watch", "--checks", "any", "--initial"]).spawn().unwrap();
    let mut node = shell.binary().args(["watch", "--services", "--initial"]).spawn().unwrap();
    let (checks, services) = (lines(&mut watch), lines(&mut node));
    let (mut checks, mut services) = (checks.map(Result::unwrap), services.map(Result::unwrap));
    assert!(services.any(|line| line.contains("\tpresent\tservice\tweb\t")));
    assert!(checks.any(|line| line.contains("\tpresent\tcheck\t") && line.contains("/beat\tpassing\t")));
    shell.ok(&["check", "fail", "beat", "no worker is left"]);
    assert!(checks.any(|line| line.contains("/beat\tcritical\tno worker is left")));
    assert!(services.any(|line| line.contains("0 passing, 0 warning, 1 critical")));
    assert_eq!((interrupted(watch), interrupted(node)), (Some(130), Some(130)));
    shell.ok(&["event", "fire", "deploy", "1", "--service", "^web$", "--tag", "^v1$"]);
    assert_eq!(shell.ok(&["event", "list", "--node", "other", "--service", "db"]), "");
    assert!(shell.ok(&["event", "list", "--service", "web", "--tag", "v1"]).contains("\tdeploy\t1\t"));
    let watched = shell.ok(&["event", "watch", "--initial", "--count", "1", "-o", "json"]);
    assert_eq!(json(&watched)["payload"], "1", "an instance of web is kept here");
}

#[test]
fn checks_of_a_file_go_in_one_request_and_each_for_itself() {
    let (_node, shell) = registered();
    let check = |id: &str, service: &str| {
        format!(
            "check {{\n id = \"{id}\"\n name = \"{id}\"\n ttl = \"1h\"\n service_id = \"{service}\"\n}}\n"
        )
    };
    let all = check("c-1", "web-1") + &check("c-2", "none") + &check("c-3", "web-1");
    std::fs::write(shell.path("checks.hcl"), all).unwrap();
    let done = shell.run(&["check", "register", "--file", "checks.hcl"]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), "c-1\tcheck\nc-3\tcheck\n"), "{done:?}");
    assert!(done.err.contains("1 of 3 definitions were not registered"), "{done:?}");
    assert!(done.err.contains("check c-2: "), "{done:?}");
    let kept = shell.ok(&["check", "ls", "--local"]);
    assert!(kept.contains("c-1\t") && kept.contains("c-3\t") && !kept.contains("c-2\t"), "{kept}");
}

#[test]
fn why_tells_what_a_warning_means_for_who_asks_for_passing_ones() {
    let (_node, shell) = registered();
    shell.ok(&["check", "warn", "beat", "the queue grows"]);
    let told = shell.ok(&["service", "why", "web", "-o", "table"]);
    assert!(told.contains("in DNS yes, in health yes, with ?passing no"), "{told}");
    let strict = shell.ok(&["service", "why", "web", "--passing", "-o", "table"]);
    assert!(strict.contains("in DNS yes, in health no\n"), "{strict}");
    let past = shell.ok(&["service", "timeline", "web", "-o", "plain"]);
    assert!(past.lines().next().is_some_and(|line| line.contains("\twarning\tthe queue grows\t")), "{past}");
}
