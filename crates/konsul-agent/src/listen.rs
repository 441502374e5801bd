//! Sockets, bound before anything else is touched: an agent that cannot listen has changed nothing.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use crate::error::AgentError;

/// Binds every address.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, AgentError> {
    addresses.iter().map(|address| bind_one(*address)).collect()
}

fn bind_one(address: SocketAddr) -> Result<TcpListener, AgentError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => AgentError::PortInUse { address },
        _ => AgentError::Listen { address, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_the_option_and_with_whom_to_ask() {
        let taken = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = taken[0].local_addr().unwrap();
        let why = bind(&[address]).unwrap_err().to_string();
        let port = address.port();
        assert!(why.contains(&format!("port {port} is in use on 127.0.0.1")), "{why}");
        assert!(why.contains("-http-port") && why.contains(&format!("sport = :{port}")), "{why}");
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let why = bind(&["192.0.2.1:0".parse().unwrap()]).unwrap_err().to_string();
        assert!(why.contains("no address 192.0.2.1"), "{why}");
    }
}
