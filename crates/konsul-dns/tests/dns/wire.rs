//! Answers byte by byte.

use konsul_dns::Settings;

use crate::client::{ask, client};
use crate::directory::small;

#[track_caller]
fn check(question: &str, edns: bool, expect: &[&[u8]]) {
    let client = client(&small(), Settings { additional_node_meta_txt: false, ..Settings::default() });
    let ask = if edns { ask(question).edns(1232) } else { ask(question) };
    let got = client.raw(&ask.packet).unwrap();
    let expect = expect.concat();
    assert_eq!(got.escape_ascii().to_string(), expect.escape_ascii().to_string());
}

#[test]
fn an_address() {
    check(
        "Db.service.consul A",
        false,
        &[
            b"\x12\x34\x85\x00\0\x01\0\x01\0\0\0\0",
            b"\x02Db\x07service\x06consul\0\0\x01\0\x01",
            b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x0a\x01\0\x07",
        ],
    );
}

#[test]
fn a_service_record_with_its_address_and_edns() {
    check(
        "v2.web.service.consul SRV",
        true,
        &[
            b"\x12\x34\x85\x00\0\x01\0\x01\0\0\0\x02",
            b"\x02v2\x03web\x07service\x06consul\0\0\x21\0\x01",
            b"\xc0\x0c\0\x21\0\x01\0\0\0\0\0\x1a\0\x01\0\x01\x1f\x90\x02n2\x04node\x03dc1\x06consul\0",
            b"\xc0\x39\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x02",
            b"\0\0\x29\x04\xd0\0\0\0\0\0\0",
        ],
    );
}

#[test]
fn a_reverse_name_and_a_pointer_target() {
    check(
        "2.0.0.10.in-addr.arpa PTR",
        false,
        &[
            b"\x12\x34\x85\x00\0\x01\0\x01\0\0\0\0",
            b"\x012\x010\x010\x0210\x07in-addr\x04arpa\0\0\x0c\0\x01",
            b"\xc0\x0c\0\x0c\0\x01\0\0\0\0\0\x14\x02n2\x04node\x03dc1\x06consul\0",
        ],
    );
}

#[test]
fn refused_and_recursion_is_not_offered() {
    check(
        "example.org A",
        false,
        &[b"\x12\x34\x81\x05\0\x01\0\0\0\0\0\0", b"\x07example\x03org\0\0\x01\0\x01"],
    );
}
