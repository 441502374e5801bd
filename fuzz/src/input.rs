//! Takes an input apart. Whatever its bytes are, each part has a meaning: an input that is too short reads as zeros.

/// What is left of an input.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// A whole input.
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Two bytes as a number, the low one first.
    pub fn short(&mut self) -> u16 {
        u16::from(self.byte()) | (u16::from(self.byte()) << 8)
    }

    /// So many bytes, or what there is.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A piece that begins with its own length.
    pub fn piece(&mut self) -> &'a [u8] {
        let count = self.short();
        self.take(usize::from(count))
    }

    /// Pieces until nothing is left, at most so many.
    pub fn pieces(mut self, most: usize) -> Vec<&'a [u8]> {
        std::iter::from_fn(|| (!self.0.is_empty()).then(|| self.piece())).take(most).collect()
    }

    /// All the rest.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a piece with its length, as [`Input::piece`] reads it. What is longer than a length can say is cut.
pub fn push_piece(into: &mut Vec<u8>, piece: &[u8]) {
    let count = u16::try_from(piece.len()).unwrap_or(u16::MAX);
    into.extend_from_slice(&count.to_le_bytes());
    into.extend_from_slice(&piece[..usize::from(count)]);
}

/// One input of pieces.
pub fn of_pieces<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut input = Vec::new();
    pieces.into_iter().for_each(|piece| push_piece(&mut input, piece.as_ref()));
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_as_they_were_put_in() {
        let input = of_pieces([b"".as_slice(), b"ab", &[7; 300]]);
        assert_eq!(Input::new(&input).pieces(9), [b"".as_slice(), b"ab", &[7; 300]]);
        assert_eq!(Input::new(&input).pieces(2).len(), 2);
    }

    #[test]
    fn a_short_input_reads_as_zeros() {
        let mut input = Input::new(&[5]);
        assert_eq!((input.short(), input.byte(), input.piece()), (5, 0, b"".as_slice()));
        assert_eq!(Input::new(&[9, 0, 1]).piece(), [1]);
    }
}
