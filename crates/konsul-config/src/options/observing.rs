//! What the agent says about itself.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(log_level, "info", "The least important lines that are still logged.").flag("log-level").live(),
    option!(log_json, "", "Whether the log has one JSON object a line instead of text.")
        .flag("log-json")
        .unset("text on a terminal, JSON elsewhere"),
    option!(
        log_file,
        "",
        "File into which the log is written as well. A path that ends in `/` names a directory, for a file \
         `konsul.log` in it. Full files are renamed: a time is put before the name's extension."
    )
    .flag("log-file")
    .unset("none"),
    option!(
        log_rotate_bytes,
        "0",
        "How large the log file may become before it is renamed and a new one begun; 0 sets no bound."
    )
    .flag("log-rotate-bytes")
    .unit("bytes")
    .integers(0, 1_099_511_627_776),
    option!(
        log_rotate_duration,
        "24h",
        "How long one log file is written before it is renamed and a new one begun; 0 sets no bound."
    )
    .flag("log-rotate-duration")
    .durations("0s", "8760h"),
    option!(
        log_rotate_max_files,
        "0",
        "How many renamed log files are kept; the oldest go first. 0 keeps all, -1 none."
    )
    .flag("log-rotate-max-files")
    .unit("files")
    .integers(-1, 1_000_000),
    option!(
        telemetry.otlp_endpoint,
        "",
        "Where traces are sent to, such as `http://localhost:4318`: a collector that speaks OTLP. Without encryption; put \
         a collector beside the node to send further. The variable `OTEL_EXPORTER_OTLP_ENDPOINT` counts where nothing \
         else is said."
    )
    .unset("nothing is traced"),
    option!(
        telemetry.otlp_protocol,
        "http/protobuf",
        "How traces are sent: `http/protobuf`, usually to port 4318, or `grpc`, usually to port 4317."
    ),
    option!(
        telemetry.otlp_headers,
        "",
        "Headers that are sent along with traces, such as the credential that a collector wants."
    )
    .unset("none")
    .secret(),
    option!(telemetry.otlp_timeout, "10s", "How long sending one batch of traces may take; then it is dropped.")
        .durations("100ms", "10m"),
    option!(
        telemetry.sample_ratio,
        "0.01",
        "Which part of the requests is traced, from 0 to 1, where the caller does not say. A caller that sends \
         `traceparent` decides for its own request."
    ),
    option!(telemetry.service_name, "konsul", "Under which name the traces of this node are found."),
    option!(
        telemetry.disable_hostname,
        "false",
        "Leaves the host name out of the names of gauges in `/v1/agent/metrics`."
    ),
];
