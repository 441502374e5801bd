//! Blocking queries, sessions, and how the agent stops.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(
        default_query_time,
        "5m",
        "How long a blocking query waits if it does not say. Not above `max_query_time`."
    )
    .durations("1s", "24h")
    .live(),
    option!(max_query_time, "10m", "How long a blocking query may wait; longer wishes are cut to it.")
        .durations("1s", "24h")
        .live(),
    option!(session_ttl_min, "10s", "Shortest time to live that a session may ask for.")
        .durations("1s", "24h"),
    option!(leave_on_terminate, "false", "Leaves the cluster for good on SIGTERM, instead of only stopping.")
        .live(),
    option!(
        skip_leave_on_interrupt,
        "true",
        "On SIGINT only stops. If false, an interrupt makes the node leave the cluster for good."
    )
    .live(),
    option!(
        graceful_stop_timeout,
        "10s",
        "How long a stop waits for requests under way before it ends them."
    )
    .durations("0s", "1h")
    .live(),
    option!(pid_file, "", "File into which the process id is written, and which is removed at the end.")
        .flag("pid-file")
        .unset("none is written"),
    option!(
        watches,
        "",
        "Handlers that run when something in the store changes: blocks with `type` (`key`, `keyprefix` or `event`), what to \
         look at (`key`, `prefix` or `name`), and `args`, a program and its arguments, or `handler_type = \"http\"` with \
         `http_handler_config`. A program reads the new value as JSON from its standard input, and the index from \
         `CONSUL_INDEX`."
    )
    .unset("none")
    .secret()
    .live(),
];
