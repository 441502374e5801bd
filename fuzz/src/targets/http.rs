//! The whole way of a request: sockets, HTTP, routes, handlers, operations, state.
//!
//! Input: a byte of switches; then either raw bytes for one connection, or up to eight requests, each a byte
//! that chooses method and headers, a piece that is the target, a piece that is a header's value, and a piece that is the
//! body. Each of these requests is well formed as far as its parts let it be, and must be answered.
//!
//! Under the edge are the real operations and the real state; only consensus and disk are left out (`replica`), so
//! that a thousand inputs a second are possible and each begins with an empty server.

mod answer;
mod replica;
mod server;

use tokio::runtime::Runtime;

use crate::Target;
use crate::bounds::Bounds;
use crate::input::{Input, push_piece};
use answer::Answer;
use server::Server;

/// The target.
pub static TARGET: Target = Target {
    name: "http",
    about: "requests from the socket to the state and back",
    input_bytes_max: 8 * 1024,
    bounds: Bounds { base_bytes: 16 << 20, bytes_per_byte: 1024 },
    run,
    seeds,
};

const RAW: u8 = 1;
const REQUESTS_MAX: usize = 8;

const METHODS: [&str; 8] = ["GET", "PUT", "DELETE", "GET", "PUT", "POST", "HEAD", "OPTIONS"];
/// Headers that the edge reads, and one that carries a credential.
const HEADERS: [&str; 8] = [
    "Accept-Encoding",
    "X-Consul-Token",
    "Content-Type",
    "Authorization",
    "X-Other",
    "If-None-Match",
    "Cache-Control",
    "Accept",
];

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime on the current thread starts");
}

fn run(bytes: &[u8]) {
    RUNTIME.with(|runtime| runtime.block_on(attack(bytes)));
}

async fn attack(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let server = Server::start();
    if input.byte() & RAW != 0 {
        server.exchange(input.rest(), true).await;
        assert_eq!(server.state().verify(), None, "after raw bytes");
        return;
    }
    for _ in 0..REQUESTS_MAX {
        if input.is_empty() {
            return;
        }
        let request = Request::of(&mut input);
        let before = server.state();
        let bytes = server.exchange(&request.bytes, false).await;
        let answer = Answer::read(&bytes, request.method == "HEAD");
        answer.check();
        let after = server.state();
        assert_eq!(after.verify(), None, "after {request:?}");
        assert!(after.index() >= before.index(), "the index went back at {request:?}");
        if (400..500).contains(&answer.status) {
            assert_eq!(
                after.hashes(),
                before.hashes(),
                "{} and yet something changed: {request:?}",
                answer.status
            );
        }
    }
}

struct Request {
    method: &'static str,
    bytes: Vec<u8>,
}

impl Request {
    fn of(input: &mut Input<'_>) -> Request {
        let choice = usize::from(input.byte());
        let (target, header, body) = (input.piece(), input.piece(), input.piece());
        let method = METHODS[choice % METHODS.len()];
        let mut bytes = format!("{method} ").into_bytes();
        bytes.extend(target.iter().filter(|byte| !matches!(byte, b'\r' | b'\n' | b' ')));
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: konsul\r\nConnection: close\r\n");
        let name = HEADERS[choice / METHODS.len() % HEADERS.len()];
        bytes.extend_from_slice(format!("{name}: ").as_bytes());
        bytes.extend(header.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        bytes.extend_from_slice(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
        Request { method, bytes }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.bytes.escape_ascii())
    }
}

/// A request as an input has it.
struct Seed(u8, &'static str, &'static [u8]);

fn seeds() -> Vec<Vec<u8>> {
    let (get, put, delete) = (0, 1, 2);
    let conversations: &[&[Seed]] = &[
        &[
            Seed(put, "/v1/kv/a/b?flags=42", b"value"),
            Seed(get, "/v1/kv/a/b?pretty", b""),
            Seed(get, "/v1/kv/a?recurse&index=1&wait=1ms", b""),
            Seed(put, "/v1/kv/a/b?cas=9", b"other"),
            Seed(delete, "/v1/kv/a?recurse", b""),
            Seed(get, "/v1/kv/a/b?raw", b""),
        ],
        &[
            Seed(put, "/v1/session/create", br#"{"Name":"lock","TTL":"10s","LockDelay":"0s"}"#),
            Seed(get, "/v1/session/list?index=1&wait=1ms&consistent", b""),
            Seed(put, "/v1/kv/lock?acquire=adf4238a-882b-9ddc-4a9d-5b6758e4159e", b"me"),
            Seed(put, "/v1/session/renew/adf4238a-882b-9ddc-4a9d-5b6758e4159e", b""),
            Seed(put, "/v1/session/destroy/adf4238a-882b-9ddc-4a9d-5b6758e4159e", b""),
        ],
        &[
            Seed(
                put,
                "/v1/txn",
                br#"[{"KV":{"Verb":"set","Key":"t","Value":"dmFsdWU="}},{"KV":{"Verb":"get","Key":"t"}}]"#,
            ),
            Seed(put, "/v1/txn?stale", br#"[{"KV":{"Verb":"get-tree","Key":""}}]"#),
            Seed(put, "/v1/txn", br#"[{"KV":{"Verb":"check-not-exists","Key":"t"}}]"#),
        ],
        &[
            Seed(put, "/v1/event/fire/deploy?service=web&tag=v", b"payload"),
            Seed(get, "/v1/event/list?name=deploy", b""),
            Seed(get, "/v1/operator/usage", b""),
            Seed(get, "/v1/snapshot", b""),
            Seed(put, "/v1/snapshot", b"KONSULBK\x01\0\0\0"),
        ],
        &[
            Seed(put, "/v1/kv/x?ttl=30s&ns=team-1", b"1"),
            Seed(get, "/v1/kv/?keys&separator=/&ns=team-1&stale", b""),
            Seed(get, "/v1/kv/x?dc=other", b""),
            Seed(get, "/v1/agent/self", b""),
            Seed(get, "/v1/catalog/nodes", b""),
            Seed(get, "/nowhere", b""),
            Seed(7, "/v1/kv/x", b""),
            Seed(6, "/v1/status/leader", b""),
        ],
    ];
    let raws: [&[u8]; 4] = [
        b"GET /v1/kv/a HTTP/1.1\r\nHost: k\r\n\r\nGET /v1/status/leader HTTP/1.0\r\n\r\n",
        b"PUT /v1/kv/a HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"PUT /v1/kv/a HTTP/1.1\r\nHost: k\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nabc",
        b"PUT /v1/kv/a HTTP/1.1\r\nHost: k\r\nContent-Length: 3\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nabcd",
    ];
    let conversations = conversations.iter().map(|requests| conversation(requests));
    conversations.chain(raws.iter().map(|raw| [&[RAW], *raw].concat())).collect()
}

fn conversation(requests: &[Seed]) -> Vec<u8> {
    let mut input = vec![0];
    for Seed(choice, target, body) in requests {
        input.push(*choice);
        push_piece(&mut input, target.as_bytes());
        push_piece(&mut input, b"gzip");
        push_piece(&mut input, body);
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_reaches_the_state() {
        let seed = conversation(&[Seed(1, "/v1/kv/a", b"value"), Seed(0, "/v1/kv/a?raw", b"")]);
        let mut input = Input::new(&seed);
        input.byte();
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                let server = Server::start();
                let mut bodies = Vec::new();
                while !input.is_empty() {
                    let bytes = server.exchange(&Request::of(&mut input).bytes, false).await;
                    let answer = Answer::read(&bytes, false);
                    assert_eq!(answer.status, 200, "{}", bytes.escape_ascii());
                    bodies.push(answer.body.to_vec());
                }
                assert_eq!(bodies, [b"true".to_vec(), b"value".to_vec()]);
            });
        });
    }
}
