//! `kv put`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::Condition;
use konsul_client::v2::kv::put_of;

use super::rows::Written;
use super::{bytes, key};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv put app/color blue
  konsulctl kv put app/config @config.json          what a file holds
  date | konsulctl kv put app/started               what standard input holds
  konsulctl kv put --ttl 30s app/leader me          gone after 30 seconds
  konsulctl kv put --if-absent app/owner me         only if nobody was before
  konsulctl kv put --if-index 42 app/color green    only if nobody changed it since

Exit codes: 0 written; 4 the condition did not hold.";

/// Writes a key.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Put {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
    /// The value itself, @FILE, or - for standard input; without it standard input is read
    #[arg(allow_hyphen_values = true)]
    value: Option<String>,
    /// Take the value as it is, also if it begins with @ or is -
    #[arg(long)]
    literal: bool,
    /// A number of your own to keep beside the value
    #[arg(long, value_name = "NUMBER")]
    flags: Option<u64>,
    /// The key vanishes after this time unless it is written again, such as 30s or 24h
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// Only if the key was last changed at this index
    #[arg(long, value_name = "INDEX", conflicts_with = "if_absent")]
    if_index: Option<u64>,
    /// Only if the key does not exist
    #[arg(long)]
    if_absent: bool,
}

impl Put {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let value = bytes::given(self.value.as_deref(), self.literal, run)?;
        let put =
            konsul_client::v2::api::kv::Put { flags: self.flags, ttl: self.ttl.clone(), ..put_of(&value) };
        match client.v2().kv_put(key, &put, self.condition()).await {
            Ok(entry) => {
                let sentence = format!("Wrote {key} at index {}", entry.modify_index);
                run.out().done(&sentence, &Written(entry))
            }
            Err(error) if matches!(error.status(), Some(409 | 412)) => Err(self.refused(key, &error)),
            Err(error) => Err(run.failed(&error)),
        }
    }

    fn condition(&self) -> Condition {
        match self.if_index {
            Some(index) => Condition::ModifyIndex(index),
            None if self.if_absent => Condition::Absent,
            None => Condition::None,
        }
    }

    fn refused(&self, key: &str, error: &konsul_client::Error) -> Failure {
        let failure = Failure::with(Exit::Conflict, format!("{key} was not written: {}", words(error)));
        failure.next(format!("konsulctl kv get --details {key}  shows what is there now, and its index"))
    }
}

/// The server's own words, without its code.
pub(crate) fn words(error: &konsul_client::Error) -> String {
    match error.problem() {
        Some(problem) if !problem.detail.is_empty() => problem.detail.clone(),
        _ => error.to_string(),
    }
}
