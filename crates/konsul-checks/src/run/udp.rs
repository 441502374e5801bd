//! UDP checks: an empty datagram. Silence is good, since few protocols answer one; a refusal is not.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use konsul_runtime::time::timeout_at;
use tokio::net::UdpSocket;

use super::address::Reach;
use super::dial::{self, DialError, Target};
use super::errors::system;
use super::{Limit, Run, RunFuture};
use crate::decide::Finding;
use crate::definition::UdpCheck;

pub(crate) struct UdpRunner {
    address: String,
    target: Result<Target, String>,
    reach: Reach,
}

impl UdpRunner {
    pub(crate) fn new(check: &UdpCheck, reach: Reach) -> Self {
        Self { address: check.address.clone(), target: Target::parse(&check.address), reach }
    }

    async fn ask(&self, limit: Limit) -> Result<(), String> {
        let target =
            self.target.as_ref().map_err(|why| DialError::unresolved("udp", why.clone()).to_string())?;
        let addresses = dial::resolve("udp", target, self.reach, limit.until).await;
        let to = addresses.map_err(|why| why.to_string())?[0];
        let socket =
            open(to).await.map_err(|why| DialError::system("udp", to, "connect", &why).to_string())?;
        let failed = |call: &str, error: &io::Error| refused(&socket, to, call, error);
        socket.send(&[]).await.map_err(|error| failed("write", &error))?;
        match timeout_at(limit.until, socket.recv(&mut [0; 1])).await {
            Ok(Ok(_)) | Err(_) => Ok(()),
            Ok(Err(error)) => Err(failed("read", &error)),
        }
    }
}

async fn open(to: SocketAddr) -> io::Result<UdpSocket> {
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(from).await?;
    socket.connect(to).await?;
    Ok(socket)
}

fn refused(socket: &UdpSocket, to: SocketAddr, call: &str, error: &io::Error) -> String {
    let from = socket.local_addr().map_or_else(|_| String::new(), |from| from.to_string());
    format!("{call} udp {from}->{to}: {call}: {}", system(error))
}

impl Run for UdpRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            match self.ask(limit).await {
                Ok(()) => Finding::passing(format!("UDP connect {}: Success", self.address)),
                Err(why) => Finding::critical(why),
            }
        })
    }
}
