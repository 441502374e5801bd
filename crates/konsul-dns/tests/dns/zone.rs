//! The zone itself: SOA, NS, domains, what is outside.

use konsul_dns::{Settings, Soa};
use konsul_runtime::time::Duration;

use crate::client::{ask, client, show};
use crate::directory::{node, small};

const SOA: &str = "? consul. 0 SOA ns.consul. hostmaster.consul. 3600 600 86400 0";

#[test]
fn soa_and_ns() {
    let fake = small();
    fake.add_node(node("server-1", "10.9.0.1")).add_node(node("server 2", "10.9.0.2"));
    let seconds = Duration::from_secs;
    let soa = Soa { refresh: seconds(1), retry: seconds(2), expire: seconds(3), min_ttl: seconds(4) };
    let client = client(&fake, Settings { soa, ..Settings::default() });
    let name = "server-1.node.dc1.consul. 0 A 10.9.0.1";
    client.check(
        "consul SOA",
        &[
            "NoError aa",
            "consul. 4 SOA ns.consul. hostmaster.consul. 1 2 3 4",
            "? consul. 0 NS server-1.node.dc1.consul.",
            &format!("+ {name}"),
        ],
    );
    client.check(
        "anything.at.all.consul NS",
        &["NoError aa", "consul. 0 NS server-1.node.dc1.consul.", &format!("+ {name}")],
    );
    client.check(
        "nothing.service.consul A",
        &["NXDomain aa", "? consul. 4 SOA ns.consul. hostmaster.consul. 1 2 3 4"],
    );
}

#[test]
fn at_most_three_name_servers() {
    let fake = small();
    for at in 0..5 {
        fake.add_node(node(&format!("server-{at}"), &format!("10.9.0.{at}")));
    }
    let got = client(&fake, Settings::default()).get(&ask("consul NS"));
    assert_eq!((got.answers.len(), got.additionals.len()), (3, 3));
}

#[test]
fn the_domain_of_the_question_is_that_of_the_answer() {
    let settings =
        Settings { alt_domain: "Alt.Example".into(), additional_node_meta_txt: false, ..Settings::default() };
    let client = client(&small(), settings);
    client.check(
        "v2.web.service.alt.example SRV",
        &[
            "NoError aa",
            "v2.web.service.alt.example. 0 SRV 1 1 8080 n2.node.dc1.alt.example.",
            "+ n2.node.dc1.alt.example. 0 A 10.0.0.2",
        ],
    );
    client.check(
        "x.service.alt.example A",
        &["NXDomain aa", "? alt.example. 0 SOA ns.alt.example. hostmaster.alt.example. 3600 600 86400 0"],
    );
}

#[test]
fn what_is_not_ours_is_refused() {
    let client = client(&small(), Settings::default());
    for question in ["example.org A", "com NS", "xconsul A", ". SOA"] {
        client.check(question, &["Refused"]);
    }
    client.check("consul A", &["NXDomain aa", SOA]);
    client.check("service.consul A", &["NXDomain aa", SOA]);
    client.check("web.nonsense.consul A", &["NXDomain aa", SOA]);
    client.check("consul AXFR", &["NotImp aa"]);
}

#[test]
fn a_directory_that_is_not_ready_says_nothing() {
    let fake = small();
    let client = client(&fake, Settings::default());
    assert_eq!(client.get(&ask("web.service.consul A")).answers.len(), 2);
    fake.is_unready.store(true, std::sync::atomic::Ordering::SeqCst);
    for question in ["web.service.consul A", "nothing.service.consul A", "1.0.0.10.in-addr.arpa PTR"] {
        assert_eq!(show(&client.get(&ask(question))), ["ServFail"], "{question}");
    }
    client.check("example.org A", &["Refused"]);
}
