//! What a source may ask, and how it shows that it is where it says.

use std::sync::atomic::Ordering::SeqCst;

use konsul_dns::{Limits, Settings, Transport};

use crate::client::{Client, ask, client, show};
use crate::directory::{node, small};

fn far(limits: Limits) -> Client {
    let fake = small();
    for at in 0..50 {
        fake.add_node(node(&format!("m{at}"), &format!("10.2.0.{at}"))).add(
            "many",
            &format!("m{at}"),
            &[],
            |_| {},
        );
    }
    let mut client = client(&fake, Settings { limits, ..Settings::default() });
    client.from = "192.0.2.7:4242".parse().unwrap();
    client
}

#[test]
fn questions_beyond_the_rate_get_no_answer() {
    let client = far(Limits { queries_per_second: 1, ..Limits::default() });
    let packet = ask("web.service.consul A").packet;
    let answered = (0..100).filter(|_| client.raw(&packet).is_some()).count();
    // Two seconds ahead, and what the test itself took.
    assert!((2..50).contains(&answered), "{answered}");
    assert_eq!(client.responder.figures().limited.load(SeqCst), 100 - answered as u64);
}

#[test]
fn a_flood_of_large_answers_is_sent_to_tcp_or_dropped() {
    let client = far(Limits { unproven_bytes_per_second: 100, ..Limits::default() });
    let large = ask("many.service.consul SRV").edns(4096);
    assert!(client.raw(&large.packet).unwrap().len() > 2000);
    let after: Vec<Option<Vec<u8>>> = (0..10).map(|_| client.raw(&large.packet)).collect();
    let slipped: Vec<&Vec<u8>> = after.iter().flatten().collect();
    assert_eq!(slipped.len(), 5);
    for bytes in slipped {
        assert!(bytes.len() <= large.packet.len());
        assert!(crate::client::read(bytes).metadata.truncation);
    }
    // Whoever comes back over TCP has shown where it is.
    let mut tcp = client;
    tcp.transport = Transport::Tcp;
    assert_eq!(tcp.get(&large).answers.len(), 50);
}

#[test]
fn a_cookie_of_ours_shows_where_a_client_is() {
    let client = far(Limits { unproven_bytes_per_second: 1, ..Limits::default() });
    let with = |cookie: &[u8]| {
        let option = [&[0, 10, 0, cookie.len() as u8], cookie].concat();
        ask("many.service.consul SRV").opt(4096, 0, &option)
    };
    let cookie_in = |bytes: &[u8]| bytes[bytes.len() - 24..].to_vec();
    let first = client.raw(&with(b"clientpt").packet).unwrap();
    let cookie = cookie_in(&first);
    assert_eq!(&cookie[..8], b"clientpt");
    for _ in 0..20 {
        assert_eq!(client.get(&with(&cookie)).answers.len(), 50);
    }
    let mut forged = cookie;
    forged[20] ^= 1;
    let small =
        (0..4).filter(|_| client.raw(&with(&forged).packet).is_none_or(|bytes| bytes.len() < 200)).count();
    assert_eq!(small, 4);
}

#[test]
fn too_many_that_wait_are_told_to_come_back() {
    let fake = small();
    fake.add("slow", "n2", &[], |_| {});
    let limits = Limits { waiting: 1, ..Limits::default() };
    let client = client(&fake, Settings { limits, ..Settings::default() });
    konsul_runtime::block_on(async {
        let packet = ask("slow.service.consul A").packet;
        let first = client.responder.respond(&packet, client.from, Transport::Udp);
        let second = async {
            let refused = client.responder.respond(&packet, client.from, Transport::Udp).await.unwrap();
            fake.gate.notify_one();
            refused
        };
        let (first, second) = tokio::join!(biased; first, second);
        assert_eq!(show(&crate::client::read(&second)), ["ServFail"]);
        assert_eq!(crate::client::read(&first.unwrap()).answers.len(), 1);
    });
    assert_eq!(client.responder.figures().overloaded.load(SeqCst), 1);
}

#[test]
fn a_directory_that_never_answers_is_a_failure_in_time() {
    let fake = small();
    fake.add("slow", "n2", &[], |_| {});
    let directory_timeout = konsul_runtime::time::Duration::from_millis(20);
    let limits = Limits { directory_timeout, ..Limits::default() };
    let client = client(&fake, Settings { limits, ..Settings::default() });
    client.check("slow.service.consul A", &["ServFail"]);
}
