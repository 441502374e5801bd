//! What is no question, and what is no question for us.

use konsul_dns::{Settings, Transport};

use crate::client::{Ask, Client, ask, client, show};
use crate::directory::small;

fn any() -> Client {
    client(&small(), Settings::default())
}

/// The rcode of what is answered with a head alone.
fn bare(packet: &[u8]) -> Option<u8> {
    let got = any().raw(packet)?;
    assert_eq!(got.len(), 12, "{}", got.escape_ascii());
    assert_eq!(got[..2], packet[..2]);
    Some(got[3] & 0xF)
}

#[test]
fn pieces_of_a_packet() {
    let whole = ask("web.service.consul A").edns(1232).packet;
    for length in 0..whole.len() {
        let expect = (length >= 12).then_some(1);
        assert_eq!(bare(&whole[..length]), expect, "{length}");
    }
}

#[test]
fn counts_that_no_question_has() {
    let one = ask("web.service.consul A").packet;
    let hundred = [&one[..4], &[0, 100], &one[6..12], &one[12..].repeat(100)].concat();
    assert_eq!(bare(&hundred), Some(1));
    let mut none = one.clone();
    none[5] = 0;
    assert_eq!(bare(&none), Some(5));
    let mut lying = one;
    lying[10..12].copy_from_slice(&[0xFF, 0xFF]);
    assert_eq!(bare(&lying), Some(1));
}

#[test]
fn responses_and_other_operations() {
    let mut packet = ask("web.service.consul A").packet;
    packet[2] = 0x81;
    assert_eq!(any().raw(&packet), None);
    for opcode in 1..16 {
        packet[2] = opcode << 3;
        assert_eq!(bare(&packet), Some(4), "{opcode}");
    }
}

#[test]
fn other_classes_and_newer_edns() {
    let mut chaos = ask("version.bind TXT");
    *chaos.packet.last_mut().unwrap() = 3;
    assert_eq!(show(&any().get(&chaos)), ["Refused"]);
    let mut all = ask("web.service.consul A");
    let end = all.packet.len();
    all.packet[end - 2..].copy_from_slice(&[0, 255]);
    assert_eq!(any().get(&all).answers.len(), 2);
    let got = any().get(&ask("web.service.consul A").opt(1232, 1, &[]));
    assert_eq!(u16::from(got.metadata.response_code), 16);
}

#[test]
fn loops_of_pointers_end_at_once() {
    let mut packet = ask("web.service.consul A").packet;
    packet.truncate(12);
    packet.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1]);
    assert_eq!(bare(&packet), Some(1));
    let mut in_record = ask("web.service.consul A").packet;
    in_record[11] = 1;
    let at = in_record.len() as u8;
    in_record.extend_from_slice(&[0xC0, at, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(any().get(&Ask { packet: in_record }).answers.len(), 2);
}

/// The answer to garbage is never larger than a head, whatever it is.
#[test]
fn garbage_is_not_amplified() {
    let client = any();
    let mut state = 1u32;
    for length in (0..600).step_by(3) {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let packet: Vec<u8> = (0..length).map(|_| next()).collect();
        if let Some(got) = client.raw(&packet) {
            assert!(got.len() <= packet.len().max(12), "{}", packet.escape_ascii());
        }
    }
    let figures = client.responder.figures();
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::SeqCst);
    assert!(load(&figures.ignored) > 50 && load(&figures.malformed) > 50);
}

#[test]
fn answers_are_counted_by_type_and_rcode() {
    let client = any();
    for question in ["web.service.consul A", "web.service.consul A", "nothing.consul SRV", "example.org MX"] {
        client.get(&ask(question));
    }
    let counted: Vec<String> = client
        .responder
        .figures()
        .answers()
        .map(|(qtype, rcode, n)| format!("{qtype} {} {n}", rcode.name()))
        .collect();
    assert_eq!(counted, ["A NOERROR 2", "SRV NXDOMAIN 1", "MX REFUSED 1"]);
    assert_eq!(client.transport, Transport::Udp);
}
