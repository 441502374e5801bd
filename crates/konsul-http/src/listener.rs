//! Sockets of both kinds, bound by whoever starts the server.
//!
//! A unix socket is a door for programs on this machine, and who may use it is written on its file. So its clients count
//! as loopback, and the cap on connections of one address does not hold for them: there is no address to tell them
//! apart.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A socket that is bound and listens.
#[derive(Debug)]
pub enum Listener {
    /// On an address and a port.
    Tcp(std::net::TcpListener),
    /// On a file.
    Unix(std::os::unix::net::UnixListener),
}

impl From<std::net::TcpListener> for Listener {
    fn from(socket: std::net::TcpListener) -> Listener {
        Listener::Tcp(socket)
    }
}

impl From<std::os::unix::net::UnixListener> for Listener {
    fn from(socket: std::os::unix::net::UnixListener) -> Listener {
        Listener::Unix(socket)
    }
}

impl Listener {
    /// Its address, if it has one.
    pub(crate) fn address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Listener::Tcp(socket) => socket.local_addr().map(Some),
            Listener::Unix(_) => Ok(None),
        }
    }

    /// Hands it to the runtime.
    pub(crate) fn open(self) -> io::Result<Accepting> {
        match self {
            Listener::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(Accepting::Tcp)
            }
            Listener::Unix(socket) => {
                socket.set_nonblocking(true)?;
                UnixListener::from_std(socket).map(Accepting::Unix)
            }
        }
    }
}

/// A listener in the runtime's hands.
pub(crate) enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Accepting {
    /// The next client, and where it comes from.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Accepting::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Socket::Tcp(socket), Peer { address: peer, is_local: false }))
            }
            Accepting::Unix(listener) => {
                let (socket, _) = listener.accept().await?;
                let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
                Ok((Socket::Unix(socket), Peer { address, is_local: true }))
            }
        }
    }
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address; that of loopback, with port 0, for one that came over a unix socket.
    pub(crate) address: SocketAddr,
    is_local: bool,
}

impl Peer {
    /// Whom its connection counts for, if it has an address to be told by.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        (!self.is_local).then(|| self.address.ip())
    }
}

/// A client's socket.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Small answers must not wait for the next one, and a client that vanished without a word must be found out. On a
    /// unix socket neither can happen.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let Socket::Tcp(socket) = self else { return Ok(()) };
        socket.set_nodelay(true)?;
        let probes = socket2::TcpKeepalive::new().with_time(std::time::Duration::from_secs(60));
        socket2::SockRef::from(socket).set_tcp_keepalive(&probes)
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.try_write(bytes),
            Socket::Unix(socket) => socket.try_write(bytes),
        }
    }

    pub(crate) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.try_read(bytes),
            Socket::Unix(socket) => socket.try_read(bytes),
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(socket) => socket.readable().await,
            Socket::Unix(socket) => socket.readable().await,
        }
    }

    /// Closes the sending half.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let both = match self {
            Socket::Tcp(socket) => socket2::SockRef::from(socket),
            Socket::Unix(socket) => socket2::SockRef::from(socket),
        };
        both.shutdown(std::net::Shutdown::Write)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Tcp(socket) => socket.is_write_vectored(),
            Socket::Unix(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Socket::Tcp(socket) => Pin::new(socket).poll_flush(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
