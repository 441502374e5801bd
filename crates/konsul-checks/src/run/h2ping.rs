//! Checks by a ping of HTTP/2.

use h2::Ping;
use konsul_runtime::time::timeout_at;
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::Reach;
use super::beside::beside;
use super::dial::{self, DialError, Target};
use super::errors::DEADLINE;
use super::tls::Secure;
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, head};
use crate::definition::H2PingCheck;

pub(crate) struct H2PingRunner {
    address: String,
    target: Target,
    secure: Option<Secure>,
    reach: Reach,
}

impl H2PingRunner {
    pub(crate) fn new(check: &H2PingCheck, reach: Reach) -> Result<Self, String> {
        let address = check.address.clone();
        let undialled =
            |why: String| failed_to_dial(&address, &DialError::unresolved("tcp", why).to_string());
        let target = Target::parse(&check.address).map_err(undialled)?;
        let secure = check.tls.as_ref().map(|tls| Secure::new(tls, b"h2")).transpose()?;
        Ok(Self { address, target, secure, reach })
    }

    async fn ping(&self, limit: Limit) -> Result<(), String> {
        let undialled = |why: String| failed_to_dial(&self.address, &why);
        let stream = dial::tcp(&self.target, self.reach, limit.until).await;
        let stream = stream.map_err(|why| undialled(why.to_string()))?;
        let Some(secure) = &self.secure else { return ping(stream).await };
        let stream = secure.wrap(stream, &self.target.host, limit.until).await.map_err(undialled)?;
        let agreed = stream.get_ref().1.alpn_protocol().unwrap_or_default();
        if agreed != b"h2" {
            let agreed = String::from_utf8_lossy(agreed);
            return Err(undialled(format!("http2: unexpected ALPN protocol {agreed:?}; want \"h2\"")));
        }
        ping(stream).await
    }
}

async fn ping<S>(stream: S) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let created = h2::client::handshake(stream).await;
    // The sender is kept: without one, a connection that carries no stream closes.
    let (_sender, mut connection) =
        created.map_err(|why| format!("Failed to create client connection {why}"))?;
    let mut pings = connection.ping_pong().ok_or_else(|| failed("no pings on this connection"))?;
    let pong = Box::pin(beside(connection, pings.ping(Ping::opaque()))).await;
    pong.map(|_| ()).map_err(|why| failed(&why.to_string()))
}

fn failed(why: &str) -> String {
    format!("HTTP2 ping failed: {why}")
}

fn failed_to_dial(address: &str, why: &str) -> String {
    format!("Failed to dial to {address}: {why}")
}

impl Run for H2PingRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            let pinged = timeout_at(limit.until, self.ping(limit)).await;
            match pinged.unwrap_or_else(|_| Err(failed(DEADLINE))) {
                Ok(()) => Finding::passing("HTTP2 ping was successful"),
                Err(why) => Finding::critical(head(&why, limit.output_max)),
            }
        })
    }
}
