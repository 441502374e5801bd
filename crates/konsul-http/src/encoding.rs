//! Compression of answers.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies are sent as they are: they would hardly gain.
pub(crate) const GZIP_MIN: usize = 1400;

/// How much is compressed at one go, so that a large answer does not hold up others on its thread.
const PIECE: usize = 64 * 1024;

/// Whether an `Accept-Encoding` takes gzip: it is named, and not with a weight of zero.
pub(crate) fn takes_gzip(accept: &str) -> bool {
    accept.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !is_zero(weight)
    })
}

fn is_zero(weight: &str) -> bool {
    let Some((name, value)) = weight.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
}

/// A body that is compressed piece by piece.
pub(crate) struct Gzip {
    rest: Bytes,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Gzip {
    pub(crate) fn new(body: Bytes) -> Gzip {
        let encoder = GzEncoder::new(Vec::with_capacity(body.len().min(PIECE) / 2), Compression::fast());
        Gzip { rest: body, encoder: Some(encoder) }
    }

    /// Compresses all of it, if it is one piece.
    pub(crate) fn whole(&mut self) -> Option<Bytes> {
        (self.rest.len() <= PIECE).then(|| self.piece()).flatten()
    }

    /// Compresses the next piece; `None` at the end. May be empty in between.
    pub(crate) fn piece(&mut self) -> Option<Bytes> {
        let mut encoder = self.encoder.take()?;
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        encoder.write_all(&piece).expect("memory takes every write");
        if self.rest.is_empty() {
            return Some(encoder.finish().expect("memory takes every write").into());
        }
        let out = std::mem::take(encoder.get_mut());
        self.encoder = Some(encoder);
        Some(out.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_must_be_named_and_wanted() {
        for yes in ["gzip", "deflate, gzip", "gzip;q=0.5", "GZIP", "br;q=1, gzip ; q=0.1"] {
            assert!(takes_gzip(yes), "{yes}");
        }
        for no in ["", "deflate", "gzip;q=0", "gzip; q=0.0", "*", "identity"] {
            assert!(!takes_gzip(no), "{no}");
        }
    }

    #[test]
    fn pieces_make_one_stream() {
        for size in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let body: Vec<u8> = (0..size).map(|at| (at / 7 % 251) as u8).collect();
            let mut gzip = Gzip::new(body.clone().into());
            let mut packed = Vec::new();
            while let Some(piece) = gzip.piece() {
                packed.extend_from_slice(&piece);
            }
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, body, "{size}");
        }
    }
}
