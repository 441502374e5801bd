//! Export and import of keys, a line of JSON for each, streamed both ways.

use std::time::Duration;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use konsul_api::v2::transfer::{Change, Line, Summary};
use serde::Deserialize;

use super::V2;
use super::call::Call;
use super::lines::Lines;
use super::problem::Problem;
use crate::error::Error;
use crate::transport::{Body, ByteSource, Reply};

const NDJSON: &str = "application/x-ndjson";

/// How much longer than any other call an import may take until its answer begins: a server may read all of it first.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What becomes of keys that an import does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportMode {
    /// They stay.
    #[default]
    Merge,
    /// They are removed.
    Replace,
}

/// Which keys are exported or imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only keys that begin with this.
    pub prefix: String,
    /// Those of every namespace, and not only of this handle's.
    pub all_namespaces: bool,
}

/// An export on its way in, as bytes: every line ends with an end of line.
pub struct Export {
    reply: Reply,
}

impl Export {
    /// Index of the state that is exported.
    pub fn index(&self) -> u64 {
        self.reply.meta().index
    }

    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Broken`] if the connection ends early.
    pub async fn piece(&mut self) -> Result<Option<bytes::Bytes>, Error> {
        self.reply.piece().await
    }

    /// The same, line by line and read.
    pub fn lines(self) -> ExportLines {
        ExportLines { lines: Lines::new(self.reply) }
    }
}

/// An export on its way in, as keys.
pub struct ExportLines {
    lines: Lines,
}

impl ExportLines {
    /// The next key; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Broken`] if the connection ends early, [`Error::Decode`] for a line that is none.
    pub async fn next(&mut self) -> Result<Option<Line>, Error> {
        let Some(line) = self.lines.next().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|e| self.lines.nonsense(e.to_string()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    Change(Change),
    Last(Box<Last>),
}

/// The last line, read leniently: its problem may hold more than this client knows.
#[derive(Debug, Deserialize)]
struct Last {
    summary: Option<Summary>,
    problem: Option<Problem>,
}

/// What [`Import::next`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportStep {
    /// A key that differs, and what is done about it.
    Change(Change),
    /// The sums; nothing follows.
    Summary(Summary),
}

/// What becomes of an import, as it happens.
pub struct Import {
    lines: Lines,
    ended: bool,
}

impl Import {
    /// What happened next; `None` after the sums.
    ///
    /// # Errors
    /// [`Error::Problem`] if the import broke off, with the line in its words; [`Error::Broken`] or [`Error::Decode`] if
    /// the answer did: what was written until then is not known.
    pub async fn next(&mut self) -> Result<Option<ImportStep>, Error> {
        if self.ended {
            return Ok(None);
        }
        let Some(line) = self.lines.next().await? else {
            return Err(self.lines.nonsense("the answer ends before its summary"));
        };
        match serde_json::from_slice(&line).map_err(|e| self.lines.nonsense(e.to_string()))? {
            Told::Change(change) => Ok(Some(ImportStep::Change(change))),
            Told::Last(last) => self.end(*last),
        }
    }

    fn end(&mut self, last: Last) -> Result<Option<ImportStep>, Error> {
        self.ended = true;
        match last {
            Last { problem: Some(problem), .. } => Err(Error::Problem(Box::new(problem))),
            Last { summary: Some(summary), .. } => Ok(Some(ImportStep::Summary(summary))),
            Last { .. } => Err(self.lines.nonsense("a last line with neither a summary nor a problem")),
        }
    }
}

impl Scope {
    fn on(&self, call: Call) -> Call {
        let prefix = (!self.prefix.is_empty()).then_some(&self.prefix);
        call.maybe("prefix", prefix).flag("all_namespaces", self.all_namespaces)
    }
}

impl V2<'_> {
    /// Begins an export.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn export(&self, scope: &Scope) -> Result<Export, Error> {
        let call = scope.on(self.get("/v2/export")).accept(NDJSON);
        Ok(Export { reply: self.send(&call).await? })
    }

    /// Begins an import of lines whose bytes come from `source`. With `dry_run` nothing is written, and all that would be
    /// is told. Made once: the source cannot be read twice.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn import(
        &self,
        source: ByteSource,
        scope: &Scope,
        mode: ImportMode,
        dry_run: bool,
    ) -> Result<Import, Error> {
        let mode = match mode {
            ImportMode::Merge => "merge",
            ImportMode::Replace => "replace",
        };
        let call = scope
            .on(self.write(Method::POST, "/v2/import"))
            .param("mode", mode)
            .flag("dry_run", dry_run)
            .header(CONTENT_TYPE, HeaderValue::from_static(NDJSON))
            .accept(NDJSON)
            .patient(PATIENCE);
        let reply = call.stream(self.transport, Body::stream(source)).await?;
        Ok(Import { lines: Lines::new(reply), ended: false })
    }
}
