//! Packets by the dozen: `recvmmsg` and `sendmmsg`.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket as StdSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg,
    sendmmsg, setsockopt, sockopt,
};
use smallvec::SmallVec;
use tokio::net::UdpSocket;

/// Most packets of one call.
pub(crate) const BATCH: usize = 64;
/// What is kept of a packet: no question is longer. One that is cut here is no question any more.
const PACKET_BYTES: usize = 2048;

/// Asks the system for the address that packets came to, where the socket is bound to none in particular; answers
/// whether it is.
pub(crate) fn prepare(socket: &StdSocket) -> io::Result<bool> {
    let address = socket.local_addr()?;
    let is_any = address.ip().is_unspecified();
    if is_any && address.is_ipv4() {
        setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
    } else if is_any {
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    }
    Ok(is_any)
}

/// Where a packet came from, and to which of our addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) from: SocketAddr,
    raw: SockaddrStorage,
    to: Option<To>,
}

/// What the system says of the address that a packet came to.
#[derive(Debug, Clone, Copy)]
enum To {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl To {
    fn of(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<To> {
        message.cmsgs().ok()?.find_map(|control| match control {
            // Which card it leaves by is the routing table's matter.
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some(To::V4(libc::in_pktinfo { ipi_ifindex: 0, ..info }))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(To::V6(info)),
            _ => None,
        })
    }

    fn key(&self) -> (IpAddr, u32) {
        match self {
            To::V4(info) => (IpAddr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()), 0),
            To::V6(info) => (IpAddr::from(info.ipi6_addr.s6_addr), info.ipi6_ifindex),
        }
    }
}

/// Packets as they came.
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    packets: Vec<(usize, Origin)>,
    is_any: bool,
}

impl Inbox {
    pub(crate) fn new(is_any: bool) -> Inbox {
        Inbox { buffer: vec![0; BATCH * PACKET_BYTES], packets: Vec::with_capacity(BATCH), is_any }
    }

    /// Takes what is there; `WouldBlock` if nothing is.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        self.packets.clear();
        // Made anew for each call: the system writes into it how much it used, and it must not go from thread to thread.
        let space = self.is_any.then(|| nix::cmsg_space!(libc::in6_pktinfo));
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, space);
        let mut chunks = self.buffer.chunks_exact_mut(PACKET_BYTES);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let flags = MsgFlags::MSG_DONTWAIT;
        for message in recvmmsg(socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None)? {
            let to = if self.is_any { To::of(&message) } else { None };
            let origin = message.address.and_then(|raw| Some(Origin { from: address(&raw)?, raw, to }));
            match origin {
                Some(origin) => self.packets.push((message.bytes.min(PACKET_BYTES), origin)),
                // Keeps packets and buffers in step; a packet without a head is passed over.
                None => self.packets.push((0, Origin::nowhere())),
            }
        }
        Ok(())
    }

    /// What was taken.
    pub(crate) fn packets(&self) -> impl Iterator<Item = (&[u8], Origin)> {
        let buffers = self.buffer.chunks_exact(PACKET_BYTES);
        self.packets.iter().zip(buffers).map(|((length, origin), buffer)| (&buffer[..*length], *origin))
    }
}

impl Origin {
    fn nowhere() -> Origin {
        let from = SocketAddr::from(([0, 0, 0, 0], 0));
        Origin { from, raw: from.into(), to: None }
    }
}

fn address(raw: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || raw.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4().or_else(|| raw.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}

/// Answers on their way out, in one buffer.
#[derive(Default)]
pub(crate) struct Answers {
    buffer: Vec<u8>,
    answers: Vec<(Range<usize>, Origin)>,
    sent: usize,
}

impl Answers {
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.answers.clear();
        self.sent = 0;
    }

    /// Adds what `write` appends, if it appends anything.
    pub(crate) fn add<T>(&mut self, origin: Origin, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let begin = self.buffer.len();
        let value = write(&mut self.buffer);
        if self.buffer.len() > begin {
            self.answers.push((begin..self.buffer.len(), origin));
        }
        value
    }

    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(crate) fn are_sent(&self) -> bool {
        self.sent == self.answers.len()
    }

    pub(crate) fn pass_over_one(&mut self) {
        self.sent += 1;
    }

    /// Sends as many as the system takes of those that leave from one address.
    pub(crate) fn send(&mut self, socket: &UdpSocket, is_any: bool) -> io::Result<()> {
        let rest = &self.answers[self.sent..];
        let to = rest.first().and_then(|(_, origin)| origin.to).filter(|_| is_any);
        let key = to.map(|to| to.key());
        let run = rest.iter().take_while(|(_, origin)| !is_any || origin.to.map(|to| to.key()) == key);
        let run: SmallVec<[&(Range<usize>, Origin); BATCH]> = run.take(BATCH).collect();
        let slices: SmallVec<[[IoSlice<'_>; 1]; BATCH]> =
            run.iter().map(|(range, _)| [IoSlice::new(&self.buffer[range.clone()])]).collect();
        let addresses: SmallVec<[Option<SockaddrStorage>; BATCH]> =
            run.iter().map(|(_, origin)| Some(origin.raw)).collect();
        let control = to.as_ref().map(|to| match to {
            To::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            To::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        });
        // As much room as the message takes: the system reads all of it.
        let space = to.as_ref().map(|to| match to {
            To::V4(_) => nix::cmsg_space!(libc::in_pktinfo),
            To::V6(_) => nix::cmsg_space!(libc::in6_pktinfo),
        });
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(run.len(), space);
        let flags = MsgFlags::MSG_DONTWAIT;
        let sent =
            sendmmsg(socket.as_raw_fd(), &mut headers, slices.iter(), &addresses, control.as_slice(), flags)?
                .count();
        self.sent += sent;
        Ok(())
    }
}
