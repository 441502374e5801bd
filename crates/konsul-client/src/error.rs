//! Why a call has no answer, and what to do about it.

use std::time::Duration;

use crate::v2::Problem;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// Nobody listens at the address. Nothing was sent.
    #[error(
        "nobody answers at {address}: {source}. Is the agent running? Try `konsul agent -dev`, or name another \
         address with -http-addr or CONSUL_HTTP_ADDR"
    )]
    Connect {
        /// `host:port`.
        address: String,
        /// The system's answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke before the whole answer was here. A write may or may not have happened.
    #[error(
        "the connection to {address} broke: {source}. If this was a write, look whether it happened before you repeat it"
    )]
    Broken {
        /// `host:port`.
        address: String,
        /// What broke.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time. A write may or may not have happened.
    #[error("{address} did not answer within {}s. If this was a write, look whether it happened before you repeat it", after.as_secs())]
    Timeout {
        /// `host:port`.
        address: String,
        /// How long was waited.
        after: Duration,
    },
    /// The agent answered with an error. The text is Consul's, which scripts match on.
    #[error("Unexpected response code: {code} ({})", body.trim_end())]
    Status {
        /// HTTP status.
        code: u16,
        /// The body's text.
        body: String,
    },
    /// The answer is not what this call gives. Usually something else than an agent listens there.
    #[error(
        "{address} answered {path} with something else than was asked for: {what}. Is it a Konsul agent?"
    )]
    Decode {
        /// `host:port`.
        address: String,
        /// The path asked for.
        path: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// The server said no over `/v2`, in a document that says why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// A stream ended, fell silent, or was ended by the server.
    #[error("{address}: {what}")]
    Stream {
        /// `host:port`.
        address: String,
        /// What happened.
        what: String,
    },
}

impl Error {
    /// The HTTP status, if the agent answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Status { code, .. } => Some(*code),
            Error::Problem(problem) => Some(problem.status),
            _ => None,
        }
    }

    /// The server's words over `/v2`, if it said any.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Error::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// The stable code of the server's error over `/v2`, such as `lock_held`.
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    /// Whether the server says over `/v2` that what was named does not exist.
    pub fn is_not_found(&self) -> bool {
        self.problem().is_some_and(|problem| problem.status == 404)
    }

    /// Whether nobody is there, or not any more, rather than somebody who says no.
    pub fn is_gone(&self) -> bool {
        matches!(
            self,
            Error::Connect { .. } | Error::Broken { .. } | Error::Timeout { .. } | Error::Stream { .. }
        )
    }

    /// Whether the same call may fare better a moment later: the server was not reached, or says that it cannot now.
    pub fn is_passing(&self) -> bool {
        self.is_gone() || matches!(self.status(), Some(429 | 502 | 503 | 504))
    }

    /// How long the server asks to wait before the same call.
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem()?.retry_after
    }

    /// Whether the request is certain to have had no effect.
    pub fn never_sent(&self) -> bool {
        matches!(self, Error::Config(_) | Error::Connect { .. })
    }

    /// Names the option that a configuration error comes from.
    pub(crate) fn because_of(self, option: &str) -> Error {
        match self {
            Error::Config(what) => Error::Config(format!("{option}: {what}")),
            other => other,
        }
    }
}
