//! The definition of "concerns", as a table.

mod common;

use common::{
    check, event, instances, key, kv, kv_in, lock, lock_name, lock_waiter, node, node_name, ns, on_key,
    on_prefix, service, service_name, session, session_id,
};
use konsul_types::Change;
use konsul_watch::Topic;

/// The changes of a small world that concern a topic, by their names here.
fn concerning(topic: &Topic) -> String {
    let changes: [(&str, Change); 21] = [
        ("app", kv("app")),
        ("app/", kv("app/")),
        ("app/web", kv("app/web")),
        ("apple", kv("apple")),
        ("b:app/web", kv_in("b", "app/web")),
        ("s1", session("default", 1)),
        ("s2", session("default", 2)),
        ("b:s1", session("b", 1)),
        ("l", lock("default", "l")),
        ("m", lock("default", "m")),
        ("b:l", lock("b", "l")),
        ("l<1", lock_waiter("default", "l", 1)),
        ("l<2", lock_waiter("default", "l", 2)),
        ("node", node("n")),
        ("check", check("n")),
        ("event", event()),
        ("m:check", check("M")),
        ("service", service("default", "n", "web")),
        ("web", instances("default", "web", true)),
        ("web~", instances("default", "web", false)),
        ("b:web", instances("b", "web", true)),
    ];
    let names: Vec<_> =
        changes.iter().filter(|(_, change)| topic.concerns(change)).map(|(name, _)| *name).collect();
    names.join(" ")
}

#[test]
fn a_topic_concerns_what_its_name_says() {
    let default = || ns("default");
    let table = [
        (on_key("app/web"), "app/web"),
        (on_key("app"), "app"),
        (on_key("absent"), ""),
        (Topic::Key(ns("b"), key("app/web")), "b:app/web"),
        (on_prefix("app/"), "app/ app/web"),
        (on_prefix("app"), "app app/ app/web apple"),
        (on_prefix(""), "app app/ app/web apple"),
        (Topic::Prefix(ns("b"), "".into()), "b:app/web"),
        (Topic::Namespace(default()), "app app/ app/web apple"),
        (Topic::Sessions(default()), "s1 s2"),
        (Topic::Session(default(), session_id(1)), "s1"),
        (Topic::Session(ns("b"), session_id(1)), "b:s1"),
        (Topic::Lock(default(), lock_name("l")), "l"),
        (Topic::LockWaiter(default(), lock_name("l"), session_id(2)), "l<2"),
        (Topic::LockWaiter(default(), lock_name("m"), session_id(2)), ""),
        (Topic::Nodes, "node"),
        (Topic::Node(node_name("n")), "node service"),
        (Topic::OnNode(node_name("n")), "node check service"),
        (Topic::OnNode(node_name("m")), "m:check"),
        (Topic::Checks, "check m:check"),
        (Topic::Services(default()), "service"),
        (Topic::AnyService(default()), "web"),
        (Topic::AnyService(ns("b")), "b:web"),
        (Topic::Service(default(), service_name("web")), "web web~"),
        (Topic::PassingService(default(), service_name("web")), "web"),
        (Topic::Service(default(), service_name("db")), ""),
        (Topic::Events, "event"),
        (
            Topic::All,
            "app app/ app/web apple b:app/web s1 s2 b:s1 l m b:l l<1 l<2 node check event m:check service web web~ b:web",
        ),
    ];
    for (topic, expect) in table {
        assert_eq!(concerning(&topic), expect, "{topic:?}");
        assert!(topic.concerns(&Change::Reset), "a reset concerns {topic:?}");
    }
}
