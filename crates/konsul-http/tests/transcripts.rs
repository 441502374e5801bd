//! Every file of `transcripts/`, over a real socket, against a server of its own.

mod support;

use std::path::PathBuf;

use support::Rig;

async fn check(name: &str, least: usize) {
    let rig = Rig::start();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{name}.http"));
    let steps = support::transcript::run(&path, rig.address).await;
    assert!(steps >= least, "{name} has {steps} steps");
}

#[tokio::test]
async fn kv() {
    check("kv", 30).await;
}

#[tokio::test]
async fn kv_keys() {
    check("kv_keys", 20).await;
}

#[tokio::test]
async fn locks() {
    check("locks", 10).await;
}

#[tokio::test]
async fn sessions() {
    check("session", 30).await;
}

#[tokio::test]
async fn transactions() {
    check("txn", 12).await;
}

#[tokio::test]
async fn other_nouns() {
    check("others", 20).await;
}

#[tokio::test]
async fn bad_input() {
    check("bad_input", 30).await;
}
