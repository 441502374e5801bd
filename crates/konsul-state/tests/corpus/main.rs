//! Bytes that builds wrote once stay readable for ever, and mean the same.
//!
//! Every folder beside this file holds what one build wrote at one feature level: a snapshot and a log, each with a text
//! that says what is in it. `v1` is level 1. `UPDATE_CORPUS=1` writes the folders that are missing, and refuses to touch a
//! file that exists: a changed byte form belongs to a new level with a new folder, and the old ones stay. A build of today
//! still writes the old ones, byte for byte, as long as its cluster's level is the old one.

mod services;
#[path = "../golden/show.rs"]
mod show;
mod world;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use konsul_state::{Restorer, State};
use konsul_types::{Namespace, Proposal};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The folder of each feature level that this build writes, lowest first.
const LEVELS: [&str; 3] = ["v1", "level-2", "level-3"];

/// Every folder, those that are missing written first if that is wanted.
fn folders() -> Vec<PathBuf> {
    static WRITTEN: Once = Once::new();
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        WRITTEN.call_once(|| (1..).zip(LEVELS).for_each(|(level, name)| write_missing(level, name)));
    }
    let mut found: Vec<PathBuf> = fs::read_dir(root())
        .expect("the corpus is there")
        .map(|entry| entry.expect("a directory can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "the corpus is empty");
    found
}

/// Items behind their lengths, four bytes each, the lowest first.
fn frame(items: &[Vec<u8>]) -> Vec<u8> {
    let framed = items.iter().flat_map(|item| {
        let length = u32::try_from(item.len()).expect("items are small").to_le_bytes();
        length.into_iter().chain(item.iter().copied())
    });
    framed.collect()
}

fn unframe(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (item, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        items.push(item.to_vec());
        bytes = rest;
    }
    items
}

fn restore(chunks: &[Vec<u8>]) -> State {
    let mut restorer = Restorer::new();
    for chunk in chunks {
        restorer.chunk(chunk).expect("a chunk of the corpus is readable");
    }
    restorer.finish().expect("a snapshot of the corpus is whole")
}

/// What a state holds, what readers see of its indexes, and the hashes, which stand for every field.
fn tell_state(state: &State) -> String {
    let mut text = show::state(state);
    for key in ["a", "a/b/c", "gone/x", "h", "none"] {
        let history =
            state.kv_versions(&Namespace::default_namespace(), key).map(|found| show::version(&found));
        let older = history.skip(1).collect::<Vec<_>>();
        if !older.is_empty() {
            let _ = writeln!(text, "history {key:?} {older:?}");
        }
    }
    for prefix in ["", "a", "a/", "a/b/", "gone/", "nowhere/"] {
        let found = state.kv_under(&Namespace::default_namespace(), prefix, ());
        let _ = writeln!(text, "under {prefix:?} changed={} reported={}", found.changed, found.reported);
    }
    let _ = writeln!(text, "limits {}", limits(state));
    let _ = writeln!(text, "feature level {}", state.feature_level());
    let _ = writeln!(text, "checkpoint {:?}", state.last_checkpoint());
    let _ = writeln!(text, "hashes {:?}", state.hashes().of_level(state.feature_level()));
    text
}

/// The bounds, as far as the state's level knows them.
fn limits(state: &State) -> String {
    let all = state.limits();
    match state.feature_level() {
        1 => format!("{:?}", konsul_types::LimitsV1::from(all)).replace("LimitsV1", "Limits"),
        _ => format!("{all:?}"),
    }
}

fn tell_log(items: &[Vec<u8>]) -> String {
    let proposals =
        items.iter().map(|bytes| Proposal::decode(bytes).expect("a proposal of the corpus is readable"));
    proposals.map(|proposal| tell_proposal(&proposal)).collect()
}

/// The texts of level 1 were written when a request was its id alone, and bounds were those of level 1.
fn tell_proposal(proposal: &Proposal) -> String {
    let text = format!("{proposal:#?}\n").replace("LimitsV1", "Limits").replace("CheckV1", "Check");
    if proposal.level() > 1 {
        return text;
    }
    let Some(request) = &proposal.request else { return text };
    let indented = |text: String| text.replace('\n', "\n        ");
    text.replace(&indented(format!("{request:#?}")), &indented(format!("{:#?}", request.id)))
}

/// What the log leaves, and what each of its entries answered.
fn tell_run(items: &[Vec<u8>]) -> String {
    let mut state = State::new();
    let mut text = String::new();
    for bytes in items {
        let proposal = Proposal::decode(bytes).expect("a proposal of the corpus is readable");
        let position = state.log_index() + 1;
        let applied = state.apply(world::TERM, position, &proposal).expect("the corpus is one replica's");
        let _ = writeln!(text, "@{} {}", applied.index, show::outcome(&applied.outcome));
        for change in applied.changes.iter().flat_map(|set| &set.changes) {
            let _ = writeln!(text, "  {}", show::change(change));
        }
    }
    text + &tell_state(&state)
}

#[test]
fn what_was_written_once_means_the_same() {
    for folder in folders() {
        let read =
            |name: &str| fs::read(folder.join(name)).unwrap_or_else(|why| panic!("{folder:?} {name}: {why}"));
        let text = |name: &str| String::from_utf8(read(name)).expect("texts are text");
        let snapshot = unframe(&read("snapshot.bin"));
        let log = unframe(&read("log.bin"));
        assert_eq!(tell_state(&restore(&snapshot)), text("snapshot.txt"), "{folder:?}");
        assert_eq!(tell_log(&log), text("log.txt"), "{folder:?}");
        assert_eq!(tell_run(&log), text("run.txt"), "{folder:?}");
    }
}

/// Each folder is what this build writes at its level: whoever changes the byte form has to add a level.
#[test]
fn the_folder_of_each_level_is_written_by_this_build() {
    assert_eq!(LEVELS.len(), konsul_types::FEATURE_LEVEL as usize);
    assert_eq!(folders().len(), LEVELS.len());
    for (level, name) in (1..).zip(LEVELS) {
        let read = |file: &str| fs::read(root().join(name).join(file)).expect("each level has its files");
        assert!(frame(&world::log(level)) == read("log.bin"), "{name}: the byte form of proposals changed");
        let chunks: Vec<Vec<u8>> = world::state(level).chunks().collect();
        assert!(frame(&chunks) == read("snapshot.bin"), "{name}: the byte form of snapshots changed");
        assert_eq!(world::state(level).feature_level(), level);
    }
}

fn write_missing(level: u32, name: &str) {
    let folder = root().join(name);
    if folder.exists() {
        return;
    }
    fs::create_dir_all(&folder).expect("the folder can be made");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        let mut file = fs::File::create_new(&path)
            .unwrap_or_else(|why| panic!("{}: {why}; what was written once stays", path.display()));
        file.write_all(bytes).expect("the corpus can be written");
    };
    let chunks: Vec<Vec<u8>> = world::state(level).chunks().collect();
    let log = world::log(level);
    write("snapshot.bin", &frame(&chunks));
    write("snapshot.txt", tell_state(&restore(&chunks)).as_bytes());
    write("log.bin", &frame(&log));
    write("log.txt", tell_log(&log).as_bytes());
    write("run.txt", tell_run(&log).as_bytes());
}
