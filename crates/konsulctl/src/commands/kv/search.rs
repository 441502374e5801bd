//! `kv search`.

use konsul_client::v2::kv::SearchQuery;

use super::key;
use crate::failure::Outcome;
use crate::output::Listing;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv search color               every key with color in its name, in all folders
  konsulctl kv search 'app/*/color'       a pattern: * is anything but a slash, ** is anything
  konsulctl kv search --values blue app/  every key below app/ with blue in its value";

/// Finds keys whose name, or value, has a text in it.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Search {
    /// The text, or a pattern
    text: String,
    /// Only names that begin with this
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,
    /// Look into values instead of names
    #[arg(long)]
    values: bool,
}

impl Search {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let query =
            SearchQuery { q: self.text, prefix: key(&self.prefix).to_owned(), in_values: self.values };
        let mut pages = client.v2().kv_search(&query).limit(1000);
        let mut listing = Listing::default();
        while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            run.out().page(&mut listing, &page.items)?;
        }
        run.out().end(&listing, "nothing was found")
    }
}
