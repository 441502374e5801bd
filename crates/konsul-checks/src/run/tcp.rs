//! TCP checks: a connection, and a handshake of TLS if asked for.

use super::address::Reach;
use super::dial::{self, DialError, Target};
use super::tls::Secure;
use super::{Limit, Run, RunFuture};
use crate::decide::Finding;
use crate::definition::TcpCheck;

pub(crate) struct TcpRunner {
    address: String,
    target: Target,
    secure: Option<Secure>,
    reach: Reach,
}

impl TcpRunner {
    pub(crate) fn new(check: &TcpCheck, reach: Reach) -> Result<Self, String> {
        let target =
            Target::parse(&check.address).map_err(|why| DialError::unresolved("tcp", why).to_string())?;
        let secure = check.tls.as_ref().map(|tls| Secure::new(tls, b"http/1.1")).transpose()?;
        Ok(Self { address: check.address.clone(), target, secure, reach })
    }

    async fn connect(&self, limit: Limit) -> Result<&'static str, String> {
        let stream = dial::tcp(&self.target, self.reach, limit.until).await.map_err(|why| why.to_string())?;
        let Some(secure) = &self.secure else { return Ok("TCP") };
        secure.wrap(stream, &self.target.host, limit.until).await?;
        Ok("TCP+TLS")
    }
}

impl Run for TcpRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            match self.connect(limit).await {
                Ok(how) => Finding::passing(format!("{how} connect {}: Success", self.address)),
                Err(why) => Finding::critical(why),
            }
        })
    }
}
