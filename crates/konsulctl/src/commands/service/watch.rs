//! `service watch`: the changes of a service's instances, a line each.

use std::path::PathBuf;

use clap::Args;
use konsul_client::v2::watch::{ServiceTarget, Target};

use crate::commands::watch::Follow;
use crate::failure::Outcome;
use crate::run::Run;

pub(super) const WATCH: &str = "\
Examples:
  konsulctl service watch web
  konsulctl service watch web --passing --initial
  konsulctl service watch web --tag v1 -o json
  konsulctl service watch web --passing --cursor-file web.cursor -- ./balancer.sh

An instance is added, changed or removed. With --passing, --tag, --node-meta or --filter one that is registered can leave
what was asked for, and enter it again. `konsulctl health web --watch` shows a table that stays up to date.

Exit codes: 0 after --count changes; 1 the command failed; 5 no server; 6 the connection broke too often; 130 Ctrl-C.";

/// Which instances, and what for.
#[derive(Debug, Args)]
pub struct Watch {
    /// The service
    name: String,
    /// Only instances of which every check passes
    #[arg(long)]
    passing: bool,
    /// A tag that must be there; repeat it for more
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A pair that the node must have; repeat it for more
    #[arg(long = "node-meta", value_name = "KEY:VALUE")]
    node_meta: Vec<String>,
    /// An expression of Consul's filter language
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Instances that are there already come first
    #[arg(long)]
    initial: bool,
    /// Each change carries the instance as it was
    #[arg(long)]
    old_values: bool,
    /// Goes on after this cursor, which an earlier watch of the same question printed
    #[arg(long, value_name = "CURSOR", conflicts_with = "cursor_file")]
    cursor: Option<String>,
    /// Keeps the cursor in this file, and goes on from it at the next start
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Ends after so many changes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How often in a row a lost connection is dialled again; 0 for as often as it takes
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    attempts: u32,
    /// A command for each change, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Watch {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let Watch { name, passing, tags, node_meta, filter, .. } = self;
        let target = Target::Service(ServiceTarget { name, tags, node_meta, filter, passing });
        let follow = Follow {
            initial: self.initial,
            old_values: self.old_values,
            cursor: self.cursor,
            cursor_file: self.cursor_file,
            count: self.count,
            attempts: self.attempts,
            command: self.command,
            ..Follow::of(target)
        };
        follow.run(run).await
    }
}
