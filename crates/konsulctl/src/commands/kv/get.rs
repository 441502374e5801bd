//! `kv get`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::api::kv::Entry;
use konsul_client::v2::kv::value_of;

use super::{Reading, key};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::bytes;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv get app/color
  konsulctl kv get app/color > color.txt      the bytes as they are
  konsulctl kv get --details app/color        index, flags, expiry and lock too
  konsulctl kv get -o json app/color

Exit codes: 0 it exists; 3 it does not.";

/// Shows a key's value.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Get {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
    /// Show what stands beside the value too
    #[arg(long, short)]
    details: bool,
    #[command(flatten)]
    reading: Reading,
}

impl Get {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let found = client.v2().kv_get(key, self.reading.mode()).await.map_err(|e| run.failed(&e))?;
        let entry = found.ok_or_else(|| missing(key))?;
        if self.details || run.globals.output.is_some() {
            return run.out().one(&entry);
        }
        value(&entry, run)
    }
}

/// What a key that is not there means, and where to look.
pub(crate) fn missing(key: &str) -> Failure {
    let folder = key.rfind('/').map_or("", |at| &key[..=at]);
    let failure = Failure::with(Exit::NotFound, format!("there is no key {key:?}"));
    let failure = if key.ends_with('/') {
        failure.next(format!("konsulctl kv ls {key}  lists what is below it"))
    } else {
        failure
            .next(format!("konsulctl kv ls {folder}  lists what is there").replace("ls   lists", "ls  lists"))
    };
    failure.next(format!("konsulctl kv history {key}  says whether it was removed"))
}

/// The bytes as they are; on a terminal only if they are text, and with an end of line.
fn value(entry: &Entry, run: &mut Run<'_>) -> Outcome {
    let value = value_of(entry).map_err(|e| {
        Failure::with(Exit::Failed, format!("the server sent a value that cannot be read: {e}"))
    })?;
    if run.console.width().is_none() {
        return run.out().raw(&value);
    }
    let text = std::str::from_utf8(&value).ok().filter(|text| is_harmless(text));
    let Some(text) = text else {
        let size = bytes(value.len() as u64);
        run.note(&format!("The value is {size} that a terminal should not be given."));
        run.note(&format!("Write it to a file: konsulctl kv get {} > FILE", entry.key));
        return Ok(());
    };
    run.out().raw(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { run.out().line("") }
}

/// Whether a text moves no cursor and changes no colour.
fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | '\t' | '\r') || !c.is_control())
}
