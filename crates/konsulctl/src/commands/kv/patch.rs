//! `kv patch`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::api::kv::Patch as Body;

use super::rows::Written;
use super::{If, key};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv patch --flags 7 app/color
  konsulctl kv patch --ttl 1h app/color       vanishes an hour from now
  konsulctl kv patch --no-ttl app/color       stays

Exit codes: 0 changed; 3 there is no such key; 4 the condition did not hold.";

/// Changes a key's flags or time to live; its value stays.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Patch {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
    /// The new number beside the value
    #[arg(long, value_name = "NUMBER")]
    flags: Option<u64>,
    /// The new time to live, counted from now, such as 30s or 24h
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// Let the key stay
    #[arg(long, conflicts_with = "ttl")]
    no_ttl: bool,
    #[command(flatten)]
    condition: If,
}

impl Patch {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let ttl = if self.no_ttl { Some(None) } else { self.ttl.clone().map(Some) };
        let patch = Body { flags: self.flags, ttl };
        if patch == Body::default() {
            return Err(Failure::with(Exit::Usage, "there is nothing to change")
                .next("name what: --flags NUMBER, --ttl DURATION or --no-ttl"));
        }
        let client = run.client()?;
        let key = key(&self.key);
        match client.v2().kv_patch(key, &patch, self.condition.condition()).await {
            Ok(entry) => {
                let sentence = format!("Changed {key} at index {}", entry.modify_index);
                run.out().done(&sentence, &Written(entry))
            }
            Err(error) if error.is_not_found() => Err(super::get::missing(key)),
            Err(error) => Err(run.failed(&error)),
        }
    }
}
