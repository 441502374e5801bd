//! From `host:port` to a connection.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use konsul_runtime::time::{self, Duration, Instant, timeout_at};
use tokio::net::TcpStream;

use super::address::Reach;
use super::errors::system;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Takes `host:port` apart, with Go's words for what is wrong. No host is this machine.
    pub(crate) fn parse(address: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("address {address}: {why}");
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
                (host, port.strip_prefix(':').ok_or_else(|| wrong("missing port in address"))?)
            }
            None => address.rsplit_once(':').ok_or_else(|| wrong("missing port in address"))?,
        };
        if host.contains(':') && !address.starts_with('[') {
            return Err(wrong("too many colons in address"));
        }
        let port = port.parse().map_err(|_| format!("address {port}: invalid port"))?;
        let host = if host.is_empty() { "localhost" } else { host };
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Why there is no connection. Its text is that of Go's `net.OpError`.
#[derive(Debug)]
pub(crate) struct DialError {
    network: &'static str,
    address: Option<SocketAddr>,
    why: String,
}

impl DialError {
    pub(crate) fn unresolved(network: &'static str, why: String) -> Self {
        Self { network, address: None, why }
    }

    pub(crate) fn system(network: &'static str, address: SocketAddr, call: &str, error: &io::Error) -> Self {
        Self { network, address: Some(address), why: format!("{call}: {}", system(error)) }
    }

    fn timeout(network: &'static str, address: SocketAddr) -> Self {
        Self { network, address: Some(address), why: "i/o timeout".to_owned() }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "dial {} {address}: {}", self.network, self.why),
            None => write!(f, "dial {}: {}", self.network, self.why),
        }
    }
}

/// The addresses of a target that may be dialled; never none.
pub(crate) async fn resolve(
    network: &'static str,
    target: &Target,
    reach: Reach,
    until: Instant,
) -> Result<Vec<SocketAddr>, DialError> {
    let found = look_up(target, until).await.map_err(|why| DialError::unresolved(network, why))?;
    let allowed: Vec<SocketAddr> =
        found.iter().copied().filter(|address| reach.allows(address.ip())).collect();
    match found.first() {
        Some(_) if !allowed.is_empty() => Ok(allowed),
        Some(refused) => Err(DialError {
            network,
            address: Some(*refused),
            why: "checks may not connect to link-local addresses unless the agent allows it".to_owned(),
        }),
        None => Err(DialError::unresolved(network, no_such_host(&target.host))),
    }
}

async fn look_up(target: &Target, until: Instant) -> Result<Vec<SocketAddr>, String> {
    // A zone (`fe80::1%eth0`) is for the resolver.
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let looked_up = tokio::net::lookup_host((target.host.as_str(), target.port));
    match timeout_at(until, looked_up).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(_)) => Err(no_such_host(&target.host)),
        Err(_) => Err(format!("lookup {}: i/o timeout", target.host)),
    }
}

fn no_such_host(host: &str) -> String {
    format!("lookup {host}: no such host")
}

/// An address that does not answer leaves this much to each further one.
const SHARE_MIN: Duration = Duration::from_secs(2);

/// Connects to the first address that answers. The error is that of the first that did not, as in Go.
pub(crate) async fn tcp(target: &Target, reach: Reach, until: Instant) -> Result<TcpStream, DialError> {
    let addresses = resolve("tcp", target, reach, until).await?;
    let mut first_error = None;
    for (at, address) in addresses.iter().enumerate() {
        match connect(*address, share(addresses.len() - at, until)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.expect("there is at least one address, and it failed"))
}

/// An equal part of the time that is left, at least [`SHARE_MIN`], but never beyond the end.
fn share(left: usize, until: Instant) -> Instant {
    let now = time::now();
    let part = (until - now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    until.min(now + part.max(SHARE_MIN))
}

async fn connect(address: SocketAddr, until: Instant) -> Result<TcpStream, DialError> {
    match timeout_at(until, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(DialError::system("tcp", address, "connect", &error)),
        Err(_) => Err(DialError::timeout("tcp", address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expect: Result<(&str, u16), &str>) {
        let expect = expect.map(|(host, port)| Target { host: host.into(), port }).map_err(str::to_owned);
        assert_eq!(Target::parse(address), expect);
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("127.0.0.1:80", Ok(("127.0.0.1", 80)));
        check("[::1]:80", Ok(("::1", 80)));
        check("web.local:1", Ok(("web.local", 1)));
        check(":80", Ok(("localhost", 80)));
        check("web", Err("address web: missing port in address"));
        check("[::1]", Err("address [::1]: missing port in address"));
        check("[::1", Err("address [::1: missing ']' in address"));
        check("::1:80", Err("address ::1:80: too many colons in address"));
        check("web:70000", Err("address 70000: invalid port"));
        check("web:http", Err("address http: invalid port"));
    }
}
