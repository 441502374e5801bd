//! The frame of a backup file, checked without a server: that every byte is as it was written, and none is missing.
//!
//! ```text
//! archive := "KONSULBK" version:u32  frame*  end
//! frame   := length:u32 (> 0)  crc32c:u32 of the bytes that follow  that many bytes
//! end     := 0:u32  crc32c:u32 of all frame checksums  frames:u64
//! ```
//!
//! All numbers are little endian. What the frames hold is the server's to read.

use std::io::{self, ErrorKind, Read};

const MAGIC: &[u8; 8] = b"KONSULBK";
const VERSION: u32 = 1;

/// The server writes none that is larger; a damaged length must not ask for absurd memory.
const FRAME_MAX: u32 = 16 << 20;

/// What a whole backup says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) version: u32,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

/// Reads a backup to its end. The text of an error says what is wrong and where.
pub(crate) fn check(from: impl Read) -> Result<Summary, String> {
    let mut reader = Reader { from, at: 0 };
    let mut magic = [0; MAGIC.len()];
    reader.fill(&mut magic)?;
    if magic != *MAGIC {
        return Err(format!(
            "this is no Konsul backup: it does not begin with {:?}",
            String::from_utf8_lossy(MAGIC)
        ));
    }
    let version = reader.number()?;
    if version != VERSION {
        return Err(format!(
            "the backup has version {version}; this build reads version {VERSION}. Use a newer build"
        ));
    }
    let (mut frames, mut sums) = (0, 0);
    while let Some(sum) = reader.frame()? {
        frames += 1;
        sums = crc32c::crc32c_append(sums, &sum.to_le_bytes());
    }
    reader.end(frames, sums)?;
    Ok(Summary { version, frames, bytes: reader.at })
}

struct Reader<R> {
    from: R,
    at: u64,
}

impl<R: Read> Reader<R> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.from.read_exact(bytes).map_err(|e| self.unreadable(&e))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> String {
        match error.kind() {
            ErrorKind::UnexpectedEof => {
                format!("the backup is cut short: it ends in the middle of what begins at byte {}", self.at)
            }
            _ => format!("the backup cannot be read at byte {}: {error}", self.at),
        }
    }

    fn number(&mut self) -> Result<u32, String> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The checksum of the next frame, once its bytes fit it; `None` where the end begins.
    fn frame(&mut self) -> Result<Option<u32>, String> {
        let at = self.at;
        let damaged = |what: &str| format!("the backup is damaged at byte {at}: {what}");
        let length = self.number()?;
        if length == 0 {
            return Ok(None);
        }
        if length > FRAME_MAX {
            return Err(damaged("a frame is larger than any that is written"));
        }
        let sum = self.number()?;
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        if crc32c::crc32c(&bytes) != sum {
            return Err(damaged("a frame's checksum does not fit its bytes"));
        }
        Ok(Some(sum))
    }

    fn end(&mut self, frames: u64, sums: u32) -> Result<(), String> {
        let at = self.at;
        let damaged = |what: String| format!("the backup is damaged at byte {at}: {what}");
        let said = self.number()?;
        let mut count = [0; 8];
        self.fill(&mut count)?;
        let count = u64::from_le_bytes(count);
        if said != sums || count != frames {
            return Err(damaged(format!("the end does not fit: {frames} of {count} frames came before it")));
        }
        let more = self.from.read(&mut [0]).map_err(|e| self.unreadable(&e))?;
        if more > 0 { Err(damaged("bytes follow the end".to_owned())) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A backup of these frames.
    pub(crate) fn backup(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        let mut sums = 0;
        for frame in frames {
            let sum = crc32c::crc32c(frame);
            bytes.extend((frame.len() as u32).to_le_bytes());
            bytes.extend(sum.to_le_bytes());
            bytes.extend(*frame);
            sums = crc32c::crc32c_append(sums, &sum.to_le_bytes());
        }
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(sums.to_le_bytes());
        bytes.extend((frames.len() as u64).to_le_bytes());
        bytes
    }

    #[test]
    fn only_a_whole_backup_passes() {
        let good = backup(&[b"one", b"two"]);
        assert_eq!(check(&*good).unwrap(), Summary { version: 1, frames: 2, bytes: good.len() as u64 });
        assert_eq!(check(&*backup(&[])).unwrap().frames, 0);
        for length in 0..good.len() {
            assert!(check(&good[..length]).is_err(), "cut to {length} bytes");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(check(&*bad).is_err(), "bit {bit} of byte {at}");
            }
        }
        let mut swapped = backup(&[b"two", b"one"]);
        let end = swapped.len() - 16;
        swapped[end..].copy_from_slice(&good[end..]);
        assert!(check(&*swapped).unwrap_err().contains("the end does not fit"));
        let longer = [good, vec![0]].concat();
        assert!(check(&*longer).unwrap_err().contains("bytes follow the end"));
    }
}
