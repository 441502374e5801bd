//! UDP: many packets for one call of the system, both ways.
//!
//! # The life of a batch
//!
//! [`serve`] waits until there is something, takes up to [`BATCH`] packets with one call, answers them into one buffer,
//! and hands all answers over with one call. What has to wait for somebody becomes a task, and its answer goes out alone.
//!
//! A socket that is bound to no address in particular is told by the system to which of the machine's addresses a packet
//! came, and the answer leaves from there: a client that asked one address takes no answer from another.

mod batch;

use std::io;
use std::net::UdpSocket as StdSocket;
use std::sync::Arc;

use konsul_runtime::time::{Duration, sleep};
use konsul_runtime::{select, spawn};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::cache::Cache;
use crate::edge::{Edge, Later, Moment, Step, Way};
use crate::figures::add;
use crate::render::Transport;
use crate::server::{CurrentEdge, Ticket};
use batch::{Answers, BATCH, Inbox, Origin};

/// How long to wait when the system refuses to hand packets out.
const TROUBLE: Duration = Duration::from_millis(100);

/// A socket and what its packets need.
pub(crate) struct Door {
    socket: UdpSocket,
    edges: Arc<CurrentEdge>,
    cache: Arc<Cache>,
    ticket: Ticket,
    is_any: bool,
}

impl Door {
    pub(crate) fn open(socket: StdSocket, edges: Arc<CurrentEdge>, ticket: Ticket) -> io::Result<Door> {
        let is_any = batch::prepare(&socket)?;
        let cache = Arc::new(Cache::new(edges.load().limits().cache_bytes));
        Ok(Door { socket: UdpSocket::from_std(socket)?, edges, cache, ticket, is_any })
    }

    /// Serves until the server stops.
    pub(crate) async fn serve(self: Arc<Self>) {
        let mut stop = self.ticket.clone();
        select! {
            biased;
            () = stop.finishing() => {}
            () = self.receive() => {}
        }
    }

    async fn receive(self: &Arc<Self>) {
        let mut inbox = Inbox::new(self.is_any);
        let mut answers = Answers::default();
        loop {
            if let Err(why) = self.socket.readable().await {
                tracing::warn!(error = %why, "the DNS socket cannot be waited for");
                sleep(TROUBLE).await;
            }
            match self.socket.try_io(Interest::READABLE, || inbox.receive(&self.socket)) {
                Ok(()) => self.answer(&inbox, &mut answers).await,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Err(why) => {
                    tracing::warn!(error = %why, "cannot receive DNS questions; trying again in a moment");
                    sleep(TROUBLE).await;
                }
            }
        }
    }

    async fn answer(self: &Arc<Self>, inbox: &Inbox, answers: &mut Answers) {
        let edge = self.edges.load_full();
        let moment = edge.moment();
        answers.clear();
        let mut way = Way::new(Transport::Udp, Arc::clone(&self.cache));
        for (packet, origin) in inbox.packets() {
            way.from = origin.from;
            if edge.shared().sources.ask(origin.from.ip(), edge.limits(), moment.now).is_err() {
                add(&edge.shared().figures.limited);
                continue;
            }
            if let Step::Later(later) = answers.add(origin, |out| edge.step(packet, &way, &moment, out)) {
                self.wait_for(later, origin, Arc::clone(&edge));
            }
        }
        self.send(answers, &edge).await;
        told(&edge, &moment, answers.len());
    }

    fn wait_for(self: &Arc<Self>, later: Later, origin: Origin, edge: Arc<Edge>) {
        let (door, mut ticket) = (Arc::clone(self), self.ticket.clone());
        drop(spawn(async move {
            let reply = select! {
                biased;
                () = ticket.cut() => return,
                reply = later => reply,
            };
            let mut answers = Answers::default();
            answers.add(origin, |out| out.extend_from_slice(&reply));
            door.send(&mut answers, &edge).await;
        }));
    }

    /// Sends all. What the system refuses for good is lost, as datagrams may be.
    async fn send(&self, answers: &mut Answers, edge: &Edge) {
        while !answers.are_sent() {
            match self.socket.try_io(Interest::WRITABLE, || answers.send(&self.socket, self.is_any)) {
                Ok(()) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.writable().await.is_err() {
                        return;
                    }
                }
                Err(why) => {
                    tracing::debug!(error = %why, "a DNS answer could not be sent");
                    add(&edge.shared().figures.unsent);
                    answers.pass_over_one();
                }
            }
        }
    }
}

/// All of a batch have the time of the batch.
fn told(edge: &Edge, moment: &Moment, answers: usize) {
    let took = moment.now.elapsed();
    for _ in 0..answers.min(BATCH) {
        edge.shared().figures.duration.add_duration(took);
    }
}
