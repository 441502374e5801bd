//! A backup is read as it was written, and refused when any of it was changed.

use konsul_types::{Command, Key, KvCommand, Millis, Namespace, Proposal, PutMode, Value};

use super::*;
use crate::{Restorer, State};

fn chunks() -> Vec<Vec<u8>> {
    (0..5u8).map(|n| vec![n; 1000 * usize::from(n) + 1]).collect()
}

fn head() -> Head {
    Head { node: "n1".into(), index: 7, ..Head::default() }
}

fn packed() -> Vec<u8> {
    pack(&head(), chunks().into_iter()).flatten().collect()
}

/// As builds before version 2 packed.
fn packed_v1(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(1u32.to_le_bytes());
    let mut sums = 0;
    for chunk in chunks {
        let packed = zstd::bulk::compress(chunk, 3).unwrap();
        let sum = crc32c::crc32c(&packed).to_le_bytes();
        sums = crc32c::crc32c_append(sums, &sum);
        bytes.extend((packed.len() as u32).to_le_bytes());
        bytes.extend(sum);
        bytes.extend(packed);
    }
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(sums.to_le_bytes());
    bytes.extend((chunks.len() as u64).to_le_bytes());
    bytes
}

fn unpack(bytes: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut reader = ArchiveReader::new();
    let mut chunks = Vec::new();
    for part in bytes.chunks(piece) {
        reader.feed(part);
        while let Some(chunk) = reader.next_chunk()? {
            chunks.push(chunk);
        }
    }
    reader.end().map(|()| chunks)
}

#[test]
fn what_is_packed_comes_out_however_it_is_cut() {
    for piece in [1, 7, 4096] {
        assert_eq!(unpack(&packed(), piece).unwrap(), chunks(), "pieces of {piece}");
        assert_eq!(unpack(&packed_v1(&chunks()), piece).unwrap(), chunks(), "version 1, pieces of {piece}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed_and_its_place_is_near() {
    for good in [packed(), packed_v1(&chunks())] {
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let why = unpack(&bad, 4096).expect_err("a flipped bit");
                if let ArchiveError::Damaged { at: said, .. } = why {
                    assert!(said <= at as u64, "bit {bit} of byte {at}, said to be at {said}");
                }
            }
            assert!(unpack(&good[..at], 4096).is_err(), "cut to {at}");
        }
        let longer = [good, vec![0]].concat();
        assert!(unpack(&longer, 4096).unwrap_err().to_string().contains("bytes follow the end"));
    }
}

#[test]
fn a_damaged_frame_is_named_by_its_number() {
    let mut bad = packed();
    let last = bad.len() - 24 - 3;
    bad[last] ^= 1;
    let why = unpack(&bad, 1000).unwrap_err().to_string();
    assert!(why.contains("the checksum of frame 5 does not fit its bytes"), "{why}");
}

#[test]
fn frames_do_not_change_places() {
    let two: Vec<Vec<u8>> = pack(&head(), [b"one".to_vec(), b"two".to_vec()].into_iter()).collect();
    let swapped = [&*two[0], &*two[2], &*two[1], &*two[3]].concat();
    assert!(unpack(&swapped, 100).unwrap_err().to_string().contains("frame 1"));
    let shorter = [&*two[0], &*two[1], &*two[3]].concat();
    assert!(unpack(&shorter, 100).unwrap_err().to_string().contains("the end does not fit the 1 frames"));
}

#[test]
fn other_bytes_are_refused_by_name() {
    assert_eq!(unpack(b"\x1f\x8b\x08 a gzip file", 4), Err(ArchiveError::NotAnArchive));
    let mut newer = MAGIC.to_vec();
    newer.extend_from_slice(&9u32.to_le_bytes());
    assert_eq!(unpack(&newer, 100), Err(ArchiveError::Newer(9)));
}

#[test]
fn the_head_is_there_before_the_first_chunk() {
    let mut pieces = pack(&head(), chunks().into_iter());
    let mut reader = ArchiveReader::new();
    reader.feed(&pieces.next().unwrap());
    assert_eq!(reader.next_chunk(), Ok(None));
    assert_eq!((reader.version(), reader.head()), (2, Some(&head())));
}

fn state() -> State {
    let mut state = State::new();
    for n in 0..2_000u64 {
        let op = KvCommand::Put {
            key: Key::new(format!("app/{n}")).unwrap(),
            value: Value::from(vec![7; 300]),
            flags: n,
            mode: PutMode::Set,
            ttl_ms: None,
        };
        let command = Command::Kv { namespace: Namespace::default_namespace(), op };
        let proposal = Proposal { at: Millis(n), request: None, actor: String::new(), command };
        state.apply(1, n + 1, &proposal).unwrap();
    }
    state
}

#[test]
fn a_backup_tells_what_is_in_it_and_becomes_the_state_again() {
    let state = state();
    let origin = Origin { node: "n1".into(), taken_at: Millis(5), ..Origin::default() };
    let bytes: Vec<u8> = archive(&state, origin.clone()).flatten().collect();
    let found = inspect(&*bytes).unwrap();
    assert_eq!((found.version, found.index, found.term), (2, 2_000, 1));
    assert_eq!(found.head, Some(Head::of(&state, origin)));
    let keys = found.tables.iter().find(|size| size.table == "keys").unwrap();
    assert!(keys.records == 2_000 && keys.bytes > 600_000, "{keys:?}");
    assert!(found.bytes == bytes.len() as u64 && found.bytes < 200_000, "{} bytes: not packed", found.bytes);
    let mut restorer = Restorer::new();
    for chunk in unpack(&bytes, 10_000).unwrap() {
        restorer.chunk(&chunk).unwrap();
    }
    assert_eq!(restorer.finish().unwrap(), state);
}

#[test]
fn a_backup_of_the_older_form_is_read_as_well() {
    let state = state();
    let found = inspect(&*packed_v1(&state.chunks().collect::<Vec<_>>())).unwrap();
    assert_eq!((found.version, found.index, found.head), (1, 2_000, None));
}

#[test]
fn a_head_that_counts_otherwise_is_refused() {
    let state = state();
    let mut head = Head::of(&state, Origin::default());
    head.counts.insert("keys".into(), 1_999);
    head.counts.insert("wonders of a newer build".into(), 3);
    let bytes: Vec<u8> = pack(&head, state.chunks()).flatten().collect();
    let why = inspect(&*bytes).unwrap_err().to_string();
    assert!(why.contains("it has 2000 keys, and its head says 1999"), "{why}");
}
