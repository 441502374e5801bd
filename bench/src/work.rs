//! The requests: keys of 20 bytes, values of 100, in the words of Konsul and of etcd's JSON gateway.
//!
//! What is asked of the catalogue is in [`catalog`]. Each value written is another one. A put of the value that is there already would move no index in Konsul, and so do less.

pub mod catalog;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::load::{Response, Work};

/// What all keys begin with.
pub const PREFIX: &str = "bench/";

const KEY_BYTES: usize = 20;
const VALUE_BYTES: usize = 100;

/// How the base64 form of each value ends, whatever it begins with.
const VALUE_ENDS: &[u8] = b"dnZ2dnZ2dnZ2dg==";

/// How the JSON form of each value ends that is not in base64.
const TEXT_ENDS: &[u8] = b"vvvvvvvvvvvvvvvv\"";

/// Whose words are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/v1/kv`.
    Konsul,
    /// `/v2/kv`; a value is written as bytes, and read as JSON.
    KonsulV2,
    /// `/v3/kv`, with keys and values in base64.
    EtcdJson,
}

/// Which keys, in which order.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Each once, from the given one on.
    Ascending(u64),
    /// Any of the first so many, by a fixed sequence.
    Random {
        /// How many there are.
        count: u64,
        /// Where the sequence is; not zero.
        state: u64,
    },
}

impl Keys {
    /// Any of the first `count`.
    pub fn random(count: u64) -> Keys {
        Keys::Random { count, state: 0x9e37_79b9_7f4a_7c15 }
    }

    fn next(&mut self) -> u64 {
        match self {
            Keys::Ascending(next) => {
                *next += 1;
                *next - 1
            }
            Keys::Random { count, state } => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                *state % *count
            }
        }
    }
}

/// The name of key `number`.
pub fn key(number: u64) -> [u8; KEY_BYTES] {
    let mut key = *b"bench/00000000000000";
    let (mut left, mut at) = (number, KEY_BYTES);
    while left > 0 && at > PREFIX.len() {
        at -= 1;
        key[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    key
}

/// The value of write `serial`.
pub fn value(serial: u64) -> [u8; VALUE_BYTES] {
    let mut value = [b'v'; VALUE_BYTES];
    for (at, place) in value.iter_mut().take(16).enumerate() {
        *place = b"0123456789abcdef"[(serial >> (60 - 4 * at) & 15) as usize];
    }
    value
}

/// Writes.
#[derive(Debug, Clone)]
pub struct Put {
    dialect: Dialect,
    keys: Keys,
    serial: u64,
    answer_has: &'static [u8],
}

impl Put {
    /// Writes to `keys`.
    pub fn new(dialect: Dialect, keys: Keys) -> Put {
        let answer_has: &[u8] = match dialect {
            Dialect::Konsul => b"true",
            Dialect::KonsulV2 => b"\"modify_index\"",
            Dialect::EtcdJson => b"\"revision\"",
        };
        Put { dialect, keys, serial: 0, answer_has }
    }
}

impl Work for Put {
    fn write(&mut self, out: &mut Vec<u8>) {
        self.serial += 1;
        let (key, value) = (key(self.keys.next()), value(self.serial));
        match self.dialect {
            Dialect::Konsul => {
                out.extend_from_slice(b"PUT /v1/kv/");
                out.extend_from_slice(&key);
                out.extend_from_slice(b" HTTP/1.1\r\nHost: bench\r\nContent-Length: 100\r\n\r\n");
                out.extend_from_slice(&value);
            }
            Dialect::KonsulV2 => {
                out.extend_from_slice(b"PUT /v2/kv/");
                out.extend_from_slice(&key);
                out.extend_from_slice(
                    b" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/octet-stream\r\n",
                );
                out.extend_from_slice(b"Content-Length: 100\r\n\r\n");
                out.extend_from_slice(&value);
            }
            Dialect::EtcdJson => post(out, "put", &[("key", &key), ("value", &value)]),
        }
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let right = match self.dialect {
            Dialect::Konsul => *response.body == *self.answer_has,
            Dialect::KonsulV2 | Dialect::EtcdJson => has(&response.body, self.answer_has),
        };
        if right && matches!(response.status, 200 | 201) {
            Ok(())
        } else {
            Err(Error::wrong("a put", response))
        }
    }
}

/// Reads of one key.
#[derive(Debug, Clone)]
pub struct Get {
    dialect: Dialect,
    keys: Keys,
}

impl Get {
    /// Reads of `keys`, all of which must be there.
    pub fn new(dialect: Dialect, keys: Keys) -> Get {
        Get { dialect, keys }
    }
}

impl Work for Get {
    fn write(&mut self, out: &mut Vec<u8>) {
        let key = key(self.keys.next());
        match self.dialect {
            Dialect::Konsul => get(out, &[b"/v1/kv/", &key]),
            Dialect::KonsulV2 => get(out, &[b"/v2/kv/", &key]),
            Dialect::EtcdJson => post(out, "range", &[("key", &key)]),
        }
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let ends = if self.dialect == Dialect::KonsulV2 { TEXT_ENDS } else { VALUE_ENDS };
        let right = response.status == 200 && has(&response.body, ends);
        if right { Ok(()) } else { Err(Error::wrong("a get", response)) }
    }
}

/// Reads of all keys.
#[derive(Debug, Clone)]
pub struct List {
    dialect: Dialect,
    count: usize,
}

impl List {
    /// Reads of all keys, of which there must be `count`.
    pub fn new(dialect: Dialect, count: usize) -> List {
        List { dialect, count }
    }
}

impl Work for List {
    fn write(&mut self, out: &mut Vec<u8>) {
        match self.dialect {
            Dialect::Konsul | Dialect::KonsulV2 => get(out, &[b"/v1/kv/", PREFIX.as_bytes(), b"?recurse"]),
            Dialect::EtcdJson => post(out, "range", &[("key", PREFIX.as_bytes()), ("range_end", b"bench0")]),
        }
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let right = response.status == 200 && count(&response.body, VALUE_ENDS) == self.count;
        if right { Ok(()) } else { Err(Error::wrong("a list", response)) }
    }
}

/// Batches of writes, each member for itself.
#[derive(Debug, Clone)]
pub struct Batch {
    keys: Keys,
    members: usize,
    serial: u64,
    body: Vec<u8>,
    answer_has: Vec<u8>,
}

impl Batch {
    /// Batches of `members` writes to `keys`.
    pub fn new(keys: Keys, members: usize) -> Batch {
        let answer_has = format!("\"succeeded\":{members},\"failed\":0").into_bytes();
        Batch { keys, members, serial: 0, body: Vec::new(), answer_has }
    }
}

impl Work for Batch {
    fn write(&mut self, out: &mut Vec<u8>) {
        self.body.clear();
        self.body.extend_from_slice(b"{\"operations\":[");
        for member in 0..self.members {
            self.serial += 1;
            self.body.extend_from_slice(if member == 0 { b"{" } else { b",{" });
            self.body.extend_from_slice(b"\"op\":\"kv_put\",\"key\":\"");
            self.body.extend_from_slice(&key(self.keys.next()));
            self.body.extend_from_slice(b"\",\"value\":\"");
            self.body.extend_from_slice(&value(self.serial));
            self.body.extend_from_slice(b"\"}");
        }
        self.body.extend_from_slice(b"]}");
        out.extend_from_slice(
            b"POST /v2/batch HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n",
        );
        // A node in memory is a development node, which indents what is one JSON text; lines are as they are.
        out.extend_from_slice(b"Accept: application/x-ndjson\r\n");
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        out.extend_from_slice(&self.body);
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let right = response.status == 200 && has(&response.body, &self.answer_has);
        if right { Ok(()) } else { Err(Error::wrong("a batch", response)) }
    }
}

/// Requests that the empty handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// A get with a small answer.
    Get,
    /// A put with its body.
    Put,
    /// A get whose answer is as large as Konsul's.
    GetAsLarge,
}

impl Work for Nothing {
    fn write(&mut self, out: &mut Vec<u8>) {
        match self {
            Nothing::Get => Get::new(Dialect::Konsul, Keys::Ascending(1)).write(out),
            Nothing::Put => Put::new(Dialect::Konsul, Keys::Ascending(1)).write(out),
            Nothing::GetAsLarge => get(out, &[crate::server::AS_LARGE.as_bytes()]),
        }
    }

    fn judge(&self, response: &Response<'_>) -> Result<()> {
        let length = if *self == Nothing::GetAsLarge { 253 } else { 4 };
        let right = response.status == 200 && response.body.len() == length;
        if right { Ok(()) } else { Err(Error::wrong("nothing", response)) }
    }
}

fn get(out: &mut Vec<u8>, path: &[&[u8]]) {
    out.extend_from_slice(b"GET ");
    path.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b" HTTP/1.1\r\nHost: bench\r\n\r\n");
}

/// A request to etcd's gateway whose body has the given fields in base64.
fn post(out: &mut Vec<u8>, route: &str, fields: &[(&str, &[u8])]) {
    let mut body = [0; 512];
    let mut length = 0;
    let mut push = |bytes: &[u8]| {
        body[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    };
    for (at, (name, bytes)) in fields.iter().enumerate() {
        push(if at == 0 { b"{\"" } else { b",\"" });
        push(name.as_bytes());
        push(b"\":\"");
        let mut encoded = [0; 256];
        let size = STANDARD.encode_slice(bytes, &mut encoded).expect("a key or value of ours fits");
        push(&encoded[..size]);
        push(b"\"");
    }
    push(b"}");
    out.extend_from_slice(b"POST /v3/kv/");
    out.extend_from_slice(route.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\nHost: bench\r\nContent-Length: ");
    out.extend_from_slice(length.to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(&body[..length]);
}

fn has(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

// By their last byte first: a list's body is a quarter of a megabyte.
fn count(body: &[u8], part: &[u8]) -> usize {
    let last = part[part.len() - 1];
    let ends = body.iter().enumerate().filter(|(_, byte)| **byte == last);
    ends.filter(|(at, _)| body[..=*at].ends_with(part)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(work: &mut dyn Work) -> String {
        let mut out = Vec::new();
        work.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keys_and_values_have_their_sizes() {
        assert_eq!(&key(1_234), b"bench/00000000001234");
        assert!(value(255).starts_with(b"00000000000000ffvvv"));
        let encoded = STANDARD.encode(value(u64::MAX));
        assert!(encoded.as_bytes().ends_with(VALUE_ENDS), "{encoded}");
    }

    #[test]
    fn a_put_in_both_dialects() {
        let konsul = written(&mut Put::new(Dialect::Konsul, Keys::Ascending(7)));
        assert!(konsul.starts_with("PUT /v1/kv/bench/00000000000007 HTTP/1.1\r\n"), "{konsul}");
        let etcd = written(&mut Put::new(Dialect::EtcdJson, Keys::Ascending(7)));
        let (head, body) = etcd.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{etcd}");
        let fields: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(fields["key"], STANDARD.encode(key(7)));
        assert_eq!(fields["value"], STANDARD.encode(value(1)));
    }

    #[test]
    fn a_batch_has_its_members() {
        let text = written(&mut Batch::new(Keys::Ascending(7), 2));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["operations"].as_array().unwrap().len(), 2);
        assert_eq!(body["operations"][1]["key"], "bench/00000000000008");
        let batch = Batch::new(Keys::Ascending(7), 2);
        let judge = |body: &str| {
            batch.judge(&Response { status: 200, body: body.as_bytes().into(), length: 0 }).is_ok()
        };
        assert!(judge("{\"succeeded\":2,\"failed\":0}") && !judge("{\"succeeded\":1,\"failed\":1}"));
    }

    #[test]
    fn answers_are_judged() {
        let judge = |work: &dyn Work, status, body: &str| {
            let response = Response { status, body: body.as_bytes().into(), length: 0 };
            work.judge(&response).is_ok()
        };
        let put = Put::new(Dialect::Konsul, Keys::Ascending(1));
        assert!(judge(&put, 200, "true") && !judge(&put, 200, "false") && !judge(&put, 500, "true"));
        let entry = format!("[{{\"Value\":\"{}\"}}]", STANDARD.encode(value(3)));
        let get = Get::new(Dialect::Konsul, Keys::random(9));
        assert!(judge(&get, 200, &entry) && !judge(&get, 200, "[]") && !judge(&get, 404, &entry));
        let list = List::new(Dialect::Konsul, 2);
        assert!(judge(&list, 200, &entry.repeat(2)) && !judge(&list, 200, &entry));
    }

    #[test]
    fn random_keys_stay_among_the_first() {
        let mut keys = Keys::random(10);
        let drawn: std::collections::BTreeSet<u64> = (0..1000).map(|_| keys.next()).collect();
        assert_eq!(drawn, (0..10).collect());
    }
}
