//! What an operation needs. Every operation names it before it does anything.
//!
//! The engine that decides arrives with identities. Until then [`Authorizer::AllowLoopback`] allows everything, and the
//! agent refuses to listen where others than this machine could reach it.

use std::fmt;

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

impl Permission<'_> {
    /// The kind of resource and what is done with it, as in Consul's texts; and the resource, where it is one of many.
    fn parts(&self) -> (&'static str, Option<&str>) {
        match *self {
            Permission::KeyRead(key) => ("key:read", Some(key)),
            Permission::KeyList(prefix) => ("key:list", Some(prefix)),
            Permission::KeyWrite(key) => ("key:write", Some(key)),
            Permission::KeyWritePrefix(prefix) => ("key_prefix:write", Some(prefix)),
            Permission::SessionRead(node) => ("session:read", Some(node)),
            Permission::SessionWrite(node) => ("session:write", Some(node)),
            Permission::LockRead(name) => ("lock:read", Some(name)),
            Permission::LockWrite(name) => ("lock:write", Some(name)),
            Permission::NodeRead(node) => ("node:read", Some(node)),
            Permission::NodeWrite(node) => ("node:write", Some(node)),
            Permission::ServiceRead(service) => ("service:read", Some(service)),
            Permission::ServiceWrite(service) => ("service:write", Some(service)),
            Permission::QueryRead(query) => ("query:read", Some(query)),
            Permission::QueryWrite(query) => ("query:write", Some(query)),
            Permission::EventWrite(event) => ("event:write", Some(event)),
            Permission::EventRead(event) => ("event:read", Some(event)),
            Permission::AgentRead => ("agent:read", None),
            Permission::AgentWrite => ("agent:write", None),
            Permission::OperatorRead => ("operator:read", None),
            Permission::Management => ("management", None),
            Permission::Public => ("public", None),
        }
    }
}

/// As a refusal names it: `service:read on "web"`.
impl fmt::Display for Permission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (what, Some(resource)) => write!(f, "{what} on {resource:?}"),
            (what, None) => f.write_str(what),
        }
    }
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
            Authorizer::Rule(_) => Err(Error::PermissionDenied(format!("{needed} is needed"))),
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
