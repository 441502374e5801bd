//! A backup on its way out, at no more than a quarter of a processor's time: packing it is work that competes with the
//! requests of everybody else, and whoever saves a backup can wait a little.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use konsul_operations::operations::BackupBytes;
use konsul_runtime::time::{Duration, now, sleep};

/// After a piece that took so long to make, three times as long is rested.
const RESTS: u32 = 3;

/// Timers are no finer: shorter work is added up.
const SHORTEST_WORK: Duration = Duration::from_millis(1);

/// A machine that stood still is no reason to rest for long.
const LONGEST_WORK: Duration = Duration::from_millis(50);

/// The pieces of a backup, each made when it is asked for.
pub(crate) fn paced(bytes: BackupBytes) -> impl Stream<Item = Bytes> + Send {
    unfold((bytes, Duration::ZERO), async |(mut bytes, mut worked)| {
        if worked >= SHORTEST_WORK {
            sleep(worked.min(LONGEST_WORK) * RESTS).await;
            worked = Duration::ZERO;
        }
        let began = now();
        let piece = bytes.next()?;
        Some((piece, (bytes, worked + (now() - began))))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[test]
    fn every_piece_comes_in_order() {
        let pieces = || (0..100u8).map(|n| Bytes::from(vec![n]));
        let paced = konsul_runtime::block_on(paced(Box::new(pieces())).collect::<Vec<_>>());
        assert_eq!(paced, pieces().collect::<Vec<_>>());
    }
}
