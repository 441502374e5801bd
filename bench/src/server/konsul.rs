//! Konsul: one server on disk, with its shipped configuration but for the bound on connections of one client, since here one
//! client is ten thousand.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Running, ask, free_address};
use crate::error::{Error, Result};

/// How to start Konsul.
#[derive(Debug, Clone)]
pub struct Konsul {
    /// The binary.
    pub bin: PathBuf,
    /// Where it answers DNS; `None` for a server that does not.
    pub dns_port: Option<u16>,
    /// More flags.
    pub flags: Vec<String>,
}

impl Konsul {
    /// The same, with one more flag.
    #[must_use]
    pub fn with_flag(&self, flag: impl Into<String>) -> Konsul {
        let mut konsul = self.clone();
        konsul.flags.push(flag.into());
        konsul
    }

    /// The same, answering DNS on `port`.
    #[must_use]
    pub fn with_dns(&self, port: u16) -> Konsul {
        Konsul { dns_port: Some(port), ..self.clone() }
    }

    /// The command line that was built with it.
    pub fn konsulctl(&self) -> PathBuf {
        self.bin.with_file_name("konsulctl")
    }

    /// Starts it over `folder` and waits until it is ready; the duration is from process start to that.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with the end of its log.
    pub fn start(&self, folder: &Path) -> Result<(Running, Duration)> {
        self.start_until(folder, |address| {
            matches!(ask(address, "GET", "/health/ready", b""), Some((200, _)))
        })
    }

    /// Starts it and waits until `ready` holds; the duration is from process start to that.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with the end of its log.
    pub fn start_until(
        &self,
        folder: &Path,
        ready: impl Fn(std::net::SocketAddr) -> bool,
    ) -> Result<(Running, Duration)> {
        let address = free_address()?;
        let mut command = vec![self.bin.display().to_string()];
        command.extend(["agent", "-server", "-bootstrap-expect=1", "-bind=127.0.0.1"].map(str::to_owned));
        command.push(format!("-data-dir={}", folder.join("data").display()));
        command.push(format!("-http-port={}", address.port()));
        command.push(format!("-dns-port={}", self.dns_port.map_or(-1, i32::from)));
        command.push("-limits-http-max-conns-per-client=65536".to_owned());
        command.extend(self.flags.iter().cloned());
        let began = Instant::now();
        let mut running = Running::start(&command, address, &folder.join("log"))?;
        running.until(ready)?;
        Ok((running, began.elapsed()))
    }

    /// Its version, as it prints it.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] when it cannot be started.
    pub fn version(&self) -> Result<String> {
        super::etcd::first_line(&self.bin.display().to_string(), &["version"])
    }
}

/// Writes one value, as the first thing after a start.
pub fn first_write(address: std::net::SocketAddr) -> bool {
    matches!(ask(address, "PUT", "/v1/kv/bench/first", b"1"), Some((200, body)) if body == b"true")
}

/// The body of a read.
///
/// # Errors
///
/// [`Error::Process`] when there is no such thing.
pub fn read(address: std::net::SocketAddr, path: &str) -> Result<Vec<u8>> {
    match ask(address, "GET", path, b"") {
        Some((200, body)) => Ok(body),
        other => Err(Error::Process(format!("reading {path}: {other:?}"))),
    }
}

/// The index of what is read at `path`, as a blocking query takes it.
///
/// # Errors
///
/// [`Error::Process`] when the answer has none.
pub fn index(address: std::net::SocketAddr, path: &str) -> Result<u64> {
    let answer = super::exchange(address, "GET", path, b"").unwrap_or_default();
    header(&answer, "X-Consul-Index")
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| Error::Process(format!("reading {path}: an answer without an index")))
}

fn header<'a>(answer: &'a [u8], name: &str) -> Option<&'a str> {
    let head = &answer[..answer.windows(4).position(|end| end == b"\r\n\r\n")?];
    let lines = std::str::from_utf8(head).ok()?.lines();
    lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then(|| value.trim()))
}

/// The value of a metric that has no labels.
///
/// # Errors
///
/// [`Error::Process`] when the node has no such metric.
pub fn metric(address: std::net::SocketAddr, name: &str) -> Result<f64> {
    let text = read(address, "/metrics")?;
    metric_in(&String::from_utf8_lossy(&text), name)
        .ok_or_else(|| Error::Process(format!("/metrics has no {name}")))
}

fn metric_in(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_in_the_head_alone() {
        let answer = b"HTTP/1.1 200 OK\r\nx-consul-index: 42\r\n\r\nX-Other: 1\r\n";
        assert_eq!(header(answer, "X-Consul-Index"), Some("42"));
        assert_eq!(header(answer, "X-Other"), None);
    }

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let text = "# TYPE woken counter\nwoken_more 7\nwoken{by=\"x\"} 1\nwoken 12\n";
        assert_eq!(metric_in(text, "woken"), Some(12.0));
        assert_eq!(metric_in(text, "wok"), None);
    }
}
