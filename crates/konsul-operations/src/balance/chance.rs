//! Chance as a value: what a function that yields 64 random bits is turned into.

/// A generator for tests, explanations and wherever a seed stands for chance: SplitMix64 (Steele, Lea and Flood, 2014).
/// Not for secrets.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

/// Spreads every bit of the input over the whole output; a bijection.
pub(super) fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A number below `bound`, uniform up to a bias of `bound / 2^64`; zero for a bound of zero.
pub fn below(bound: usize, chance: &mut dyn FnMut() -> u64) -> usize {
    // The high half of the product is below `bound`, so it fits again.
    ((u128::from(chance()) * bound as u128) >> 64) as usize
}

/// Random bits as a number above zero and up to one.
pub(super) fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// Random bits as a waiting time with mean one; zero at the least.
pub(super) fn exponential(bits: u64) -> f64 {
    // Adding zero turns the negative zero of `ln(1)` into a plain one, which sorts alike everywhere.
    -unit(bits).ln() + 0.0
}

/// Puts `items` in one of their orders, each equally likely (Fisher and Yates).
pub fn shuffle<T>(items: &mut [T], chance: &mut dyn FnMut() -> u64) {
    for end in (1..items.len()).rev() {
        items.swap(end, below(end + 1, chance));
    }
}
