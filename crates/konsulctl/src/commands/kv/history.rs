//! `kv history`.

use clap_complete::ArgValueCompleter;

use super::key;
use crate::failure::Outcome;
use crate::output::Listing;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv history app/color
  konsulctl kv history -o json app/color

Newest first. Old values are kept within a budget of bytes for each namespace; the oldest go first.";

/// Shows the versions of a key that are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct History {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
}

impl History {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let mut pages = client.v2().kv_history(key).limit(1000);
        let mut listing = Listing::default();
        while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            run.out().page(&mut listing, &page.items)?;
        }
        run.out().end(&listing, &format!("no version of {key} is kept"))
    }
}
