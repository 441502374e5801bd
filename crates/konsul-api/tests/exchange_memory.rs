//! Files of any length are read with the memory of one entry.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::fmt::Write as _;

use konsul_api::exchange::{ExchangeError, Format, Pair, PairReader, consul, ndjson};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const ENTRIES: u64 = 200_000;
const PIECE: usize = 64 * 1024;

/// Far more than an entry and a piece, far less than the file.
const MOST: usize = 1 << 20;

fn pair(n: u64) -> Pair {
    Pair { key: format!("app/{n:07}"), value: vec![b'v'; 100], flags: n, ..Pair::default() }
}

/// A file in pieces that are made one after the other, so that it is never whole in memory.
struct File<F> {
    entry: F,
    next: u64,
    waiting: Vec<u8>,
    bytes: u64,
}

impl<F: FnMut(&mut Vec<u8>, u64)> File<F> {
    fn piece(&mut self) -> Option<&[u8]> {
        self.waiting.clear();
        while self.waiting.len() < PIECE && self.next <= ENTRIES {
            (self.entry)(&mut self.waiting, self.next);
            self.next += 1;
        }
        self.bytes += self.waiting.len() as u64;
        (!self.waiting.is_empty()).then_some(&*self.waiting)
    }
}

/// `entry` writes the entry of a number, from 0; the number [`ENTRIES`] stands for the end of the file.
#[track_caller]
fn check(format: Format, entry: impl FnMut(&mut Vec<u8>, u64)) {
    let mut file = File { entry, next: 0, waiting: Vec::with_capacity(2 * PIECE), bytes: 0 };
    let mut reader = PairReader::new(format);
    let mut found = 0;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut each = |pair: Pair, _| {
        assert_eq!(pair.flags, found);
        found += 1;
        Ok::<_, ExchangeError>(())
    };
    while let Some(piece) = file.piece() {
        reader.feed(piece, &mut each).unwrap();
    }
    reader.finish(&mut each).unwrap();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    assert_eq!(found, ENTRIES);
    assert!(file.bytes > 20 << 20, "{format:?}: {} bytes are no large file", file.bytes);
    assert!(peak < MOST, "{format:?}: {peak} bytes for a file of {}", file.bytes);
}

#[test]
fn memory_is_flat_for_every_form() {
    check(Format::Ndjson, |out, n| {
        if n < ENTRIES {
            ndjson::write(out, &pair(n));
        }
    });
    let mut writer = Some(consul::Writer::default());
    check(Format::Consul, move |out, n| match writer.as_mut().filter(|_| n < ENTRIES) {
        Some(writer) => writer.write(out, &pair(n)),
        None => writer.take().unwrap().finish(out),
    });
    check(Format::GoKonsul, |out, n| {
        let mut text = String::new();
        let before = if n == 0 { "{\"kv\":{" } else { "," };
        if n < ENTRIES {
            let value = "v".repeat(100);
            write!(text, "{before}\"app%2F{n}\":\"{{\\\"value\\\":\\\"{value}\\\",\\\"flags\\\":{n}}}\"")
                .unwrap();
        } else {
            text.push_str("},\"services\":{}}");
        }
        out.extend_from_slice(text.as_bytes());
    });
}
