//! `konsul-sim`: see `konsul-sim --help`.
fn main() {
    let seed: u64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let mutant: u32 = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(0);
    konsul_sim::mutants::switch_on(mutant);
    let t = std::time::Instant::now();
    let r = konsul_sim::run::run(seed, 3000);
    println!("{r:?} {:?}", t.elapsed());
}
