//! Services: addresses, SRV, tags, health, weights, TTL, order.

use std::collections::{BTreeMap, BTreeSet};

use konsul_dns::{Order, ServiceTtl, Settings, Status};
use konsul_runtime::time::Duration;

use crate::client::{addresses, ask, client};
use crate::directory::{node, small, tagged};

const SOA: &str = "? consul. 0 SOA ns.consul. hostmaster.consul. 3600 600 86400 0";

#[test]
fn addresses_of_a_service() {
    let client = client(&small(), Settings::default());
    client.check(
        "web.service.consul A",
        &["NoError aa", "web.service.consul. 0 A 10.0.0.1", "web.service.consul. 0 A 10.0.0.2"],
    );
    client.check("db.service.consul A", &["NoError aa", "db.service.consul. 0 A 10.1.0.7"]);
    client.check(
        "web.service.consul ANY",
        &["NoError aa", "web.service.consul. 0 A 10.0.0.1", "web.service.consul. 0 A 10.0.0.2"],
    );
    client.check("web.service.consul AAAA", &["NoError aa", SOA]);
    client.check("web.service.consul MX", &["NoError aa", SOA]);
    client.check("web.service.consul CNAME", &["NoError aa", SOA]);
    client.check(
        "web.service.consul TXT",
        &["NoError aa", SOA, "+ web.service.consul. 0 A 10.0.0.1", "+ web.service.consul. 0 A 10.0.0.2"],
    );
    client.check("nothing.service.consul A", &["NXDomain aa", SOA]);
}

#[test]
fn tags_and_their_forms() {
    let client = client(&small(), Settings::default());
    let one = |owner: &str| ["NoError aa".to_owned(), format!("{owner}. 0 A 10.0.0.1")];
    for name in ["v1.web.service.consul", "blue.green.web.service.consul", "_web._v1.service.consul"] {
        assert_eq!(crate::client::show(&client.get(&ask(&format!("{name} A")))), one(name));
    }
    client.check("V1.Web.Service.Consul A", &["NoError aa", "V1.Web.Service.Consul. 0 A 10.0.0.1"]);
    client.check("_web._udp.service.consul A", &["NXDomain aa", SOA]);
    client.check("v3.web.service.consul A", &["NXDomain aa", SOA]);
    assert_eq!(addresses(&client.get(&ask("_web._tcp.service.consul A"))).len(), 2);
}

#[test]
fn srv_has_targets_and_their_addresses() {
    let client = client(&small(), Settings { additional_node_meta_txt: false, ..Settings::default() });
    client.check(
        "_web._tcp.consul SRV",
        &[
            "NoError aa",
            "_web._tcp.consul. 0 SRV 1 1 8080 n2.node.dc1.consul.",
            "_web._tcp.consul. 0 SRV 1 10 80 N1.node.dc1.consul.",
            "+ N1.node.dc1.consul. 0 A 10.0.0.1",
            "+ n2.node.dc1.consul. 0 A 10.0.0.2",
        ],
    );
    client.check(
        "db.service.dc1.consul SRV",
        &[
            "NoError aa",
            "db.service.dc1.consul. 0 SRV 1 1 80 0a010007.addr.dc1.consul.",
            "+ 0a010007.addr.dc1.consul. 0 A 10.1.0.7",
        ],
    );
}

#[test]
fn srv_brings_the_metadata_of_nodes() {
    let client = client(&small(), Settings::default());
    client.check(
        "v1.web.service.consul SRV",
        &[
            "NoError aa",
            "v1.web.service.consul. 0 SRV 1 10 80 N1.node.dc1.consul.",
            "+ N1.node.dc1.consul. 0 A 10.0.0.1",
            "+ N1.node.dc1.consul. 0 TXT bare",
            "+ N1.node.dc1.consul. 0 TXT rack=a 1",
        ],
    );
}

#[test]
fn each_of_two_instances_on_one_node_brings_its_address() {
    let fake = small();
    fake.add("twin", "n2", &[], |one| one.port = 1).add("twin", "n2", &[], |one| one.port = 2);
    fake.add("twin", "n2", &[], |one| one.port = 2);
    let client = client(&fake, Settings::default());
    client.check(
        "twin.service.consul SRV",
        &[
            "NoError aa",
            "twin.service.consul. 0 SRV 1 1 1 n2.node.dc1.consul.",
            "twin.service.consul. 0 SRV 1 1 2 n2.node.dc1.consul.",
            "+ n2.node.dc1.consul. 0 A 10.0.0.2",
            "+ n2.node.dc1.consul. 0 A 10.0.0.2",
        ],
    );
    client.check("twin.service.consul A", &["NoError aa", "twin.service.consul. 0 A 10.0.0.2"]);
}

#[test]
fn health_decides() {
    let fake = small();
    fake.add("mixed", "n1", &[], |one| one.status = Status::Critical);
    let all = client(&fake, Settings::default());
    all.check("mixed.service.consul A", &["NXDomain aa", SOA]);
    fake.add("mixed", "n2", &[], |one| {
        one.status = Status::Warning;
        one.weights.warning = 3;
        one.weights.passing = 30;
    });
    all.check("mixed.service.consul A", &["NoError aa", "mixed.service.consul. 0 A 10.0.0.2"]);
    all.check(
        "mixed.service.consul SRV",
        &[
            "NoError aa",
            "mixed.service.consul. 0 SRV 1 3 80 n2.node.dc1.consul.",
            "+ n2.node.dc1.consul. 0 A 10.0.0.2",
        ],
    );
    let passing = client(&fake, Settings { only_passing: true, ..Settings::default() });
    passing.check("mixed.service.consul A", &["NXDomain aa", SOA]);
    assert!(fake.last_service.lock().unwrap().as_ref().unwrap().only_passing);
}

#[test]
fn ttl_by_rule() {
    let rules = [("*", 5), ("we*", 6), ("db", 7)];
    let rules = rules.map(|(key, seconds)| (key.to_owned(), Duration::from_secs(seconds)));
    let node_ttl = Duration::from_secs(9);
    let settings = Settings { service_ttl: ServiceTtl::new(rules), node_ttl, ..Settings::default() };
    let fake = small();
    fake.add("other", "n2", &[], |_| {});
    let with = client(&fake, settings.clone());
    let ttl = |client: &crate::client::Client, question: &str| client.get(&ask(question)).answers[0].ttl;
    assert_eq!(ttl(&with, "other.service.consul A"), 5);
    assert_eq!(ttl(&with, "WEB.service.consul A"), 6);
    assert_eq!(ttl(&with, "db.service.consul SRV"), 7);
    assert_eq!(ttl(&with, "n1.node.consul A"), 9);
    assert_eq!(ttl(&with, "nearest.web.query.consul A"), 7);
    assert_eq!(ttl(&with, "plain.query.consul A"), 6);
    let without = client(&fake, Settings { service_ttl: ServiceTtl::default(), ..settings });
    assert_eq!(ttl(&without, "web.service.consul A"), 9);
}

#[test]
fn every_instance_comes_first_as_often() {
    let fake = small();
    for at in 0..10 {
        fake.add_node(node(&format!("m{at}"), &format!("10.2.0.{at}")));
        fake.add("many", &format!("m{at}"), &[], |_| {});
    }
    let client = client(&fake, Settings::default());
    let mut first = BTreeMap::<_, u32>::new();
    let mut seen = BTreeSet::new();
    let rounds = 5000;
    for _ in 0..rounds {
        let got = addresses(&client.get(&ask("many.service.consul A")));
        assert_eq!(got.len(), 3);
        *first.entry(got[0]).or_default() += 1;
        seen.extend(got);
    }
    assert_eq!(seen.len(), 10);
    // 500 each are expected, with a deviation of 21: six of them are off in two of a billion runs.
    assert!(first.values().all(|count| (373..627).contains(count)), "{first:?}");
}

#[test]
fn weighted_order_follows_weights() {
    let fake = small();
    fake.change(|catalogue| catalogue.order = Order::Weighted);
    fake.add("heavy", "n1", &[], |one| one.weights.passing = 3).add("heavy", "n2", &[], |_| {});
    let client = client(&fake, Settings::default());
    let rounds = 4000;
    let heavy: std::net::IpAddr = "10.0.0.1".parse().unwrap();
    let count =
        (0..rounds).filter(|_| addresses(&client.get(&ask("heavy.service.consul A")))[0] == heavy).count();
    // Three quarters of them, with a deviation of 27.
    assert!((2836..3164).contains(&count), "{count}");
}

#[test]
fn given_order_is_kept() {
    let fake = small();
    fake.change(|catalogue| catalogue.order = Order::Given);
    let client = client(&fake, Settings::default());
    for _ in 0..20 {
        let got = addresses(&client.get(&ask("web.service.consul A")));
        assert_eq!(got, ["10.0.0.1".parse::<std::net::IpAddr>().unwrap(), "10.0.0.2".parse().unwrap()]);
    }
}

#[test]
fn families_come_from_tagged_addresses() {
    let fake = small();
    fake.add("dual", "n1", &[], |one| {
        one.address = "10.3.0.1".into();
        one.tagged_addresses.insert("lan_ipv6".into(), tagged("2001:db8::31", 80));
        one.tagged_addresses.insert("wan".into(), tagged("192.0.2.1", 8443));
        one.tagged_addresses.insert("wan_ipv6".into(), tagged("2001:db8::ff", 0));
    });
    let near = client(&fake, Settings::default());
    near.check("dual.service.consul A", &["NoError aa", "dual.service.consul. 0 A 10.3.0.1"]);
    near.check("dual.service.consul AAAA", &["NoError aa", "dual.service.consul. 0 AAAA 2001:db8::31"]);
    let settings =
        Settings { datacenter: "dc9".into(), translate_wan_addresses: true, ..Settings::default() };
    let far = client(&fake, settings);
    far.check("dual.service.dc1.consul A", &["NoError aa", "dual.service.dc1.consul. 0 A 192.0.2.1"]);
    far.check(
        "dual.service.dc1.consul AAAA",
        &["NoError aa", "dual.service.dc1.consul. 0 AAAA 2001:db8::ff"],
    );
    let srv = far.get(&ask("dual.service.dc1.consul SRV"));
    assert_eq!(srv.answers[0].data.to_string(), "1 1 8443 c0000201.addr.dc1.consul.");
}

#[test]
fn localities_reach_the_directory() {
    let fake = small();
    let client = client(&fake, Settings::default());
    client.get(&ask("v1.web.service.team.ns.dc2.dc.consul A"));
    let query = fake.last_service.lock().unwrap().clone().unwrap();
    assert_eq!((query.name.as_str(), query.tag.as_deref()), ("web", Some("v1")));
    assert_eq!(query.locality.namespace.as_deref(), Some("team"));
    assert_eq!(query.locality.datacenter.as_deref(), Some("dc2"));
    client.check("web.service.dc7.consul A", &["NXDomain aa", SOA]);
    client.check("web.service.east.peer.consul A", &["NXDomain aa", SOA]);
    client.check("web.service.broken.consul A", &["ServFail"]);
}
