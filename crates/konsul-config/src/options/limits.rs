//! The HTTP listener, and the bounds on what clients may send and keep.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(http_config.response_headers, "", "Headers that every HTTP answer carries.")
        .unset("none")
        .secret()
        .live(),
    option!(
        http_config.block_endpoints,
        "",
        "Path prefixes of the HTTP API that are answered with 403, such as `/v1/snapshot`."
    )
    .unset("none")
    .live(),
    option!(
        http_config.allow_write_http_from,
        "",
        "Networks, such as `10.0.0.0/8`, from which writes over HTTP are taken; from elsewhere they get 403."
    )
    .flag("allow-write-http-from")
    .unset("everywhere")
    .live(),
    option!(
        disable_http_unprintable_char_filter,
        "false",
        "Lets requests pass whose path holds characters that cannot be printed; otherwise they get 400."
    )
    .live(),
    option!(
        http_config.max_header_bytes,
        "1048576",
        "Largest head of an HTTP request, first line and headers together. A larger one is answered with 431."
    )
    .alias(&["limits.http_max_header_bytes"])
    .unit("bytes")
    .integers(8_192, 16_777_216),
    option!(
        limits.http_max_conns_per_client,
        "200",
        "How many HTTP connections one IP address may hold. Further ones are closed at once."
    )
    .unit("connections")
    .integers(1, 1_000_000)
    .live(),
    option!(
        limits.http_max_conns,
        "65536",
        "How many HTTP connections there may be in all. Further ones are closed at once."
    )
    .unit("connections")
    .integers(1, 10_000_000)
    .live(),
    option!(
        limits.http_header_timeout,
        "10s",
        "How long a client may take to send the head of a request. Then the connection is closed."
    )
    .durations("100ms", "10m")
    .live(),
    option!(
        limits.http_body_timeout,
        "1m",
        "How long a client may pause within the body of a request. Then it gets 408 and the connection is closed."
    )
    .durations("100ms", "1h")
    .live(),
    option!(
        limits.kv_max_value_size,
        "524288",
        "Largest value in the key-value store. A larger one is refused with 413."
    )
    .unit("bytes")
    .integers(1, 8_000_000)
    .live(),
    option!(
        limits.txn_max_req_len,
        "524288",
        "Largest body of a transaction, or `limits.kv_max_value_size` if that is larger. Beyond it: 413."
    )
    .unit("bytes")
    .integers(1, 8_000_000)
    .live(),
    option!(
        limits.kv_max_keys,
        "10000000",
        "How many keys one namespace may hold. Writes of further ones are refused."
    )
    .unit("keys")
    .integers(1, 1_000_000_000)
    .live(),
    option!(
        limits.kv_max_bytes,
        "8589934592",
        "How many bytes of keys and values one namespace may hold. Writes beyond it are refused."
    )
    .unit("bytes")
    .integers(1, 1_099_511_627_776)
    .live(),
    option!(
        limits.kv_history_bytes,
        "8388608",
        "How many bytes of old values one namespace keeps, each counted with its key. The oldest go first; 0 keeps none."
    )
    .unit("bytes")
    .integers(0, 1_099_511_627_776)
    .live(),
    option!(
        limits.locks,
        "1000000",
        "How many locks of the v2 API may be held in one namespace. Further ones are refused."
    )
    .unit("locks")
    .integers(1, 100_000_000)
    .live(),
    option!(
        limits.lock_queue,
        "10000",
        "How many sessions may wait for one lock of the v2 API. Further ones are refused."
    )
    .unit("sessions")
    .integers(1, 1_000_000)
    .live(),
];
