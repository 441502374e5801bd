//! `watches` blocks: handlers that run when something in the store changes.
//!
//! # The life of a watch
//!
//! [`supervise`] holds one task for each block that is wanted, and ends and begins tasks as a reload changes the blocks; a
//! block that stays as it was is not disturbed. A task reads (`look`), and parks until there is something newer. When the
//! value is another one than before, its handler runs: a program (`program`) or a request (`request`). The next look waits
//! for the handler, so that one watch never runs two at once; what changed meanwhile is seen then, as one change. A
//! handler runs once at the beginning, with what is there.
//!
//! A handler that is under way when its block goes, or the agent stops, is left to finish. That a handler failed is
//! logged, and changes nothing: the next change runs it again.

mod look;
mod program;
mod request;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use konsul_config::{WatchBlock, WatchHandler, WatchOn};
use konsul_operations::Operations;
use konsul_runtime::spawn;
use konsul_runtime::sync::watch;
use konsul_runtime::time::{Duration, sleep};

use look::{Found, look};

/// How much of what a handler says is kept for the log, in bytes.
const KEPT_OUTPUT: usize = 4096;

/// How long to wait before looking again after a failure: this, times the square of the failures in a row, up to
/// [`LONGEST_PAUSE`], as Consul does.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(180);

/// A watch under way. It ends when this is dropped.
struct Running {
    block: WatchBlock,
    _ends: watch::Sender<()>,
}

/// Keeps a task for each wanted block, until it is aborted itself or nobody can want anything any more.
pub(crate) async fn supervise(operations: Arc<dyn Operations>, mut wanted: watch::Receiver<Vec<WatchBlock>>) {
    let mut running: Vec<Running> = Vec::new();
    loop {
        let blocks = wanted.borrow_and_update().clone();
        running = settle(running, blocks, &operations);
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

/// Those that are wanted: the ones that run already, and new ones. The rest ends.
fn settle(mut old: Vec<Running>, blocks: Vec<WatchBlock>, operations: &Arc<dyn Operations>) -> Vec<Running> {
    let one = |block: WatchBlock| match old.iter().position(|running| running.block == block) {
        Some(at) => old.swap_remove(at),
        None => begin(block, Arc::clone(operations)),
    };
    blocks.into_iter().map(one).collect()
}

fn begin(block: WatchBlock, operations: Arc<dyn Operations>) -> Running {
    let (ends, ended) = watch::channel(());
    drop(spawn(watch_over(block.clone(), operations, ended)));
    Running { block, _ends: ends }
}

async fn watch_over(block: WatchBlock, operations: Arc<dyn Operations>, mut ended: watch::Receiver<()>) {
    let mut last: Option<Found> = None;
    let mut failures = 0;
    loop {
        let index = last.as_ref().map(|found| found.index);
        let found = tokio::select! {
            biased;
            _ = ended.changed() => return,
            found = look(&*operations, &block, index) => found,
        };
        match found {
            Ok(found) => {
                failures = 0;
                if found.is_news_after(last.as_ref()) {
                    run(&block, &found).await;
                }
                last = Some(found);
            }
            Err(why) => {
                failures += 1;
                tracing::warn!(watch = %name(&block), %why, "a watch cannot be read; trying again");
                tokio::select! {
                    biased;
                    _ = ended.changed() => return,
                    () = sleep((PAUSE * failures * failures).min(LONGEST_PAUSE)) => {}
                }
            }
        }
    }
}

/// Runs the handler, and says how it went.
async fn run(block: &WatchBlock, found: &Found) {
    let ran = match &block.handler {
        WatchHandler::Program(words) => program::run(words, found).await,
        WatchHandler::Shell(line) => {
            program::run(&["/bin/sh".to_owned(), "-c".to_owned(), line.clone()], found).await
        }
        WatchHandler::Http(handler) => request::send(handler, found).await,
    };
    let watch = name(block);
    match ran {
        Ok(output) => tracing::debug!(%watch, output = %output.trim_end(), "a watch's handler has run"),
        Err(why) => tracing::warn!(%watch, %why, "a watch's handler failed"),
    }
}

/// What a block is called in the log.
fn name(block: &WatchBlock) -> String {
    match &block.on {
        WatchOn::Key(key) => format!("key {key}"),
        WatchOn::KeyPrefix(prefix) => format!("keyprefix {prefix}"),
        WatchOn::Event(None) => "event".to_owned(),
        WatchOn::Event(Some(name)) => format!("event {name}"),
    }
}
