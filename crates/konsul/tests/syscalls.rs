//! No acknowledgement before its `fdatasync` returned: seen from outside, in the system calls of the shipped binary.
//!
//! The server runs under `strace`. Clients write known values over HTTP; for each write that was acknowledged the trace
//! must show, in this order: the record written to a segment of the log, a sync of that segment that began after it and
//! returned, and the first byte of the answer. [`trace`] has the reader and the judge; the tests at the end show that the
//! judge finds what it is for.

#[path = "syscalls/trace.rs"]
mod trace;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use konsul_client::Client;
use konsul_client::kv::PutOptions;
use konsul_testkit::process::ServerSpec;
use trace::{Acknowledged, check, parse};

/// Clients at work side by side, so that syncs are shared.
const CLIENTS: usize = 4;
/// Writes of each.
const WRITES: usize = 25;

/// Calls that move bytes to or from sockets and files, and those that make files durable.
const CALLS: &str = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg,read,readv,recvfrom,recvmsg";

/// How long the last lines of a trace may take to be written after the server is gone.
const TRACE_ENDS: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "current_thread")]
async fn every_acknowledged_write_was_synced_before_its_answer() {
    assert_tracing_works();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let traced = folder.path().join("trace");
    let spec = ServerSpec::new(&under_strace(folder.path(), &traced), &folder.path().join("data"));
    let server = spec.start().await.unwrap_or_else(|why| panic!("the server under strace: {why}"));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(write(server.client(), client));
    }
    let writes: Vec<Acknowledged> = clients.join_all().await.into_iter().flatten().collect();
    server.terminate().await.expect("the server stops when asked");
    let calls = parse(&whole_trace(&traced).await);
    assert_eq!(writes.len(), CLIENTS * WRITES);
    let failures: Vec<String> = writes.iter().filter_map(|write| check(&calls, write).err()).collect();
    assert!(failures.is_empty(), "{} of {} writes:\n{}", failures.len(), writes.len(), failures.join("\n"));
}

async fn write(client: Client, number: usize) -> Vec<Acknowledged> {
    let mut writes = Vec::new();
    for turn in 0..WRITES {
        let (key, value) = (format!("traced/{number}-{turn}"), format!("value-of-{number}-{turn}-ends"));
        let done = client.kv().put(&key, value.clone().into_bytes(), &PutOptions::default()).await;
        assert!(done.expect("the server answers"), "{key} was refused");
        writes.push(Acknowledged { request: format!("\"PUT /v1/kv/{key} "), value });
    }
    writes
}

/// Fails with what to do about it where processes cannot be traced: a proof that was not made must not look like one.
fn assert_tracing_works() {
    let tried = Command::new("strace").args(["-f", "-y", "-o", "/dev/null", "true"]).output();
    let tried = tried
        .unwrap_or_else(|why| panic!("strace does not start ({why}): install it, `cargo xtask deps test`"));
    assert!(
        tried.status.success(),
        "strace may not trace here, so nothing can be proved; allow ptrace (a container needs SYS_PTRACE or a seccomp \
         profile that has it). It says: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
}

/// A program that is the server with strace beside it. The server stays a child of whoever starts it (`-D`), so that
/// signals reach it.
fn under_strace(folder: &Path, traced: &Path) -> PathBuf {
    let program = folder.join("traced-konsul");
    let (server, traced) = (env!("CARGO_BIN_EXE_konsul"), traced.display());
    let script = format!(
        "#!/bin/sh\nexec strace -D -f -y -tt -s 65536 -e {CALLS} -o '{traced}' -- '{server}' \"$@\"\n"
    );
    std::fs::write(&program, script).expect("the temporary directory takes a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
        .expect("its owner may do this");
    program
}

/// The trace, once strace has written that the server is gone.
async fn whole_trace(path: &Path) -> String {
    let deadline = Instant::now() + TRACE_ENDS;
    loop {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let process = text.split_whitespace().next().unwrap_or_default();
        let ended = |line: &str| line.starts_with(process) && line.contains("+++ exited with");
        if text.lines().rev().take(50).any(ended) {
            return text.into_owned();
        }
        assert!(Instant::now() < deadline, "strace did not finish; the trace has {} bytes", bytes.len());
        // tidy: sleep because it is the pause between two looks at the condition above
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A trace of one write in the order in which a correct server does it. Lines are changed by the tests below.
const GOOD: &str = r#"
100 12:00:00.000001 execve("konsul", ["konsul"], 0x7ffd) = 0
101 12:00:00.000010 recvfrom(9<socket:[77]>,  <unfinished ...>
102 12:00:00.000011 write(8<anon_inode:[eventfd]>, "\1\0\0\0\0\0\0\0", 8) = 8
101 12:00:00.000012 <... recvfrom resumed>"PUT /v1/kv/a HTTP/1.1\r\n\r\nvalue-a", 8192, 0, NULL, NULL) = 31
102 12:00:00.000020 pwrite64(5</data/log-0000000000000001.wal>, "\247\2\1value-a\0Z", 128, 512 <unfinished ...>
101 12:00:00.000021 write(8<anon_inode:[eventfd]>, "\1\0\0\0\0\0\0\0", 8) = 8
102 12:00:00.000022 <... pwrite64 resumed>) = 128
102 12:00:00.000030 fdatasync(5</data/log-0000000000000001.wal> <unfinished ...>
101 12:00:00.000035 recvfrom(9<socket:[77]>, 0x55, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
102 12:00:00.000040 <... fdatasync resumed>) = 0
101 12:00:00.000050 sendto(9<socket:[77]>, "HTTP/1.1 200 OK\r\n\r\ntrue", 23, MSG_NOSIGNAL, NULL, 0) = 23
101 12:00:00.000060 +++ exited with 0 +++
"#;

#[track_caller]
fn verdict(trace: &str) -> Result<(), String> {
    let write = Acknowledged { request: "\"PUT /v1/kv/a ".to_owned(), value: "value-a".to_owned() };
    check(&parse(trace), &write).map(|_| ())
}

/// The good trace with one text replaced.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the trace");
    GOOD.replace(from, to)
}

/// The good trace with a line moved before another one.
#[track_caller]
fn moved(line: &str, before: &str) -> String {
    let moving = GOOD.lines().find(|text| text.contains(line)).expect("the line is there");
    let rest: String = GOOD.lines().filter(|text| *text != moving).map(|text| format!("{text}\n")).collect();
    let place = rest.find(rest.lines().find(|text| text.contains(before)).expect("the place is there"));
    let (head, tail) = rest.split_at(place.expect("a line of a text is in it"));
    format!("{head}{moving}\n{tail}")
}

#[test]
fn a_trace_in_order_passes() {
    assert_eq!(verdict(GOOD), Ok(()));
}

#[test]
fn an_answer_before_its_sync_returned_is_found() {
    let early = verdict(&moved("sendto(9", "<... fdatasync resumed>")).expect_err("the answer was early");
    assert!(early.contains("acknowledged too early"), "{early}");
    let earlier =
        verdict(&moved("sendto(9", "102 12:00:00.000020 pwrite64")).expect_err("the answer was early");
    assert!(earlier.contains("acknowledged too early"), "{earlier}");
}

#[test]
fn a_sync_that_began_before_the_record_was_written_does_not_count() {
    let before = verdict(&moved("fdatasync(5", "<... pwrite64 resumed>"));
    assert!(before.is_err(), "such a sync may not cover the record: {before:?}");
}

#[test]
fn a_sync_of_another_file_or_one_that_failed_does_not_count() {
    for trace in [
        changed("fdatasync(5</data/log-0000000000000001.wal>", "fdatasync(6</data/log-0000000000000002.wal>"),
        changed("<... fdatasync resumed>) = 0", "<... fdatasync resumed>) = -1 EIO (Input/output error)"),
        changed("fdatasync", "sync_file_range"),
    ] {
        let missing = verdict(&trace).expect_err("no sync covers the record");
        assert!(missing.contains("never synced"), "{missing}");
    }
}

#[test]
fn what_is_not_in_the_trace_is_no_proof() {
    for (trace, text) in [
        (changed("PUT /v1/kv/a ", "PUT /v1/kv/b "), "the request is not in the trace"),
        (changed("\\1value-a", "\\1value-b"), "never written to the log"),
        (changed("/data/log-0000000000000001.wal", "/data/other"), "never written to the log"),
        (changed("sendto(9<socket:[77]>", "sendto(9<socket:[78]>"), "no answer is in the trace"),
        (changed("HTTP/1.1 200 OK", "HTTP/1.1 500 Oh"), "another answer than 200"),
    ] {
        let missing = verdict(&trace).expect_err(text);
        assert!(missing.contains(text), "{missing}");
    }
}
