//! The native commands, one file for each group.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod context;
pub(crate) mod debug;
pub(crate) mod dns;
pub(crate) mod event;
pub(crate) mod figures;
pub(crate) mod info;
pub(crate) mod kv;
pub(crate) mod live;
pub(crate) mod lock;
pub(crate) mod node;
pub(crate) mod query;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod snapshot;
pub(crate) mod status;
pub(crate) mod txn;
pub(crate) mod version;
pub(crate) mod watch;

/// A command and the operations of the API that it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Its words after the program's name, such as `kv get`.
    pub path: &'static str,
    /// Operation ids, such as `kv_get`; empty for a command that calls none.
    pub operations: &'static [&'static str],
}

/// A line of a group's table.
pub(crate) const fn covers(path: &'static str, operations: &'static [&'static str]) -> Covered {
    Covered { path, operations }
}

/// Every command with the operations that it covers.
pub fn commands() -> Vec<Covered> {
    [
        kv::OPERATIONS,
        service::OPERATIONS,
        node::OPERATIONS,
        check::OPERATIONS,
        query::OPERATIONS,
        dns::OPERATIONS,
        session::OPERATIONS,
        lock::OPERATIONS,
        txn::OPERATIONS,
        watch::OPERATIONS,
        event::OPERATIONS,
        snapshot::OPERATIONS,
        backup::OPERATIONS,
        status::OPERATIONS,
        info::OPERATIONS,
        figures::OPERATIONS,
        debug::OPERATIONS,
        context::OPERATIONS,
        bench::OPERATIONS,
        completion::OPERATIONS,
        version::OPERATIONS,
    ]
    .concat()
}
