//! Several operations in one request.

use http::Method;
use konsul_api::v2::batch::{Answer, Outcome, Summary, SummaryLine};
use serde::{Deserialize, Serialize};

use super::V2;
use super::lines::Lines;
use crate::error::Error;

const PATH: &str = "/v2/batch";

/// A line of a batch's answer as NDJSON.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Summary(SummaryLine),
    Outcome(Box<Outcome>),
}

/// What [`BatchResults::next`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchStep {
    /// What became of a member.
    Outcome(Box<Outcome>),
    /// The sums; nothing follows.
    Summary(Summary),
}

/// What becomes of the members of a batch, as it happens.
pub struct BatchResults {
    lines: Lines,
    ended: bool,
}

impl V2<'_> {
    /// Runs a batch (an [`api::batch::Request`](super::api::batch::Request), or its JSON) and waits for all of it.
    ///
    /// # Errors
    /// [`Error`], as every call. An atomic batch that did not happen is the problem `batch_failed`, which lists every member
    /// that failed.
    pub async fn batch(&self, request: &impl Serialize) -> Result<Answer, Error> {
        self.answer(&self.write(Method::POST, PATH).json(request)?).await
    }

    /// Runs a batch and gives each result as it comes.
    ///
    /// # Errors
    /// As [`V2::batch`].
    pub async fn batch_stream(&self, request: &impl Serialize) -> Result<BatchResults, Error> {
        let call = self.write(Method::POST, PATH).json(request)?.accept("application/x-ndjson");
        Ok(BatchResults { lines: Lines::new(self.send(&call).await?), ended: false })
    }
}

impl BatchResults {
    /// The next result; `None` after the sums.
    ///
    /// # Errors
    /// [`Error::Broken`] or [`Error::Decode`] if the answer ends before its sums.
    pub async fn next(&mut self) -> Result<Option<BatchStep>, Error> {
        if self.ended {
            return Ok(None);
        }
        let Some(line) = self.lines.next().await? else {
            return Err(self.lines.nonsense("the answer ends before its summary"));
        };
        match serde_json::from_slice(&line).map_err(|e| self.lines.nonsense(e.to_string()))? {
            Line::Outcome(outcome) => Ok(Some(BatchStep::Outcome(outcome))),
            Line::Summary(line) => {
                self.ended = true;
                Ok(Some(BatchStep::Summary(line.summary)))
            }
        }
    }
}
