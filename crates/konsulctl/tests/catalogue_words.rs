//! Consul's words for the catalogue, against a scripted server: what they send, print and exit with.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod scripted;

use scripted::{done, fake, offline, run};

#[test]
fn the_catalogue_and_maintenance_speak_as_consul_does() {
    let nodes = r#"[{"ID":"0123456789ab","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{"lan":"10.0.0.1"},"Meta":{"zone":"a"}}]"#;
    let fake = fake([
        ("200 OK", r#"["dc1","dc2"]"#),
        ("200 OK", nodes),
        ("200 OK", nodes),
        ("200 OK", "[]"),
        ("200 OK", r#"{"consul":[],"web":["v2","v1"]}"#),
        ("200 OK", r#"{"consul":[],"web":["v2","v1"]}"#),
        (
            "200 OK",
            r#"{"Node":{},"Services":{"web-1":{"Service":"web","Tags":["a"]},"web-2":{"Service":"web","Tags":null}}}"#,
        ),
        ("200 OK", ""),
        ("200 OK", ""),
        ("200 OK", r#"{"_node_maintenance":{"Node":"n1","Notes":"new disk"},"up":{}}"#),
    ]);
    let run = |words: &[&str]| run(&fake.address, words);
    assert_eq!(run(&["catalog", "datacenters"]), done(0, "dc1\ndc2\n", ""));
    let table = "Node  ID        Address   DC\nn1    01234567  10.0.0.1  dc1\n";
    assert_eq!(run(&["catalog", "nodes", "-node-meta=zone=a"]), done(0, table, ""));
    let detailed = run(&["catalog", "nodes", "-detailed", "-service=web"]);
    assert!(
        detailed.out.ends_with("n1    0123456789ab  10.0.0.1  dc1  lan=10.0.0.1     zone=a\n"),
        "{detailed:?}"
    );
    let none = "No nodes match the given query - try expanding your search\n";
    assert_eq!(run(&["catalog", "nodes", "-filter", "Node==x"]), done(0, none, ""));
    assert_eq!(run(&["catalog", "services"]), done(0, "consul\nweb\n", ""));
    assert_eq!(run(&["catalog", "services", "-tags"]), done(0, "consul\nweb     v1,v2\n", ""));
    assert_eq!(run(&["catalog", "services", "-node=n1"]), done(0, "web\n", ""));
    let words = ["maint", "-enable", "-service=web-1", "-reason=new disk"];
    assert_eq!(run(&words), done(0, "Service maintenance is now enabled for \"web-1\"\n", ""));
    assert_eq!(run(&["maint", "-disable"]), done(0, "Node maintenance is now disabled\n", ""));
    assert_eq!(run(&["maint"]), done(0, "Node:\n  Name:   n1\n  Reason: new disk\n\n", ""));
    let heads: Vec<String> = fake.seen.iter().map(|r| r.lines().next().unwrap().to_owned()).collect();
    assert_eq!(heads[1], "GET /v1/catalog/nodes?node-meta=zone%3Aa HTTP/1.1");
    assert_eq!(heads[2], "GET /v1/catalog/service/web HTTP/1.1");
    assert_eq!(heads[7], "PUT /v1/agent/service/maintenance/web-1?enable=true&reason=new%20disk HTTP/1.1");
    assert_eq!(heads[8], "PUT /v1/agent/maintenance?enable=false HTTP/1.1");
    assert_eq!(offline("maint -enable -disable").code, 1);
    assert_eq!(offline("maint -reason x").code, 1);
}

#[test]
fn instances_are_registered_and_removed_as_consul_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.json");
    std::fs::write(&path, r#"{"service":{"name":"db","id":"db-1","port":5432}}"#).unwrap();
    let file = path.to_str().unwrap();
    let fake = fake([("200 OK", ""), ("200 OK", ""), ("200 OK", ""), ("200 OK", "")]);
    let words = ["services", "register", "-name=web", "-port", "80", "-tag=a", "-tag=b", "-meta=team=x"];
    assert_eq!(run(&fake.address, &words), done(0, "Registered service: web\n", ""));
    assert_eq!(run(&fake.address, &["services", "register", file]), done(0, "Registered service: db\n", ""));
    let words = ["services", "deregister", "-id=web"];
    assert_eq!(run(&fake.address, &words), done(0, "Deregistered service: web\n", ""));
    assert_eq!(
        run(&fake.address, &["services", "deregister", file]),
        done(0, "Deregistered service: db-1\n", "")
    );
    let sent: Vec<String> = fake.seen.iter().collect();
    assert!(sent[0].starts_with("PUT /v1/agent/service/register "), "{}", sent[0]);
    assert!(
        sent[0].contains(r#""Tags":["a","b"]"#) && sent[0].contains(r#""Meta":{"team":"x"}"#),
        "{}",
        sent[0]
    );
    assert!(sent[1].contains(r#""ID":"db-1""#) && sent[1].contains(r#""Port":5432"#), "{}", sent[1]);
    assert!(sent[3].starts_with("PUT /v1/agent/service/deregister/db-1 "), "{}", sent[3]);
    assert_eq!(offline("services register").code, 1);
    assert_eq!(offline("services register -name=web -port=x").code, 1);
    assert_eq!(offline("services deregister").code, 1);
}
