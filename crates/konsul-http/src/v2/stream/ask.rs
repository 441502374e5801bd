//! What a client asks of a stream, from a query string or from a message, with every fault of it.

use konsul_api::v2::code::{CURSOR_MISMATCH, Code, INVALID_CURSOR};
use konsul_api::v2::problem::Fault;
use konsul_operations::Context;
use konsul_operations::arguments::KvSelect;
use konsul_operations::watch::{Glob, KvWatch};
use konsul_types::Key;

use super::cursor::{CursorError, Question};
use crate::v2::rejection::{Rejected, Rejection};

/// A stream that is to be opened.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) context: Context,
    pub(crate) watch: KvWatch,
    pub(crate) question: Question,
}

/// The parameters of a stream as they came, wherever from.
#[derive(Debug, Default)]
pub(crate) struct Raw<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) glob: Option<&'a str>,
    pub(crate) cursor: Option<&'a str>,
    pub(crate) initial: bool,
    pub(crate) old_values: bool,
}

/// Says where a fault is.
pub(crate) type At = fn(&'static str, String) -> Fault;

impl Raw<'_> {
    /// Makes types of it.
    pub(crate) fn ask(&self, context: Context, code: &'static Code, at: At) -> Rejected<Ask> {
        let select = self.select(at).map_err(|fault| Rejection::of_faults(code, vec![fault]))?;
        let question = Question::new(&context.namespace, &select);
        let from = self.cursor.map(|cursor| question.place(cursor)).transpose();
        let from = from.map_err(|why| {
            let code = if why == CursorError::Mismatch { &CURSOR_MISMATCH } else { &INVALID_CURSOR };
            Rejection::of_faults(code, vec![at("cursor", why.to_string())])
        })?;
        let watch = KvWatch { select, initial: self.initial, old_values: self.old_values, from };
        Ok(Ask { context, watch, question })
    }

    fn select(&self, at: At) -> Result<KvSelect, Fault> {
        match (self.key, self.prefix, self.glob) {
            (Some(key), None, None) => Key::new(key).map(KvSelect::Key).map_err(|why| at("key", why.what)),
            (None, Some(prefix), None) => Ok(KvSelect::Prefix(prefix.to_owned())),
            (None, None, Some(glob)) => {
                Glob::new(glob).map(KvSelect::Glob).map_err(|why| at("glob", why.to_string()))
            }
            (None, None, None) => Err(at(
                "key",
                "is missing: give one of key, prefix and glob; prefix may be empty for all keys".into(),
            )),
            _ => Err(at("key", "is one of key, prefix and glob, of which only one may be given".into())),
        }
    }
}
