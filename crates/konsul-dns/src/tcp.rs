//! TCP: messages with their length before them (RFC 7766), many on a connection, each answered as soon as it can be.
//!
//! A connection lives as long as questions come: bytes of an unfinished one buy no time. It is not read from while its
//! answers are not taken, or while too many of its questions are being answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use konsul_runtime::time::{Duration, now, sleep, sleep_until, timeout};
use konsul_runtime::{select, spawn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::cache::Cache;
use crate::edge::{Edge, Later, Step, Way};
use crate::figures::add;
use crate::render::Transport;
use crate::server::{CurrentEdge, Ticket};
use crate::source::network_of;

mod places;

pub(crate) use places::Places;

/// How long to wait when the system has no more descriptors.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// Answers are written out when they come to so much, and bytes are taken in so many at a time.
const WRITE_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 4096;

/// A listener and what its connections need.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) edges: Arc<CurrentEdge>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) places: Arc<Places>,
    pub(crate) ticket: Ticket,
}

impl Door {
    /// Accepts until the server stops.
    pub(crate) async fn serve(self) {
        let mut stop = self.ticket.clone();
        select! {
            biased;
            () = stop.finishing() => {}
            () = self.accept() => {}
        }
    }

    async fn accept(&self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => self.admit(stream, from),
                Err(why) if is_of_one_connection(&why) => {}
                Err(why) => {
                    tracing::warn!(error = %why, "cannot accept a DNS connection; trying again in a moment");
                    sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, from: SocketAddr) {
        let edge = self.edges.load_full();
        let figures = Arc::clone(&edge.shared().figures);
        let Some(place) = Places::take(&self.places, network_of(from.ip()), edge.limits(), &figures) else {
            add(&figures.connections_refused);
            return;
        };
        add(&figures.connections);
        let way = Way { from, ..Way::new(Transport::Tcp, Arc::clone(&self.cache)) };
        let connection = Connection {
            edges: Arc::clone(&self.edges),
            way,
            inbox: BytesMut::new(),
            out: Vec::new(),
            pending: FuturesUnordered::new(),
        };
        let mut ticket = self.ticket.clone();
        drop(spawn(async move {
            let _place = place;
            let mut cut = ticket.clone();
            let ended = select! {
                biased;
                () = cut.cut() => return,
                ended = connection.serve(stream, &mut ticket) => ended,
            };
            if let Err(why) = ended {
                tracing::debug!(%from, error = %why, "a DNS connection ended");
            }
        }));
    }
}

/// Errors that concern a connection which ended before it was accepted, not the listener.
fn is_of_one_connection(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(why.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

struct Connection {
    edges: Arc<CurrentEdge>,
    way: Way,
    inbox: BytesMut,
    out: Vec<u8>,
    pending: FuturesUnordered<Later>,
}

impl Connection {
    async fn serve(mut self, mut stream: TcpStream, ticket: &mut Ticket) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut asked = now();
        let mut is_open = true;
        loop {
            let edge = self.edges.load_full();
            let limits = edge.limits();
            if self.take(&edge).await? {
                asked = now();
            }
            if !self.out.is_empty() {
                self.write(&mut stream, limits.tcp_write).await?;
                continue;
            }
            if !is_open && self.pending.is_empty() {
                return Ok(());
            }
            let may_read = is_open && self.pending.len() < limits.tcp_pipeline;
            self.inbox.reserve(READ_BYTES);
            select! {
                biased;
                Some(reply) = self.pending.next(), if !self.pending.is_empty() => {
                    frame(&mut self.out, |out| out.extend_from_slice(&reply));
                }
                () = ticket.finishing(), if is_open => is_open = false,
                read = stream.read_buf(&mut self.inbox), if may_read => is_open = read? > 0,
                () = sleep_until(asked + limits.tcp_idle), if self.pending.is_empty() => return Ok(()),
            }
        }
    }

    /// Answers the whole messages that are there, as many as may be under way; answers whether there was any.
    async fn take(&mut self, edge: &Arc<Edge>) -> io::Result<bool> {
        let mut any = false;
        while self.pending.len() < edge.limits().tcp_pipeline && self.out.len() < WRITE_BYTES {
            let Some(message) = self.next(edge.limits().tcp_query_bytes)? else { break };
            any = true;
            while let Err(wait) = edge.shared().sources.ask(self.way.from.ip(), edge.limits(), now()) {
                sleep(wait).await;
            }
            let moment = edge.moment();
            let way = &self.way;
            match frame(&mut self.out, |out| edge.step(&message, way, &moment, out)) {
                Step::Later(later) => self.pending.push(later),
                Step::Done => edge.shared().figures.duration.add_duration(moment.now.elapsed()),
            }
        }
        Ok(any)
    }

    /// The next whole message.
    fn next(&mut self, most: usize) -> io::Result<Option<BytesMut>> {
        let Some(length) = self.inbox.first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > most || length == 0 {
            let why = format!("a question of {length} bytes; 1 to {most} are taken");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        if self.inbox.len() < 2 + length {
            return Ok(None);
        }
        self.inbox.advance(2);
        Ok(Some(self.inbox.split_to(length)))
    }

    async fn write(&mut self, stream: &mut TcpStream, patience: Duration) -> io::Result<()> {
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            let wrote = timeout(patience, stream.write(rest)).await;
            let wrote =
                wrote.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "answers are not taken"))??;
            if wrote == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = &rest[wrote..];
        }
        self.out.clear();
        Ok(())
    }
}

/// Appends what `write` appends, with its length before it, or nothing.
fn frame<T>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let begin = out.len();
    out.extend_from_slice(&[0, 0]);
    let value = write(out);
    match u16::try_from(out.len() - begin - 2) {
        Ok(0) | Err(_) => out.truncate(begin),
        Ok(length) => out[begin..begin + 2].copy_from_slice(&length.to_be_bytes()),
    }
    value
}
