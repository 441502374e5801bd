//! `kv watch`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::watch::{Step, Target, WatchQuery};

use super::key;
use super::rows::Seen;
use crate::commands::watch::why_lost;
use crate::failure::Outcome;
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv watch app/color                      one key
  konsulctl kv watch app/                           everything below app/
  konsulctl kv watch 'app/*/color'                  a pattern: * is anything but a slash, ** is anything
  konsulctl kv watch --initial --count 1 app/color  what is there now, or the first change

It goes on over restarts of the server and cut connections, and misses nothing. `konsulctl watch` runs a command for
each change.";

/// Shows changes as they happen.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Watch {
    /// A key, a prefix that ends with a slash, or a pattern; everything if it is empty
    #[arg(default_value = "", hide_default_value = true, add = ArgValueCompleter::new(crate::complete::keys))]
    target: String,
    /// Take what is given as a prefix, wherever it ends
    #[arg(long)]
    prefix: bool,
    /// Show what is there now first
    #[arg(long)]
    initial: bool,
    /// Go on after this cursor, as `-o json` shows it
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// End after so many changes
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
}

impl Watch {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let query = WatchQuery {
            initial: self.initial,
            cursor: self.cursor.clone(),
            ..WatchQuery::new(self.target())
        };
        let v2 = client.v2();
        let mut watch = v2.watch(&query);
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            match watch.next().await.map_err(|e| run.failed(&e))? {
                Step::Change(event) => {
                    run.out().item(&Seen { event: *event, initial: false })?;
                    left -= 1;
                }
                Step::Initial(event) => {
                    run.out().item(&Seen { event: *event, initial: true })?;
                    left -= 1;
                }
                Step::Reset => {
                    run.note("The server cannot go on from there: everything that is there now follows.");
                }
                // A server answers what it was asked for: these are not keys.
                Step::Ready | Step::Record(_) => {}
                Step::Lost { error, wait } => {
                    run.note(&format!("{}; trying again in {:.1}s", why_lost(&error), wait.as_secs_f32()));
                }
            }
        }
        Ok(())
    }

    fn target(&self) -> Target {
        let target = key(&self.target);
        if self.prefix || target.is_empty() || target.ends_with('/') {
            return Target::Prefix(target.to_owned());
        }
        if target.contains('*') { Target::Glob(target.to_owned()) } else { Target::Key(target.to_owned()) }
    }
}
