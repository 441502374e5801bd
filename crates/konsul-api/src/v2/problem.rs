//! Problem details: RFC 9457.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::code::Code;

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What a problem's type begins with; its code follows.
pub const TYPE_PREFIX: &str = "urn:konsul:problem:";

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI of the kind of problem: `urn:konsul:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    pub kind: String,
    /// What kind of problem it is, in a few words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time, and what would be right.
    pub detail: String,
    /// The kind of problem, for programs. It never changes.
    pub code: String,
    /// The operation's id; absent where none was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operation: Option<String>,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: String,
    /// Each single fault, where there may be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// A single fault. One of `pointer`, `parameter` and `header` says where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ProblemFault)]
pub struct Fault {
    /// A JSON pointer (RFC 6901) into the body; empty for the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// The name of a path or query parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// The name of a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub header: Option<String>,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl Fault {
    /// A fault in the body.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Fault {
        Fault { pointer: Some(pointer.into()), detail: detail.into(), ..Fault::default() }
    }

    /// A fault of a parameter.
    pub fn of_parameter(name: impl Into<String>, detail: impl Into<String>) -> Fault {
        Fault { parameter: Some(name.into()), detail: detail.into(), ..Fault::default() }
    }

    /// A fault of a header.
    pub fn of_header(name: impl Into<String>, detail: impl Into<String>) -> Fault {
        Fault { header: Some(name.into()), detail: detail.into(), ..Fault::default() }
    }
}

impl Problem {
    /// A problem of a kind.
    pub fn new(code: &Code, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("{TYPE_PREFIX}{}", code.id),
            title: code.title.to_owned(),
            status: code.status,
            detail: detail.into(),
            code: code.id.to_owned(),
            ..Problem::default()
        }
    }
}
