//! The exit codes of `konsulctl`, in one table: the code, the help and the reference page read it.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Any failure that has no code of its own.
    Failed = 1,
    /// The command line itself is wrong. Nothing was sent.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// A condition did not hold.
    Conflict = 4,
    /// No server could be reached. Nothing was done.
    Unreachable = 5,
    /// The connection broke or no answer came in time: a write may or may not have happened.
    Unknown = 6,
    /// The credential is missing or does not allow it.
    Denied = 7,
    /// Ended by Ctrl-C or a signal.
    Interrupted = 130,
}

/// Every code with its meaning, in order.
pub const EXITS: &[(Exit, &str)] = &[
    (Exit::Done, "done"),
    (Exit::Failed, "failed; the message says why"),
    (Exit::Usage, "the command line is wrong; nothing was sent"),
    (Exit::NotFound, "what was named does not exist"),
    (Exit::Conflict, "a condition did not hold: changed since, exists already, lock held"),
    (Exit::Unreachable, "no server could be reached; nothing was done"),
    (Exit::Unknown, "the connection broke or no answer came in time: a write may or may not have happened"),
    (Exit::Denied, "the credential is missing or does not allow it"),
    (Exit::Interrupted, "ended by Ctrl-C or a signal"),
];

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// The table as the help shows it.
pub fn text() -> String {
    let lines = EXITS.iter().map(|(exit, meaning)| format!("{:>5}  {meaning}\n", exit.code()));
    std::iter::once("Exit codes:\n".to_owned()).chain(lines).collect()
}
