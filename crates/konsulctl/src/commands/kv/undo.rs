//! `kv undo`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::api::kv::Undone;
use serde::Serialize;

use super::key;
use crate::failure::Outcome;
use crate::output::{Column, Row};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv undo app/color             back to the version before the present one
  konsulctl kv undo --to 42 app/color     back to the version of index 42

`konsulctl kv history KEY` lists the versions. An undo is a write like any other: it can be undone.

Exit codes: 0 done; 3 no such version is kept; 4 the key changed meanwhile.";

/// Puts an earlier version of a key back.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Undo {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
    /// The index of the version wanted
    #[arg(long, value_name = "INDEX")]
    to: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Answer(Undone);

impl Row for Answer {
    const COLUMNS: &'static [Column] = &[Column::number("TO INDEX", 9), Column::text("VALUE", 8)];

    fn cells(&self) -> Vec<String> {
        let entry = self.0.entry.as_ref();
        let value =
            entry.map(|entry| super::rows::value_cell(entry.value.as_deref(), entry.value_base64.as_deref()));
        vec![self.0.to_index.to_string(), value.unwrap_or_default()]
    }
}

impl Undo {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let undone = client.v2().kv_undo(key, self.to).await.map_err(|e| {
            let failure = run.failed(&e);
            if e.is_not_found() {
                return failure.next(format!("konsulctl kv history {key}  lists the versions that are kept"));
            }
            failure
        })?;
        let sentence = match &undone.entry {
            Some(_) => format!("{key} is again as it was at index {}", undone.to_index),
            None => format!("{key} is gone again, as it was at index {}", undone.to_index),
        };
        run.out().done(&sentence, &Answer(undone))
    }
}
