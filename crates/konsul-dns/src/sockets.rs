//! Sockets for one address: UDP and TCP on the same port, as a client expects who is told to come back over TCP.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Bound sockets of one address.
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) tcp: TcpListener,
    address: SocketAddr,
}

/// How often another port is tried, when one was asked for that nobody has and UDP's was taken.
const TRIES: usize = 16;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// What the kernel keeps for us while we are at something else: some two thousand questions.
const RECEIVE_BYTES: usize = 2 << 20;

impl Endpoint {
    /// Binds UDP and TCP to an address, with so many sockets for UDP. Port 0 takes a port that is free for both.
    ///
    /// # Errors
    /// The system's, if the address or the port cannot be had.
    pub fn bind(address: SocketAddr, udp_sockets: usize) -> io::Result<Endpoint> {
        let mut tries = if address.port() == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            // TCP first, without sharing: so a second server on the port is told, also where UDP's sockets are shared.
            let tcp = listen(address)?;
            let bound = tcp.local_addr()?;
            let count = udp_sockets.max(1);
            match (0..count).map(|_| udp(bound, count > 1)).collect::<io::Result<Vec<UdpSocket>>>() {
                Ok(udp) => return Ok(Endpoint { udp, tcp, address: bound }),
                Err(why) if why.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a server that has just ended linger on the port; another server cannot share it.
    socket.set_reuse_address(true)?;
    prepare(&socket, address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn udp(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if is_shared {
        socket.set_reuse_port(true)?;
    }
    // The system may allow less; then it is less.
    let _ = socket.set_recv_buffer_size(RECEIVE_BYTES);
    prepare(&socket, address)?;
    Ok(socket.into())
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        // `[::]` is not to take what is for `0.0.0.0`: both may be configured.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))
}
