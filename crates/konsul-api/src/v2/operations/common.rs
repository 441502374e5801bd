//! What the table is made of, and what many of its rows share.

use super::Id;
use crate::v2::code::{self, Code};
use crate::v2::page::{LIMIT_DEFAULT, LIMIT_MAX};

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads. `HEAD` goes with it.
    Get,
    /// Puts something there.
    Put,
    /// Changes parts.
    Patch,
    /// Removes.
    Delete,
    /// Does something.
    Post,
}

impl Method {
    /// Its text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Post => "POST",
        }
    }

    /// Whether it changes anything.
    pub const fn writes(self) -> bool {
        !matches!(self, Method::Get)
    }
}

/// A path and what can be done with it.
#[derive(Debug)]
pub struct Resource {
    /// The path, with its parameters in braces. A last parameter in a greedy path stands for slashes too.
    pub path: &'static str,
    /// Whether the last parameter takes the rest of the path.
    pub greedy: bool,
    /// The path's parameters, in order.
    pub parameters: &'static [Parameter],
    /// Its operations.
    pub operations: &'static [Operation],
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its id.
    pub id: Id,
    /// Its method.
    pub method: Method,
    /// The noun under which it stands in documents.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else there is to know.
    pub about: &'static str,
    /// Parameters of the query, and headers.
    pub parameters: &'static [&'static Parameter],
    /// The forms of the body that it takes; the first is meant where the client names none.
    pub body: &'static [Body],
    /// Whether the body may be absent.
    pub body_optional: bool,
    /// Its answers, if all goes well.
    pub answers: &'static [Answer],
    /// The codes of problems that it has beside those of every operation.
    pub codes: &'static [&'static Code],
    /// What it needs, as a resource and an access.
    pub needs: &'static str,
    /// The command line that calls it.
    pub cli: &'static str,
    /// Whether it can change anything.
    pub writes: bool,
}

impl Operation {
    /// One of a noun.
    pub(super) const fn new(id: Id, method: Method, tag: &'static str, summary: &'static str) -> Operation {
        Operation {
            id,
            method,
            tag,
            summary,
            about: "",
            parameters: &[],
            body: &[],
            body_optional: false,
            answers: &[],
            codes: &[],
            needs: "",
            cli: "",
            writes: method.writes(),
        }
    }

    pub(super) const fn about(self, about: &'static str) -> Operation {
        Operation { about, ..self }
    }

    pub(super) const fn takes(self, parameters: &'static [&'static Parameter]) -> Operation {
        Operation { parameters, ..self }
    }

    pub(super) const fn body(self, body: &'static [Body]) -> Operation {
        Operation { body, ..self }
    }

    pub(super) const fn optional_body(self, body: &'static [Body]) -> Operation {
        Operation { body, body_optional: true, ..self }
    }

    pub(super) const fn answers(self, answers: &'static [Answer]) -> Operation {
        Operation { answers, ..self }
    }

    pub(super) const fn codes_of(self, codes: &'static [&'static Code]) -> Operation {
        Operation { codes, ..self }
    }

    pub(super) const fn needs(self, needs: &'static str) -> Operation {
        Operation { needs, ..self }
    }

    pub(super) const fn cli(self, cli: &'static str) -> Operation {
        Operation { cli, ..self }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text of so many bytes.
    Text {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// Texts of so many bytes each: the parameter may be given several times.
    Texts {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// A key of the store.
    Key,
    /// A lock's name.
    LockName,
    /// A node's name.
    Node,
    /// A namespace's name.
    Namespace,
    /// A UUID.
    Uuid,
    /// A whole number.
    Number {
        /// At least.
        min: u64,
        /// At most.
        max: u64,
        /// If it is absent.
        default: Option<u64>,
    },
    /// `true` or `false`; alone it is `true`, absent it is `false`.
    Flag,
    /// One of some words; the first is meant if it is absent.
    Choice(&'static [&'static str]),
    /// A duration.
    Duration,
    /// An entity tag, such as `"42"`.
    Tag,
    /// `*` or an entity tag.
    TagOrAny,
    /// `*`.
    Any,
    /// Visible ASCII, from 1 to 128.
    Token,
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// What it holds.
    pub kind: Kind,
    /// What it does.
    pub about: &'static str,
}

/// A form of a body.
#[derive(Debug)]
pub struct Body {
    /// The media type.
    pub media: &'static str,
    /// The name of its schema; empty for bytes.
    pub schema: &'static str,
    /// For a stream of lines or events: the schema is one of each.
    pub stream: bool,
}

impl Body {
    pub(super) const fn json(schema: &'static str) -> Body {
        Body { media: "application/json", schema, stream: false }
    }

    pub(super) const fn lines(schema: &'static str) -> Body {
        Body { media: "application/x-ndjson", schema, stream: true }
    }

    pub(super) const fn bytes(media: &'static str) -> Body {
        Body { media, schema: "", stream: false }
    }
}

/// A header of an answer.
#[derive(Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type.
    pub kind: &'static str,
    /// What it says.
    pub about: &'static str,
}

/// What can follow an answer.
#[derive(Debug)]
pub struct Link {
    /// The operation.
    pub to: Id,
    /// Its parameters, as runtime expressions.
    pub parameters: &'static [(&'static str, &'static str)],
}

/// An answer, if all goes well.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When it comes.
    pub about: &'static str,
    /// The forms of its body.
    pub body: &'static [Body],
    /// Its headers, beside those of every answer.
    pub headers: &'static [&'static Header],
    /// What can follow.
    pub links: &'static [Link],
}

impl Answer {
    pub(super) const fn new(status: u16, about: &'static str, body: &'static [Body]) -> Answer {
        Answer { status, about, body, headers: &[], links: &[] }
    }

    pub(super) const fn with(self, headers: &'static [&'static Header]) -> Answer {
        Answer { headers, ..self }
    }

    pub(super) const fn links(self, links: &'static [Link]) -> Answer {
        Answer { links, ..self }
    }
}

/// Headers of answers.
pub mod headers {
    use super::Header;

    /// On every answer.
    pub static EVERY: &[&Header] = &[&INDEX, &REQUEST_ID];

    /// `X-Konsul-Index`.
    pub static INDEX: Header = Header {
        name: "X-Konsul-Index",
        kind: "integer",
        about: "The index of the answer; for a write, one at which it is done. It never goes back.",
    };
    /// `X-Request-Id`.
    pub static REQUEST_ID: Header = Header {
        name: "X-Request-Id",
        kind: "string",
        about: "The request's id: the client's, or a new one.",
    };
    /// `ETag`.
    pub static ETAG: Header =
        Header { name: "ETag", kind: "string", about: "The modify index in double quotes, for `If-Match`." };
    /// `Location`.
    pub static LOCATION: Header = Header { name: "Location", kind: "string", about: "Where it can be read." };
    /// `Allow`.
    pub static ALLOW: Header = Header { name: "Allow", kind: "string", about: "The methods of this path." };
}

/// Parameters that several operations share.
pub mod parameters {
    use super::{Kind, LIMIT_DEFAULT, LIMIT_MAX, Parameter, Place};

    const fn query(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
        Parameter { name, place: Place::Query, required: false, kind, about }
    }

    pub(in crate::v2::operations) const fn required(one: Parameter) -> Parameter {
        Parameter { required: true, ..one }
    }

    pub(in crate::v2::operations) const fn own(
        name: &'static str,
        kind: Kind,
        about: &'static str,
    ) -> Parameter {
        query(name, kind, about)
    }

    pub(in crate::v2::operations) const fn path(
        name: &'static str,
        kind: Kind,
        about: &'static str,
    ) -> Parameter {
        Parameter { name, place: Place::Path, required: true, kind, about }
    }

    const fn header(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
        Parameter { name, place: Place::Header, required: false, kind, about }
    }

    /// `namespace`.
    pub static NAMESPACE: Parameter =
        query("namespace", Kind::Namespace, "The namespace; `default` if it is absent.");
    /// `consistency`.
    pub static CONSISTENCY: Parameter = query(
        "consistency",
        Kind::Choice(&["consistent", "default", "stale"]),
        "How fresh the answer is: confirmed by a quorum, under the leader's lease, or whatever this server has.",
    );
    /// `limit`.
    pub static LIMIT: Parameter = query(
        "limit",
        Kind::Number { min: 1, max: LIMIT_MAX as u64, default: Some(LIMIT_DEFAULT as u64) },
        "Most items of a page.",
    );
    /// `cursor`.
    pub static CURSOR: Parameter = query(
        "cursor",
        Kind::Text { min: 1, max: 16_384 },
        "`next_cursor` of the page before. It belongs to its query: the other parameters, but `limit` and `consistency`, must be the same.",
    );
    /// `prefix`.
    pub static PREFIX: Parameter =
        query("prefix", Kind::Text { min: 0, max: 8192 }, "Only keys that begin with it.");
    /// `If-Match`.
    pub static IF_MATCH: Parameter = header(
        "If-Match",
        Kind::Tag,
        "Only if the modify index is this, as `ETag` gives it; otherwise `412`. Weak tags and `*` are refused.",
    );
    /// `If-None-Match`, for writes.
    pub static IF_ABSENT: Parameter =
        header("If-None-Match", Kind::Any, "`*`: only if the key is absent; otherwise `412`.");
    /// `If-None-Match`, for reads.
    pub static IF_CHANGED: Parameter =
        header("If-None-Match", Kind::TagOrAny, "`304` without a body if the `ETag` is this.");
    /// `Idempotency-Key`.
    pub static IDEMPOTENCY_KEY: Parameter = header(
        "Idempotency-Key",
        Kind::Token,
        "Names this write, so that it can be sent again without a second effect: the first answer is given again for five minutes. A UUID of version 7 is refused after that, any other key is new then.",
    );
}

/// Codes that any operation may answer.
pub(super) static EVERY: &[&Code] = &[
    &code::INVALID_PATH,
    &code::INVALID_PARAMETER,
    &code::INVALID_HEADER,
    &code::INVALID_ARGUMENT,
    &code::PERMISSION_DENIED,
    &code::ENDPOINT_BLOCKED,
    &code::METHOD_NOT_ALLOWED,
    &code::NOT_ACCEPTABLE,
    &code::BUSY,
    &code::INTERNAL,
    &code::NO_LEADER,
    &code::NOT_READY,
    &code::STOPPING,
    &code::DEADLINE_EXCEEDED,
    &code::NOT_OFFERED,
];

/// Codes that any write may answer.
pub(super) static WRITES: &[&Code] = &[
    &code::WRITE_RESTRICTED,
    &code::FEATURE_LEVEL,
    &code::IDEMPOTENCY_KEY_REUSED,
    &code::REQUEST_EXPIRED,
    &code::DONE_BEFORE,
    &code::SUPERSEDED,
    &code::TOO_MANY_REQUESTS,
    &code::UNKNOWN_OUTCOME,
    &code::QUOTA,
    &code::DISK_FULL,
];

/// Codes of any operation that takes a body.
pub(super) static BODIES: &[&Code] =
    &[&code::BROKEN_BODY, &code::BODY_TOO_SLOW, &code::BODY_TOO_LARGE, &code::UNSUPPORTED_MEDIA_TYPE];
