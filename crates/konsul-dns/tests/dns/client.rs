//! Asks, and shows answers as text. They are read by hickory-proto: a second opinion on every byte that is written.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};
use konsul_dns::{Responder, Settings, Transport};

use crate::directory::Fake;

/// A question in the making.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) packet: Vec<u8>,
}

/// `NAME TYPE`, as `dig` takes it; no EDNS0.
pub(crate) fn ask(text: &str) -> Ask {
    let (name, qtype) = text.rsplit_once(' ').expect("a name and a type");
    let labels: Vec<&[u8]> = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
    ask_labels(&labels, number_of(qtype))
}

pub(crate) fn ask_labels(labels: &[&[u8]], qtype: u16) -> Ask {
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in labels {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label);
    }
    packet.push(0);
    packet.extend_from_slice(&qtype.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    Ask { packet }
}

pub(crate) fn number_of(qtype: &str) -> u16 {
    match qtype {
        "A" => 1,
        "NS" => 2,
        "CNAME" => 5,
        "SOA" => 6,
        "PTR" => 12,
        "MX" => 15,
        "TXT" => 16,
        "AAAA" => 28,
        "SRV" => 33,
        "AXFR" => 252,
        "ANY" => 255,
        other => panic!("no type {other}"),
    }
}

impl Ask {
    /// With EDNS0 and a size.
    pub(crate) fn edns(self, size: u16) -> Ask {
        self.opt(size, 0, &[])
    }

    pub(crate) fn opt(mut self, size: u16, version: u8, options: &[u8]) -> Ask {
        self.packet[11] += 1;
        self.packet.extend_from_slice(&[0, 0, 41]);
        self.packet.extend_from_slice(&size.to_be_bytes());
        self.packet.extend_from_slice(&[0, version, 0, 0]);
        self.packet.extend_from_slice(&(options.len() as u16).to_be_bytes());
        self.packet.extend_from_slice(options);
        self
    }

    pub(crate) fn id(mut self, id: u16) -> Ask {
        self.packet[..2].copy_from_slice(&id.to_be_bytes());
        self
    }
}

/// Questions in process.
pub(crate) struct Client {
    pub(crate) responder: Responder,
    pub(crate) from: SocketAddr,
    pub(crate) transport: Transport,
}

pub(crate) fn client(fake: &Arc<Fake>, settings: Settings) -> Client {
    let directory: Arc<Fake> = Arc::clone(fake);
    let responder = Responder::new(directory, settings).unwrap();
    Client { responder, from: "127.0.0.1:5353".parse().unwrap(), transport: Transport::Udp }
}

impl Client {
    pub(crate) fn over_tcp(mut self) -> Client {
        self.transport = Transport::Tcp;
        self
    }

    pub(crate) fn raw(&self, packet: &[u8]) -> Option<Vec<u8>> {
        konsul_runtime::block_on(self.responder.respond(packet, self.from, self.transport))
    }

    pub(crate) fn get(&self, ask: &Ask) -> Message {
        read(&self.raw(&ask.packet).expect("an answer"))
    }

    /// Asks `NAME TYPE` and compares what [`show`] makes of the answer.
    #[track_caller]
    pub(crate) fn check(&self, question: &str, expect: &[&str]) {
        self.check_ask(&ask(question), question, expect);
    }

    #[track_caller]
    pub(crate) fn check_ask(&self, ask: &Ask, what: &str, expect: &[&str]) {
        assert_eq!(show(&self.get(ask)), expect, "{what}");
    }
}

pub(crate) fn read(bytes: &[u8]) -> Message {
    Message::from_vec(bytes).unwrap_or_else(|why| panic!("{why}: {}", bytes.escape_ascii()))
}

/// Rcode and flags, then the records: answers as they are, authority after `?`, additional after `+`. Answers and
/// additional records are sorted, since their order is drawn.
pub(crate) fn show(message: &Message) -> Vec<String> {
    let head = &message.metadata;
    let mut first = format!("{:?}", head.response_code);
    let flags = [(head.authoritative, " aa"), (head.truncation, " tc"), (head.recursion_available, " ra")];
    flags.iter().filter(|(is_set, _)| *is_set).for_each(|(_, name)| first.push_str(name));
    let mut lines = vec![first];
    for (records, prefix) in
        [(&message.answers, ""), (&message.authorities, "? "), (&message.additionals, "+ ")]
    {
        let mut section: Vec<String> =
            records.iter().map(|record| format!("{prefix}{}", line(record))).collect();
        section.sort();
        lines.extend(section);
    }
    lines
}

fn line(record: &Record) -> String {
    let data = match &record.data {
        // The serial number is the time.
        RData::SOA(soa) => {
            format!(
                "{} {} {} {} {} {}",
                soa.mname, soa.rname, soa.refresh, soa.retry, soa.expire, soa.minimum
            )
        }
        data => data.to_string(),
    };
    format!("{} {} {} {data}", record.name, record.ttl, record.record_type())
}

pub(crate) fn addresses(message: &Message) -> Vec<IpAddr> {
    message.answers.iter().filter_map(|record| record.data.ip_addr()).collect()
}
