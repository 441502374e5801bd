//! The Consul DNS interface: names to questions for the registry, and its answers to records.
//!
//! What it is not: no cache of other people's names, no zone files, no transfer, no DNSSEC, and no judge of health or
//! permission. It asks a [`Directory`], which whoever starts it brings along, and forwards what is outside its zones to
//! recursors, if there are any.
//!
//! # The life of a question
//!
//! 1. [`Server`] takes packets from its sockets: UDP by the batch, TCP with many questions on a connection.
//! 2. Its source's allowance is charged ([`Limits`]): what is beyond it is dropped, or waits.
//! 3. It is read by hand ([`wire::Query`]); what is no question is ignored or told so.
//! 4. Is there a ready answer that still holds, by the generation of the directory? Then it is sent.
//! 5. Else the name is read ([`grammar`]), the directory is asked, and records are made of what it says. An answer that is
//!    there at once is sent at once; one that takes a while becomes a task.
//! 6. The answer becomes bytes for this question: in random order, with this case of the name, as much as fits.
//! 7. If it is larger than the question, and the client has not shown that it is where it says (over TCP, or by a cookie),
//!    its bytes are charged as well; beyond the bound the client is sent to TCP, or gets nothing.
//!
//! # What differs from Consul
//!
//! - Names come back in the case in which they were asked for.
//! - Where not even one answer fits, the answer is empty and has TC, whatever `enable_truncate` says.
//! - Records that recursors gave for a host name keep their TTL.
//! - More than one question, or records that no question carries, are FORMERR; a newer EDNS is BADVERS; classes other than
//!   IN and ANY are REFUSED; packets that are responses or have no head get no answer.
//! - An answer over UDP has at most [`Limits::udp_bytes`], whatever the client offers.

mod answer;
mod cache;
mod cookie;
mod directory;
mod edge;
mod figures;
pub mod grammar;
mod names;
mod recurse;
mod render;
mod resolve;
mod responder;
mod server;
mod settings;
mod sockets;
mod source;
mod tcp;
mod text;
mod udp;
pub mod wire;
mod zones;

pub use directory::{
    Asked, Directory, DirectoryError, Executed, Instance, Locality, Node, NodeQuery, Order, PreparedQuery,
    Reverse, Service, ServiceKind, ServiceQuery, Status, TaggedAddress, Virtual, Weights, at_once,
};
pub use figures::{Figures, TYPES};
pub use render::Transport;
pub use responder::Responder;
pub use server::{Server, StartError};
pub use settings::{Limits, RecursorStrategy, ServiceTtl, Settings, Soa};
pub use sockets::Endpoint;
pub use wire::ClientSubnet;
pub use zones::ZoneError;
