//! What nobody can be faster than: the same HTTP stack with a handler that does nothing, and the same disk with a loop that
//! does nothing but write and sync.

use std::convert::Infallible;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::{Running, ask, free_address, own_path};
use crate::cpu::SERVER_CORE;
use crate::error::{Error, Result};

/// The empty handler, as a process of its own.
#[derive(Debug, Clone, Copy)]
pub struct Empty;

impl Empty {
    /// Starts this binary as `serve-empty` and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what it printed.
    pub fn start(folder: &Path) -> Result<Running> {
        Empty::start_with(folder, &[])
    }

    /// As [`Empty::start`], and [`BODY`] is answered with the file of these `words`.
    fn start_with(folder: &Path, words: &[String]) -> Result<Running> {
        let address = free_address()?;
        let mut command = vec![own_path()?, "serve-empty".to_owned(), address.to_string()];
        command.extend_from_slice(words);
        let mut running = Running::start(&command, address, &folder.join("log"))?;
        running.until(|address| matches!(ask(address, "GET", "/", b""), Some((200, _))))?;
        Ok(running)
    }

    /// Starts one that answers [`BODY`] with these bytes.
    ///
    /// # Errors
    ///
    /// As [`Empty::start`].
    pub fn start_with_body(folder: &Path, body: &[u8]) -> Result<Running> {
        let path = folder.join("body");
        std::fs::write(&path, body).map_err(|why| Error::file(format!("write {}", path.display()), why))?;
        Empty::start_with(folder, &[path.display().to_string()])
    }
}

/// Serves the empty handler on `address` until the process ends; `body` is what [`BODY`] is answered with. The runtime and the HTTP settings are those of Konsul's agent.
///
/// # Errors
///
/// [`Error::File`] when it cannot listen.
pub fn serve_empty(address: SocketAddr, body: Vec<u8>) -> Result<()> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|why| Error::file("start a runtime", why))?;
    runtime.block_on(accept(address, body.into()))
}

async fn accept(address: SocketAddr, body: Bytes) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|why| Error::file(format!("listen on {address}"), why))?;
    let mut http = http1::Builder::new();
    http.half_close(false).title_case_headers(true).header_read_timeout(None).max_buf_size(64 * 1024);
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let _ = socket.set_nodelay(true);
        let body = body.clone();
        let handler = service_fn(move |request| nothing(request, body.clone()));
        drop(tokio::spawn(http.serve_connection(TokioIo::new(socket), handler)));
    }
}

// The body is read, since a put's would be.
async fn nothing(
    request: Request<Incoming>,
    body: Bytes,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let response = match request.uri().path() {
        AS_LARGE => with_headers(Bytes::from_static(&[b'x'; 253])),
        BODY => with_headers(body),
        _ => small(),
    };
    drop(request.into_body().collect().await);
    Ok(response)
}

fn small() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"true")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The path that is answered with as many bytes as Konsul answers a read of one key with.
pub const AS_LARGE: &str = "/as-large";

/// The path that is answered with the bytes that the server was started with.
pub const BODY: &str = "/body";

const HEADERS: [(&str, &str); 7] = [
    ("x-consul-default-acl-policy", "allow"),
    ("vary", "Accept-Encoding"),
    ("x-consul-index", "1234567"),
    ("x-consul-knownleader", "true"),
    ("x-consul-lastcontact", "0"),
    ("x-consul-query-backend", "blocking-query"),
    ("content-type", "application/json"),
];

/// An answer with as many headers as Konsul's.
fn with_headers(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers =
        HEADERS.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    response.headers_mut().extend(headers);
    response
}

/// The least that a disk writes.
const RECORD_BYTES: usize = 4096;

/// How many of them before the file is used again: 64 MiB, as a segment of Konsul's log.
const RECORDS: u64 = 16 * 1024;

/// Records a second in a loop of write and `fdatasync`, by this binary as `sync-loop` on the server's core.
///
/// # Errors
///
/// [`Error::Process`] with what it said.
pub fn sync_rate(folder: &Path, measure: Duration) -> Result<f64> {
    let output = Command::new("taskset")
        .args(["-c", &SERVER_CORE.to_string(), &own_path()?, "sync-loop"])
        .arg(folder)
        .arg(measure.as_millis().to_string())
        .output()
        .map_err(|why| Error::Process(format!("cannot start taskset: {why}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().map_err(|_| Error::Process(format!("the sync loop printed {text:?} {said:?}")))
}

/// Records a second, written one after another into a file of zeros and each synced.
///
/// # Errors
///
/// [`Error::File`] when the disk fails.
pub fn sync_loop(folder: &Path, measure: Duration) -> Result<f64> {
    let path = folder.join("bare-sync");
    let fault = |why| Error::file(format!("write {}", path.display()), why);
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path).map_err(fault)?;
    for at in 0..RECORDS {
        file.write_all_at(&[0; RECORD_BYTES], at * RECORD_BYTES as u64).map_err(fault)?;
    }
    file.sync_all().map_err(fault)?;
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < measure {
        let at = count % RECORDS * RECORD_BYTES as u64;
        file.write_all_at(&[count as u8; RECORD_BYTES], at).map_err(fault)?;
        file.sync_data().map_err(fault)?;
        count += 1;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    std::fs::remove_file(&path).map_err(fault)?;
    Ok(rate)
}
