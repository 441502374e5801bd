//! Which request the present code runs for: ambient, so that lines of the log can say it.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::TraceId;
use crate::random;

/// A request's name in the log and towards its client: unique in the process, and most likely beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTag {
    number: u64,
    trace: Option<TraceId>,
}

thread_local! {
    static CURRENT: Cell<Option<RequestTag>> = const { Cell::new(None) };
}

impl RequestTag {
    /// The next one. Costs one addition; it becomes a text only where somebody reads it.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), trace: None }
    }

    /// The same request, recorded in this trace.
    #[must_use]
    pub fn in_trace(self, trace: Option<TraceId>) -> Self {
        Self { trace, ..self }
    }

    /// Its text, made without the formatter: an API that names each request to its client writes one for each.
    pub fn digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        let (high, low) = digits.split_at_mut(16);
        write_hex(process(), high);
        write_hex(self.number, low);
        digits
    }

    /// The trace that records it, if one does.
    pub fn trace(self) -> Option<TraceId> {
        self.trace
    }

    /// The request for which the calling thread works just now.
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// The calling thread works for this request until the answer is dropped.
    pub fn enter(self) -> Tagged {
        Tagged { before: CURRENT.replace(Some(self)) }
    }
}

/// Half of a tag that is drawn once for each process.
fn process() -> u64 {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    *PROCESS.get_or_init(random::u64)
}

fn write_hex(number: u64, digits: &mut [u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (at, digit) in digits.iter_mut().rev().enumerate() {
        *digit = HEX[(number >> (4 * at) & 15) as usize];
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", process(), self.number)
    }
}

/// See [`RequestTag::enter`].
#[derive(Debug)]
pub struct Tagged {
    before: Option<RequestTag>,
}

impl Drop for Tagged {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_works_for_one_request_at_a_time() {
        let (one, two) = (RequestTag::next(), RequestTag::next());
        assert_ne!(one.to_string(), two.to_string());
        assert_eq!(one.to_string().len(), 32);
        assert_eq!(one.to_string().as_bytes(), one.digits());
        let outer = one.enter();
        let inner = two.enter();
        assert_eq!(RequestTag::current(), Some(two));
        drop(inner);
        assert_eq!(RequestTag::current(), Some(one));
        drop(outer);
        assert_eq!(RequestTag::current(), None);
    }
}
