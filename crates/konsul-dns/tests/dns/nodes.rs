//! Nodes, addresses that names spell, and reverse names.

use konsul_dns::Settings;

use crate::client::client;
use crate::directory::small;

const SOA: &str = "? consul. 0 SOA ns.consul. hostmaster.consul. 3600 600 86400 0";

#[test]
fn nodes() {
    let client = client(&small(), Settings::default());
    client.check(
        "n1.node.consul A",
        &[
            "NoError aa",
            "n1.node.consul. 0 A 10.0.0.1",
            "+ n1.node.consul. 0 TXT bare",
            "+ n1.node.consul. 0 TXT rack=a 1",
        ],
    );
    client.check(
        "N1.Node.dc1.Consul TXT",
        &[
            "NoError aa",
            "N1.Node.dc1.Consul. 0 TXT bare",
            "N1.Node.dc1.Consul. 0 TXT rack=a 1",
            "+ N1.Node.dc1.Consul. 0 A 10.0.0.1",
        ],
    );
    client.check(
        "n1.node.consul ANY",
        &[
            "NoError aa",
            "n1.node.consul. 0 A 10.0.0.1",
            "n1.node.consul. 0 TXT bare",
            "n1.node.consul. 0 TXT rack=a 1",
        ],
    );
    client.check("dots.in.name.node.consul A", &["NoError aa", "dots.in.name.node.consul. 0 A 10.0.0.4"]);
    client.check("v6.node.consul AAAA", &["NoError aa", "v6.node.consul. 0 AAAA 2001:db8::1"]);
    client.check("v6.node.consul A", &["NoError aa", SOA]);
    client.check("named.node.consul A", &["NoError aa", "named.node.consul. 0 CNAME elsewhere.example.org."]);
    client.check("n2.node.consul SRV", &["NoError aa", SOA]);
    client.check("n2.node.consul TXT", &["NoError aa", SOA, "+ n2.node.consul. 0 A 10.0.0.2"]);
    client.check("n9.node.consul A", &["NXDomain aa", SOA]);
    client.check("n1.node.team.ns.consul A", &["NXDomain aa", SOA]);
}

#[test]
fn metadata_only_where_it_is_asked_for() {
    let client = client(&small(), Settings { additional_node_meta_txt: false, ..Settings::default() });
    client.check("n1.node.consul A", &["NoError aa", "n1.node.consul. 0 A 10.0.0.1"]);
}

#[test]
fn spelt_addresses() {
    let client = client(&small(), Settings::default());
    client.check("0a000001.addr.dc1.consul A", &["NoError aa", "0a000001.addr.dc1.consul. 0 A 10.0.0.1"]);
    client.check("0a000001.addr.consul AAAA", &["NoError aa", SOA, "+ 0a000001.addr.consul. 0 A 10.0.0.1"]);
    client.check("0a000001.addr.consul TXT", &["NoError aa", SOA]);
    client.check(
        "20010db8000000000000000000000001.addr.consul ANY",
        &["NoError aa", "20010db8000000000000000000000001.addr.consul. 0 AAAA 2001:db8::1"],
    );
    client.check("0a00000.addr.consul A", &["NXDomain aa", SOA]);
}

#[test]
fn reverse_names() {
    let fake = small();
    fake.add("team-db", "n1", &[], |one| one.address = "10.1.0.9".into());
    let settings = Settings { alt_domain: "alt.example.".into(), ..Settings::default() };
    let client = client(&fake, settings);
    client.check(
        "1.0.0.10.in-addr.arpa PTR",
        &["NoError aa", "1.0.0.10.in-addr.arpa. 0 PTR N1.node.dc1.consul."],
    );
    client.check(
        "7.0.1.10.in-addr.arpa PTR",
        &["NoError aa", "7.0.1.10.in-addr.arpa. 0 PTR db.service.dc1.consul."],
    );
    client.check(
        "9.0.1.10.in-addr.arpa PTR",
        &["NoError aa", "9.0.1.10.in-addr.arpa. 0 PTR team-db.service.team.dc1.consul."],
    );
    let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    client.check(&format!("{v6} PTR"), &["NoError aa", &format!("{v6}. 0 PTR v6.node.dc1.consul.")]);
    client.check("1.0.0.10.in-addr.arpa A", &["NoError aa", SOA]);
    client.check("8.8.8.8.in-addr.arpa PTR", &["NXDomain aa", SOA]);
    client.check("home.arpa A", &["NXDomain aa", SOA]);
}
