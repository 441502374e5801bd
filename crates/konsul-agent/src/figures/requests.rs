//! What the HTTP edge serves and served.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use konsul_http::{Answered, Observer, Slot};
use konsul_runtime::trace::Tracer;

use super::{Figure, Shape, table};

/// Upper bounds of the histogram's buckets, in seconds. The last one is without bound.
pub(crate) const BUCKETS: [f64; 17] = [
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    f64::INFINITY,
];

/// Status classes, by the status' first digit less one.
pub(crate) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What does not reach an operation.
const OTHER: &str = "other";

/// What one operation did since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) by_class: [u64; 5],
    pub(crate) buckets: [u64; BUCKETS.len()],
    /// Seconds, and their squares for the deviation.
    pub(crate) sum: f64,
    pub(crate) squares: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) bytes: u64,
}

impl Served {
    pub(crate) fn count(&self) -> u64 {
        self.by_class.iter().sum()
    }

    fn add(&mut self, status: u16, took: Duration, bytes: usize) {
        let seconds = took.as_secs_f64();
        let first = self.count() == 0;
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.by_class[class] += 1;
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len() - 1);
        self.buckets[bucket] += 1;
        self.sum += seconds;
        self.squares += seconds * seconds;
        self.min = if first { seconds } else { self.min.min(seconds) };
        self.max = self.max.max(seconds);
        self.bytes += bytes as u64;
    }

    fn shape(&self) -> Shape {
        let buckets = BUCKETS.iter().copied().zip(self.buckets).collect();
        Shape { labels: Vec::new(), buckets, sum: self.sum }
    }
}

#[derive(Debug, Default)]
struct Counted {
    served: Mutex<Served>,
    in_flight: AtomicI64,
    abandoned: AtomicU64,
}

impl Counted {
    fn lock(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts every request. The operations are known from the start, so that counting takes one lookup and one short lock that
/// only requests of the same operation share.
#[derive(Debug)]
pub(crate) struct Requests {
    slots: HashMap<&'static str, Slot>,
    counted: Vec<(&'static str, Counted)>,
    tracer: Option<Tracer>,
}

impl Requests {
    pub(crate) fn new(tracer: Option<Tracer>) -> Requests {
        // The first slot is for what has none.
        let ids: BTreeSet<&'static str> = konsul_http::operation_ids().collect();
        let ids = [OTHER].into_iter().chain(ids.into_iter().filter(|id| *id != OTHER));
        let counted: Vec<_> = ids.map(|id| (id, Counted::default())).collect();
        let slots = counted.iter().map(|(id, _)| *id).zip(0..).collect();
        Requests { slots, counted, tracer }
    }

    fn at(&self, slot: Slot) -> &Counted {
        &self.counted[usize::from(slot)].1
    }

    fn slot(&self, operation: &str) -> Slot {
        self.slots.get(operation).copied().unwrap_or(0)
    }

    /// What each operation that was asked for did, by id.
    pub(crate) fn read(&self) -> Vec<(&'static str, Served)> {
        let all = self.counted.iter().map(|(id, counted)| (*id, *counted.lock()));
        let mut asked: Vec<_> = all.filter(|(_, served)| served.count() > 0).collect();
        asked.sort_unstable_by_key(|(id, _)| *id);
        asked
    }

    /// The same, and what is under way, as figures.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let read = self.read();
        let id = |id: &str| [id.to_owned()];
        let classes = read.iter().flat_map(|(operation, served)| {
            let counts = CLASSES.iter().zip(served.by_class).filter(|(_, count)| *count > 0);
            counts.map(|(class, count)| ([(*operation).to_owned(), (*class).to_owned()], count as f64))
        });
        let flight = |(name, counted): &(&str, Counted)| {
            let begun = counted.lock().count() > 0 || counted.in_flight.load(Ordering::Relaxed) > 0;
            begun.then(|| (id(name), counted.in_flight.load(Ordering::Relaxed) as f64))
        };
        let abandoned = |(name, counted): &(&str, Counted)| {
            let abandoned = counted.abandoned.load(Ordering::Relaxed);
            (abandoned > 0).then(|| (id(name), abandoned as f64))
        };
        vec![
            table::HTTP_REQUESTS.each(classes),
            table::HTTP_DURATION.shapes(read.iter().map(|(name, served)| (id(name), served.shape()))),
            table::HTTP_IN_FLIGHT.each(self.counted.iter().filter_map(flight)),
            table::HTTP_ABANDONED.each(self.counted.iter().filter_map(abandoned)),
            table::HTTP_BYTES.each(read.iter().map(|(name, served)| (id(name), served.bytes as f64))),
        ]
    }
}

impl Observer for Requests {
    fn began(&self, operation: &'static str) -> Slot {
        let slot = self.slot(operation);
        self.at(slot).in_flight.fetch_add(1, Ordering::Relaxed);
        slot
    }

    fn ended(&self, slot: Slot, answered: &Answered) {
        self.at(slot).in_flight.fetch_sub(1, Ordering::Relaxed);
        let slot = answered.operation.map_or(slot, |operation| self.slot(operation));
        self.at(slot).lock().add(answered.status, answered.took, answered.bytes);
    }

    fn abandoned(&self, slot: Slot) {
        let counted = self.at(slot);
        counted.in_flight.fetch_sub(1, Ordering::Relaxed);
        counted.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref()
    }
}

#[cfg(test)]
impl Requests {
    /// One request from begin to end.
    pub(crate) fn observe(&self, operation: &'static str, status: u16, took: Duration, bytes: usize) {
        let slot = self.began(operation);
        self.ended(slot, &Answered { operation: None, status, took, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_once_in_everything() {
        let requests = Requests::new(None);
        requests.observe("kv_get", 200, Duration::from_millis(3), 10);
        requests.observe("kv_get", 404, Duration::from_millis(1), 0);
        requests.observe("no such operation", 599, Duration::from_secs(100), 1);
        let read = requests.read();
        let names: Vec<_> = read.iter().map(|(id, _)| *id).collect();
        assert_eq!(names, ["kv_get", "other"]);
        let (get, other) = (read[0].1, read[1].1);
        assert_eq!((get.by_class, get.bytes, get.count()), ([0, 1, 0, 1, 0], 10, 2));
        assert_eq!((get.min, get.max), (0.001, 0.003));
        assert_eq!((get.buckets[3], get.buckets[5]), (1, 1));
        assert_eq!(other.buckets[BUCKETS.len() - 1], 1);
    }

    #[test]
    fn what_is_under_way_is_counted_where_it_began_and_ends_where_it_ended() {
        let requests = Requests::new(None);
        let (one, two) = (requests.began("kv_list"), requests.began("kv_list"));
        let in_flight = || requests.figures()[2].samples.iter().map(|sample| sample.value).sum::<f64>();
        assert_eq!(in_flight(), 2.0);
        let answered = Answered { operation: Some("kv_keys"), status: 200, took: Duration::ZERO, bytes: 0 };
        requests.ended(one, &answered);
        requests.abandoned(two);
        assert_eq!((in_flight(), requests.read()[0].0), (0.0, "kv_keys"));
        let abandoned = &requests.figures()[3].samples[0];
        assert_eq!((abandoned.labels[0].1.as_str(), abandoned.value), ("kv_list", 1.0));
    }
}
