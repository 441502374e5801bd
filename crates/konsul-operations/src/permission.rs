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
    /// Read a node and its checks; a list is filtered, not refused.
    NodeRead(&'a str),
    /// Write a node, and everything on it.
    NodeWrite(&'a str),
    /// Read a service's instances and their checks; a list is filtered, not refused.
    ServiceRead(&'a str),
    /// Register and deregister instances of a service, and their checks.
    ServiceWrite(&'a str),
    /// Read and execute a prepared query; a list is filtered, not refused.
    QueryRead(&'a str),
    /// Make, change and remove a prepared query.
    QueryWrite(&'a str),
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

    /// Whether nobody is ever refused, so that what would be refused need not be looked up.
    pub(crate) fn allows_all(self) -> bool {
        matches!(self, Authorizer::AllowLoopback)
    }

    /// The same without a reason, for members of lists.
    pub fn allows(self, ctx: &Context, needed: &Permission<'_>) -> bool {
        match self {
            Authorizer::AllowLoopback => true,
            Authorizer::Rule(allows) => allows(ctx, needed),
        }
    }
}
