//! One question over the wire: UDP, and again over TCP where the answer did not fit.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// What a datagram may hold: as much as passes every network in one piece (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// Datagrams get lost: so often the question is sent.
const TRIES: u32 = 3;

/// A question, and whom to ask.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) server: SocketAddr,
    pub(super) name: Name,
    pub(super) kind: RecordType,
    /// Over TCP from the start.
    pub(super) tcp: bool,
    pub(super) patience: Duration,
}

/// An answer, and how it came.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) message: Message,
    /// `udp`, `tcp`, or `tcp after udp` if the first answer was cut.
    pub(super) transport: &'static str,
    pub(super) took: Duration,
}

impl Question {
    /// Asks.
    ///
    /// # Errors
    /// No answer in time, or none that can be read.
    pub(super) async fn ask(&self) -> io::Result<Answered> {
        let begun = Instant::now();
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD);
        message.set_edns(edns);
        let packet = message.to_vec().map_err(io::Error::other)?;
        let id = message.metadata.id;
        if self.tcp {
            let message = self.over_tcp(&packet, id).await?;
            return Ok(Answered { message, transport: "tcp", took: begun.elapsed() });
        }
        let message = self.over_udp(&packet, id).await?;
        if !message.metadata.truncation {
            return Ok(Answered { message, transport: "udp", took: begun.elapsed() });
        }
        let message = self.over_tcp(&packet, id).await?;
        Ok(Answered { message, transport: "tcp after udp", took: begun.elapsed() })
    }

    async fn over_udp(&self, packet: &[u8], id: u16) -> io::Result<Message> {
        let any = if self.server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).await?;
        // From then on the system passes only what comes from there.
        socket.connect(self.server).await?;
        for _ in 0..TRIES {
            socket.send(packet).await?;
            match timeout(self.patience / TRIES, answer_of(&socket, id)).await {
                Ok(answer) => return answer,
                Err(_) => continue,
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", self.patience)))
    }

    async fn over_tcp(&self, packet: &[u8], id: u16) -> io::Result<Message> {
        let late =
            |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", self.patience));
        timeout(self.patience, self.exchange(packet, id)).await.map_err(late)?
    }

    async fn exchange(&self, packet: &[u8], id: u16) -> io::Result<Message> {
        let mut stream = TcpStream::connect(self.server).await?;
        let length = u16::try_from(packet.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), packet].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        let message = Message::from_vec(&answer).map_err(io::Error::other)?;
        if message.metadata.id == id {
            return Ok(message);
        }
        Err(io::Error::other("the answer is for another question"))
    }
}

/// The next datagram that answers this question; what does not is somebody's noise.
async fn answer_of(socket: &UdpSocket, id: u16) -> io::Result<Message> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let count = socket.recv(&mut buffer).await?;
        match Message::from_vec(&buffer[..count]) {
            Ok(message) if message.metadata.id == id => return Ok(message),
            _ => continue,
        }
    }
}
