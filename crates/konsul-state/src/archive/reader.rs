//! An archive becomes chunks again.

use std::fmt;

use zstd::bulk::Decompressor;

use super::writer::{end_sum, frame_sum};
use super::{ArchiveError, CHUNK_MAX, FRAME_MAX, HEAD_MAX, Head, MAGIC, VERSION};

/// Bytes before the length of a head: magic and version.
const FRONT: usize = MAGIC.len() + 4;

/// Unpacks an archive that comes in pieces cut anywhere.
#[derive(Default)]
pub struct ArchiveReader {
    /// Bytes that are not read yet, from `start`.
    waiting: Vec<u8>,
    start: usize,
    /// Bytes of the archive before `start`.
    at: u64,
    /// The version, once it is known.
    version: u32,
    head: Option<Head>,
    ended: bool,
    sums: u32,
    frames: u64,
    raw: u64,
    unpacker: Option<Decompressor<'static>>,
}

impl fmt::Debug for ArchiveReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArchiveReader { at, version, head, ended, frames, .. } = self;
        let mut shown = f.debug_struct("ArchiveReader");
        shown.field("at", at).field("version", version).field("head", head);
        shown.field("ended", ended).field("frames", frames).finish_non_exhaustive()
    }
}

/// What stands before a frame's bytes.
struct Front {
    size: usize,
    length: u32,
    /// Bytes of the chunk; version 1 does not say.
    raw: Option<u32>,
    sum: u32,
}

impl ArchiveReader {
    /// One that has seen nothing yet.
    pub fn new() -> ArchiveReader {
        ArchiveReader::default()
    }

    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        // What was read is dropped only when much of it is, so that small pieces do not move a large frame each time.
        if self.start > 0 && self.start * 2 >= self.waiting.len() {
            self.waiting.drain(..std::mem::take(&mut self.start));
        }
        self.waiting.extend_from_slice(bytes);
    }

    /// The archive's version; zero until it is read.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the archive says of itself, once it is read. Version 1 says nothing.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.at
    }

    /// The next chunk, if its bytes are here.
    ///
    /// # Errors
    /// [`ArchiveError`], which names what is wrong and where. Nothing more can be read then.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        if !self.begin()? {
            return Ok(None);
        }
        if self.ended {
            return self.nothing_follows().map(|()| None);
        }
        match self.number(0) {
            None => Ok(None),
            Some(0) => self.read_end().map(|()| None),
            Some(length) => self.read_frame(length),
        }
    }

    /// Whether the archive was whole.
    ///
    /// # Errors
    /// [`ArchiveError::CutShort`] if it was not.
    pub fn end(&self) -> Result<(), ArchiveError> {
        if self.ended {
            return self.nothing_follows();
        }
        Err(ArchiveError::CutShort(self.at + self.here().len() as u64))
    }

    /// Reads what stands before the frames. Answers whether it is here.
    fn begin(&mut self) -> Result<bool, ArchiveError> {
        match self.version {
            0 => {
                let Some(version) = self.read_version()? else { return Ok(false) };
                if version == 1 {
                    self.take(FRONT);
                }
                self.version = version;
                self.begin()
            }
            1 => Ok(true),
            _ if self.head.is_some() => Ok(true),
            _ => self.read_head(),
        }
    }

    fn read_version(&self) -> Result<Option<u32>, ArchiveError> {
        let seen = self.here().len().min(MAGIC.len());
        if self.here()[..seen] != MAGIC[..seen] {
            return Err(ArchiveError::NotAnArchive);
        }
        match self.number(MAGIC.len()) {
            Some(0) => Err(self.damaged("there is no version 0")),
            Some(newer) if newer > VERSION => Err(ArchiveError::Newer(newer)),
            version => Ok(version),
        }
    }

    fn read_head(&mut self) -> Result<bool, ArchiveError> {
        let Some(length) = self.number(FRONT) else { return Ok(false) };
        if length as usize > HEAD_MAX {
            return Err(self.damaged(format!("a head of {length} bytes is larger than any that is written")));
        }
        let from = FRONT + 8;
        let (Some(sum), Some(object)) =
            (self.number(FRONT + 4), self.here().get(from..from + length as usize))
        else {
            return Ok(false);
        };
        if crc32c::crc32c_append(crc32c::crc32c(&self.here()[..FRONT + 4]), object) != sum {
            return Err(self.damaged("the head's checksum does not fit its bytes"));
        }
        let head = serde_json::from_slice(object).map_err(|why| self.damaged(format!("the head: {why}")))?;
        self.head = Some(head);
        self.note(sum);
        self.take(from + length as usize);
        Ok(true)
    }

    fn read_frame(&mut self, length: u32) -> Result<Option<Vec<u8>>, ArchiveError> {
        let number = self.frames + 1;
        if length as usize > FRAME_MAX {
            let what = format!("frame {number} has {length} bytes, more than any that is written");
            return Err(self.damaged(what));
        }
        let Some(front) = self.front(length) else { return Ok(None) };
        let Some(packed) = self.here().get(front.size..front.size + length as usize) else { return Ok(None) };
        let sum = match front.raw {
            None => crc32c::crc32c(packed),
            Some(raw) => frame_sum(number, length, raw, packed),
        };
        if sum != front.sum {
            return Err(self.damaged(format!("the checksum of frame {number} does not fit its bytes")));
        }
        let size = front.size + length as usize;
        let chunk = self.unpack(&front, number)?;
        self.frames = number;
        self.raw += chunk.len() as u64;
        self.note(sum);
        self.take(size);
        Ok(Some(chunk))
    }

    fn front(&self, length: u32) -> Option<Front> {
        if self.version == 1 {
            return Some(Front { size: 8, length, raw: None, sum: self.number(4)? });
        }
        Some(Front { size: 12, length, raw: Some(self.number(4)?), sum: self.number(8)? })
    }

    fn unpack(&mut self, front: &Front, number: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut unpacker = match self.unpacker.take() {
            Some(unpacker) => unpacker,
            None => Decompressor::new().map_err(|why| self.damaged(why.to_string()))?,
        };
        let packed = &self.here()[front.size..front.size + front.length as usize];
        let wrong = |what: String| self.damaged(format!("frame {number} cannot be unpacked: {what}"));
        // Packed bytes say how large they become; if not, they may become as large as any chunk.
        let said = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
        let room = said.map_or(CHUNK_MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        if room > CHUNK_MAX {
            return Err(wrong(format!("a chunk of {room} bytes is larger than any that is written")));
        }
        let mut chunk = unpacker.decompress(packed, room).map_err(|why| wrong(why.to_string()))?;
        if front.raw.is_some_and(|raw| raw as usize != chunk.len()) {
            return Err(wrong(format!("it has {} bytes, not what its front says", chunk.len())));
        }
        chunk.shrink_to_fit();
        self.unpacker = Some(unpacker);
        Ok(chunk)
    }

    fn read_end(&mut self) -> Result<(), ArchiveError> {
        let size = if self.version == 1 { 16 } else { 24 };
        if self.here().len() < size {
            return Ok(());
        }
        let fits = match self.version {
            1 => (self.number(4), self.long(8)) == (Some(self.sums), Some(self.frames)),
            _ => {
                let sum = end_sum(self.sums, self.frames, self.raw);
                (self.long(4), self.long(12), self.number(20))
                    == (Some(self.frames), Some(self.raw), Some(sum))
            }
        };
        if !fits {
            let what = format!("the end does not fit the {} frames that came before it", self.frames);
            return Err(self.damaged(what));
        }
        self.take(size);
        self.ended = true;
        self.nothing_follows()
    }

    fn nothing_follows(&self) -> Result<(), ArchiveError> {
        if self.here().is_empty() { Ok(()) } else { Err(self.damaged("bytes follow the end")) }
    }

    fn here(&self) -> &[u8] {
        &self.waiting[self.start..]
    }

    fn number(&self, at: usize) -> Option<u32> {
        self.here().get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<u64> {
        self.here().get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn take(&mut self, count: usize) {
        self.start += count;
        self.at += count as u64;
    }

    fn note(&mut self, sum: u32) {
        self.sums = crc32c::crc32c_append(self.sums, &sum.to_le_bytes());
    }

    fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { at: self.at, what: what.into() }
    }
}
