//! Twenty rounds of `kill -9` under load: what was acknowledged is there, once, whole, and at rising indexes.
//!
//! `make prove PART=kills` does a thousand.

use konsul_testkit::kills;

const ROUNDS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_konsul"));
    let report = kills::run(binary, folder.path(), ROUNDS, |_| true).await;
    let report = report.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(report.rounds, ROUNDS);
    assert!(report.acknowledged > 100, "the load was none: {report}");
}
