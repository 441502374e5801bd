//! DNS load by `dnsperf`, on the generator's core: a closed loop of UDP questions from a file.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cpu::Process;
use crate::error::Error;

/// Which records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Addresses.
    A,
    /// Places: port and host.
    Srv,
    /// The head of a zone.
    Soa,
}

impl Kind {
    /// As in a zone file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Srv => "SRV",
            Kind::Soa => "SOA",
        }
    }
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DnsSample {
    /// Questions that were answered.
    pub answered: u64,
    /// Answered in a second.
    pub rate: f64,
    /// The server's processor time for an answer, in microseconds.
    pub cpu_us: f64,
    /// The share of its core that `dnsperf` used.
    pub generator_busy: f64,
}

/// Asks `server`, at `address`, the questions of `file` (a name and a kind in each line) over and over.
///
/// # Errors
///
/// [`Error::Process`] when dnsperf is not there or fails, [`Error::Dns`] when an answer is an error or more than one in a
/// thousand is lost: on loopback nothing gets lost that a server takes in time.
pub fn dnsperf(
    server: &Process,
    address: SocketAddr,
    file: &Path,
    time: Duration,
) -> Result<DnsSample, Error> {
    let seconds = time.as_secs_f64();
    let before = server.cpu_time()?;
    let mut child = Command::new("dnsperf")
        .args([
            "-s",
            &address.ip().to_string(),
            "-p",
            &address.port().to_string(),
            "-l",
            &seconds.to_string(),
        ])
        .arg("-d")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| {
            Error::Process(format!("cannot start dnsperf: {why}; `cargo xtask deps bench` installs it"))
        })?;
    let text = said(child.stdout.take());
    let complaint = said(child.stderr.take());
    // It has closed its output and is about to end, or has: until it is waited for, its time can be read.
    let own = Process::new(child.id()).cpu_time()?;
    let used = server.cpu_time()?.saturating_sub(before);
    let status = child.wait().map_err(|why| Error::file("wait for dnsperf", why))?;
    if !status.success() {
        return Err(Error::Process(format!("dnsperf ended with {status}: {complaint}")));
    }
    let found = Found::read(&text).ok_or_else(|| Error::Process(format!("dnsperf printed {text}")))?;
    found.judge(&text)?;
    Ok(DnsSample {
        answered: found.answered,
        rate: found.rate,
        cpu_us: used.as_secs_f64() * 1e6 / found.answered.max(1) as f64,
        generator_busy: own.as_secs_f64() * found.rate / found.answered.max(1) as f64,
    })
}

fn said(pipe: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.by_ref().read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What dnsperf prints at its end.
#[derive(Debug, PartialEq)]
struct Found {
    answered: u64,
    lost: u64,
    right: u64,
    rate: f64,
}

impl Found {
    fn read(text: &str) -> Option<Found> {
        let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label));
        let first = |label: &str| after(label)?.split_whitespace().next();
        let codes = after("Response codes:").unwrap_or_default();
        let right = codes.split(',').find_map(|code| code.trim().strip_prefix("NOERROR "));
        let right = right.and_then(|rest| rest.split_whitespace().next()).unwrap_or("0");
        Some(Found {
            answered: first("Queries completed:")?.parse().ok()?,
            lost: first("Queries lost:")?.parse().ok()?,
            right: right.parse().ok()?,
            rate: first("Queries per second:")?.parse().ok()?,
        })
    }

    fn judge(&self, text: &str) -> Result<(), Error> {
        if self.answered == 0 || self.right != self.answered || self.lost * 1000 > self.answered {
            return Err(Error::Dns(format!("lost questions or wrong answers: {text}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(lost: u64, codes: &str) -> String {
        format!(
            "Statistics:\n\n  Queries sent:         200100\n  Queries completed:    200000 (99.95%)\n  \
             Queries lost:         {lost} (0.05%)\n\n  Response codes:       {codes}\n  \
             Average packet size:  request 40, response 88\n  Run time (s):         2.000000\n  \
             Queries per second:   100000.500000\n"
        )
    }

    #[test]
    fn what_it_prints_is_understood() {
        let text = printed(100, "NOERROR 200000 (100.00%)");
        let found = Found::read(&text).expect("it is understood");
        assert_eq!(found, Found { answered: 200_000, lost: 100, right: 200_000, rate: 100_000.5 });
        found.judge(&text).expect("all is well");
        assert_eq!(Found::read("Error: unable to connect"), None);
    }

    #[test]
    fn lost_questions_and_errors_end_the_run() {
        let judged = |lost, codes| {
            let text = printed(lost, codes);
            Found::read(&text).expect("it is understood").judge(&text)
        };
        assert!(judged(201, "NOERROR 200000 (100.00%)").is_err());
        assert!(judged(0, "NOERROR 199999 (99.99%), SERVFAIL 1 (0.01%)").is_err());
        assert!(judged(0, "NXDOMAIN 200000 (100.00%)").is_err());
    }
}
