//! The targets, one file each.

pub mod archive;
pub mod batch;
pub mod commands;
pub mod config;
pub mod cursor;
pub mod definitions;
pub mod dns;
pub mod duration;
pub mod filter;
pub mod http;
pub mod ndjson;
pub mod path;
pub mod query;
pub mod session;
pub mod snapshot;
pub mod state;
pub mod txn;
pub mod wal;

use crate::Target;

/// Every target.
pub static ALL: &[&Target] = &[
    &wal::TARGET,
    &snapshot::TARGET,
    &archive::TARGET,
    &state::TARGET,
    &commands::TARGET,
    &path::TARGET,
    &query::TARGET,
    &session::TARGET,
    &txn::TARGET,
    &batch::TARGET,
    &cursor::TARGET,
    &ndjson::TARGET,
    &config::TARGET,
    &definitions::TARGET,
    &dns::TARGET,
    &duration::TARGET,
    &filter::TARGET,
    &http::TARGET,
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_target_has_its_binary_its_corpus_and_seeds() {
        let room = Path::new(env!("CARGO_MANIFEST_DIR"));
        for target in ALL {
            let name = target.name;
            let binary = room.join("libfuzzer").join(format!("{name}.rs"));
            let text = std::fs::read_to_string(&binary).unwrap_or_default();
            assert!(
                text.contains(&format!("targets::{name}::TARGET")),
                "{} runs another target",
                binary.display()
            );
            assert!(crate::corpus::checked_in(name).is_dir(), "{name} has no corpus");
            assert!(!(target.seeds)().is_empty(), "{name} has no seeds");
        }
    }
}
