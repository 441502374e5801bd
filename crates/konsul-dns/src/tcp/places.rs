//! Places for TCP connections: so many in all, so many for each source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::figures::Figures;
use crate::settings::Limits;

/// Who has how many.
#[derive(Debug, Default)]
pub(crate) struct Places {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    all: usize,
    sources: HashMap<IpAddr, usize>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    source: IpAddr,
    figures: Arc<Figures>,
}

impl Places {
    /// A place for a connection, if there is one.
    pub(crate) fn take(
        places: &Arc<Places>,
        source: IpAddr,
        limits: &Limits,
        figures: &Arc<Figures>,
    ) -> Option<Place> {
        let mut inner = places.lock();
        let of_source = inner.sources.get(&source).copied().unwrap_or(0);
        if inner.all >= limits.tcp_connections || of_source >= limits.tcp_connections_per_source {
            return None;
        }
        inner.all += 1;
        inner.sources.insert(source, of_source + 1);
        figures.connections_open.fetch_add(1, Relaxed);
        Some(Place { places: Arc::clone(places), source, figures: Arc::clone(figures) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.figures.connections_open.fetch_sub(1, Relaxed);
        let mut inner = self.places.lock();
        inner.all -= 1;
        if let Some(count) = inner.sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                inner.sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caps_hold_and_places_come_back() {
        let (places, figures) = (Arc::<Places>::default(), Arc::<Figures>::default());
        let limits = Limits { tcp_connections: 3, tcp_connections_per_source: 2, ..Limits::default() };
        let take = |host: u8| Places::take(&places, IpAddr::from([10, 0, 0, host]), &limits, &figures);
        let (first, _second) = (take(1).unwrap(), take(1).unwrap());
        assert!(take(1).is_none());
        let _third = take(2).unwrap();
        assert!(take(3).is_none());
        drop(first);
        let _fourth = take(3).unwrap();
        assert_eq!(figures.connections_open.load(Relaxed), 3);
        assert_eq!(places.lock().sources.len(), 3);
    }
}
