//! Bytes that builds wrote once stay readable for ever, and mean the same.
//!
//! Every folder `v…` beside this file holds what one build wrote: a snapshot and a log, each with a text that says what is
//! in it. `UPDATE_CORPUS=1` writes the folder of the present version, and refuses to touch a file that exists: a changed
//! byte form gets a new version and a new folder, and the old ones stay.

#[path = "../golden/show.rs"]
mod show;
mod world;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use konsul_state::{Restorer, State};
use konsul_types::{Namespace, Proposal, encoding};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Every version's folder, the present one written first if that is wanted.
fn folders() -> Vec<PathBuf> {
    static WRITTEN: Once = Once::new();
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        WRITTEN.call_once(write_present);
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
    for prefix in ["", "a", "a/", "a/b/", "gone/", "nowhere/"] {
        let found = state.kv_under(&Namespace::default_namespace(), prefix, ());
        let _ = writeln!(text, "under {prefix:?} changed={} reported={}", found.changed, found.reported);
    }
    let _ = writeln!(text, "limits {:?}", state.limits());
    let _ = writeln!(text, "feature level {}", state.feature_level());
    let _ = writeln!(text, "checkpoint {:?}", state.last_checkpoint());
    let _ = writeln!(text, "hashes {:?}", state.hashes().to_vec());
    text
}

fn tell_log(items: &[Vec<u8>]) -> String {
    let proposals =
        items.iter().map(|bytes| Proposal::decode(bytes).expect("a proposal of the corpus is readable"));
    proposals.map(|proposal| format!("{proposal:#?}\n")).collect()
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

/// The newest folder is what this build writes: whoever changes the byte form has to add another.
#[test]
fn the_newest_folder_is_written_by_this_build() {
    let newest = folders().pop().expect("folders are there");
    assert_eq!(newest, root().join(format!("v{}", encoding::VERSION)));
    let read = |name: &str| fs::read(newest.join(name)).expect("the present version has its files");
    assert!(frame(&world::log()) == read("log.bin"), "the byte form of proposals changed: raise the version");
    let chunks: Vec<Vec<u8>> = world::state().chunks().collect();
    assert!(frame(&chunks) == read("snapshot.bin"), "the byte form of snapshots changed: raise the version");
}

fn write_present() {
    let folder = root().join(format!("v{}", encoding::VERSION));
    fs::create_dir_all(&folder).expect("the folder can be made");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        let mut file = fs::File::create_new(&path)
            .unwrap_or_else(|why| panic!("{}: {why}; what was written once stays", path.display()));
        file.write_all(bytes).expect("the corpus can be written");
    };
    let chunks: Vec<Vec<u8>> = world::state().chunks().collect();
    let log = world::log();
    write("snapshot.bin", &frame(&chunks));
    write("snapshot.txt", tell_state(&restore(&chunks)).as_bytes());
    write("log.bin", &frame(&log));
    write("log.txt", tell_log(&log).as_bytes());
    write("run.txt", tell_run(&log).as_bytes());
}
