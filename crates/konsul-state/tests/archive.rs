//! Backups that builds wrote once stay readable for ever. A file `archive/version-N.snap` is what a build of that version
//! of the form wrote: five keys, of which one was removed again, a session, an event, and a key of another namespace.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use konsul_state::archive::{ArchiveReader, VERSION, inspect};
use konsul_state::{Restorer, State};
use konsul_types::Namespace;

const KEPT: &[(u32, &[u8])] = &[(1, include_bytes!("archive/version-1.snap"))];

fn restore(bytes: &[u8]) -> State {
    let (mut reader, mut restorer) = (ArchiveReader::new(), Restorer::new());
    reader.feed(bytes);
    while let Some(chunk) = reader.next_chunk().unwrap() {
        restorer.chunk(&chunk).unwrap();
    }
    reader.end().unwrap();
    restorer.finish().unwrap()
}

#[test]
fn a_backup_of_every_older_version_is_restored() {
    assert_eq!(KEPT.len() as u32 + 1, VERSION, "the present version's form has a test of its own");
    for (version, bytes) in KEPT {
        let found = inspect(*bytes).unwrap();
        let records = |table| found.tables.iter().find(|size| size.table == table).map(|size| size.records);
        assert_eq!((found.version, found.index), (*version, 14));
        assert_eq!((records("keys"), records("sessions"), records("events")), (Some(5), Some(1), Some(1)));
        let state = restore(bytes);
        assert_eq!(state.verify(), None);
        let default = Namespace::default_namespace();
        let value = |key: &str| state.kv_get(&default, key).value.map(|record| record.value.clone());
        assert_eq!(value("app/5").unwrap().as_bytes(), b"value 5");
        assert_eq!(value("app/3"), None);
        assert_eq!(
            state.kv_get(&Namespace::new("team").unwrap(), "a/b").value.unwrap().value.as_bytes(),
            b"c"
        );
    }
}
