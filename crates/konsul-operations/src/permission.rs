//! What an operation needs. Every operation names it before it does anything.
//!
//! The engine that decides arrives with identities. Until then [`Authorizer::AllowLoopback`] allows everything, and the
//! agent refuses to listen where others than this machine could reach it.

use crate::context::Context;
use crate::error::Error;

/// A right over a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission<'a> {
    /// Read one key.
    KeyRead(&'a str),
    /// Read keys under a prefix; a list is filtered, not refused.
    KeyList(&'a str),
    /// Write one key.
    KeyWrite(&'a str),
    /// Write every key under a prefix.
    KeyWritePrefix(&'a str),
    /// Read sessions of a node.
    SessionRead(&'a str),
    /// Make, renew and destroy sessions of a node.
    SessionWrite(&'a str),
    /// Read a lock and its queue; a list is filtered, not refused.
    LockRead(&'a str),
    /// Take a lock and give it back.
    LockWrite(&'a str),
    /// Fire an event.
    EventWrite(&'a str),
    /// Read an event.
    EventRead(&'a str),
    /// Read an agent's state.
    AgentRead,
    /// Steer an agent.
    AgentWrite,
    /// Read the cluster's state.
    OperatorRead,
    /// Save and restore everything.
    Management,
    /// What anybody may know.
    Public,
}

/// Decides.
#[derive(Debug, Clone, Copy)]
pub enum Authorizer {
    /// Everything is allowed, because only this machine can ask.
    AllowLoopback,
    /// A rule of whoever embeds the operations; asked anew each time, so its answer may change.
    Rule(fn(&Context, &Permission<'_>) -> bool),
}

impl Authorizer {
    /// Whether the context's identity may do this.
    pub fn permit(self, ctx: &Context, needed: &Permission<'_>) -> Result<(), Error> {
        match self {
            Authorizer::AllowLoopback => Ok(()),
            Authorizer::Rule(allows) if allows(ctx, needed) => Ok(()),
            Authorizer::Rule(_) => Err(Error::PermissionDenied(format!("{needed:?}"))),
        }
    }
}
