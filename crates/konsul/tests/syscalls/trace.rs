//! Reads what `strace -f -y -tt` wrote, and judges the order of system calls in it.
//!
//! Order is that of the lines. A thread stands still while strace writes about it, so a call whose end stands before the
//! beginning of another one was over in the kernel before that one began there.

use std::collections::HashMap;

/// One system call that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its name, such as `fdatasync`.
    pub(crate) name: String,
    /// What stands between its parentheses.
    pub(crate) arguments: String,
    /// What it answered, without strace's explanation.
    pub(crate) answer: i64,
    /// The line on which it began.
    pub(crate) began: usize,
    /// The line on which it ended.
    pub(crate) ended: usize,
}

impl Call {
    /// The first argument: a descriptor with what it stands for, `12</data/log-1.wal>`.
    fn descriptor(&self) -> &str {
        // A path may have commas; the descriptor's name ends with the first bracket that an argument follows.
        self.arguments.find(">, ").map_or(self.arguments.as_str(), |end| &self.arguments[..=end])
    }

    /// Whether it is about a segment of the log.
    fn is_on_log(&self) -> bool {
        let file = self.descriptor().trim_end_matches('>');
        let name = file.rsplit('/').next().unwrap_or_default();
        name.starts_with("log-") && name.ends_with(".wal")
    }

    fn is(&self, names: &[&str]) -> bool {
        self.answer >= 0 && names.contains(&self.name.as_str())
    }
}

const RECEIVES: &[&str] = &["read", "readv", "recvfrom", "recvmsg"];
const SENDS: &[&str] = &["write", "writev", "sendto", "sendmsg"];
const WRITES: &[&str] = &["pwrite64"];
const SYNCS: &[&str] = &["fdatasync", "fsync"];

/// Reads a trace. Lines that are no calls (signals, ends of threads) and calls that never ended are left out.
pub(crate) fn parse(trace: &str) -> Vec<Call> {
    let mut under_way: HashMap<&str, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, text)) = thread_and_text(line) else { continue };
        if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            under_way.insert(thread, (at, start.to_owned()));
        } else if let Some(rest) = text.strip_prefix("<... ") {
            let Some((began, start)) = under_way.remove(thread) else { continue };
            let Some((_, rest)) = rest.split_once(" resumed>") else { continue };
            calls.extend(call(&(start + rest), began, at));
        } else {
            calls.extend(call(text, at, at));
        }
    }
    calls
}

/// Splits `123 12:00:00.000001 text`.
fn thread_and_text(line: &str) -> Option<(&str, &str)> {
    let (thread, rest) = line.trim_start().split_once(' ')?;
    let (_time, text) = rest.trim_start().split_once(' ')?;
    thread.bytes().all(|byte| byte.is_ascii_digit()).then_some((thread, text))
}

fn call(text: &str, began: usize, ended: usize) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    // Data may hold anything; the answer stands behind the last of these.
    let (arguments, answer) = rest.rsplit_once(" = ")?;
    let answer = answer.split_whitespace().next()?.parse().ok()?;
    let arguments = arguments.trim_end().strip_suffix(')')?.to_owned();
    Some(Call { name: name.to_owned(), arguments, answer, began, ended })
}

/// A write that a client sent and saw acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    /// What its request begins with: nothing else in the trace has this text.
    pub(crate) request: String,
    /// What its record in the log holds: nothing else in the trace has this text.
    pub(crate) value: String,
}

/// The places of one write in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// Where its record had been written to the log.
    pub(crate) written: usize,
    /// Where the sync that covers it began.
    pub(crate) sync_began: usize,
    /// Where that sync had returned.
    pub(crate) synced: usize,
    /// Where its answer began to be sent.
    pub(crate) answered: usize,
}

/// Proves that a write was on disk before it was acknowledged: between the end of the call that wrote its record and the
/// beginning of the call that sent its answer, a sync of the same file began and returned.
///
/// # Errors
/// What is missing.
pub(crate) fn check(calls: &[Call], write: &Acknowledged) -> Result<Places, String> {
    let Acknowledged { request, value } = write;
    let received = calls.iter().find(|call| call.is(RECEIVES) && call.arguments.contains(request.as_str()));
    let received = received.ok_or_else(|| format!("{request}: the request is not in the trace"))?;
    let socket = received.descriptor();
    let answer = calls
        .iter()
        .filter(|call| call.is(SENDS) && call.began > received.ended && call.descriptor() == socket);
    let answer = answer
        .min_by_key(|call| call.began)
        .ok_or_else(|| format!("{request}: no answer is in the trace"))?;
    if !answer.arguments.contains("HTTP/1.1 200") {
        return Err(format!("{request}: another answer than 200 was sent: {}", answer.arguments));
    }
    let record = calls
        .iter()
        .find(|call| call.is(WRITES) && call.is_on_log() && call.arguments.contains(value.as_str()));
    let record = record.ok_or_else(|| format!("{request}: its record was never written to the log"))?;
    let covers = |call: &&Call| {
        call.is(SYNCS) && call.descriptor() == record.descriptor() && call.began > record.ended
    };
    let sync = calls.iter().filter(covers).min_by_key(|call| call.ended);
    let sync = sync.ok_or_else(|| format!("{request}: its record was never synced"))?;
    if sync.ended >= answer.began {
        return Err(format!(
            "{request}: its answer began on line {}, its sync returned on line {}: it was acknowledged too early",
            answer.began + 1,
            sync.ended + 1
        ));
    }
    Ok(Places { written: record.ended, sync_began: sync.began, synced: sync.ended, answered: answer.began })
}
