//! What the disk makes the figures tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use konsul_operations::Operations as _;
use konsul_operations::ports::LocalAgent as _;
use konsul_runtime::time::{self, Duration};

use super::{Mode, Node, put};
use crate::figures::table;

/// A disk that takes its time, a full one, and one that breaks.
pub(super) async fn disk(node: &mut Node) {
    node.disk.set(Mode::Waits);
    let mut slow = vec![node.write("slow/0")];
    node.until(&table::PROPOSALS, |waiting| waiting > 0.0).await;
    // What comes while the first is on its way to the disk may go along with it: more comes until a job waits.
    let (operations, stop) = (node.operations.clone(), Arc::new(AtomicU8::new(0)));
    let stopped = stop.clone();
    let more = tokio::spawn(async move {
        for number in 1.. {
            if stopped.load(Ordering::SeqCst) > 0 {
                return;
            }
            let operations = operations.clone();
            drop(tokio::spawn(async move {
                let _ = operations.kv_put(&Node::context(), put(&format!("slow/{}", number % 64))).await;
            }));
            time::sleep(Duration::from_millis(5)).await;
        }
    });
    node.until(&table::DISK_JOBS, |jobs| jobs > 0.0).await;
    stop.store(1, Ordering::SeqCst);
    more.await.unwrap();
    slow.push(node.write("slow/last"));
    node.until(&table::LAG, |lag| lag > 0.0).await;
    node.until(&table::QUEUED, |bytes| bytes > 0.0).await;
    node.disk.set(Mode::Works);
    for write in slow {
        assert!(write.await.unwrap());
    }
    node.disk.set(Mode::Full);
    assert!(!node.write("full/0").await.unwrap());
    node.until(&table::HELD, |held| held > 0.0).await;
    assert!(!node.write("full/1").await.unwrap());
    node.until(&table::REFUSED_FULL, |refused| refused > 0.0).await;
    assert!(!node.agent.health().ready);
    node.disk.set(Mode::Works);
    node.until(&table::FULL, |full| full == 0.0).await;
    node.disk.set(Mode::Breaks);
    assert!(!node.write("broken").await.unwrap());
    node.until(&table::LIVE, |live| live == 0.0).await;
}
