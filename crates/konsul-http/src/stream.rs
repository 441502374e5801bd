//! A socket that notes how far it gets, and finds out when the client of a waiting request is gone.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::connection::Progress;
use crate::listener::Socket;
use konsul_runtime::time::{Duration, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

/// How often a socket that nobody reads is asked whether its client is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A socket, and where its progress is noted.
///
/// hyper reads on while an answer is awaited, and so sees the end of the connection. It does not once it holds bytes of a
/// next request. A reader that is parked then would stay so until its wait is over; so as long as one is, and nobody
/// reads, the socket looks itself, now and then, whether the client has closed it.
pub(crate) struct Stream {
    socket: Socket,
    progress: Arc<Progress>,
    /// Whether somebody waits for bytes, and so will hear of the end.
    is_read: bool,
    next_look: Option<Sleep>,
}

impl Stream {
    pub(crate) fn new(socket: Socket, progress: Arc<Progress>) -> Stream {
        Stream { socket, progress, is_read: false, next_look: None }
    }

    fn note<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.progress.note_write(written.is_ready());
        written
    }

    /// An error if the request under way waits for something to happen, and its client will not hear of it.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.is_read || !self.progress.is_waiting() {
            self.next_look = None;
            return Ok(());
        }
        loop {
            if is_closed(&self.socket) {
                return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client closed its side"));
            }
            let next_look = self.next_look.get_or_insert_with(|| sleep(LOOK_EVERY));
            if Pin::new(next_look).poll(cx).is_pending() {
                return Ok(());
            }
            self.next_look = None;
        }
    }
}

/// Up to here an answer's head and body are put together, which costs less than to hand the system two pieces.
const SMALL: usize = 2048;

/// The pieces as one, if they fit into the room.
fn joined<'r>(pieces: &[IoSlice<'_>], room: &'r mut [u8; SMALL]) -> Option<&'r [u8]> {
    let mut end = 0;
    for piece in pieces {
        room.get_mut(end..end + piece.len())?.copy_from_slice(piece);
        end += piece.len();
    }
    Some(&room[..end])
}

/// Whether the client has closed its sending half, however many bytes of it are unread.
fn is_closed(socket: &Socket) -> bool {
    match socket {
        Socket::Tcp(socket) => says_closed(socket.ready(Interest::READABLE)),
        Socket::Unix(socket) => says_closed(socket.ready(Interest::READABLE)),
    }
}

fn says_closed(ready: impl Future<Output = io::Result<Ready>>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(ready).poll(&mut cx) {
        Poll::Ready(Ok(ready)) => ready.is_read_closed(),
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.is_read = read.is_pending();
        if buf.filled().len() > before {
            self.progress.note_read();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match joined(bufs, &mut [0; SMALL]) {
            Some(whole) => Pin::new(&mut self.socket).poll_write(cx, whole),
            None => Pin::new(&mut self.socket).poll_write_vectored(cx, bufs),
        };
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// hyper flushes whenever it is woken: the one place where a socket that is not read is still asked something.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_gone(cx)?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
