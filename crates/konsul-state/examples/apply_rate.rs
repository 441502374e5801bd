//! How fast puts are applied, how much memory a key takes, and how long a snapshot takes to come back.
//!
//! `cargo run --release -p konsul-state --example apply_rate [KEYS …]`. Keys have 20 bytes, values 100; a clone of the state
//! is published every 64 commands, as a server does for its readers. Times are those on a processor, memory is resident
//! memory: ask for one number of keys at a time if memory counts, because what was freed before is used again.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::Duration;

use konsul_state::{Restorer, State};
use konsul_types::{Command, Key, KvCommand, KvTxnOp, Millis, Namespace, Proposal, PutMode, TxnOp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Commands between two publications.
const BATCH: usize = 64;

/// Commands that are timed together: many, because the clock is coarse.
const BLOCK: u64 = 50_000;

/// Overwrites that are timed.
const PUTS: u64 = 500_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: Vec<u64> = std::env::args().skip(1).map(|n| n.parse()).collect::<Result<_, _>>()?;
    let wanted = if wanted.is_empty() { vec![1_000, 100_000, 1_000_000] } else { wanted };
    for shape in [Shape::Flat, Shape::Directories] {
        for &keys in &wanted {
            measure(shape, keys)?;
        }
    }
    Ok(())
}

/// How keys are spread over directories.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// No slashes at all.
    Flat,
    /// Two levels, a hundred keys in each directory.
    Directories,
}

fn measure(shape: Shape, keys: u64) -> Result<(), Box<dyn std::error::Error>> {
    let empty = resident()?;
    let mut state = raised()?;
    let filled = fill(&mut state, shape, keys)?;
    let memory = resident()?.saturating_sub(empty);
    let overwritten = overwrite(&mut state, shape, keys)?;
    let batched = in_batches(&mut state, shape, keys)?;
    println!(
        "{shape:?} {keys:>9} keys: fill {:.2} us, overwrite {:.2} us ({:.0}/s); {} bytes a key",
        micros(filled, keys),
        micros(overwritten, PUTS),
        PUTS as f64 / overwritten.as_secs_f64(),
        memory / keys
    );
    println!(
        "    in batches of {MEMBERS}: overwrite {:.2} us ({:.0}/s)",
        micros(batched, PUTS),
        PUTS as f64 / batched.as_secs_f64()
    );
    reread(&state)
}

/// A state at the newest feature level, as a server's is: old values are kept.
fn raised() -> Result<State, Box<dyn std::error::Error>> {
    let mut state = State::new();
    let level = std::env::var("LEVEL").ok().map_or(Ok(konsul_types::FEATURE_LEVEL), |level| level.parse())?;
    let command = Command::RaiseFeatureLevel { level };
    let at = Millis(1_700_000_000_000);
    state.apply(1, 1, &Proposal { at, request: None, actor: String::new(), command })?;
    Ok(state)
}

/// Members of one batch.
const MEMBERS: u64 = 1_000;

/// Overwrites in batches, a clone of the state published after each.
fn in_batches(state: &mut State, shape: Shape, keys: u64) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut published = state.clone();
    let mut spent = Duration::ZERO;
    for number in 0..PUTS / MEMBERS {
        let names =
            (0..MEMBERS).map(|n| name(shape, scatter((number * MEMBERS + n).wrapping_mul(7919), keys)));
        let entry = batch(names.collect(), number)?;
        let begin = busy()?;
        state.apply(1, state.log_index() + 1, &Proposal::decode(&entry)?)?;
        published = state.clone();
        spent += busy()? - begin;
    }
    drop(published);
    Ok(spent)
}

fn batch(names: Vec<String>, round: u64) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut ops = Vec::new();
    for (name, number) in names.into_iter().zip(round * MEMBERS..) {
        let Command::Kv { namespace, op } = Proposal::decode(&put(&name, number)?)?.command else { continue };
        ops.push(TxnOp::Kv { namespace, op: KvTxnOp::Write(op) });
    }
    let at = Millis(1_700_000_000_000);
    Ok(Proposal { at, request: None, actor: String::new(), command: Command::Batch { atomic: false, ops } }
        .encode())
}

fn micros(spent: Duration, of: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / of as f64
}

/// Puts every key once, in an order that looks like chance.
fn fill(state: &mut State, shape: Shape, keys: u64) -> Result<Duration, Box<dyn std::error::Error>> {
    run(state, (0..keys).map(|n| name(shape, scatter(n, keys))), keys, 0)
}

fn overwrite(state: &mut State, shape: Shape, keys: u64) -> Result<Duration, Box<dyn std::error::Error>> {
    run(state, (0..PUTS).map(|n| name(shape, scatter(n.wrapping_mul(7919), keys))), PUTS, 1)
}

fn run(
    state: &mut State,
    names: impl Iterator<Item = String>,
    count: u64,
    round: u64,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut published = state.clone();
    let mut spent = Duration::ZERO;
    let mut block = Vec::new();
    for (number, name) in (0..count).zip(names) {
        block.push(put(&name, number + round * count)?);
        if block.len() as u64 == BLOCK || number + 1 == count {
            let begin = busy()?;
            for batch in block.chunks(BATCH) {
                for bytes in batch {
                    state.apply(1, state.log_index() + 1, &Proposal::decode(bytes)?)?;
                }
                published = state.clone();
            }
            spent += busy()? - begin;
            block.clear();
        }
    }
    drop(published);
    Ok(spent)
}

/// Time that this thread was on a processor: what else the machine does is not counted.
fn busy() -> Result<Duration, Box<dyn std::error::Error>> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().ok_or("schedstat is empty")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}

/// An entry as it stands in the log; decoding it is part of the work.
fn put(name: &str, number: u64) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut value = vec![b'v'; 100];
    value[..8].copy_from_slice(&number.to_le_bytes());
    let op = KvCommand::Put {
        key: Key::new(name)?,
        value: value.into(),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    let command = Command::Kv { namespace: Namespace::default_namespace(), op };
    let proposal = Proposal { at: Millis(1_700_000_000_000), request: None, actor: String::new(), command };
    Ok(proposal.encode())
}

fn name(shape: Shape, number: u64) -> String {
    match shape {
        Shape::Flat => format!("key-{number:016}"),
        Shape::Directories => format!("app/{:09}/key-{:02}", number / 100, number % 100),
    }
}

/// A permutation of the numbers below `keys`, for any that is not a multiple of this large prime.
fn scatter(number: u64, keys: u64) -> u64 {
    (u128::from(number) * 982_451_653 % u128::from(keys)) as u64
}

fn reread(state: &State) -> Result<(), Box<dyn std::error::Error>> {
    let begin = busy()?;
    let chunks: Vec<Vec<u8>> = state.chunks().collect();
    let written = busy()? - begin;
    let begin = busy()?;
    let mut restorer = Restorer::new();
    for chunk in &chunks {
        restorer.chunk(chunk)?;
    }
    let restored = restorer.finish()?;
    let read = busy()? - begin;
    println!(
        "    snapshot {} MiB written in {written:.2?}, restored in {read:.2?}",
        chunks.iter().map(Vec::len).sum::<usize>() >> 20
    );
    assert!(restored.hashes() == state.hashes(), "what came back is another state");
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).ok_or("statm has no second field")?.parse()?;
    Ok(pages * 4096)
}
