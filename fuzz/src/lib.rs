//! Fuzzing of every parser that meets bytes from outside: files that may have decayed, log entries, requests, bodies,
//! configuration.
//!
//! What it is not: no suite of behaviour. A target knows what must hold for *any* bytes, not what an input should give.
//!
//! # The life of an input
//!
//! 1. It is a seed ([`Target::seeds`], made by the real encoders), a file of the corpus ([`corpus`]), or a mutation of
//!    one: by libFuzzer, guided by the code that inputs reach (`prove`), or by [`mutate`] in the ordinary test.
//! 2. [`Target::check`] runs it and measures what it took ([`bounds`]): more memory than the target may have, or more
//!    time, is a finding like a panic.
//! 3. The target takes the input apart ([`input`]). Checksums would keep every mutation out, so most inputs ask for
//!    them to be set right first ([`seal`]): then the code behind the checksum sees the mutation.
//! 4. It calls the parser and asserts what must hold: what was read and written again reads the same, two readers
//!    agree, a refusal changed nothing.
//!
//! # What is missing on purpose
//!
//! No sanitizers: there is no `unsafe` in the house for them to watch, and they need a nightly compiler.

pub mod bounds;
pub mod corpus;
pub mod input;
pub mod mutate;
pub mod seal;
pub mod targets;

use bounds::Bounds;

/// One parser under attack.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is also that of its corpus and its binary (`fuzz-NAME`).
    pub name: &'static str,
    /// What it attacks.
    pub about: &'static str,
    /// Longest input worth trying, in bytes.
    pub input_bytes_max: usize,
    /// What an input may take.
    pub bounds: Bounds,
    /// Runs one input; panics on a finding.
    pub run: fn(&[u8]),
    /// Inputs that the real encoders make, so that mutations begin deep inside.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// Runs one input and holds it to its bounds.
    ///
    /// # Panics
    /// On a finding.
    pub fn check(&self, bytes: &[u8]) {
        bounds::measured(self.name, self.bounds, bytes.len(), || (self.run)(bytes));
    }
}

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    targets::ALL.iter().copied().find(|target| target.name == name)
}
