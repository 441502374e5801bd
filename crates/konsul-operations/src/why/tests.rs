//! Each cause is planted once and named, alone; and all of them at once.

use konsul_types::{
    Check, CheckId, CheckStatus, CheckedService, Index, Namespace, Node, NodeName, Service, ServiceId,
    ServiceName, Tags, Weights,
};

use super::*;

fn node() -> Node {
    Node {
        id: None,
        name: NodeName::new("n1").unwrap(),
        address: "10.0.0.1".into(),
        tagged_addresses: Default::default(),
        meta: Default::default(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}

fn service(name: &str) -> Service {
    let id = ServiceId::new("web-1").unwrap();
    let default = Namespace::default_namespace();
    Service {
        tags: ["blue", "eu"].into_iter().collect(),
        ..Service::new(NodeName::new("n1").unwrap(), default, id, ServiceName::new(name).unwrap())
    }
}

fn of_node(id: &str, status: CheckStatus) -> Check {
    Check::new(NodeName::new("n1").unwrap(), CheckId::new(id).unwrap(), status)
}

fn of_service(id: &str, status: CheckStatus) -> Check {
    let checked = CheckedService {
        id: ServiceId::new("web-1").unwrap(),
        name: ServiceName::new("web").unwrap(),
        tags: Tags::default(),
    };
    Check { service: Some(checked), ..of_node(id, status) }
}

const WELL: Server = Server { ready: true, knows_leader: true, lag_ms: 10, lag_max_ms: 5000 };

/// What is found about an instance of which all is well but for `change`: codes with effect and answers, and sentences.
fn found(checks: &[Check], change: impl FnOnce(&mut Facts<'_>, &mut Service)) -> (Vec<String>, Vec<String>) {
    let (node, mut service, checks) = (node(), service("web"), checks.iter().collect::<Vec<_>>());
    let before = service.clone();
    let mut facts = Facts {
        asked: Asked { dns_allow_stale: true, ..Asked::default() },
        node: &node,
        service: &before,
        checks: &checks,
        passes_filter: true,
        permitted: true,
        viewer: "token 'ci'",
        place: None,
        server: WELL,
        reaping: None,
    };
    change(&mut facts, &mut service);
    let asked = facts.asked;
    let why = explain(&Facts { service: &service, asked, ..facts });
    told(&why)
}

fn told(why: &Explanation) -> (Vec<String>, Vec<String>) {
    let one = |reason: &Reason| {
        let answers: Vec<&str> = reason.answers.iter().map(|answer| answer.name()).collect();
        format!("{} {} {}", reason.code, reason.effect.name(), answers.join("+"))
    };
    let sentences = why.reasons.iter().map(|reason| reason.sentence.clone());
    (why.reasons.iter().map(one).collect(), sentences.collect())
}

#[track_caller]
fn only((codes, sentences): &(Vec<String>, Vec<String>), code: &str, sentence: &str) {
    assert_eq!(codes, &[code]);
    assert_eq!(sentences, &[sentence]);
}

#[test]
fn a_healthy_instance_is_in_all_answers() {
    let passing =
        [of_service("service:web", CheckStatus::Passing), of_node("serfHealth", CheckStatus::Passing)];
    assert_eq!(found(&passing, |_, _| ()).0, [""; 0]);
    assert!(Answer::ALL.iter().all(|answer| Explanation::default().is_in(*answer)));
    let mut why = Explanation::default();
    why.add(Code::WeightZero, Effect::Warns, &Answer::ALL, String::new());
    why.add(Code::BeyondLimit, Effect::Hides, &[Answer::Dns], String::new());
    assert_eq!(Answer::ALL.map(|answer| why.is_in(answer)), [false, true, true]);
}

#[test]
fn critical_checks_of_instance_and_node() {
    let check =
        Check { output: "HTTP GET: 503\nbody\n".into(), ..of_service("service:web", CheckStatus::Critical) };
    only(
        &found(&[check], |_, _| ()),
        "critical_check hides dns+health_passing",
        "check 'service:web' of instance 'web-1' is critical: HTTP GET: 503…",
    );
    only(
        &found(&[of_node("disk", CheckStatus::Critical)], |_, _| ()),
        "node_check_critical hides dns+health_passing",
        "check 'disk' of node 'n1' is critical",
    );
}

#[test]
fn a_warning_counts_where_only_passing_is_asked() {
    let warning = [of_service("cpu", CheckStatus::Warning)];
    let sentence = "check 'cpu' of instance 'web-1' warns, and only passing instances are asked for";
    only(&found(&warning, |_, _| ()), "warning_with_only_passing hides health_passing", sentence);
    let strict = found(&warning, |facts, _| facts.asked.dns_only_passing = true);
    only(&strict, "warning_with_only_passing hides health_passing+dns", sentence);
}

#[test]
fn maintenance_of_instance_and_node() {
    let notes = |check: Check| Check { notes: "upgrade".into(), ..check };
    only(
        &found(&[notes(of_service("_service_maintenance:web-1", CheckStatus::Critical))], |_, _| ()),
        "service_maintenance hides dns+health_passing",
        "instance 'web-1' is in maintenance: upgrade",
    );
    only(
        &found(&[notes(of_node("_node_maintenance", CheckStatus::Critical))], |_, _| ()),
        "node_maintenance hides dns+health_passing",
        "node 'n1' is in maintenance: upgrade",
    );
}

#[test]
fn tags_filter_and_permission() {
    only(
        &found(&[], |facts, _| facts.asked.tags = &["BLUE", "green"]),
        "tag_missing hides dns+health+health_passing",
        "tag 'green' is asked for; the instance's tags are: blue, eu",
    );
    let filtered = found(&[], |facts, _| {
        facts.asked.filter = Some("Service.Port == 1");
        facts.passes_filter = false;
    });
    only(
        &filtered,
        "filter_excluded hides health+health_passing",
        "the filter does not fit it: Service.Port == 1",
    );
    only(
        &found(&[], |facts, _| facts.permitted = false),
        "permission_denied hides dns+health+health_passing",
        "token 'ci' may not read service 'web' on node 'n1': service:read and node:read are needed",
    );
}

#[test]
fn weight_and_limit() {
    let warning = [of_service("cpu", CheckStatus::Warning)];
    let (codes, _) = found(&warning, |_, service| service.weights = Weights { passing: 5, warning: 0 });
    assert_eq!(
        codes,
        ["warning_with_only_passing hides health_passing", "weight_zero warns dns+health+health_passing"]
    );
    let limited =
        |place| found(&[], |facts, _| (facts.asked.dns_limit, facts.place) = (Some(3), Some(place)));
    let sentence = "DNS answers hold 3 instances, and it was number 4 of this answer";
    only(&limited(3), "beyond_limit hides dns", sentence);
    assert_eq!(limited(2).0, [""; 0]);
}

#[test]
fn a_server_that_is_not_ready_stale_or_without_a_leader() {
    let of = |server| found(&[], |facts, _| facts.server = server).0;
    assert_eq!(of(Server { ready: false, ..WELL }), ["server_not_ready hides dns+health+health_passing"]);
    assert_eq!(of(Server { knows_leader: false, ..WELL }), ["no_leader hides health+health_passing"]);
    let stale = found(&[], |facts, _| facts.server.lag_ms = 61_000);
    only(
        &stale,
        "state_stale warns dns+health+health_passing",
        "the server's state may be 1m1s old, more than the 5s that are allowed",
    );
}

#[test]
fn about_to_be_reaped() {
    let reaping = Some(Reaping { check: "service:web", left_ms: 90_000 });
    only(
        &found(&[], |facts, _| facts.reaping = reaping),
        "about_to_be_reaped warns dns+health+health_passing",
        "check 'service:web' is critical and will have the instance deregistered in 1m30s unless it recovers",
    );
}

#[test]
fn names_and_addresses_that_dns_cannot_hold() {
    let of_name = |name: &str| found(&[], |_, service| service.name = ServiceName::new(name).unwrap()).0;
    // What DNS can ask for is a matter of bytes alone: these are 63 at most.
    for name in ["my.web app", "_web", "größe", &"x".repeat(63)] {
        assert_eq!(of_name(name), [""; 0], "{name}");
    }
    for name in ["x".repeat(64), "ö".repeat(32)] {
        assert_eq!(of_name(&name), ["not_dns_name hides dns"], "{name}");
    }
    let bare = Node { address: String::new(), ..node() };
    let (codes, _) = {
        let service = service("web");
        let facts = Facts {
            asked: Asked::default(),
            node: &bare,
            service: &service,
            checks: &[],
            passes_filter: true,
            permitted: true,
            viewer: "",
            place: None,
            server: WELL,
            reaping: None,
        };
        told(&explain(&facts))
    };
    assert_eq!(codes, ["no_address hides dns"]);
}

#[test]
fn all_causes_are_named_and_hiding_ones_come_first() {
    let checks =
        [of_service("a", CheckStatus::Critical), of_node("_node_maintenance", CheckStatus::Critical)];
    let (codes, _) = found(&checks, |facts, _| {
        facts.server.lag_ms = 61_000;
        facts.asked.tags = &["x"];
        facts.reaping = Some(Reaping { check: "a", left_ms: 1 });
    });
    let names: Vec<&str> = codes.iter().filter_map(|code| code.split(' ').next()).collect();
    assert_eq!(
        names,
        ["critical_check", "node_maintenance", "tag_missing", "state_stale", "about_to_be_reaped"]
    );
}

#[test]
fn a_name_without_instances() {
    let namespace = |text: &str| Namespace::new(text).unwrap();
    let entry = |ns: &str, name: &str| (namespace(ns), ServiceName::new(name).unwrap());
    let known =
        [entry("default", "web-api"), entry("default", "wbe"), entry("team", "Web"), entry("other", "web")];
    let default = Namespace::default_namespace();
    let absence = |name: &'static str, on_agent, reaped| {
        let absence = Absence {
            name,
            namespace: &default,
            known: &known,
            on_agent,
            reaped,
            asked: Asked::default(),
            server: WELL,
        };
        told(&explain_absence(&absence))
    };
    let (codes, sentences) = absence("web", false, None);
    let everywhere = "hides dns+health+health_passing";
    assert_eq!(codes, [format!("wrong_namespace {everywhere}"), format!("not_registered {everywhere}")]);
    assert_eq!(sentences[0], "'web' is not in namespace 'default', but it is in: other, team");
    let expected = "no instance of 'web' is registered in namespace 'default'; similar names: wbe, web-api";
    assert_eq!(sentences[1], expected);
    let (codes, sentences) = absence("queue", true, Some(("ttl", 60_000)));
    let names: Vec<&str> = codes.iter().filter_map(|code| code.split(' ').next()).collect();
    assert_eq!(names, ["not_synced", "reaped", "not_registered"]);
    let gone = "it was deregistered 1m0s ago, because check 'ttl' was critical for too long";
    assert_eq!(sentences[1], gone);
    assert_eq!(sentences[2], "no instance of 'queue' is registered in namespace 'default'");
}

#[test]
fn codes_are_stable_and_distinct() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}
