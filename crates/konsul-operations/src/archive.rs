//! The bytes of a backup as users keep them: framed, checksummed, compressed.
//!
//! ```text
//! archive := "KONSULBK" version:u32  frame*  end
//! frame   := length:u32 (> 0)  crc32c:u32 of the compressed bytes  compressed bytes (zstd, one chunk of the state)
//! end     := 0:u32  crc32c:u32 of all frame checksums  frames:u64
//! ```
//!
//! All numbers are little endian. The end makes a file cut short at a frame's edge, or with frames swapped, no archive.

/// First bytes of an archive.
pub const MAGIC: &[u8; 8] = b"KONSULBK";

/// The version that this build writes and reads.
pub const VERSION: u32 = 1;

/// Largest frame, so that a damaged length asks for no absurd amount of memory.
const FRAME_MAX: usize = 16 << 20;

/// Largest chunk that a frame may hold once unpacked.
const CHUNK_MAX: usize = 64 << 20;

const LEVEL: i32 = 3;

/// Why bytes are no archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It begins otherwise.
    #[error("this is not a Konsul backup: it does not begin with {:?}", String::from_utf8_lossy(MAGIC))]
    NotAnArchive,
    /// A newer build wrote it.
    #[error("the backup has version {0}; this build reads version {VERSION}. Use a newer build")]
    Newer(u32),
    /// Bytes are not what was written.
    #[error("the backup is damaged at byte {at}: {what}")]
    Damaged {
        /// Where.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// It ends too early.
    #[error("the backup is cut short after {0} bytes")]
    CutShort(u64),
}

/// Packs chunks, one piece of bytes for each.
pub fn archive(
    chunks: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> impl Iterator<Item = Vec<u8>> + Send {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    let mut sums = 0u32;
    let mut frames = 0u64;
    let mut chunks = chunks.fuse();
    let mut ended = false;
    let rest = std::iter::from_fn(move || {
        if let Some(chunk) = chunks.next() {
            let (frame, sum) = frame(&chunk);
            sums = crc32c::crc32c_append(sums, &sum.to_le_bytes());
            frames += 1;
            return Some(frame);
        }
        let end = (!ended).then(|| end(sums, frames));
        ended = true;
        end
    });
    std::iter::once(head).chain(rest)
}

fn frame(chunk: &[u8]) -> (Vec<u8>, u32) {
    let packed = zstd::bulk::compress(chunk, LEVEL).expect("compressing into memory works");
    let sum = crc32c::crc32c(&packed);
    let mut bytes = Vec::with_capacity(packed.len() + 8);
    bytes.extend_from_slice(&(packed.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.extend_from_slice(&packed);
    (bytes, sum)
}

fn end(sums: u32, frames: u64) -> Vec<u8> {
    let mut bytes = 0u32.to_le_bytes().to_vec();
    bytes.extend_from_slice(&sums.to_le_bytes());
    bytes.extend_from_slice(&frames.to_le_bytes());
    bytes
}

/// Unpacks an archive that comes in pieces cut anywhere.
#[derive(Debug, Default)]
pub struct ArchiveReader {
    waiting: Vec<u8>,
    /// Bytes of the archive before `waiting`.
    at: u64,
    begun: bool,
    ended: bool,
    sums: u32,
    frames: u64,
}

impl ArchiveReader {
    /// One that has seen nothing yet.
    pub fn new() -> ArchiveReader {
        ArchiveReader::default()
    }

    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next chunk, if its bytes are here.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        if self.ended {
            return if self.waiting.is_empty() {
                Ok(None)
            } else {
                Err(self.damaged("bytes follow the end"))
            };
        }
        match self.number(0) {
            None => Ok(None),
            Some(0) => self.read_end().map(|()| None),
            Some(length) => self.read_frame(length as usize),
        }
    }

    /// Whether the archive was whole.
    pub fn end(&self) -> Result<(), ArchiveError> {
        if self.ended && self.waiting.is_empty() {
            return Ok(());
        }
        Err(ArchiveError::CutShort(self.at + self.waiting.len() as u64))
    }

    fn begin(&mut self) -> Result<bool, ArchiveError> {
        let seen = self.waiting.len().min(MAGIC.len());
        if self.waiting[..seen] != MAGIC[..seen] {
            return Err(ArchiveError::NotAnArchive);
        }
        let Some(version) = self.number(MAGIC.len()) else { return Ok(false) };
        if version != VERSION {
            return Err(ArchiveError::Newer(version));
        }
        self.begun = true;
        self.take(MAGIC.len() + 4);
        Ok(true)
    }

    fn read_frame(&mut self, length: usize) -> Result<Option<Vec<u8>>, ArchiveError> {
        if length > FRAME_MAX {
            return Err(self.damaged(format!("a frame of {length} bytes is larger than any that is written")));
        }
        let (Some(sum), Some(packed)) = (self.number(4), self.waiting.get(8..8 + length)) else {
            return Ok(None);
        };
        if crc32c::crc32c(packed) != sum {
            return Err(self.damaged("a frame's checksum does not fit its bytes"));
        }
        let mut chunk =
            zstd::bulk::decompress(packed, CHUNK_MAX).map_err(|why| self.damaged(why.to_string()))?;
        // It was given room for the largest chunk there can be.
        chunk.shrink_to_fit();
        self.sums = crc32c::crc32c_append(self.sums, &sum.to_le_bytes());
        self.frames += 1;
        self.take(8 + length);
        Ok(Some(chunk))
    }

    fn read_end(&mut self) -> Result<(), ArchiveError> {
        let (Some(sums), Some(low), Some(high)) = (self.number(4), self.number(8), self.number(12)) else {
            return Ok(());
        };
        let frames = u64::from(high) << 32 | u64::from(low);
        if sums != self.sums || frames != self.frames {
            return Err(self.damaged(format!(
                "the end does not fit: {} of {frames} frames came before it",
                self.frames
            )));
        }
        self.take(16);
        self.ended = true;
        if self.waiting.is_empty() { Ok(()) } else { Err(self.damaged("bytes follow the end")) }
    }

    fn number(&self, at: usize) -> Option<u32> {
        self.waiting.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn take(&mut self, count: usize) {
        self.waiting.drain(..count);
        self.at += count as u64;
    }

    fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { at: self.at, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> (Vec<Vec<u8>>, Vec<u8>) {
        let chunks: Vec<Vec<u8>> = (0..5u8).map(|n| vec![n; 1000 * usize::from(n) + 1]).collect();
        let bytes = archive(chunks.clone().into_iter()).flatten().collect();
        (chunks, bytes)
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
        let (chunks, bytes) = packed();
        for piece in [1, 7, 4096] {
            assert_eq!(unpack(&bytes, piece).unwrap(), chunks, "pieces of {piece}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (_, bytes) = packed();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(unpack(&bad, 4096).is_err(), "byte {at}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let (_, bytes) = packed();
        for len in 0..bytes.len() {
            assert!(unpack(&bytes[..len], 4096).is_err(), "cut to {len}");
        }
    }

    #[test]
    fn other_bytes_are_refused_by_name() {
        assert_eq!(unpack(b"\x1f\x8b\x08 a gzip file", 4), Err(ArchiveError::NotAnArchive));
        let mut newer = MAGIC.to_vec();
        newer.extend_from_slice(&9u32.to_le_bytes());
        assert_eq!(unpack(&newer, 100), Err(ArchiveError::Newer(9)));
    }
}
