//! Names of the mesh, and prepared queries.

use konsul_dns::{ClientSubnet, Settings};

use crate::client::{ask, client};
use crate::directory::small;

const SOA: &str = "? consul. 0 SOA ns.consul. hostmaster.consul. 3600 600 86400 0";

#[test]
fn connect_and_ingress_ask_for_their_kind() {
    let fake = small();
    fake.add("web", "v6", &[], |one| one.port = 443);
    let client = client(&fake, Settings::default());
    client.check("web.connect.consul AAAA", &["NoError aa", "web.connect.consul. 0 AAAA 2001:db8::1"]);
    client.check("web.ingress.consul AAAA", &["NoError aa", "web.ingress.consul. 0 AAAA 2001:db8::1"]);
    client.check("db.connect.consul A", &["NXDomain aa", SOA]);
}

#[test]
fn virtual_addresses() {
    let client = client(&small(), Settings::default());
    client.check("web.virtual.consul A", &["NoError aa", "web.virtual.consul. 0 A 240.0.0.1"]);
    client.check("web.virtual.consul AAAA", &["NoError aa", SOA]);
    client.check("db.virtual.consul A", &["NoError aa"]);
    client.check("nothing.virtual.consul A", &["NXDomain aa", SOA]);
}

#[test]
fn prepared_queries_keep_their_order() {
    let fake = small();
    let client = client(&fake, Settings { additional_node_meta_txt: false, ..Settings::default() });
    for _ in 0..10 {
        let got = client.get(&ask("nearest.web.query.consul A"));
        assert_eq!(crate::client::addresses(&got)[0].to_string(), "10.0.0.1");
    }
    client.check(
        "_nearest.web._tcp.query.dc1.consul SRV",
        &[
            "NoError aa",
            "_nearest.web._tcp.query.dc1.consul. 7 SRV 1 1 8080 n2.node.dc1.consul.",
            "_nearest.web._tcp.query.dc1.consul. 7 SRV 1 10 80 N1.node.dc1.consul.",
            "+ N1.node.dc1.consul. 7 A 10.0.0.1",
            "+ n2.node.dc1.consul. 7 A 10.0.0.2",
        ],
    );
    assert_eq!(fake.last_prepared.lock().unwrap().as_ref().unwrap().datacenter.as_deref(), Some("dc1"));
    client.check("empty.query.consul A", &["NXDomain aa", SOA]);
    client.check("unknown.query.consul A", &["NXDomain aa", SOA]);
}

/// An option for 192.0.2.0/24.
const SUBNET: &[u8] = &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2];

#[test]
fn the_clients_subnet_is_passed_on_and_comes_back_with_its_scope() {
    let fake = small();
    let client = client(&fake, Settings::default());
    let scope = |question: &str| {
        let bytes = client.raw(&ask(question).opt(1232, 0, SUBNET).packet).unwrap();
        let at = bytes.windows(4).position(|window| window == &SUBNET[..4]).expect("the option comes back");
        assert_eq!(bytes[at + 4..at + 7], SUBNET[4..7]);
        bytes[at + 7]
    };
    assert_eq!(scope("plain.query.consul A"), 24);
    let asked = fake.last_prepared.lock().unwrap().clone().unwrap();
    let subnet = ClientSubnet { address: [192, 0, 2, 0].into(), prefix: 24 };
    assert_eq!((asked.source, asked.subnet), (subnet.address, Some(subnet)));
    assert_eq!(scope("web.service.consul A"), 0);
    assert_eq!(scope("unknown.query.consul A"), 0);
    client.get(&ask("plain.query.consul A"));
    let asked = fake.last_prepared.lock().unwrap().clone().unwrap();
    assert_eq!((asked.source, asked.subnet), ("127.0.0.1".parse().unwrap(), None));
}
