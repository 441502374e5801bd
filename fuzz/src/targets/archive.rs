//! The reader of backups.
//!
//! Input: a byte of switches, the size of the pieces in which the bytes come, and the bytes.

use konsul_state::archive::{ArchiveError, ArchiveReader, Head, pack};

use crate::bounds::Bounds;
use crate::input::Input;
use crate::{Target, seal};

/// The target.
pub static TARGET: Target = Target {
    name: "archive",
    about: "backups: head, frames, compressed chunks, the end",
    input_bytes_max: 16 * 1024,
    // A frame may be unpacked to 64 MiB, and room for that is asked for at once.
    bounds: Bounds { base_bytes: (64 << 20) + (4 << 20), bytes_per_byte: 64 },
    run,
    seeds,
};

const SEALED: u8 = 1;
/// More than this is not packed again.
const COPIED_MAX: usize = 1 << 20;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let switches = input.byte();
    let size = usize::from(input.byte()).max(1);
    let mut whole = input.rest().to_vec();
    if switches & SEALED != 0 {
        seal::archive::seal(&mut whole);
    }
    let in_pieces = unpack(&whole, size);
    assert_eq!(in_pieces, unpack(&whole, whole.len().max(1)), "it matters how the bytes were cut");
    if let Ok(Unpacked { chunks, bytes }) = in_pieces
        && bytes <= COPIED_MAX
    {
        let packed: Vec<u8> = pack(&Head::default(), chunks.clone().into_iter()).flatten().collect();
        assert_eq!(unpack(&packed, size), Ok(Unpacked { chunks, bytes }), "a copy reads otherwise");
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Unpacked {
    /// The chunks, as long as all of them together are small.
    chunks: Vec<Vec<u8>>,
    bytes: usize,
}

fn unpack(bytes: &[u8], size: usize) -> Result<Unpacked, ArchiveError> {
    let mut reader = ArchiveReader::new();
    let mut found = Unpacked { chunks: Vec::new(), bytes: 0 };
    for piece in bytes.chunks(size) {
        reader.feed(piece);
        while let Some(chunk) = reader.next_chunk()? {
            found.bytes += chunk.len();
            if found.bytes <= COPIED_MAX {
                found.chunks.push(chunk);
            }
        }
    }
    reader.end().map(|()| found)
}

fn seeds() -> Vec<Vec<u8>> {
    let sets: [Vec<Vec<u8>>; 3] = [
        Vec::new(),
        vec![b"one chunk".to_vec()],
        vec![b"first, first, first, first".to_vec(), vec![0; 3000], Vec::new()],
    ];
    let head = Head { node: "n1".into(), index: 7, ..Head::default() };
    let files = sets.into_iter().map(|chunks| pack(&head, chunks.into_iter()).flatten().collect::<Vec<u8>>());
    // And one of version 1.
    let kept = include_bytes!("../../../crates/konsul-state/tests/archive/version-1.snap").to_vec();
    let files = files.chain(std::iter::once(kept));
    files.flat_map(|file| [0, SEALED].map(|switches| [&[switches, 7], file.as_slice()].concat())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_a_whole_backup_changes_nothing_and_it_is_read() {
        for seed in seeds() {
            let mut file = seed[2..].to_vec();
            seal::archive::seal(&mut file);
            assert!(file == seed[2..], "a backup came out other than it was packed");
            unpack(&file, 5).expect("a seed is a backup");
        }
    }
}
