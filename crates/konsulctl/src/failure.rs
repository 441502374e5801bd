//! Why a command failed: what to print, what to do next, and the exit code.

use std::io;

use konsul_client::v2::Problem as Document;

use crate::exit::Exit;
use crate::output::filled;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// A text for standard error, and the exit code. Consul's commands print it as it is.
    Because {
        /// The text.
        text: String,
        /// The exit code.
        code: u8,
    },
    /// What a native command says: what was wrong, more about it, and what to do next.
    Problem(Box<Problem>),
    /// Everything was said already.
    Told(u8),
    /// Whoever read the output has closed its end, and so has what it wanted.
    ClosedPipe,
}

/// What a native command says when it fails.
#[derive(Debug)]
pub struct Problem {
    /// What was wrong, without a full stop.
    pub what: String,
    /// More about it, a line each.
    pub details: Vec<String>,
    /// What to do next, a line each.
    pub next: Vec<String>,
    /// How the process ends.
    pub exit: Exit,
}

impl Problem {
    /// What a person reads, in lines that fit. Colour marks the words that begin a part, nothing else.
    pub(crate) fn render(&self, colour: bool, columns: Option<usize>) -> String {
        let (red, bold, off) = if colour { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
        let what = std::iter::once((format!("{red}Error:{off} "), self.what.as_str()));
        let details = self.details.iter().map(|line| (INDENT.to_owned(), line.as_str()));
        let next = self.next.iter().map(|line| (format!(" {bold}Next:{off} "), line.as_str()));
        let mut text = String::new();
        for (begin, part) in what.chain(details).chain(next) {
            part_of(&mut text, &begin, part, columns);
        }
        text
    }
}

/// As wide as what stands before the first line of a part.
const INDENT: &str = "       ";

fn part_of(text: &mut String, begin: &str, part: &str, columns: Option<usize>) {
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(INDENT.len()).max(20));
    let mut before = begin;
    for line in part.lines().flat_map(|line| filled(line, room)) {
        text.push_str(before);
        text.push_str(&line);
        text.push('\n');
        before = INDENT;
    }
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure::Because { text: text.into(), code: 1 }
    }

    /// A native command's failure.
    pub fn with(exit: Exit, what: impl Into<String>) -> Failure {
        let problem = Problem { what: what.into(), details: Vec::new(), next: Vec::new(), exit };
        Failure::Problem(Box::new(problem))
    }

    /// Adds a line about it.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Failure {
        if let Failure::Problem(problem) = &mut self {
            problem.details.push(line.into());
        }
        self
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn next(mut self, line: impl Into<String>) -> Failure {
        if let Failure::Problem(problem) = &mut self {
            problem.next.push(line.into());
        }
        self
    }

    /// What a failed write of output means.
    pub(crate) fn of_output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        Failure::new(format!("Error! The output cannot be written: {error}"))
    }
}

/// What a server's refusal means.
pub(crate) fn of_problem(document: &Document) -> Failure {
    let words = if document.detail.is_empty() { &document.title } else { &document.detail };
    let mut failure = Failure::with(exit_of(document.status, &document.code), words.clone());
    for error in &document.errors {
        failure = failure.detail(format!("{}: {}", error.place(), error.detail));
    }
    if !document.request_id.is_empty() && document.status >= 500 {
        failure = failure.detail(format!("The server's log has more under request {}.", document.request_id));
    }
    match next_for(&document.code) {
        Some(next) => failure.next(next),
        None => failure,
    }
}

/// What to do about an error of the server, by its stable code.
fn next_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "stale_index" => "read it again and repeat the change on what is there now",
        "lock_held" => "`konsulctl lock list` shows who holds it",
        "unknown_session" | "session_not_found" => "`konsulctl session list` shows the sessions that live",
        "service_not_found" => {
            "`konsulctl service ls` shows the services, `konsulctl service ls --local` what this agent keeps"
        }
        "node_not_found" | "missing_node" | "not_registered" => "`konsulctl node ls` shows the nodes",
        "check_not_found" | "missing_check" => {
            "`konsulctl check ls` shows the checks, `konsulctl check ls --local` what this agent keeps"
        }
        "critical_check" => "`konsulctl check ls --status critical` shows which, and what they say",
        "not_a_ttl_check" => "`konsulctl check history` shows what its own runs found",
        "missing_service" => "register the instance first: `konsulctl service register`",
        "node_name_taken" => "take another name, or deregister the node that has it: `konsulctl node ls`",
        "query_not_found" | "query_name_taken" => "`konsulctl query ls` shows the queries",
        "bad_filter" => "the detail says where; `konsulctl service show --help` has an example of a filter",
        "subscription_not_found" | "subscription_exists" => "take another id for the subscription",
        "no_path_to_datacenter" => "`konsul catalog datacenters` lists those that are known",
        "not_offered" => "`konsulctl version` says what build the server is",
        "permission_denied" => "name a token that may do this: --token-file FILE",
        "no_leader" | "not_ready" | "stopping" => {
            "try again in a moment; `konsulctl status` says whether there is a leader"
        }
        "disk_full" => "make room on the server's disk; reads go on, and writes come back by themselves",
        "unknown_outcome" | "deadline_exceeded" => "look whether it happened before you repeat it",
        "busy" | "rate_limited" => "try again in a moment",
        "quota" | "value_too_large" | "too_many_operations" | "too_large" => {
            "`konsulctl limits` shows the bounds"
        }
        _ => return None,
    })
}

/// The exit code for a server's answer.
pub(crate) fn exit_of(status: u16, code: &str) -> Exit {
    match (status, code) {
        (_, "unknown_outcome" | "deadline_exceeded") => Exit::Unknown,
        (404, _) => Exit::NotFound,
        (409 | 412, _) => Exit::Conflict,
        (401 | 403, _) => Exit::Denied,
        _ => Exit::Failed,
    }
}

/// The outcome of a command.
pub type Outcome = Result<(), Failure>;

#[cfg(test)]
mod tests {
    use konsul_client::v2::api::code::CODES;

    use super::*;

    #[test]
    fn every_refusal_of_discovery_says_what_to_do_next() {
        for code in [
            "service_not_found",
            "node_not_found",
            "check_not_found",
            "query_not_found",
            "missing_node",
            "missing_check",
            "missing_service",
            "critical_check",
            "not_registered",
            "not_a_ttl_check",
            "node_name_taken",
            "query_name_taken",
            "bad_filter",
        ] {
            assert!(CODES.iter().any(|known| known.id == code), "the API has no code {code}");
            assert!(next_for(code).is_some(), "{code} says nothing of what to do");
        }
        assert_eq!(next_for("no_such_code"), None);
    }
}
