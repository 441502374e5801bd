//! `kv ls`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::kv::ListQuery;

use super::rows::Listed;
use super::{Reading, key};
use crate::failure::Outcome;
use crate::output::Listing;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv ls                     the top: keys, and folders with their slash
  konsulctl kv ls app/                one level below app/
  konsulctl kv ls --recursive app/    every key below app/
  konsulctl kv ls -r --keys-only | wc -l

Into a pipe it prints a line for each, its cells parted by tabs: key, size, flags, index, expiry, session, value.
With --keys-only the key alone.";

/// Lists keys and folders below a prefix.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Ls {
    /// What the names begin with; everything if not given
    #[arg(default_value = "", hide_default_value = true, add = ArgValueCompleter::new(crate::complete::keys))]
    prefix: String,
    /// Every key below the prefix, not only one level
    #[arg(long, short)]
    recursive: bool,
    /// Names alone; values do not travel
    #[arg(long, short)]
    keys_only: bool,
    /// What parts a name into folders
    #[arg(long, value_name = "TEXT", default_value = "/")]
    delimiter: String,
    /// So many at most
    #[arg(long, value_name = "NUMBER", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    #[command(flatten)]
    reading: Reading,
}

/// Items that one page holds at most.
const PAGE: u64 = 1000;

impl Ls {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let prefix = key(&self.prefix);
        let query = ListQuery {
            prefix: prefix.to_owned(),
            delimiter: if self.recursive { String::new() } else { self.delimiter.clone() },
            keys_only: self.keys_only,
            consistency: self.reading.mode(),
        };
        let page = u32::try_from(self.limit.clamp(1, PAGE)).expect("a page is small");
        let mut pages = client.v2().kv_list(&query).limit(page);
        let (mut left, mut listing) = (self.limit, Listing::default());
        while left > 0 {
            let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? else { break };
            let mut items: Vec<Listed> = page.items.into_iter().map(Listed::Entry).collect();
            items.extend(page.prefixes.into_iter().map(|prefix| Listed::Folder { prefix }));
            items.sort_by(|a, b| a.name().cmp(b.name()));
            items.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= items.len() as u64;
            self.show(&items, &mut listing, run)?;
        }
        let empty = if prefix.is_empty() {
            "there are no keys".to_owned()
        } else {
            format!("no keys below {prefix}")
        };
        run.out().end(&listing, &empty)
    }

    fn show(&self, items: &[Listed], listing: &mut Listing, run: &mut Run<'_>) -> Outcome {
        use crate::output::Format;
        if self.keys_only && matches!(run.format(), Format::Plain) {
            return items.iter().try_for_each(|item| run.out().line(&crate::output::shown(item.name())));
        }
        run.out().page(listing, items)
    }
}
