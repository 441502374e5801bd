//! Runs files of requests and the answers that must come back, byte for byte.
//!
//! ```text
//! # what this shows
//! > PUT /v1/kv/a?flags=1
//! > Some-Header: value
//! >
//! > the body
//! < 200
//! < Content-Type: application/json
//! < !X-Consul-Index
//! <
//! < true
//! ```
//!
//! Lines of a body are joined by newlines; the last has none after it. Headers that are not named are not looked at; one
//! with an exclamation mark must be absent. `{{name}}` in an answer stands for an index or an id: digits, letters up to f
//! and dashes; where the name was met before, for the same text as then. In a request it stands for what was met. `\xNN`
//! in a request's body is a byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::client::{Answer, Client};

#[derive(Debug, Default)]
struct Step {
    line: usize,
    request: Vec<String>,
    answer: Vec<String>,
}

/// Runs a file over one connection.
pub async fn run(path: &Path, address: SocketAddr) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let steps = parse(&text);
    let mut known = BTreeMap::new();
    let mut client = Client::connect(address).await;
    for step in &steps {
        let at = format!("{}:{}", path.display(), step.line);
        let answer = send(&mut client, step, &known).await;
        compare(step, &answer, &mut known, &at);
        if answer.header("connection") == Some("close") {
            client = Client::connect(address).await;
        }
    }
    steps.len()
}

fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut answering = true;
    for (at, line) in text.lines().enumerate() {
        let content = line.get(1..).unwrap_or("").strip_prefix(' ').unwrap_or("").to_owned();
        match line.chars().next() {
            Some('>') => {
                if answering {
                    steps.push(Step { line: at + 1, ..Step::default() });
                }
                answering = false;
                steps.last_mut().unwrap().request.push(content);
            }
            Some('<') => {
                answering = true;
                steps.last_mut().expect("an answer follows a request").answer.push(content);
            }
            Some('#') | None => {}
            Some(other) => panic!("line {}: begins with {other:?}", at + 1),
        }
    }
    steps
}

async fn send(client: &mut Client, step: &Step, known: &BTreeMap<String, String>) -> Answer {
    let filled: Vec<String> = step.request.iter().map(|line| fill(line, known)).collect();
    let (method, target) = filled[0].split_once(' ').unwrap();
    let end = filled.iter().position(String::is_empty).unwrap_or(filled.len());
    let headers: Vec<(&str, &str)> =
        filled[1..end].iter().map(|line| line.split_once(": ").unwrap()).collect();
    let body = filled.get(end + 1..).unwrap_or(&[]).join("\n");
    client.request(method, target, &headers, &bytes(&body)).await
}

fn fill(line: &str, known: &BTreeMap<String, String>) -> String {
    known.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("{{{{{name}}}}}"), value))
}

fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    out
}

fn compare(step: &Step, answer: &Answer, known: &mut BTreeMap<String, String>, at: &str) {
    let shown = format!("{at}\n{answer:?}\n{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.status.to_string(), step.answer[0], "status at {shown}");
    let end = step.answer.iter().position(String::is_empty).unwrap_or(step.answer.len());
    for line in &step.answer[1..end] {
        if let Some(name) = line.strip_prefix('!') {
            assert_eq!(answer.header(name), None, "{name} at {shown}");
            continue;
        }
        let (name, expect) = line.split_once(": ").unwrap();
        let found = answer.header(name).unwrap_or_else(|| panic!("no {name} at {shown}"));
        assert!(matches(expect, found, known), "{name} should be {expect} at {shown}");
        // Names are written as Go writes them.
        assert!(answer.headers.iter().any(|(key, _)| key == name), "{name} is spelled otherwise at {shown}");
    }
    let expect = step.answer.get(end + 1..).unwrap_or(&[]).join("\n");
    let found = String::from_utf8_lossy(&answer.body);
    assert!(matches(&expect, &found, known), "body should be\n{expect}\nat {shown}");
}

/// Compares a text with a pattern, and learns the names in it.
fn matches(pattern: &str, text: &str, known: &mut BTreeMap<String, String>) -> bool {
    let Some((before, rest)) = pattern.split_once("{{") else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    let (name, rest) = rest.split_once("}}").unwrap();
    let end = text.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(text.len());
    let (value, text) = text.split_at(end);
    let same = known.entry(name.to_owned()).or_insert_with(|| value.to_owned()) == value;
    same && !value.is_empty() && matches(rest, text, known)
}
