//! What each source may ask: so many questions a second, and so many bytes that it has not shown to be its own.
//!
//! Both are leaky buckets told by one time each: when the bucket will be empty (the generic cell rate algorithm). The
//! table is bounded; sources beyond it share one bucket, so that a flood of forged ones takes from each other.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use konsul_runtime::time::{Duration, Instant};

use crate::settings::Limits;

/// How far a source may be ahead of its rate.
const AHEAD: u64 = 2_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// The buckets of all sources.
#[derive(Debug)]
pub(crate) struct Sources {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    buckets: HashMap<IpAddr, Bucket>,
    shared: Bucket,
    /// When the table was last looked through for buckets that are empty.
    swept: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    queries_until: u64,
    bytes_until: u64,
    slips: bool,
}

/// What is to be done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It may go out.
    Send,
    /// An empty one that says "over TCP" goes out in its place.
    Slip,
    /// Nothing goes out.
    Drop,
}

impl Sources {
    pub(crate) fn new() -> Sources {
        Sources { inner: Mutex::default() }
    }

    /// Takes one question from a source's allowance; answers how long it has to wait for it if it is used up.
    pub(crate) fn ask(&self, source: IpAddr, limits: &Limits, now: Instant) -> Result<(), Duration> {
        if limits.queries_per_second == 0 || !is_limited(source, limits) {
            return Ok(());
        }
        let cost = SECOND / u64::from(limits.queries_per_second);
        self.with(source, limits, now, |bucket| take(&mut bucket.queries_until, cost, now))
    }

    /// Takes the bytes by which an answer outweighs its question.
    pub(crate) fn amplify(&self, source: IpAddr, bytes: usize, limits: &Limits, now: Instant) -> Grant {
        if limits.unproven_bytes_per_second == 0 || !is_limited(source, limits) {
            return Grant::Send;
        }
        let cost = SECOND * bytes as u64 / u64::from(limits.unproven_bytes_per_second);
        self.with(source, limits, now, |bucket| {
            if take(&mut bucket.bytes_until, cost, now).is_ok() {
                return Grant::Send;
            }
            bucket.slips = !bucket.slips;
            if bucket.slips { Grant::Slip } else { Grant::Drop }
        })
    }

    fn with<T>(
        &self,
        source: IpAddr,
        limits: &Limits,
        now: Instant,
        act: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        act(inner.bucket(network_of(source), limits.sources, now.as_nanos()))
    }
}

impl Inner {
    fn bucket(&mut self, source: IpAddr, most: usize, now: u64) -> &mut Bucket {
        if self.buckets.len() >= most && !self.buckets.contains_key(&source) {
            if now.saturating_sub(self.swept) >= SECOND {
                self.swept = now;
                self.buckets.retain(|_, bucket| bucket.queries_until > now || bucket.bytes_until > now);
            }
            if self.buckets.len() >= most {
                return &mut self.shared;
            }
        }
        self.buckets.entry(source).or_default()
    }
}

/// Pours into a bucket, if that does not make it overflow.
fn take(until: &mut u64, cost: u64, now: Instant) -> Result<(), Duration> {
    let now = now.as_nanos();
    let next = (*until).max(now) + cost;
    match next.checked_sub(now + AHEAD.max(cost)) {
        None | Some(0) => {
            *until = next;
            Ok(())
        }
        Some(over) => Err(Duration::from_nanos(over)),
    }
}

fn is_limited(source: IpAddr, limits: &Limits) -> bool {
    limits.limit_loopback || !source.to_canonical().is_loopback()
}

/// Whom an address counts for. One host has a whole IPv6 network of 64 bits to choose from.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { queries_per_second: 10, unproven_bytes_per_second: 1000, sources: 2, ..Limits::default() }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_rate_and_two_seconds_ahead() {
        let (sources, limits, one) = (Sources::new(), limits(), address("10.0.0.1"));
        for _ in 0..20 {
            assert_eq!(sources.ask(one, &limits, at(0)), Ok(()));
        }
        assert_eq!(sources.ask(one, &limits, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(sources.ask(one, &limits, at(40)), Err(Duration::from_millis(60)));
        assert_eq!(sources.ask(one, &limits, at(100)), Ok(()));
        assert_eq!(sources.ask(address("10.0.0.2"), &limits, at(0)), Ok(()));
    }

    #[test]
    fn loopback_is_free_unless_it_is_said_otherwise() {
        let (sources, mut limits) = (Sources::new(), limits());
        let all =
            |limits: &Limits| (0..100).all(|_| sources.ask(address("127.0.0.1"), limits, at(0)).is_ok());
        assert!(all(&limits));
        limits.limit_loopback = true;
        assert!(!all(&limits));
    }

    #[test]
    fn half_of_what_is_too_much_is_sent_to_tcp() {
        let (sources, limits, one) = (Sources::new(), limits(), address("2001:db8::1"));
        assert_eq!(sources.amplify(one, 2000, &limits, at(0)), Grant::Send);
        let other = address("2001:db8::2");
        let next: Vec<Grant> = (0..4).map(|_| sources.amplify(other, 100, &limits, at(0))).collect();
        assert_eq!(next, [Grant::Slip, Grant::Drop, Grant::Slip, Grant::Drop]);
        assert_eq!(sources.amplify(other, 100, &limits, at(100)), Grant::Send);
    }

    #[test]
    fn sources_beyond_the_table_share_and_idle_ones_make_room() {
        let (sources, limits) = (Sources::new(), limits());
        let ask = |host: u8, ms: u64| sources.ask(IpAddr::from([10, 0, 0, host]), &limits, at(ms)).is_ok();
        assert!(ask(1, 0) && ask(2, 0));
        assert_eq!((0..30).filter(|n| ask(100 + n, 0)).count(), 20);
        assert!(ask(1, 0));
        assert!(!ask(200, 1) && ask(200, 1500));
        assert_eq!((0..30).filter(|_| ask(200, 1500)).count(), 19);
    }
}
