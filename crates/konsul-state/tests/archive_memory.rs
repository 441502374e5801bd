//! A backup of any size is written and inspected with the memory of a frame.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use konsul_state::State;
use konsul_state::archive::{Origin, archive, inspect};
use konsul_types::{Command, Key, KvCommand, Millis, Namespace, Proposal, PutMode, Value};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const KEYS: u64 = 40_000;

/// A frame of a quarter of a megabyte several times over (rows, encoded, packed), and zstd's own tables.
const MOST: usize = 8 << 20;

fn state() -> State {
    let mut state = State::new();
    // Values that do not pack, so that the file is large.
    let mut noise = 1u64;
    for n in 0..KEYS {
        let value: Vec<u8> = (0..256)
            .flat_map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((noise >> 32) as u32).to_le_bytes()
            })
            .collect();
        let op = KvCommand::Put {
            key: Key::new(format!("app/{n}")).unwrap(),
            value: Value::from(value),
            flags: n,
            mode: PutMode::Set,
            ttl_ms: None,
        };
        let command = Command::Kv { namespace: Namespace::default_namespace(), op };
        state
            .apply(1, n + 1, &Proposal { at: Millis(n), request: None, actor: String::new(), command })
            .unwrap();
    }
    state
}

#[track_caller]
fn flat(what: &str, work: impl FnOnce() -> u64) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let bytes = work();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    assert!(bytes > 3 * MOST as u64, "{bytes} bytes are no large backup");
    assert!(peak < MOST, "{what}: {peak} bytes of memory for {bytes} bytes");
}

#[test]
fn memory_is_flat_both_ways() {
    let state = state();
    let mut file = Vec::new();
    flat("writing", || archive(&state, Origin::default()).map(|piece| piece.len() as u64).sum());
    archive(&state, Origin::default()).for_each(|piece| file.extend(piece));
    drop(state);
    flat("inspecting", || inspect(&*file).unwrap().bytes);
}
