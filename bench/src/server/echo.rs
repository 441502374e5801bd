//! What no DNS server over UDP can be faster than: packets sent back as they came, by the dozen, in one thread.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

use super::{Running, free_dns_port, own_path};
use crate::error::{Error, Result};

/// The echo, as a process of its own.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

impl Echo {
    /// Starts this binary as `serve-echo` and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what it printed.
    pub fn start(folder: &Path) -> Result<Running> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_dns_port()?));
        let command = [own_path()?, "serve-echo".to_owned(), address.to_string()];
        let mut running = Running::start(&command, address, &folder.join("log"))?;
        running.until(|address| comes_back(address).unwrap_or(false))?;
        Ok(running)
    }
}

fn comes_back(address: SocketAddr) -> io::Result<bool> {
    const SENT: &[u8] = b"does it come back?";
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    socket.connect(address)?;
    socket.send(SENT)?;
    let mut back = [0; 64];
    let length = socket.recv(&mut back)?;
    Ok(&back[..length] == SENT)
}

/// As many packets as Konsul takes with one call.
const BATCH: usize = 64;

/// More than a question has.
const PACKET_BYTES: usize = 2048;

/// Sends back what comes to `address`, until the process ends.
///
/// # Errors
///
/// [`Error::File`] when the socket cannot be had or fails.
pub fn serve_echo(address: SocketAddr) -> Result<()> {
    let fault = |why| Error::file(format!("echo on {address}"), why);
    let socket = UdpSocket::bind(address).map_err(fault)?;
    let mut buffer = vec![0; BATCH * PACKET_BYTES];
    loop {
        let came = receive(&socket, &mut buffer).map_err(fault)?;
        send(&socket, &buffer, &came).map_err(fault)?;
    }
}

/// Waits for packets: the length of each, and where it came from.
type Came = Vec<(usize, SockaddrStorage)>;

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Came> {
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut chunks = buffer.chunks_exact_mut(PACKET_BYTES);
    let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
        std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
    // Waits for the first and takes the others that are there.
    let flags = MsgFlags::MSG_WAITFORONE;
    let came = recvmmsg(socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None)?;
    Ok(came.filter_map(|message| Some((message.bytes, message.address?))).collect())
}

fn send(socket: &UdpSocket, buffer: &[u8], came: &Came) -> io::Result<()> {
    let packets = buffer.chunks_exact(PACKET_BYTES).zip(came);
    let slices: Vec<[IoSlice<'_>; 1]> =
        packets.map(|(packet, (length, _))| [IoSlice::new(&packet[..*length])]).collect();
    let addresses: Vec<Option<SockaddrStorage>> = came.iter().map(|(_, from)| Some(*from)).collect();
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(came.len(), None);
    let sent = sendmmsg(socket.as_raw_fd(), &mut headers, slices.iter(), &addresses, [], MsgFlags::empty())?;
    // A blocking socket takes all of them; what it does not is lost, which the generator counts.
    let _ = sent.count();
    Ok(())
}
