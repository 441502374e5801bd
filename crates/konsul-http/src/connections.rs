//! All connections of a server: their caps, and the sweep that cuts those that take too long.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_runtime::sync::Notify;
use konsul_runtime::time::{Duration, now, sleep, timeout};

use crate::connection::{Order, Progress, Verdict};
use crate::service::CurrentEdge;
use crate::settings::Limits;

/// All connections of a server.
#[derive(Debug)]
pub(crate) struct Connections {
    tick: Arc<AtomicU64>,
    most: AtomicUsize,
    most_per_source: AtomicUsize,
    inner: Mutex<Inner>,
    empty: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// The order given to all, also to those that come later.
    order: Option<Order>,
    open: HashMap<u64, Arc<Progress>>,
    sources: HashMap<IpAddr, usize>,
}

/// Why a connection was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server has as many as it may.
    Server,
    /// Its source has as many as it may.
    Source,
}

impl Inner {
    fn forget_one(&mut self, source: IpAddr) {
        if let Some(count) = self.sources.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&source);
            }
        }
    }
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Connections {
        Connections {
            tick: Arc::new(AtomicU64::new(now().as_nanos())),
            most: AtomicUsize::new(limits.connections),
            most_per_source: AtomicUsize::new(limits.connections_per_source),
            inner: Mutex::new(Inner::default()),
            empty: Notify::new(),
        }
    }

    /// Changes the caps. Who is there stays.
    pub(crate) fn set_caps(&self, limits: &Limits) {
        self.most.store(limits.connections, Relaxed);
        self.most_per_source.store(limits.connections_per_source, Relaxed);
    }

    /// Takes a place for a connection from an address, or from somebody who has none, or says what is full.
    pub(crate) fn admit(self: &Arc<Self>, from: Option<IpAddr>) -> Result<(Ticket, Arc<Progress>), Full> {
        let source = from.map(source_of);
        let mut inner = self.lock();
        if inner.open.len() >= self.most.load(Relaxed) {
            return Err(Full::Server);
        }
        if let Some(source) = source {
            let most = self.most_per_source.load(Relaxed);
            let count = inner.sources.entry(source).or_insert(0);
            if most > 0 && *count >= most {
                return Err(Full::Source);
            }
            *count += 1;
        }
        let id = inner.next;
        inner.next += 1;
        let progress = Arc::new(Progress::new(Arc::clone(&self.tick)));
        inner.order.inspect(|order| progress.order(*order));
        inner.open.insert(id, Arc::clone(&progress));
        Ok((Ticket { all: Arc::clone(self), id, source }, progress))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Gives all an order, also those that come later.
    pub(crate) fn order_all(&self, order: Order) {
        let mut inner = self.lock();
        inner.order = Some(order);
        inner.open.values().for_each(|progress| progress.order(order));
    }

    /// Waits until there is none, for a time at most; answers how many are left.
    pub(crate) async fn until_empty(&self, within: Duration) -> usize {
        let empty = async {
            loop {
                let notified = self.empty.notified();
                if self.count() == 0 {
                    return;
                }
                notified.await;
            }
        };
        match timeout(within, empty).await {
            Ok(()) => 0,
            Err(_) => self.count(),
        }
    }

    /// Looks at all connections again and again, and cuts those that are overdue. Never ends.
    pub(crate) async fn sweep(&self, edges: &CurrentEdge) {
        loop {
            let edge = edges.load_full();
            let (timeouts, linger) = (&edge.settings.timeouts, edge.settings.streams.linger);
            let shortest = timeouts.head.min(timeouts.idle).min(timeouts.write).min(linger);
            sleep((shortest / 4).clamp(Duration::from_millis(20), Duration::from_secs(1))).await;
            let now = now();
            self.tick.store(now.as_nanos(), Relaxed);
            let inner = self.lock();
            for progress in inner.open.values() {
                match progress.verdict(now, timeouts, linger) {
                    Verdict::Fine => {}
                    Verdict::Lags => progress.tell_lag(now),
                    Verdict::Overdue => progress.order(Order::Cut),
                }
            }
        }
    }

    fn leave(&self, id: u64, source: Option<IpAddr>) {
        let mut inner = self.lock();
        inner.open.remove(&id);
        if let Some(source) = source {
            inner.forget_one(source);
        }
        if inner.open.is_empty() {
            self.empty.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom an address counts for. One host has a whole IPv6 network of 64 bits to choose from.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    all: Arc<Connections>,
    id: u64,
    source: Option<IpAddr>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.all.leave(self.id, self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize, most_per_source: usize) -> Arc<Connections> {
        let limits =
            Limits { connections: most, connections_per_source: most_per_source, ..Limits::default() };
        Arc::new(Connections::new(&limits))
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_caps_hold_and_places_come_back() {
        let all = connections(3, 2);
        let first = all.admit(address("10.0.0.1")).unwrap();
        let _second = all.admit(address("10.0.0.1")).unwrap();
        assert_eq!(all.admit(address("10.0.0.1")).unwrap_err(), Full::Source);
        let _third = all.admit(address("10.0.0.2")).unwrap();
        assert_eq!(all.admit(address("10.0.0.3")).unwrap_err(), Full::Server);
        drop(first);
        assert!(all.admit(address("10.0.0.1")).is_ok());
        assert_eq!(all.count(), 2);
    }

    #[test]
    fn one_ipv6_network_is_one_source() {
        let all = connections(10, 1);
        let _one = all.admit(address("2001:db8::1")).unwrap();
        assert_eq!(all.admit(address("2001:db8::ffff:1")).unwrap_err(), Full::Source);
        assert!(all.admit(address("2001:db8:0:1::1")).is_ok());
        let _four = all.admit(address("::ffff:10.0.0.1")).unwrap();
        assert_eq!(all.admit(address("10.0.0.1")).unwrap_err(), Full::Source);
    }

    #[test]
    fn caps_change_and_those_without_an_address_have_none_of_their_own() {
        let all = connections(3, 1);
        let _local = [all.admit(None).unwrap(), all.admit(None).unwrap()];
        let _far = all.admit(address("10.0.0.1")).unwrap();
        assert_eq!(all.admit(None).unwrap_err(), Full::Server);
        all.set_caps(&Limits { connections: 10, connections_per_source: 2, ..Limits::default() });
        let _near = all.admit(address("10.0.0.1")).unwrap();
        assert_eq!(all.admit(address("10.0.0.1")).unwrap_err(), Full::Source);
    }

    #[test]
    fn a_source_that_was_refused_or_has_left_is_forgotten() {
        let all = connections(10, 1);
        drop(all.admit(address("10.0.0.1")).unwrap());
        assert!(all.lock().sources.is_empty());
    }
}
