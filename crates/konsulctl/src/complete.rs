//! What a shell is offered when somebody presses tab: commands and options from the tree, keys and contexts from where
//! they are.
//!
//! The script that `konsulctl completion` prints calls the binary with [`VARIABLE`] set. A server that does not answer
//! within [`PATIENCE`] offers nothing: a shell must not hang.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};
use konsul_client::Client;
use konsul_client::v2::kv::ListQuery;

use crate::cli::{self, Globals};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::target::Target;

/// Set by the script; its value is the shell's name.
const VARIABLE: &str = "KONSULCTL_COMPLETE";

/// The longest that a shell waits for keys.
const PATIENCE: Duration = Duration::from_millis(500);

/// So many keys are offered at most.
const OFFERED: u32 = 200;

/// Answers a shell, if one asks: then there is nothing else to do.
pub fn answered() -> bool {
    // A shell that asks for what does not exist gets nothing, and shows nothing.
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(cli::command)
        .var(VARIABLE)
        .bin("konsulctl")
        .try_complete(std::env::args_os(), here.as_deref())
        .unwrap_or(true)
}

/// Prints the script for a shell.
pub(crate) fn script(shell: &str, console: &mut Console<'_>) -> Outcome {
    let shells = Shells::builtins();
    let found: &dyn EnvCompleter = shells
        .completer(shell)
        .ok_or_else(|| Failure::with(Exit::Usage, format!("there is no script for {shell}")))?;
    let mut script = Vec::new();
    found
        .write_registration(VARIABLE, "konsulctl", "konsulctl", "konsulctl", &mut script)
        .map_err(|e| Failure::with(Exit::Failed, format!("the script cannot be written: {e}")))?;
    console.write(&script)
}

/// Keys and folders that begin with what is typed.
pub(crate) fn keys(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(prefix) = current.to_str() else { return Vec::new() };
    names(prefix).unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
}

fn names(prefix: &str) -> Option<Vec<String>> {
    let console = Console::of_process();
    let globals = Globals { timeout: Some(PATIENCE), ..typed_so_far() };
    let target = Target::resolve(&globals, &console).ok()?;
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    executor.block_on(async {
        let client = Client::connect(target.config).ok()?;
        let query = ListQuery {
            prefix: prefix.to_owned(),
            delimiter: "/".to_owned(),
            keys_only: true,
            ..ListQuery::default()
        };
        let v2 = client.v2().retrying(konsul_client::v2::Retry::NEVER);
        let mut pages = v2.kv_list(&query).limit(OFFERED);
        let page = tokio::time::timeout(PATIENCE, pages.page()).await.ok()?.ok()??;
        Some(page.prefixes.into_iter().chain(page.items.into_iter().map(|entry| entry.key)).collect())
    })
}

/// The options of the connection among the words before the one that is completed.
fn typed_so_far() -> Globals {
    let mut globals = Globals::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        let slot = match name.as_str() {
            "-s" | "--server" => &mut globals.server,
            "--context" => &mut globals.context,
            "-n" | "--namespace" => &mut globals.namespace,
            _ => continue,
        };
        *slot = value.or_else(|| words.next());
    }
    globals
}

/// The named servers.
pub(crate) fn contexts(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(prefix) = current.to_str() else { return Vec::new() };
    let Ok(contexts) = crate::contexts::read(&Console::of_process()) else { return Vec::new() };
    let fit = contexts.contexts.into_iter().filter(|named| named.name.starts_with(prefix));
    fit.map(|named| CompletionCandidate::new(named.name).help(Some(named.server.into()))).collect()
}
