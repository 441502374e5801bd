//! The log, the snapshots and the history of changes.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(data_dir, "", "Directory for everything that outlives the process. Needed for `storage.engine = \"disk\"`.")
        .flag("data-dir")
        .unset("no directory: an error outside dev mode"),
    option!(
        storage.engine,
        "disk",
        "Where the log and the snapshots are kept: `disk`, below `data_dir`, or `memory`, gone at the end."
    )
    .dev("memory"),
    option!(
        storage.segment_bytes,
        "67108864",
        "Size of one file of the log. Each is allocated whole before it is used."
    )
    .unit("bytes")
    .integers(16_777_216, 1_073_741_824),
    option!(
        raft_snapshot_threshold,
        "16384",
        "How many log entries are written, at least, before the state is snapshotted and the log before it dropped. A \
         state that is larger than so many entries waits until the log has grown by half its size."
    )
    .unit("entries")
    .integers(1, 100_000_000),
    option!(
        watch.history_entries,
        "65536",
        "How many changes the feed remembers. A subscriber that falls further behind starts again from a snapshot."
    )
    .unit("changes")
    .integers(1, 100_000_000),
    option!(
        watch.history_bytes,
        "67108864",
        "How many bytes of changes the feed remembers; the first of the two bounds to be reached counts."
    )
    .unit("bytes")
    .integers(65_536, 68_719_476_736),
];
