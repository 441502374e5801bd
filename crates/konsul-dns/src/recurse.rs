//! Asks the recursors: on behalf of a client for a name outside our zones, and for the addresses behind a host name.
//!
//! A client's question is asked again with an id and a port of our own, and without what is between the client and us
//! (its cookie). The reply is passed on as it came, once it is certain that it belongs to the question. What has to be
//! understood is read by hickory-proto.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record as Theirs};
use konsul_runtime::random;
use konsul_runtime::time::{Duration, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::answer::{Data, Owner, Record};
use crate::render::{PLAIN_BYTES, Transport};
use crate::settings::{RecursorStrategy, Settings};
use crate::wire::{Edns, HEAD_BYTES, Name, Query, class, rtype, u16_at};

/// What we take in a datagram when we ask for ourselves: it crosses every network whole.
const OWN_SIZE: u16 = 1232;

/// The recursors and how they are asked.
#[derive(Debug, Clone)]
pub(crate) struct Recursors {
    addresses: Vec<SocketAddr>,
    strategy: RecursorStrategy,
    patience: Duration,
}

impl Recursors {
    pub(crate) fn new(settings: &Settings) -> Recursors {
        let mut addresses = Vec::new();
        for address in &settings.recursors {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        Recursors { addresses, strategy: settings.recursor_strategy, patience: settings.recursor_timeout }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Passes a question on; answers the first reply that says that the name exists or that it does not. Its id is ours.
    pub(crate) async fn forward(&self, query: &Query<'_>, transport: Transport) -> Option<Vec<u8>> {
        let ask = Ask::again(query);
        for recursor in self.in_turn() {
            match timeout(self.patience, ask.exchange(recursor, transport)).await {
                Ok(Ok(reply)) if is_word(&reply) => return Some(reply),
                Ok(Ok(_)) => tracing::debug!(%recursor, "recursor knows no answer"),
                Ok(Err(why)) => tracing::debug!(%recursor, error = %why, "recursor cannot be asked"),
                Err(_) => tracing::debug!(%recursor, "recursor did not answer in time"),
            }
        }
        None
    }

    /// CNAMEs and addresses of a name, in the order in which they came. None if nobody knows.
    pub(crate) async fn lookup(&self, name: &Name, qtype: u16) -> Vec<Record> {
        let ask = Ask::new(name, qtype);
        for recursor in self.in_turn() {
            if let Ok(Ok(message)) = timeout(self.patience, ask.message(recursor)).await {
                return message.answers.iter().filter_map(record).collect();
            }
        }
        Vec::new()
    }

    fn in_turn(&self) -> Vec<SocketAddr> {
        let mut addresses = self.addresses.clone();
        if self.strategy == RecursorStrategy::Random {
            for at in 0..addresses.len() {
                let other = random::between(at as u64, addresses.len() as u64) as usize;
                addresses.swap(at, other);
            }
        }
        addresses
    }
}

/// Whether a reply is worth passing on: NOERROR or NXDOMAIN. A truncated one is: the client comes back over TCP.
fn is_word(reply: &[u8]) -> bool {
    matches!(reply[3] & 0xF, 0 | 3)
}

/// A question to a recursor. Its id is drawn for each exchange.
struct Ask {
    packet: Vec<u8>,
    question_end: usize,
    size: usize,
}

impl Ask {
    fn again(query: &Query<'_>) -> Ask {
        // RD and CD stay.
        Ask::build(query.flags & 0x0110, query.question(), query.edns.as_ref())
    }

    fn new(name: &Name, qtype: u16) -> Ask {
        let question = [name.wire(), &qtype.to_be_bytes(), &class::IN.to_be_bytes()].concat();
        Ask::build(0x0100, &question, Some(&Edns { size: OWN_SIZE, ..Edns::default() }))
    }

    fn build(flags: u16, question: &[u8], edns: Option<&Edns>) -> Ask {
        let mut packet = vec![0; HEAD_BYTES];
        packet[2..4].copy_from_slice(&flags.to_be_bytes());
        packet[5] = 1;
        packet.extend_from_slice(question);
        let question_end = packet.len();
        let mut size = PLAIN_BYTES;
        if let Some(edns) = edns {
            packet[11] = 1;
            size = size.max(edns.size.into());
            write_opt(edns, &mut packet);
        }
        Ask { packet, question_end, size }
    }

    async fn exchange(&self, recursor: SocketAddr, transport: Transport) -> io::Result<Vec<u8>> {
        let mut packet = self.packet.clone();
        let id = random::u64() as u16;
        packet[..2].copy_from_slice(&id.to_be_bytes());
        match transport {
            Transport::Udp => self.over_udp(recursor, &packet).await,
            Transport::Tcp => self.over_tcp(recursor, &packet).await,
        }
    }

    async fn over_udp(&self, recursor: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
        let any: IpAddr = match recursor {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(recursor).await?;
        socket.send(packet).await?;
        let mut reply = vec![0; self.size];
        loop {
            let length = socket.recv(&mut reply).await?;
            // Something else that comes in here is a forgery, or late: the right one may follow.
            if self.is_reply(packet, &reply[..length]) {
                reply.truncate(length);
                return Ok(reply);
            }
        }
    }

    async fn over_tcp(&self, recursor: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(recursor).await?;
        let length = (packet.len() as u16).to_be_bytes();
        stream.write_all(&[&length, packet].concat()).await?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).await?;
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut reply).await?;
        if self.is_reply(packet, &reply) {
            return Ok(reply);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the reply belongs to another question"))
    }

    /// Same id, a response, to the same question.
    fn is_reply(&self, packet: &[u8], reply: &[u8]) -> bool {
        let question = HEAD_BYTES..self.question_end;
        let has_head = reply.len() >= HEAD_BYTES && reply[..2] == packet[..2] && reply[2] & 0x80 != 0;
        // A failure may come without the question.
        has_head
            && match reply.get(question.clone()) {
                Some(theirs) if u16_at(reply, 4) == Some(1) => theirs.eq_ignore_ascii_case(&packet[question]),
                _ => !is_word(reply),
            }
    }

    /// For ourselves: over TCP where a datagram was too small.
    async fn message(&self, recursor: SocketAddr) -> io::Result<Message> {
        let mut message = read(&self.exchange(recursor, Transport::Udp).await?)?;
        if message.metadata.truncation {
            message = read(&self.exchange(recursor, Transport::Tcp).await?)?;
        }
        match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(message),
            code => Err(io::Error::other(format!("recursor answers {code}"))),
        }
    }
}

fn write_opt(edns: &Edns, packet: &mut Vec<u8>) {
    let mut options = Vec::new();
    if let Some(subnet) = &edns.subnet {
        subnet.write(0, &mut options);
    }
    packet.push(0);
    packet.extend_from_slice(&rtype::OPT.to_be_bytes());
    packet.extend_from_slice(&edns.size.max(PLAIN_BYTES as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0, if edns.dnssec_ok { 0x80 } else { 0 }, 0]);
    packet.extend_from_slice(&(options.len() as u16).to_be_bytes());
    packet.extend_from_slice(&options);
}

fn read(reply: &[u8]) -> io::Result<Message> {
    Message::from_vec(reply).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
}

/// One of their records as one of ours, if it is of use.
fn record(theirs: &Theirs) -> Option<Record> {
    let name = |name: &hickory_proto::rr::Name| Name::from_labels(name.iter());
    let data = match &theirs.data {
        RData::A(address) => Data::Address(address.0.into()),
        RData::AAAA(address) => Data::Address(address.0.into()),
        RData::CNAME(target) => Data::Cname(name(&target.0)?),
        _ => return None,
    };
    Some(Record { owner: Owner::Name(name(&theirs.name)?), ttl: theirs.ttl, data })
}
