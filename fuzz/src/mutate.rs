//! Mutations for the ordinary test: small, blind, and the same for the same seed.

/// A small generator of numbers (xorshift64*, Vigna 2016): what it draws depends on its seed alone.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below a bound; zero if the bound is.
    pub fn below(&mut self, bound: usize) -> usize {
        // The remainder fits, since the bound does.
        (self.any() >> 11).checked_rem(bound as u64).unwrap_or(0) as usize
    }
}

/// Numbers at which lengths and counts tend to go wrong.
const EDGES: &[u64] =
    &[0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 63, u64::MAX];

/// One to four changes of an input. `other` is what parts are borrowed from.
pub fn mutate(input: &[u8], other: &[u8], bytes_max: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut bytes, other, dice);
    }
    bytes.truncate(bytes_max);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(8) {
        0 => flip(bytes, at, dice),
        1 => set(bytes, at, &[dice.any() as u8]),
        2 => edge(bytes, at, dice),
        3 => drop(bytes.drain(at..(at + 1 + dice.below(16)).min(bytes.len()))),
        4 => bytes.truncate(at),
        5 => insert(bytes, at, &piece_of(other, dice)),
        6 => insert(bytes, at, &piece_of(&bytes.clone(), dice)),
        _ => set(bytes, at, &piece_of(other, dice)),
    }
}

fn flip(bytes: &mut [u8], at: usize, dice: &mut Dice) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
}

fn edge(bytes: &mut [u8], at: usize, dice: &mut Dice) {
    let number = EDGES[dice.below(EDGES.len())].to_le_bytes();
    let width = [1, 2, 4, 8][dice.below(4)];
    set(bytes, at, &number[..width]);
}

fn set(bytes: &mut [u8], at: usize, piece: &[u8]) {
    bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = *new);
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn piece_of(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let from = dice.below(bytes.len());
    let count = 1 + dice.below(64);
    bytes.iter().skip(from).take(count).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mutations_and_another_one_others() {
        let row = |seed| {
            let mut dice = Dice::new(seed);
            (0..50).map(|_| mutate(b"some input", b"another", 64, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
        assert!(row(3).iter().filter(|bytes| *bytes != b"some input").count() > 40);
    }

    #[test]
    fn nothing_and_too_much_are_fine() {
        let mut dice = Dice::new(7);
        for _ in 0..500 {
            assert!(mutate(b"", b"", 8, &mut dice).len() <= 8);
            assert!(mutate(&[1; 9], &[2; 100], 8, &mut dice).len() <= 8);
        }
    }
}
