//! What a server says of a call that it refused: problem details (RFC 9457), as a type.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;

/// What a server says of a call that it refused or could not do.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// Stable name of the error.
    pub code: String,
    /// The operation that was asked for, such as `kv_put`.
    pub operation: String,
    /// Name of the request in the server's log.
    pub request_id: String,
    /// Everything that is wrong with the shape of the body.
    pub errors: Vec<ShapeError>,
    /// What else the server said, by its name: such as the place in a lock's queue.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
    /// How long to wait before the same call, from the header of that name.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// One thing that is wrong with a request. One of `pointer`, `parameter` and `header` says where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ShapeError {
    /// JSON pointer (RFC 6901) into the body; empty for the whole of it.
    pub pointer: String,
    /// The name of a parameter.
    pub parameter: String,
    /// The name of a header.
    pub header: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl ShapeError {
    /// Where it is, in a few words.
    pub fn place(&self) -> &str {
        let places = [&self.pointer, &self.parameter, &self.header];
        places.into_iter().find(|place| !place.is_empty()).map_or("the body", String::as_str)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.detail.is_empty() { &self.title } else { &self.detail };
        f.write_str(words)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        for error in &self.errors {
            write!(f, "\n  {}: {}", error.place(), error.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// Reads an error's body. What is no problem document, such as a proxy's page, stays an HTTP status with its text.
pub(crate) fn of_answer(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Error {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if !problem.code.is_empty() || !problem.title.is_empty() => {
            Error::Problem(Box::new(Problem { status, retry_after, ..problem }))
        }
        _ => {
            let body = String::from_utf8_lossy(body).into_owned();
            Error::Status { code: status, body }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_what_is_wrong_and_where() {
        let body = br#"{"type":"about:blank","title":"Bad body","status":400,"detail":"the body has the wrong shape",
            "code":"invalid_body","operation":"kv_put","request_id":"r1","waiting":3,
            "errors":[{"pointer":"/ttl","detail":"no duration"},{"pointer":"","detail":"`value` is missing"}]}"#;
        let error = of_answer(400, None, body);
        assert_eq!(
            error.to_string(),
            "the body has the wrong shape (invalid_body)\n  /ttl: no duration\n  the body: `value` is missing"
        );
        assert_eq!((error.code(), error.status()), (Some("invalid_body"), Some(400)));
        assert_eq!(error.problem().unwrap().more["waiting"], 3);
    }

    #[test]
    fn what_is_no_problem_document_stays_a_status() {
        let error = of_answer(502, None, b"<html>bad gateway</html>");
        assert_eq!(error.to_string(), "Unexpected response code: 502 (<html>bad gateway</html>)");
        assert!(error.code().is_none() && !error.is_not_found());
    }
}
