//! Names with unusual characters, and host names where addresses should be.

use konsul_dns::Settings;

use crate::client::{ask, ask_labels, client, show};
use crate::directory::{node, small};

const SOA: &str = "? consul. 0 SOA ns.consul. hostmaster.consul. 3600 600 86400 0";

#[test]
fn a_label_may_hold_anything() {
    let fake = small();
    for name in ["my.svc", "my svc", "größe", "サービス"] {
        fake.add(name, "n2", &[], |_| {});
    }
    let client = client(&fake, Settings::default());
    for name in ["my.svc", "my svc", "größe", "サービス"] {
        let got = show(&client.get(&ask_labels(&[name.as_bytes(), b"service", b"consul"], 1)));
        assert_eq!(got.len(), 2, "{name}: {got:?}");
        assert!(got[0] == "NoError aa" && got[1].ends_with("A 10.0.0.2"), "{name}: {got:?}");
    }
    client.check("my.svc.service.consul A", &["NXDomain aa", SOA]);
    let not_utf8 = client.get(&ask_labels(&[b"\xFF\xFE", b"service", b"consul"], 1));
    assert_eq!(show(&not_utf8), ["NXDomain aa", SOA]);
}

#[test]
fn a_long_label_is_asked_for_and_a_longer_one_cannot_be() {
    let fake = small();
    let longest = "a".repeat(63);
    fake.add(&longest, "n2", &[], |_| {}).add(&"b".repeat(300), "n2", &[], |_| {});
    let client = client(&fake, Settings::default());
    assert_eq!(client.get(&ask(&format!("{longest}.service.consul A"))).answers.len(), 1);
    let mut packet = ask(&format!("{longest}.service.consul A")).packet;
    packet[12] = 64;
    assert_eq!(client.raw(&packet).unwrap()[3] & 0xF, 1);
}

#[test]
fn nodes_whose_names_make_no_labels_are_reached_by_address() {
    let fake = small();
    fake.add_node(node("bad..name", "10.0.0.9")).add("odd", "bad..name", &[], |_| {});
    fake.add_node(node(&"n".repeat(70), "10.0.0.10")).add("long", &"n".repeat(70), &[], |_| {});
    let client = client(&fake, Settings::default());
    client.check(
        "odd.service.consul SRV",
        &[
            "NoError aa",
            "odd.service.consul. 0 SRV 1 1 80 0a000009.addr.dc1.consul.",
            "+ 0a000009.addr.dc1.consul. 0 A 10.0.0.9",
        ],
    );
    assert_eq!(client.get(&ask("long.service.consul SRV")).additionals.len(), 1);
}

#[test]
fn host_names_become_cnames_only_where_there_is_no_address() {
    let fake = small();
    fake.add("out", "n1", &[], |one| one.address = "a.example.org".into());
    let client = client(&fake, Settings { additional_node_meta_txt: false, ..Settings::default() });
    client.check("out.service.consul A", &["NoError aa", "out.service.consul. 0 CNAME a.example.org."]);
    client.check("out.service.consul CNAME", &["NoError aa", "out.service.consul. 0 CNAME a.example.org."]);
    client
        .check("out.service.consul SRV", &["NoError aa", "out.service.consul. 0 SRV 1 1 80 a.example.org."]);
    fake.add("out", "n2", &[], |_| {});
    client.check("out.service.consul A", &["NoError aa", "out.service.consul. 0 A 10.0.0.2"]);
}

#[test]
fn our_own_host_names_are_followed() {
    let fake = small();
    fake.add("alias", "n1", &[], |one| one.address = "db.service.consul".into());
    let client = client(&fake, Settings { additional_node_meta_txt: false, ..Settings::default() });
    client.check(
        "alias.service.consul A",
        &[
            "NoError aa",
            "alias.service.consul. 0 CNAME db.service.consul.",
            "db.service.consul. 0 A 10.1.0.7",
        ],
    );
    client.check(
        "alias.service.consul SRV",
        &[
            "NoError aa",
            "alias.service.consul. 0 SRV 1 1 80 db.service.consul.",
            "+ db.service.consul. 0 A 10.1.0.7",
        ],
    );
    // It must not be kept as if it were of this service alone.
    fake.change(|catalogue| {
        catalogue.services.get_mut("db").unwrap()[0].0.address = "10.1.0.8".into();
        *catalogue.versions.get_mut("db").unwrap() += 1;
    });
    let after = client.get(&ask("alias.service.consul A"));
    assert!(show(&after).contains(&"db.service.consul. 0 A 10.1.0.8".to_owned()));
}

#[test]
fn whichever_instance_is_sent_brings_the_address_of_a_shared_host_name() {
    let fake = small();
    for port in 1..=5 {
        fake.add("shared", "n2", &[], |one| {
            one.address = "db.service.consul".into();
            one.port = port;
        });
    }
    let client = client(&fake, Settings { udp_answer_limit: 1, ..Settings::default() });
    for _ in 0..20 {
        let got = show(&client.get(&ask("shared.service.consul SRV")));
        assert!(got.len() == 3 && got[2] == "+ db.service.consul. 0 A 10.1.0.7", "{got:?}");
    }
}

#[test]
fn names_that_lead_to_themselves_end() {
    let fake = small();
    fake.add("loop", "n2", &[], |one| one.address = "loop.service.consul".into());
    fake.add("ping", "n1", &[], |one| one.address = "pong.service.consul".into());
    fake.add("pong", "n1", &[], |one| one.address = "ping.service.consul".into());
    let client = client(&fake, Settings::default());
    client.check("loop.service.consul A", &["NoError aa", "loop.service.consul. 0 A 10.0.0.2"]);
    let got = show(&client.get(&ask("ping.service.consul A")));
    assert_eq!(got[0], "NoError aa");
    assert!((2..=6).contains(&got.len()) && got.iter().skip(1).all(|line| line.contains("CNAME")), "{got:?}");
}
