//! Query strings of requests.
//!
//! Input: the raw query string.

use konsul_http::v1::query::{self, parse_u64};

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "query",
    about: "query strings: escapes, parameters, numbers",
    input_bytes_max: 4 * 1024,
    bounds: Bounds { base_bytes: 1 << 20, bytes_per_byte: 256 },
    run,
    seeds,
};

/// Parameters that the API reads.
const NAMES: &[&str] = &[
    "acquire",
    "cas",
    "dc",
    "flags",
    "index",
    "keys",
    "ns",
    "raw",
    "recurse",
    "release",
    "separator",
    "wait",
];

fn run(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    if let Ok(number) = parse_u64(raw) {
        assert_eq!(raw.trim_start_matches('0').parse().unwrap_or(0), number, "a number reads otherwise");
    }
    let Ok(parsed) = query::parse(raw) else { return };
    let encoded = parsed.encode();
    assert!(!encoded.split('&').any(|pair| pair.starts_with("token=")), "a token is written out: {encoded}");
    let again = query::parse(&encoded).expect("an encoded query can be read");
    assert_eq!(again.encode(), encoded, "encoding is not stable");
    for name in NAMES {
        assert_eq!(again.get(name), parsed.get(name), "{name} reads otherwise after it was encoded");
        assert_eq!(parsed.has(name), parsed.get(name).is_some());
        if let Some(value) = parsed.text(name) {
            assert!(!value.is_empty());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "",
        "18446744073709551615",
        "recurse&index=17&wait=10s&stale",
        "cas=0&flags=42&token=secret",
        "keys&separator=%2F&ns=a&dc=dc1",
        "acquire=adf4238a-882b-9ddc-4a9d-5b6758e4159e&a=b=c&&=x",
        "a=%zz",
        "a;b=c",
        "a=+%20+&b=%ff",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
