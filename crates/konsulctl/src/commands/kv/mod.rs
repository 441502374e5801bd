//! `kv`: keys and values. One file for each command; what they have in common is here and in `rows`.

mod bytes;
mod delete;
mod diff;
mod edit;
mod export;
mod get;
mod history;
mod import;
mod ls;
mod patch;
mod put;
mod rows;
mod search;

mod source;
mod tree;
mod undo;
mod watch;

use konsul_client::Consistency;
use konsul_client::v2::Condition;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("kv get", &["kv_get"]),
    covers("kv put", &["kv_put"]),
    covers("kv patch", &["kv_patch"]),
    covers("kv delete", &["kv_delete", "kv_delete_tree"]),
    covers("kv ls", &["kv_list"]),
    covers("kv tree", &["kv_list"]),
    covers("kv search", &["kv_search"]),
    covers("kv history", &["kv_history"]),
    covers("kv diff", &["kv_diff"]),
    covers("kv undo", &["kv_undo"]),
    covers("kv export", &["export"]),
    covers("kv import", &["import"]),
    covers("kv watch", &["watch"]),
    covers("kv edit", &["kv_get", "kv_put"]),
];

/// The commands of the group.
#[derive(Debug, clap::Subcommand)]
pub enum Kv {
    /// Shows a key's value
    Get(get::Get),
    /// Writes a key
    Put(put::Put),
    /// Changes a key's flags or time to live; its value stays
    Patch(patch::Patch),
    /// Removes keys, or everything below a prefix
    #[command(visible_alias = "rm")]
    Delete(delete::Delete),
    /// Lists keys and folders below a prefix
    #[command(visible_alias = "list")]
    Ls(ls::Ls),
    /// Draws the keys below a prefix as a tree
    Tree(tree::Tree),
    /// Finds keys whose name, or value, has a text in it
    Search(search::Search),
    /// Shows the versions of a key that are kept
    History(history::History),
    /// Shows the difference between two versions of a key
    Diff(diff::Diff),
    /// Puts an earlier version of a key back
    Undo(undo::Undo),
    /// Writes keys as lines of JSON
    Export(export::Export),
    /// Reads keys from an export
    Import(import::Import),
    /// Shows changes as they happen
    Watch(watch::Watch),
    /// Opens a key's value in an editor
    Edit(edit::Edit),
}

impl Kv {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Kv::Get(command) => command.run(run).await,
            Kv::Put(command) => command.run(run).await,
            Kv::Patch(command) => command.run(run).await,
            Kv::Delete(command) => command.run(run).await,
            Kv::Ls(command) => command.run(run).await,
            Kv::Tree(command) => command.run(run).await,
            Kv::Search(command) => command.run(run).await,
            Kv::History(command) => command.run(run).await,
            Kv::Diff(command) => command.run(run).await,
            Kv::Undo(command) => command.run(run).await,
            Kv::Export(command) => command.run(run).await,
            Kv::Import(command) => command.run(run).await,
            Kv::Watch(command) => command.run(run).await,
            Kv::Edit(command) => command.run(run).await,
        }
    }
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Reading {
    /// How fresh the answer must be: consistent (confirmed by a quorum), default (the leader's word) or stale (any
    /// server's)
    #[arg(long, value_name = "MODE", value_enum, hide_possible_values = true)]
    consistency: Option<Mode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    Consistent,
    Default,
    Stale,
}

impl Reading {
    pub(crate) fn mode(self) -> Option<Consistency> {
        self.consistency.map(|mode| match mode {
            Mode::Consistent => Consistency::Consistent,
            Mode::Default => Consistency::Default,
            Mode::Stale => Consistency::Stale,
        })
    }
}

/// On what condition a write happens.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct If {
    /// Only if the key was last changed at this index
    #[arg(long, value_name = "INDEX")]
    if_index: Option<u64>,
}

impl If {
    pub(crate) fn condition(self) -> Condition {
        self.if_index.map_or(Condition::None, Condition::ModifyIndex)
    }
}

/// A key as people write it: one leading slash is theirs, not the key's.
pub(crate) fn key(text: &str) -> &str {
    text.strip_prefix('/').unwrap_or(text)
}
