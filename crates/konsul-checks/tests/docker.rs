//! Docker checks against a stand-in that speaks the engine's HTTP API over a unix socket.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{expect, expect_part, read_request, run_on};
use konsul_checks::{DockerCheck, Engine, Machine, OUTPUT_MAX_DEFAULT, Probe};
use konsul_types::CheckStatus::{Critical, Passing, Warning};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// What the container does.
#[derive(Clone)]
struct Container {
    name: &'static str,
    paused: bool,
    output: Vec<u8>,
    exit_code: i64,
    hangs: bool,
}

struct StandIn {
    container: Arc<Mutex<Container>>,
    asked: Arc<Mutex<Vec<String>>>,
    machine: Machine,
    _folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn frame(which: u8, text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![which, 0, 0, 0];
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text);
    bytes
}

impl StandIn {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let output = [frame(1, b"out\n"), frame(2, b"err\n")].concat();
        let container = Container { name: "c1", paused: false, output, exit_code: 0, hangs: false };
        let (container, asked) = (Arc::new(Mutex::new(container)), Arc::<Mutex<Vec<String>>>::default());
        let shared = (container.clone(), asked.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, shared.0.clone(), shared.1.clone()));
            }
        });
        let machine = Machine { engine: Engine::Unix(path), ..Machine::default() };
        Self { container, asked, machine, _folder: folder, task }
    }

    fn be(&self, change: impl FnOnce(&mut Container)) {
        change(&mut self.container.lock().unwrap());
    }

    async fn run(&self, container: &str, timeout: Duration) -> konsul_checks::Finding {
        let arguments = vec!["/bin/check".to_owned(), "-v".to_owned()];
        let probe = DockerCheck { container: container.to_owned(), arguments, shell: None };
        run_on(&self.machine, Probe::Docker(probe), timeout).await
    }
}

async fn serve(mut stream: UnixStream, container: Arc<Mutex<Container>>, asked: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let container = container.lock().unwrap().clone();
    asked.lock().unwrap().push(request.clone());
    let line = request.lines().next().unwrap_or_default().to_owned();
    let json = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let answer = if line == format!("POST /containers/{}/exec HTTP/1.1", container.name) {
        if container.paused {
            json("409 Conflict", r#"{"message":"container is paused"}"#)
        } else {
            json("201 Created", r#"{"Id":"e1"}"#)
        }
    } else if line == "POST /exec/e1/start HTTP/1.1" {
        if container.hangs {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
            return;
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        [head.as_bytes(), &container.output].concat()
    } else if line == "GET /exec/e1/json HTTP/1.1" {
        json("200 OK", &format!(r#"{{"ID":"e1","Running":false,"ExitCode":{}}}"#, container.exit_code))
    } else if line.contains("/teapot/") {
        json("418 I'm a teapot", "short and stout")
    } else {
        json("404 Not Found", r#"{"message":"No such container"}"#)
    };
    let _ = stream.write_all(&answer).await;
}

#[tokio::test]
async fn the_exit_code_decides_and_it_goes_to_and_fro() {
    let engine = StandIn::start();
    for (exit_code, status) in [(0, Passing), (2, Critical), (1, Warning), (0, Passing)] {
        engine.be(|container| container.exit_code = exit_code);
        expect(&engine.run("c1", common::LONG).await, status, "out\nerr\n");
    }
    let asked = engine.asked.lock().unwrap()[0].clone();
    assert!(
        asked.contains(r#""Cmd":["/bin/check","-v"]"#) && asked.contains(r#""AttachStdout":true"#),
        "{asked}"
    );
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_in_consuls_words() {
    let engine = StandIn::start();
    let found = engine.run("c2", common::LONG).await;
    expect(&found, Critical, "create exec failed for unknown container c2");
    let found = engine.run("teapot", common::LONG).await;
    expect(&found, Critical, "create exec failed for container teapot with status 418: short and stout");
    engine.be(|container| container.paused = true);
    let found = engine.run("c1", common::LONG).await;
    expect(&found, Critical, "create exec failed since container c1 is paused or stopped");
}

#[tokio::test]
async fn output_is_bounded_and_a_hanging_program_is_left() {
    let engine = StandIn::start();
    engine.be(|container| container.output = frame(1, &[b'x'; 10_000]));
    let found = engine.run("c1", common::LONG).await;
    let kept = "x".repeat(OUTPUT_MAX_DEFAULT);
    expect(&found, Passing, &format!("Captured 4096 of 10000 bytes\n...\n{kept}"));
    engine.be(|container| container.hangs = true);
    let found = engine.run("c1", Duration::from_millis(300)).await;
    expect(&found, Critical, "Timed out (300ms) running check");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine { engine: Engine::Unix(folder.path().join("none")), ..Machine::default() };
    let probe = DockerCheck { container: "c1".into(), arguments: vec!["x".into()], shell: None };
    let found = run_on(&machine, Probe::Docker(probe), common::LONG).await;
    expect_part(
        &found,
        Critical,
        "create exec failed for container c1: the engine cannot be reached: no such file",
    );
}
