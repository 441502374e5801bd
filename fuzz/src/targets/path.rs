//! Paths of requests, and the keys in them.
//!
//! Input: the raw path.

use konsul_http::v1::path;
use konsul_http::v1::route;

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "path",
    about: "paths of requests: escapes, routes, keys",
    input_bytes_max: 10 * 1024,
    bounds: Bounds { base_bytes: 1 << 20, bytes_per_byte: 16 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    if let Ok(decoded) = path::decode(raw) {
        assert!(decoded.len() <= raw.len(), "a decoded path is longer than it was");
        assert_eq!(
            path::decode(&escape(&decoded)).as_deref(),
            Ok(&*decoded),
            "an escaped path reads otherwise"
        );
        path::is_printable(&decoded);
        if let Some((route, tail)) = route::find(&decoded) {
            assert!(decoded.contains(tail), "{}: its variable part {tail:?} is not of the path", route.path);
        }
    }
    if let Ok(key) = path::key(raw) {
        let again = path::key(&format!("{}{}", path::KV_PREFIX, escape(key.as_str())));
        assert_eq!(again.as_ref(), Ok(&key), "an escaped key reads otherwise");
    }
}

/// Every byte escaped.
fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn seeds() -> Vec<Vec<u8>> {
    let mut paths: Vec<String> =
        ["/v1/kv/a/b", "/v1/kv/a%2Fb%25", "/v1/kv//..//%C3%A7", "/v1/kv/%zz", "/v1/kv/%ff", "/"]
            .map(str::to_owned)
            .into();
    paths.push(format!("/v1/kv/{}", "k".repeat(8193)));
    // One path with a variable part at its end, in its middle, and none at all.
    paths.extend(
        ["/v1/session/info/x", "/v1/query/x/execute", "/v1/config/a/b", "/v1/txn"].map(str::to_owned),
    );
    paths.into_iter().map(String::into_bytes).collect()
}
