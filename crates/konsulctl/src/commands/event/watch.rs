//! `event watch`: events as they are fired, each once and in order, also over cut connections.

use std::path::PathBuf;

use clap::Args;
use konsul_client::v2::watch::Target;

use super::Select;
use crate::commands::watch::Follow;
use crate::failure::Outcome;
use crate::run::Run;

pub(super) const MORE: &str = "\
Examples:
  konsulctl event watch
  konsulctl event watch --name deploy --count 1
  konsulctl event watch --name deploy --cursor-file deploy.cursor -- ./deploy.sh

The command gets each event as a line of JSON on its standard input, in the form that --output json prints, and
KONSUL_EVENT_NAME and KONSUL_EVENT_ID. If it fails, the watch ends. Events from before the watch are shown with --initial,
as far as the server keeps them; with --cursor-file none is shown twice or left out from one run to the next. If some were
forgotten before they could be read, the watch says that it begins anew, and shows all that are kept.

Exit codes: 0 after --count events; 1 the command failed; 5 no server; 6 the connection broke too often; 130 Ctrl-C.";

/// Which events, and what for.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    which: Select,
    /// Events that the server keeps come first
    #[arg(long)]
    initial: bool,
    /// Goes on after this cursor, which an earlier watch of the same question printed
    #[arg(long, value_name = "CURSOR", conflicts_with = "cursor_file")]
    cursor: Option<String>,
    /// Keeps the cursor in this file, and goes on from it at the next start
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Ends after so many events
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How often in a row a lost connection is dialled again; 0 for as often as it takes
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    attempts: u32,
    /// A command for each event, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Watch {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let follow = Follow {
            initial: self.initial,
            cursor: self.cursor,
            cursor_file: self.cursor_file,
            count: self.count,
            attempts: self.attempts,
            command: self.command,
            ..Follow::of(Target::Events(self.which.select()))
        };
        follow.run(run).await
    }
}
