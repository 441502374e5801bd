//! `kv delete`.

use clap_complete::ArgValueCompleter;
use konsul_client::Client;
use konsul_client::v2::kv::ListQuery;
use serde::Serialize;

use super::{If, key};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv delete app/color
  konsulctl kv delete --if-index 42 app/color      only if nobody changed it since
  konsulctl kv delete --recursive --dry-run app/   names what would go
  konsulctl kv delete --recursive app/             everything whose name begins with app/

What was removed can come back while it is kept: konsulctl kv undo KEY.

Exit codes: 0 gone, also if it was before; 4 the condition did not hold.";

/// Removes keys, or everything below a prefix.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Delete {
    /// Keys, or prefixes with --recursive
    #[arg(required_unless_present = "all", add = ArgValueCompleter::new(crate::complete::keys))]
    keys: Vec<String>,
    /// Remove every key whose name begins with what is given
    #[arg(long, short)]
    recursive: bool,
    /// Remove every key of the namespace; needs --recursive
    #[arg(long, requires = "recursive", conflicts_with = "keys")]
    all: bool,
    /// Remove nothing; name what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    condition: If,
}

/// What was removed.
#[derive(Debug, Serialize)]
struct Deleted {
    /// The key or prefix.
    key: String,
    /// How many keys went.
    deleted: u64,
}

impl Row for Deleted {
    const COLUMNS: &'static [Column] = &[Column::text("KEY", 9), Column::number("DELETED", 8)];

    fn cells(&self) -> Vec<String> {
        vec![self.key.clone(), self.deleted.to_string()]
    }
}

impl Delete {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.recursive && self.condition.if_index.is_some() {
            return Err(Failure::with(
                Exit::Usage,
                "--if-index is about one key, and --recursive about many",
            )
            .next("leave one of them out"));
        }
        let client = run.client()?;
        let names: Vec<&str> =
            if self.all { vec![""] } else { self.keys.iter().map(|name| key(name)).collect() };
        for name in names {
            if name.is_empty() && !self.all {
                return Err(Failure::with(Exit::Usage, "an empty name stands for everything")
                    .next("if that is meant: konsulctl kv delete --recursive --all"));
            }
            match (self.dry_run, self.recursive) {
                (true, _) => self.rehearse(&client, name, run).await?,
                (false, true) => tree(&client, name, run).await?,
                (false, false) => self.one(&client, name, run).await?,
            }
        }
        Ok(())
    }

    async fn one(&self, client: &Client, key: &str, run: &mut Run<'_>) -> Outcome {
        match client.v2().kv_delete(key, self.condition.condition()).await {
            Ok(()) => run.out().done(&format!("Deleted {key}"), &Deleted { key: key.to_owned(), deleted: 1 }),
            Err(error) if matches!(error.status(), Some(409 | 412)) => {
                let what = format!("{key} was not removed: {}", super::put::words(&error));
                Err(Failure::with(Exit::Conflict, what).next(format!(
                    "konsulctl kv get --details {key}  shows what is there now, and its index"
                )))
            }
            Err(error) => Err(run.failed(&error)),
        }
    }

    /// Names what would go, page by page.
    async fn rehearse(&self, client: &Client, name: &str, run: &mut Run<'_>) -> Outcome {
        let query = ListQuery { prefix: name.to_owned(), keys_only: true, ..ListQuery::default() };
        let mut pages = client.v2().kv_list(&query).limit(1000);
        let mut count = 0_u64;
        while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            for entry in page.items.iter().filter(|entry| self.recursive || entry.key == name) {
                count += 1;
                run.out().line(&crate::output::shown(&entry.key))?;
            }
            if !self.recursive {
                break;
            }
        }
        let keys = if count == 1 { "key" } else { "keys" };
        run.note(&format!("{count} {keys} would be removed; nothing was."));
        Ok(())
    }
}

async fn tree(client: &Client, prefix: &str, run: &mut Run<'_>) -> Outcome {
    let gone = client.v2().kv_delete_tree(prefix).await.map_err(|e| run.failed(&e))?;
    let keys = if gone.deleted == 1 { "key" } else { "keys" };
    let place = if prefix.is_empty() { "in the namespace".to_owned() } else { format!("below {prefix}") };
    let sentence = format!("Deleted {} {keys} {place}", gone.deleted);
    run.out().done(&sentence, &Deleted { key: prefix.to_owned(), deleted: gone.deleted })
}
