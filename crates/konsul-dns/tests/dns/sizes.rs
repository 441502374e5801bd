//! What fits: counts, sizes, TC, compression; by size, type and EDNS0.

use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};
use konsul_dns::{Limits, Settings};

use crate::client::{ask, client, read, show};
use crate::directory::{Fake, node, small};

fn many(count: usize) -> Arc<Fake> {
    let fake = small();
    for at in 0..count {
        fake.add_node(node(&format!("m{at}"), &format!("10.2.{}.{}", at / 250, at % 250)));
        fake.add("many", &format!("m{at}"), &[], |_| {});
    }
    fake
}

#[test]
fn plain_questions_get_three_and_no_more_than_eight() {
    let fake = many(20);
    for (limit, expect) in [(3, 3), (5, 5), (100, 8), (0, 1)] {
        let client = client(&fake, Settings { udp_answer_limit: limit, ..Settings::default() });
        let got = client.get(&ask("many.service.consul A"));
        assert_eq!((got.answers.len(), got.metadata.truncation), (expect, false), "{limit}");
        assert_eq!(client.get(&ask("many.service.consul A").edns(1232)).answers.len(), 20);
    }
}

#[test]
fn tc_says_that_something_is_missing_where_it_may() {
    let fake = many(20);
    let client = client(&fake, Settings { enable_truncate: true, ..Settings::default() });
    assert!(client.get(&ask("many.service.consul A")).metadata.truncation);
    assert!(!client.get(&ask("many.service.consul A").edns(1232)).metadata.truncation);
    assert!(!client.get(&ask("web.service.consul A")).metadata.truncation);
    assert!(!client.over_tcp().get(&ask("many.service.consul A")).metadata.truncation);
}

#[test]
fn a_record_limit_holds_everywhere_and_cuts_nothing() {
    let fake = many(20);
    let settings = Settings { a_record_limit: 2, enable_truncate: true, ..Settings::default() };
    let udp = client(&fake, settings.clone());
    let tcp = client(&fake, settings).over_tcp();
    for got in [udp.get(&ask("many.service.consul A").edns(4096)), tcp.get(&ask("many.service.consul A"))] {
        assert_eq!((got.answers.len(), got.metadata.truncation), (2, false));
    }
    assert_eq!(tcp.get(&ask("many.service.consul SRV")).answers.len(), 20);
}

#[test]
fn no_answer_is_larger_than_it_may_be_and_each_is_whole() {
    let fake = many(300);
    let client = client(&fake, Settings { enable_truncate: true, ..Settings::default() });
    for qtype in ["A", "SRV", "ANY", "TXT", "AAAA"] {
        for size in [0, 1, 511, 512, 513, 600, 1232, 4096, 65535] {
            let ask = ask(&format!("many.service.consul {qtype}")).edns(size);
            let bytes = client.raw(&ask.packet).unwrap();
            let most = usize::from(size).clamp(512, 4096);
            assert!(bytes.len() <= most, "{qtype} {size}: {}", bytes.len());
            let got = read(&bytes);
            assert_eq!(got.max_payload(), size.max(512));
            if qtype == "SRV" {
                // The room is used, and each target has its address.
                assert!(bytes.len() + 60 > most, "{size}: {}", bytes.len());
                assert_eq!(got.answers.len(), got.additionals.len());
                for answer in &got.answers {
                    let RData::SRV(srv) = &answer.data else { panic!("{answer}") };
                    assert!(got.additionals.iter().any(|record| record.name == srv.target), "{answer}");
                }
            }
        }
    }
}

#[test]
fn what_the_client_offers_is_capped() {
    let limits = Limits { udp_bytes: 700, ..Limits::default() };
    let client = client(&many(100), Settings { limits, ..Settings::default() });
    let bytes = client.raw(&ask("many.service.consul A").edns(4096).packet).unwrap();
    assert!((680..=700).contains(&bytes.len()), "{}", bytes.len());
}

#[test]
fn tcp_takes_what_one_message_holds() {
    let client = client(&many(3000), Settings::default()).over_tcp();
    let got = client.get(&ask("many.service.consul A"));
    assert_eq!((got.answers.len(), got.metadata.truncation), (3000, false));
    let bytes = client.raw(&ask("many.service.consul SRV").packet).unwrap();
    let got = read(&bytes);
    // Targets beyond the reach of pointers are written twice.
    assert!(bytes.len() <= 65_523 && (700..=1024).contains(&got.answers.len()));
    assert_eq!(got.answers.len(), got.additionals.len());
}

/// A name of 255 bytes leaves no room for one answer with its address in 512.
#[test]
fn where_nothing_fits_tc_stands_alone() {
    let fake = small();
    let label = |letter: char| letter.to_string().repeat(63);
    let long = format!("{}.{}.{}", label('a'), label('b'), label('c'));
    let (host, service) = (format!("{long}.{}", "d".repeat(45)), "e".repeat(42));
    fake.add_node(node(&host, "10.0.0.77")).add(&service, &host, &[&long], |_| {});
    let client = client(&fake, Settings::default());
    let question = format!("{long}.{service}.service.dc1.consul SRV");
    let got = client.get(&ask(&question));
    assert_eq!(show(&got), ["NoError aa tc"]);
    let got = client.get(&ask(&question).edns(1232));
    assert_eq!((got.answers.len(), got.additionals.len()), (1, 1));
}

#[test]
fn without_compression_names_are_whole() {
    let fake = small();
    let plain = client(&fake, Settings { disable_compression: true, ..Settings::default() });
    let short = client(&fake, Settings::default());
    for question in [
        "web.service.consul SRV",
        "web.service.consul A",
        "nothing.consul A",
        "n1.node.consul TXT",
        "consul NS",
    ] {
        let (long, compressed) =
            (plain.raw(&ask(question).packet).unwrap(), short.raw(&ask(question).packet).unwrap());
        assert_eq!(show(&read(&long)), show(&read(&compressed)), "{question}");
        assert_eq!(long, without_pointers(&read(&long)), "{question}");
        assert!(long.len() > compressed.len() || read(&long).answers.is_empty() && question == "consul NS");
    }
}

#[test]
fn those_that_share_a_target_share_its_address_where_it_does_not_fit_with_each() {
    let fake = small();
    for port in 1..=24 {
        fake.add("twin", "n2", &[], |one| one.port = port);
    }
    let client = client(&fake, Settings::default());
    let counts = |size| {
        let got = client.get(&ask("twin.service.consul SRV").edns(size));
        let addresses = got.additionals.iter().filter(|one| matches!(one.data, RData::A(_)));
        (got.answers.len(), addresses.count())
    };
    assert_eq!(counts(4096), (24, 24));
    // 38 bytes for each record, and 16 for an address.
    assert_eq!(counts(1232), (24, 1));
    assert_eq!(counts(600), (14, 1));
}

/// What hickory makes of a message where no name is shortened. Bytes that look like a pointer can stand anywhere else:
/// in an address, in the serial number of a SOA.
fn without_pointers(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    message.emit(&mut encoder).unwrap();
    bytes
}
