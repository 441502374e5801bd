//! Blocking queries, sessions, and how the agent stops.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(
        default_query_time,
        "5m",
        "How long a blocking query waits if it does not say. Not above `max_query_time`."
    )
    .durations("1s", "24h"),
    option!(max_query_time, "10m", "How long a blocking query may wait; longer wishes are cut to it.")
        .durations("1s", "24h"),
    option!(session_ttl_min, "10s", "Shortest time to live that a session may ask for.")
        .durations("1s", "24h"),
    option!(leave_on_terminate, "false", "Leaves the cluster for good on SIGTERM, instead of only stopping."),
    option!(
        skip_leave_on_interrupt,
        "true",
        "On SIGINT only stops. If false, an interrupt makes the node leave the cluster for good."
    ),
    option!(
        graceful_stop_timeout,
        "10s",
        "How long a stop waits for requests under way before it ends them."
    )
    .durations("0s", "1h"),
    option!(pid_file, "", "File into which the process id is written, and which is removed at the end.")
        .flag("pid-file")
        .unset("none is written"),
];
