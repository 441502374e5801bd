//! What DNS counts. Whoever tells figures reads them; what they are called there is not known here.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use konsul_runtime::measure::{DURATIONS, Histogram};

use crate::render::Transport;
use crate::wire::{Rcode, rtype};

/// Types that are counted by themselves; all others are one.
pub const TYPES: [(u16, &str); 12] = [
    (rtype::A, "A"),
    (rtype::AAAA, "AAAA"),
    (rtype::SRV, "SRV"),
    (rtype::TXT, "TXT"),
    (rtype::PTR, "PTR"),
    (rtype::SOA, "SOA"),
    (rtype::NS, "NS"),
    (rtype::ANY, "ANY"),
    (rtype::CNAME, "CNAME"),
    (rtype::MX, "MX"),
    (65, "HTTPS"),
    (0, "other"),
];

const OTHER: usize = TYPES.len() - 1;

/// Counters of a server. They only rise.
#[derive(Debug)]
pub struct Figures {
    /// By type and rcode, over both transports.
    answers: [[AtomicU64; Rcode::ALL.len()]; TYPES.len()],
    /// Questions over UDP.
    pub udp: AtomicU64,
    /// Questions over TCP.
    pub tcp: AtomicU64,
    /// From a question's arrival to its answer's departure, in nanoseconds. Questions that arrived together have the time
    /// of all of them.
    pub duration: Histogram,
    /// Answers from which something was left out.
    pub truncated: AtomicU64,
    /// Answers that were ready.
    pub ready: AtomicU64,
    /// Questions that were passed on to recursors.
    pub recursed: AtomicU64,
    /// Questions that no recursor answered.
    pub recursion_failed: AtomicU64,
    /// Packets that were no question and got no answer.
    pub ignored: AtomicU64,
    /// Packets that were no question and were told so.
    pub malformed: AtomicU64,
    /// Questions beyond their source's bound that got no answer.
    pub limited: AtomicU64,
    /// Questions beyond their source's bound that were sent to TCP.
    pub slipped: AtomicU64,
    /// Questions that got SERVFAIL because too many others were waiting.
    pub overloaded: AtomicU64,
    /// Answers that the system did not take.
    pub unsent: AtomicU64,
    /// TCP connections that were accepted.
    pub connections: AtomicU64,
    /// TCP connections that were closed at once, because there were too many.
    pub connections_refused: AtomicU64,
    /// TCP connections that are open.
    pub connections_open: AtomicU64,
}

impl Default for Figures {
    fn default() -> Figures {
        let zero = AtomicU64::default;
        Figures {
            answers: Default::default(),
            udp: zero(),
            tcp: zero(),
            duration: Histogram::new(DURATIONS),
            truncated: zero(),
            ready: zero(),
            recursed: zero(),
            recursion_failed: zero(),
            ignored: zero(),
            malformed: zero(),
            limited: zero(),
            slipped: zero(),
            overloaded: zero(),
            unsent: zero(),
            connections: zero(),
            connections_refused: zero(),
            connections_open: zero(),
        }
    }
}

impl Figures {
    /// Answers so far, as `(type, rcode, count)`, without zeros.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, Rcode, u64)> {
        let rows = TYPES.iter().zip(&self.answers);
        let all = rows.flat_map(|((_, name), row)| {
            Rcode::ALL.into_iter().zip(row).map(move |(rcode, count)| (*name, rcode, count.load(Relaxed)))
        });
        all.filter(|(_, _, count)| *count > 0)
    }

    pub(crate) fn answered(&self, qtype: u16, rcode: Rcode) {
        let at = TYPES[..OTHER].iter().position(|(number, _)| *number == qtype).unwrap_or(OTHER);
        let rcode = Rcode::ALL.iter().position(|one| *one == rcode).unwrap_or(0);
        add(&self.answers[at][rcode]);
    }

    pub(crate) fn asked(&self, transport: Transport) {
        add(match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        });
    }
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
