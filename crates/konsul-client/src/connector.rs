//! Connections of every kind behind one type: TCP, TLS over TCP, a unix socket.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Timer as _, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::config::{ClientConfig, Wire};
use crate::tls::{self, Peer};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections to the one agent of a configuration.
#[derive(Clone)]
pub(crate) struct Connector {
    kind: Kind,
    timeout: Duration,
}

#[derive(Clone)]
enum Kind {
    Plain(HttpConnector),
    Tls(HttpConnector, Arc<Peer>),
    Unix(Arc<Path>),
    /// The configuration's files cannot be used; every connection says why.
    Broken(Arc<str>),
}

impl Connector {
    /// A connector, and why it will never connect if the configuration's files cannot be used.
    pub(crate) fn new(config: &ClientConfig) -> (Connector, Option<String>) {
        let (kind, why) = match config.wire() {
            Wire::Plain => (Kind::Plain(tcp(config)), None),
            Wire::Unix(path) => (Kind::Unix(path.as_path().into()), None),
            Wire::Tls => match tls::peer(config) {
                Ok(peer) => (Kind::Tls(tcp(config), Arc::new(peer)), None),
                Err(why) => (Kind::Broken(why.as_str().into()), Some(why)),
            },
        };
        (Connector { kind, timeout: config.connect_timeout }, why)
    }
}

fn tcp(config: &ClientConfig) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(config.connect_timeout));
    connector.set_nodelay(true);
    connector
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Link, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (kind, timeout) = (self.kind.clone(), self.timeout);
        Box::pin(async move {
            // A server that accepts and then says nothing must not hold the handshake for ever.
            match select(Box::pin(connect(kind, uri)), TokioTimer::new().sleep(timeout)).await {
                Either::Left((link, _)) => link,
                Either::Right(_) => Err(format!("no connection within {}s", timeout.as_secs_f32()).into()),
            }
        })
    }
}

async fn connect(kind: Kind, uri: Uri) -> Result<Link, Failure> {
    match kind {
        Kind::Plain(mut tcp) => Ok(Link::Plain(tcp.call(uri).await?)),
        Kind::Unix(path) => Ok(Link::Unix(TokioIo::new(UnixStream::connect(path).await?))),
        Kind::Broken(why) => Err(why.to_string().into()),
        Kind::Tls(mut tcp, peer) => {
            let stream = tcp.call(uri).await?.into_inner();
            let connector = TlsConnector::from(Arc::clone(&peer.config));
            let stream = connector.connect(peer.name.clone(), stream).await?;
            Ok(Link::Tls(Box::new(TokioIo::new(stream))))
        }
    }
}

/// A connection.
pub(crate) enum Link {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
    Unix(TokioIo<UnixStream>),
}

/// Calls the same method on whichever it is.
macro_rules! each {
    ($link:expr, $inner:ident => $call:expr) => {
        match $link {
            Link::Plain($inner) => $call,
            Link::Tls($inner) => $call,
            Link::Unix($inner) => $call,
        }
    };
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), inner => Pin::new(inner).poll_read(cx, buf))
    }
}

impl Write for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), inner => Pin::new(inner).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), inner => Pin::new(inner).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), inner => Pin::new(inner).poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, inner => inner.is_write_vectored())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), inner => Pin::new(inner).poll_write_vectored(cx, bufs))
    }
}
