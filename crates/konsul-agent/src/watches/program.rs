//! Programs as handlers: the value on standard input, the index in the environment.

use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::KEPT_OUTPUT;
use super::look::Found;

/// Runs the program and waits for its end. Answers the beginning of what it said.
pub(super) async fn run(words: &[String], found: &Found) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("there is no program to run".to_owned());
    };
    let child = Command::new(program)
        .args(arguments)
        .env("CONSUL_INDEX", found.index.0.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|why| format!("{program} cannot be run: {why}"))?;
    let output = converse(&mut child, &found.body).await;
    let ended = child.wait().await.map_err(|why| format!("{program} cannot be waited for: {why}"))?;
    if ended.success() { Ok(output) } else { Err(format!("{program}: {ended}: {}", output.trim_end())) }
}

/// Feeds the child and hears it at the same time, since it may do either first.
async fn converse(child: &mut Child, body: &[u8]) -> String {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input has closed it; that is its own affair.
            let _ = stdin.write_all(body).await;
        }
    };
    let ((), mut said, complained) = tokio::join!(feed, hear(stdout), hear(stderr));
    said.extend_from_slice(&complained);
    said.truncate(KEPT_OUTPUT);
    String::from_utf8_lossy(&said).into_owned()
}

/// Reads to the end and keeps the beginning, so that a talkative program is not stopped by a full pipe.
async fn hear(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut piece).await {
        let room = KEPT_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..read.min(room)]);
    }
    kept
}
