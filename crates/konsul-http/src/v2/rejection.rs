//! What went wrong, on its way to problem details.

use konsul_api::v2::code::{self, Code};
use konsul_api::v2::problem::{Fault, Problem};
use konsul_operations::Error;
use konsul_types::Index;

use crate::intake::IntakeError;

/// What went wrong. Boxed, because it is the rare case of every handler.
pub(crate) type Rejected<T> = Result<T, Box<Rejection>>;

/// What went wrong with a request.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) code: &'static Code,
    pub(crate) detail: String,
    pub(crate) errors: Vec<Fault>,
    /// The index of the state that the refusal is of, where that is known.
    pub(crate) index: Option<Index>,
    /// The value of `Allow`.
    pub(crate) allow: Option<String>,
}

impl Rejection {
    /// One of a kind.
    pub(crate) fn new(code: &'static Code, detail: impl Into<String>) -> Box<Rejection> {
        let detail = detail.into();
        Box::new(Rejection { code, detail, errors: Vec::new(), index: None, allow: None })
    }

    /// Several faults of a kind.
    pub(crate) fn of_faults(code: &'static Code, errors: Vec<Fault>) -> Box<Rejection> {
        let detail = match &errors[..] {
            [one] => place(one) + &one.detail,
            several => format!("{} faults; see errors", several.len()),
        };
        Box::new(Rejection { errors, ..*Rejection::new(code, detail) })
    }

    /// A wrong parameter.
    pub(crate) fn of_parameter(name: &str, detail: impl Into<String>) -> Box<Rejection> {
        Rejection::of_faults(&code::INVALID_PARAMETER, vec![Fault::of_parameter(name, detail)])
    }

    /// A wrong header.
    pub(crate) fn of_header(name: &str, detail: impl Into<String>) -> Box<Rejection> {
        Rejection::of_faults(&code::INVALID_HEADER, vec![Fault::of_header(name, detail)])
    }

    /// Of a state.
    pub(crate) fn at(mut self: Box<Self>, index: Index) -> Box<Rejection> {
        self.index = Some(index);
        self
    }

    /// As problem details, but for the request's id.
    pub(crate) fn into_problem(self, operation: Option<&str>) -> Problem {
        Problem {
            operation: operation.map(str::to_owned),
            errors: self.errors,
            ..Problem::new(self.code, self.detail)
        }
    }
}

fn place(fault: &Fault) -> String {
    let name = fault.pointer.as_ref().or(fault.parameter.as_ref()).or(fault.header.as_ref());
    name.filter(|name| !name.is_empty()).map(|name| format!("{name} ")).unwrap_or_default()
}

impl From<Error> for Box<Rejection> {
    fn from(error: Error) -> Box<Rejection> {
        let code = code::find(error.code()).unwrap_or(&code::INTERNAL);
        if *code == code::INTERNAL {
            tracing::error!(%error, "internal error");
            return Rejection::new(code, "an unexpected error occurred; the server's log has its cause");
        }
        match error {
            Error::Invalid { field, message } => {
                let pointer = format!("/{}", field.to_ascii_lowercase());
                let errors = vec![Fault::at(pointer, message.clone())];
                Box::new(Rejection { errors, ..*Rejection::new(code, message) })
            }
            other => Rejection::new(code, other.to_string()),
        }
    }
}

impl From<IntakeError> for Box<Rejection> {
    fn from(why: IntakeError) -> Box<Rejection> {
        let code = match why {
            IntakeError::TooLarge { .. } => &code::BODY_TOO_LARGE,
            IntakeError::Slow { .. } => &code::BODY_TOO_SLOW,
            IntakeError::Broken(_) => &code::BROKEN_BODY,
        };
        Rejection::new(code, why.to_string())
    }
}
