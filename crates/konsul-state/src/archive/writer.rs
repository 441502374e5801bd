//! Chunks become an archive, one piece of bytes for each.

use zstd::bulk::Compressor;

use super::{Head, MAGIC, Origin, VERSION};
use crate::state::State;

/// zstd's own default: a tenth of the processor time of the highest levels for four fifths of what they save.
const LEVEL: i32 = 3;

/// A backup of a state. Cheap to call; a chunk is packed when its bytes are asked for.
pub fn archive(state: &State, origin: Origin) -> impl Iterator<Item = Vec<u8>> + Send + use<> {
    pack(&Head::of(state, origin), state.chunks())
}

/// Packs chunks under a head.
pub fn pack<C: Iterator<Item = Vec<u8>> + Send>(
    head: &Head,
    chunks: C,
) -> impl Iterator<Item = Vec<u8>> + Send + use<C> {
    let compressor = Compressor::new(LEVEL).expect("zstd knows its own default level");
    let mut packer = Packer { compressor, sums: 0, frames: 0, raw: 0 };
    let head = packer.head(head);
    let mut chunks = chunks.fuse();
    let mut ended = false;
    let rest = std::iter::from_fn(move || match chunks.next() {
        Some(chunk) => Some(packer.frame(&chunk)),
        None => (!std::mem::replace(&mut ended, true)).then(|| packer.end()),
    });
    std::iter::once(head).chain(rest)
}

struct Packer {
    compressor: Compressor<'static>,
    /// Over every sum so far.
    sums: u32,
    frames: u64,
    raw: u64,
}

impl Packer {
    fn head(&mut self, head: &Head) -> Vec<u8> {
        let object = serde_json::to_vec(head).expect("texts, numbers and maps of texts are JSON");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(object.len() as u32).to_le_bytes());
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes), &object);
        bytes.extend_from_slice(&self.note(sum));
        bytes.extend_from_slice(&object);
        bytes
    }

    fn frame(&mut self, chunk: &[u8]) -> Vec<u8> {
        let packed = self.compressor.compress(chunk).expect("compressing into memory works");
        self.frames += 1;
        self.raw += chunk.len() as u64;
        let (length, raw) = (packed.len() as u32, chunk.len() as u32);
        let sum = frame_sum(self.frames, length, raw, &packed);
        let mut bytes = Vec::with_capacity(packed.len() + 12);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&raw.to_le_bytes());
        bytes.extend_from_slice(&self.note(sum));
        bytes.extend_from_slice(&packed);
        bytes
    }

    fn end(&self) -> Vec<u8> {
        let mut bytes = 0u32.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.frames.to_le_bytes());
        bytes.extend_from_slice(&self.raw.to_le_bytes());
        bytes.extend_from_slice(&end_sum(self.sums, self.frames, self.raw).to_le_bytes());
        bytes
    }

    fn note(&mut self, sum: u32) -> [u8; 4] {
        let bytes = sum.to_le_bytes();
        self.sums = crc32c::crc32c_append(self.sums, &bytes);
        bytes
    }
}

/// The sum of a frame.
pub(super) fn frame_sum(number: u64, length: u32, raw: u32, packed: &[u8]) -> u32 {
    let sum = crc32c::crc32c(&number.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &length.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &raw.to_le_bytes());
    crc32c::crc32c_append(sum, packed)
}

/// The sum of the end.
pub(super) fn end_sum(sums: u32, frames: u64, raw: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(sums, &frames.to_le_bytes()), &raw.to_le_bytes())
}
