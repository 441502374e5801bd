//! Checks of the system's services against a stand-in that speaks D-Bus over a unix socket, as the bus and systemd do.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{expect, expect_part, run_on};
use konsul_checks::{Machine, OsServiceCheck, Probe};
use konsul_types::CheckStatus::{Critical, Passing, Warning};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

#[derive(Clone)]
struct Unit {
    loaded: &'static str,
    active: &'static str,
    silent: bool,
    refuses: bool,
}

struct StandIn {
    unit: Arc<Mutex<Unit>>,
    calls: Arc<Mutex<Vec<String>>>,
    machine: Machine,
    _folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let unit = Unit { loaded: "loaded", active: "active", silent: false, refuses: false };
        let (unit, calls) = (Arc::new(Mutex::new(unit)), Arc::<Mutex<Vec<String>>>::default());
        let shared = (unit.clone(), calls.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(BufReader::new(stream), shared.0.clone(), shared.1.clone()));
            }
        });
        let machine = Machine { system_bus: path, ..Machine::default() };
        Self { unit, calls, machine, _folder: folder, task }
    }

    fn be(&self, change: impl FnOnce(&mut Unit)) {
        change(&mut self.unit.lock().unwrap());
    }

    async fn run(&self, timeout: Duration) -> konsul_checks::Finding {
        run_on(&self.machine, Probe::OsService(OsServiceCheck { unit: "web".into() }), timeout).await
    }
}

/// A call, as far as the stand-in looks at it.
struct Call {
    serial: u32,
    fields: Vec<u8>,
    body: Vec<u8>,
}

impl Call {
    fn has(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        holds(&self.fields) || holds(&self.body)
    }
}

async fn read_call(stream: &mut BufReader<UnixStream>) -> Option<Call> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.ok()?;
    assert_eq!((head[0], head[1], head[3]), (b'l', 1, 1), "a call in little endian, version 1");
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
    let mut fields = vec![0; (word(12) as usize).next_multiple_of(8)];
    stream.read_exact(&mut fields).await.ok()?;
    let mut body = vec![0; word(4) as usize];
    stream.read_exact(&mut body).await.ok()?;
    Some(Call { serial: word(8), fields, body })
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// An answer (2) or an error (3) with a body of this signature.
fn message(kind: u8, reply_to: u32, signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = vec![5, 1, b'u', 0];
    fields.extend(reply_to.to_le_bytes());
    if kind == 3 {
        fields.extend([4, 1, b's', 0]);
        text(&mut fields, "org.freedesktop.DBus.Error.AccessDenied");
        pad(&mut fields);
    }
    fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
    fields.extend(signature.as_bytes());
    fields.push(0);
    let mut bytes = vec![b'l', kind, 1, 1];
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(99u32.to_le_bytes());
    bytes.extend(u32::try_from(fields.len()).unwrap().to_le_bytes());
    bytes.extend(&fields);
    pad(&mut bytes);
    bytes.extend(body);
    bytes
}

fn string(value: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, value);
    body
}

fn variant(value: &str) -> Vec<u8> {
    let mut body = vec![1, b's', 0, 0];
    text(&mut body, value);
    body
}

async fn serve(mut stream: BufReader<UnixStream>, unit: Arc<Mutex<Unit>>, calls: Arc<Mutex<Vec<String>>>) {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let user: String = line.trim_end().trim_start_matches("\0AUTH EXTERNAL ").to_owned();
    let expected: String =
        rustix::process::geteuid().as_raw().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(user, expected);
    stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").await.unwrap();
    line.clear();
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "BEGIN\r\n");
    while let Some(call) = read_call(&mut stream).await {
        let unit = unit.lock().unwrap().clone();
        if unit.silent {
            continue;
        }
        let (name, answer) = if call.has("Hello") {
            // A signal may come between a call and its answer.
            stream.write_all(&message(4, 0, "s", &string(":1.7"))).await.unwrap();
            ("Hello".to_owned(), message(2, call.serial, "s", &string(":1.7")))
        } else if unit.refuses {
            ("refused".to_owned(), message(3, call.serial, "s", &string("not for you")))
        } else if call.has("LoadUnit") {
            assert!(call.has("org.freedesktop.systemd1.Manager") && call.has("web.service"));
            let path = "/org/freedesktop/systemd1/unit/web_2eservice";
            ("LoadUnit".to_owned(), message(2, call.serial, "o", &string(path)))
        } else {
            assert!(call.has("org.freedesktop.DBus.Properties") && call.has("unit/web_2eservice"));
            let (name, value) =
                if call.has("LoadState") { ("LoadState", unit.loaded) } else { ("ActiveState", unit.active) };
            (name.to_owned(), message(2, call.serial, "v", &variant(value)))
        };
        calls.lock().unwrap().push(name);
        stream.write_all(&answer).await.unwrap();
    }
}

#[tokio::test]
async fn the_state_of_the_unit_decides_and_it_goes_to_and_fro() {
    let systemd = StandIn::start();
    for (active, status, output) in [
        ("active", Passing, "Service \"web\" is healthy"),
        ("failed", Critical, "Service \"web\" is failed"),
        ("activating", Warning, "Service \"web\" is activating"),
        ("inactive", Critical, "Service \"web\" is inactive"),
        ("reloading", Passing, "Service \"web\" is healthy"),
        ("active", Passing, "Service \"web\" is healthy"),
    ] {
        systemd.be(|unit| unit.active = active);
        expect(&systemd.run(common::LONG).await, status, output);
    }
    assert_eq!(systemd.calls.lock().unwrap()[..4], ["Hello", "LoadUnit", "LoadState", "ActiveState"]);
    systemd.be(|unit| (unit.loaded, unit.active) = ("not-found", "inactive"));
    expect(&systemd.run(common::LONG).await, Critical, "Service \"web\" does not exist");
}

#[tokio::test]
async fn what_keeps_from_knowing_is_a_warning() {
    let systemd = StandIn::start();
    systemd.be(|unit| unit.refuses = true);
    let text = "systemd cannot be asked: org.freedesktop.DBus.Error.AccessDenied: not for you";
    expect_part(&systemd.run(common::LONG).await, Warning, text);
    systemd.be(|unit| unit.silent = true);
    let found = systemd.run(Duration::from_millis(200)).await;
    expect_part(&found, Warning, "systemd cannot be asked: context deadline exceeded");
    let machine = Machine { system_bus: "/no/such/bus".into(), ..Machine::default() };
    let probe = Probe::OsService(OsServiceCheck { unit: "web".into() });
    let found = run_on(&machine, probe, common::LONG).await;
    expect_part(&found, Warning, "systemd cannot be asked: no such file or directory");
}
