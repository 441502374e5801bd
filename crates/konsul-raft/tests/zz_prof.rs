mod common;
use common::history::play;
#[test]
fn prof() {
    for seed in 100..500 {
        let t = std::time::Instant::now();
        let run = play(seed, 6).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let _ = (t, run);
    }
}
