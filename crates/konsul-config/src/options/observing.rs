//! What the agent says about itself.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(log_level, "info", "The least important lines that are still logged.").flag("log-level").live(),
    option!(log_json, "false", "Logs one JSON object a line, also on a terminal.").flag("log-json"),
    option!(
        telemetry.disable_hostname,
        "false",
        "Leaves the host name out of the names of gauges in `/v1/agent/metrics`."
    ),
];
