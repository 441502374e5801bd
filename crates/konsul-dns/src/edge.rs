//! One packet in, at most one out: what happens between the sockets and the resolver.
//!
//! # The life of a packet
//!
//! [`Edge::step`] takes it from its source's allowance, reads it, and looks for a ready answer. Else it makes one: the
//! future of [`Resolver::resolve`] is polled once, and where the directory has its answer at hand that is all; where it
//! has to ask somebody, the future goes back to the socket's task as [`Step::Later`], and the socket goes on.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use konsul_runtime::sync::Semaphore;
use konsul_runtime::time::{Duration, Instant, now, timeout, wall_ms};

use crate::answer::Answer;
use crate::cache::Cache;
use crate::cookie::{Cookie, Cookies};
use crate::directory::Directory;
use crate::figures::{Figures, add};
use crate::recurse::Recursors;
use crate::render::{Rendering, Transport, bytes_max};
use crate::resolve::{Keep, Question, Resolved, Resolver};
use crate::settings::{Limits, Settings};
use crate::source::{Grant, Sources};
use crate::wire::{Head, Malformed, Name, Query, Rcode, class, write_head};
use crate::zones::{Place, ZoneError, Zones};

/// Everything between the sockets and the directory, under one set of settings.
pub(crate) struct Edge {
    resolver: Arc<Resolver>,
    shared: Arc<Shared>,
    waiting: Arc<Semaphore>,
    /// Tells answers made under these settings from others.
    epoch: u64,
}

/// What outlives a change of settings.
pub(crate) struct Shared {
    pub(crate) figures: Arc<Figures>,
    pub(crate) sources: Sources,
    cookies: Cookies,
}

/// What all packets of a moment have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    seconds: u32,
    generation: Option<u64>,
}

/// Where a packet came from, and where ready answers are.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) from: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) cache: Arc<Cache>,
}

/// What became of a packet.
pub(crate) enum Step {
    /// Its answer was appended, or it gets none.
    Done,
    /// Its answer takes a while. Empty if it gets none after all.
    Later(Later),
}

pub(crate) type Later = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

/// How a question that takes a while ends.
enum End {
    Answer(Arc<Answer>, Keep),
    /// A recursor's word, or that there is none.
    Forwarded(Option<Vec<u8>>),
}

/// A question on its way.
struct Ask<'a> {
    query: Query<'a>,
    way: &'a Way,
    cookie: Option<Cookie>,
    /// The client has shown that it is where it says.
    is_proven: bool,
}

impl Way {
    /// From nowhere yet.
    pub(crate) fn new(transport: Transport, cache: Arc<Cache>) -> Way {
        Way { from: SocketAddr::from(([0, 0, 0, 0], 0)), transport, cache }
    }
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared { figures: Arc::default(), sources: Sources::new(), cookies: Cookies::new() }
    }
}

impl Edge {
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        settings: Settings,
        shared: Arc<Shared>,
        epoch: u64,
    ) -> Result<Edge, ZoneError> {
        let zones = Zones::new(&settings)?;
        let recursors = Recursors::new(&settings);
        let waiting = Arc::new(Semaphore::new(settings.limits.waiting));
        let resolver = Arc::new(Resolver { settings, zones, directory, recursors });
        Ok(Edge { resolver, shared, waiting, epoch })
    }

    /// The same directory under other settings.
    pub(crate) fn with_settings(&self, settings: Settings) -> Result<Edge, ZoneError> {
        let directory = Arc::clone(&self.resolver.directory);
        Edge::new(directory, settings, Arc::clone(&self.shared), self.epoch + 1)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.resolver.settings.limits
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Looks at the clocks and at the directory, once for many packets.
    pub(crate) fn moment(&self) -> Moment {
        let seconds = (wall_ms() / 1000) as u32;
        Moment { now: now(), seconds, generation: self.resolver.directory.generation() }
    }

    /// Answers a packet of a client whose allowance was charged.
    pub(crate) fn step(
        self: &Arc<Self>,
        packet: &[u8],
        way: &Way,
        moment: &Moment,
        out: &mut Vec<u8>,
    ) -> Step {
        self.shared.figures.asked(way.transport);
        match Query::parse(packet) {
            Ok(query) => return self.query(&self.ask(query, way, moment), moment, out),
            Err(Malformed::Ignored) => add(&self.shared.figures.ignored),
            Err(Malformed::Answered(rcode)) => self.write_bare_head(packet, rcode, out),
        }
        Step::Done
    }

    fn ask<'a>(&self, query: Query<'a>, way: &'a Way, moment: &Moment) -> Ask<'a> {
        let theirs = query.edns.as_ref().and_then(|edns| edns.cookie.as_ref());
        let (cookie, is_proven) = match theirs {
            Some(theirs) => {
                let (cookie, is_proven) = self.shared.cookies.answer(theirs, way.from.ip(), moment.seconds);
                (Some(cookie), is_proven)
            }
            None => (None, false),
        };
        Ask { query, way, cookie, is_proven: is_proven || way.transport == Transport::Tcp }
    }

    fn query(self: &Arc<Self>, ask: &Ask<'_>, moment: &Moment, out: &mut Vec<u8>) -> Step {
        let Some(rcode) = Edge::refusal(ask) else {
            let ready = moment.generation.and_then(|generation| {
                ask.way.cache.get(&ask.query, self.epoch, generation, self.resolver.directory.as_ref())
            });
            let Some(ready) = ready else { return self.make(ask, moment, out) };
            add(&self.shared.figures.ready);
            self.write(ask, &ready, moment, out);
            return Step::Done;
        };
        self.write_empty(ask, rcode, moment, out);
        Step::Done
    }

    /// Why a question that can be read is not looked at.
    fn refusal(ask: &Ask<'_>) -> Option<Rcode> {
        if ask.query.edns.as_ref().is_some_and(|edns| edns.version > 0) {
            return Some(Rcode::BadVers);
        }
        (!matches!(ask.query.qclass, class::IN | class::ANY)).then_some(Rcode::Refused)
    }

    /// Makes an answer, now or later.
    fn make(self: &Arc<Self>, ask: &Ask<'_>, moment: &Moment, out: &mut Vec<u8>) -> Step {
        let is_foreign = matches!(self.resolver.zones.place(&ask.query.labels()), Place::Foreign);
        let rcode = match (is_foreign, moment.generation) {
            (true, _) if self.resolver.recursors.is_empty() => Some(Rcode::Refused),
            (false, None) => Some(Rcode::ServFail),
            _ => None,
        };
        if let Some(rcode) = rcode {
            self.write_empty(ask, rcode, moment, out);
            return Step::Done;
        }
        let mut end = self.end(ask, is_foreign);
        // Whoever waits is woken by the task that the future goes to: that polls it again, with its own waker.
        match end.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(end) => {
                self.finish(ask, end, moment, out);
                Step::Done
            }
            Poll::Pending => self.later(ask, end, moment, out),
        }
    }

    /// What has to be done for a question, free of its packet.
    fn end(&self, ask: &Ask<'_>, is_foreign: bool) -> Pin<Box<dyn Future<Output = End> + Send>> {
        let (resolver, shared) = (Arc::clone(&self.resolver), Arc::clone(&self.shared));
        let (packet, transport) = (ask.query.packet.to_vec(), ask.way.transport);
        let question = Question {
            name: Name::from_wire(ask.query.name()),
            qtype: ask.query.qtype,
            source: ask.way.from.ip().to_canonical(),
            subnet: ask.query.edns.as_ref().and_then(|edns| edns.subnet),
            depth: 0,
        };
        Box::pin(async move {
            if !is_foreign {
                let Resolved { answer, keep } = resolver.resolve(question).await;
                let may_be_elsewhere = answer.rcode == Rcode::NxDomain
                    && !resolver.recursors.is_empty()
                    && is_reverse(&resolver, &packet);
                if !may_be_elsewhere {
                    return End::Answer(Arc::new(answer), keep);
                }
            }
            End::Forwarded(forward(&resolver, &shared, &packet, transport).await)
        })
    }

    fn later(
        self: &Arc<Self>,
        ask: &Ask<'_>,
        end: Pin<Box<dyn Future<Output = End> + Send>>,
        moment: &Moment,
        out: &mut Vec<u8>,
    ) -> Step {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else {
            add(&self.shared.figures.overloaded);
            self.write_empty(ask, Rcode::ServFail, moment, out);
            return Step::Done;
        };
        let (edge, packet, way) = (Arc::clone(self), ask.query.packet.to_vec(), ask.way.clone());
        let (arrived, generation) = (moment.now, moment.generation);
        let patience = self.patience();
        Step::Later(Box::pin(async move {
            let end = timeout(patience, end).await;
            drop(place);
            let mut out = Vec::new();
            // What was kept in the meantime may be newer: it holds for the generation at which the question came.
            let moment = Moment { generation, ..edge.moment() };
            if let Ok(query) = Query::parse(&packet) {
                let ask = edge.ask(query, &way, &moment);
                match end {
                    Ok(end) => edge.finish(&ask, end, &moment, &mut out),
                    Err(_) => edge.write_empty(&ask, Rcode::ServFail, &moment, &mut out),
                }
            }
            edge.shared.figures.duration.add_duration(moment.now.saturating_duration_since(arrived));
            out
        }))
    }

    /// How long a question may take: the directory's time, and that of every recursor.
    fn patience(&self) -> Duration {
        let settings = &self.resolver.settings;
        let recursors = u32::try_from(settings.recursors.len()).unwrap_or(u32::MAX);
        settings.limits.directory_timeout.saturating_add(settings.recursor_timeout.saturating_mul(recursors))
    }

    fn finish(&self, ask: &Ask<'_>, end: End, moment: &Moment, out: &mut Vec<u8>) {
        match end {
            End::Answer(answer, keep) => {
                self.write(ask, &answer, moment, out);
                if let (Some(generation), Rcode::NoError) = (moment.generation, answer.rcode) {
                    ask.way.cache.put(&ask.query, self.epoch, generation, &answer, keep);
                }
            }
            End::Forwarded(Some(reply)) => self.write_reply(ask, &reply, moment, out),
            End::Forwarded(None) => self.write_empty(ask, Rcode::ServFail, moment, out),
        }
    }
}

/// Passes a question on.
async fn forward(
    resolver: &Resolver,
    shared: &Shared,
    packet: &[u8],
    transport: Transport,
) -> Option<Vec<u8>> {
    let query = Query::parse(packet).ok()?;
    add(&shared.figures.recursed);
    let reply = resolver.recursors.forward(&query, transport).await;
    if reply.is_none() {
        add(&shared.figures.recursion_failed);
    }
    reply
}

fn is_reverse(resolver: &Resolver, packet: &[u8]) -> bool {
    Query::parse(packet).is_ok_and(|query| matches!(resolver.zones.place(&query.labels()), Place::Reverse(_)))
}

/// Writing, and what may be written to whom.
impl Edge {
    fn rendering(&self, ask: &Ask<'_>, moment: &Moment) -> Rendering<'_> {
        Rendering {
            settings: &self.resolver.settings,
            transport: ask.way.transport,
            seconds: moment.seconds,
            cookie: ask.cookie,
        }
    }

    fn write(&self, ask: &Ask<'_>, answer: &Answer, moment: &Moment, out: &mut Vec<u8>) {
        let begin = out.len();
        let rendered = self.rendering(ask, moment).answer(&ask.query, answer, out);
        if rendered.is_cut {
            add(&self.shared.figures.truncated);
        }
        self.shared.figures.answered(ask.query.qtype, answer.rcode);
        self.guard(ask, begin, moment, out);
    }

    fn write_empty(&self, ask: &Ask<'_>, rcode: Rcode, moment: &Moment, out: &mut Vec<u8>) {
        let begin = out.len();
        self.rendering(ask, moment).empty(&ask.query, rcode, false, out);
        self.shared.figures.answered(ask.query.qtype, rcode);
        self.guard(ask, begin, moment, out);
    }

    /// A recursor's reply under the client's id, if the client can take so much.
    fn write_reply(&self, ask: &Ask<'_>, reply: &[u8], moment: &Moment, out: &mut Vec<u8>) {
        let begin = out.len();
        if reply.len() > bytes_max(&ask.query, ask.way.transport, &self.resolver.settings) {
            add(&self.shared.figures.truncated);
            self.rendering(ask, moment).empty(&ask.query, Rcode::NoError, true, out);
        } else {
            out.extend_from_slice(&ask.query.id.to_be_bytes());
            out.extend_from_slice(&reply[2..]);
            // RA: whoever answers for the recursor offers recursion.
            out[begin + 3] |= 0x80;
        }
        let rcode = if reply[3] & 0xF == 3 { Rcode::NxDomain } else { Rcode::NoError };
        self.shared.figures.answered(ask.query.qtype, rcode);
        self.guard(ask, begin, moment, out);
    }

    /// Takes an answer back, or makes it small, if its client may be somebody else and gets too much already.
    fn guard(&self, ask: &Ask<'_>, begin: usize, moment: &Moment, out: &mut Vec<u8>) {
        let Some(surplus) = (out.len() - begin).checked_sub(ask.query.packet.len() + 1) else { return };
        if ask.is_proven {
            return;
        }
        let source: IpAddr = ask.way.from.ip();
        let figures = &self.shared.figures;
        match self.shared.sources.amplify(source, surplus + 1, self.limits(), moment.now) {
            Grant::Send => {}
            Grant::Slip => {
                add(&figures.slipped);
                out.truncate(begin);
                self.rendering(ask, moment).empty(&ask.query, Rcode::NoError, true, out);
            }
            Grant::Drop => {
                add(&figures.limited);
                out.truncate(begin);
            }
        }
    }

    fn write_bare_head(&self, packet: &[u8], rcode: Rcode, out: &mut Vec<u8>) {
        let figures = &self.shared.figures;
        add(&figures.malformed);
        figures.answered(0, rcode);
        let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let recursion = !self.resolver.recursors.is_empty();
        let head = Head { rcode, authoritative: false, recursion, truncated: false };
        write_head(word(0), word(2), head, 0, out);
    }
}
