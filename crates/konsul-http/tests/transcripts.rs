//! Every file of `transcripts/`, over a real socket, against a server of its own: once around the stand-in, and where the
//! real operations can give the answers too, once around those.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use konsul_storage::MemoryStorage;
use konsul_testkit::TestNode;
use support::Rig;

async fn check(name: &str, least: usize) {
    let rig = Rig::start();
    let steps = support::transcript::run(&path(name), rig.address).await;
    assert!(steps >= least, "{name} has {steps} steps");
}

async fn check_real(name: &str) {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let (server, address) = support::serve(Arc::new(node.operations.clone()));
    support::transcript::run(&path(name), address).await;
    drop(server);
    node.stop().await;
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{name}.http"))
}

macro_rules! transcripts {
    ($($test:ident $real:ident $file:literal $least:literal)*) => {$(
        #[tokio::test]
        async fn $test() {
            check($file, $least).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $real() {
            check_real($file).await;
        }
    )*};
}

transcripts! {
    kv kv_for_real "kv" 30
    kv_keys kv_keys_for_real "kv_keys" 20
    locks locks_for_real "locks" 10
    sessions sessions_for_real "session" 30
    transactions transactions_for_real "txn" 12
    bad_input bad_input_for_real "bad_input" 30
}

/// The stand-in has no catalogue.
macro_rules! on_the_real_thing {
    ($($test:ident $file:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            check_real($file).await;
        }
    )*};
}

on_the_real_thing! {
    catalog "catalog"
    health "health"
    catalog_transactions "txn_catalog"
    coordinates "coordinate"
    prepared_queries "query"
    internal_pages "internal_ui"
}

/// The real operations of these tests have no agent that keeps anything.
#[tokio::test]
async fn agents() {
    check("agent", 50).await;
}

#[tokio::test]
async fn other_nouns() {
    check("others", 20).await;
}
