//! One DNS question at a time, with its answer taken apart: to see that servers say the same before they are measured.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};

use super::Kind;
use crate::error::Error;

/// What an answer says: each record as a line of a zone file, in no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The records that were asked for.
    pub answers: BTreeSet<String>,
    /// The records that came beside them.
    pub additional: BTreeSet<String>,
}

const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `server` for records of `name`.
///
/// # Errors
///
/// [`Error::Dns`] when there is no answer, none without an error, or none with all of its records.
pub fn resolve(server: SocketAddr, name: &str, kind: Kind) -> Result<Resolved, Error> {
    let fault = |why: &dyn std::fmt::Display| Error::Dns(format!("{name} {}: {why}", kind.name()));
    let question = question(name, kind).map_err(|why| fault(&why))?;
    let answer = exchange(server, &question).map_err(|why| fault(&why))?;
    judged(&answer, &question).map_err(|why| fault(&why))
}

fn question(name: &str, kind: Kind) -> Result<Vec<u8>, hickory_proto::ProtoError> {
    let kind = match kind {
        Kind::A => RecordType::A,
        Kind::Srv => RecordType::SRV,
        Kind::Soa => RecordType::SOA,
    };
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name)?, kind));
    message.to_vec()
}

fn exchange(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(question)?;
    let mut answer = vec![0; 65_536];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn judged(answer: &[u8], question: &[u8]) -> Result<Resolved, String> {
    let message =
        Message::from_vec(answer).map_err(|why| format!("an answer that is not understood: {why}"))?;
    let head = &message.metadata;
    if answer[..2] != question[..2] || head.message_type != MessageType::Response {
        return Err("what came is no answer to this question".to_owned());
    }
    if head.response_code != ResponseCode::NoError || head.truncation {
        return Err(format!("{}, truncated: {}", head.response_code, head.truncation));
    }
    let lines = |records: &[Record]| records.iter().map(ToString::to_string).collect();
    Ok(Resolved { answers: lines(&message.answers), additional: lines(&message.additionals) })
}
