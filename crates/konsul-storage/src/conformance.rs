//! What every engine must do, as code: for tests of this crate, and of any engine to come.
//!
//! [`CASES`] are behaviours by name; [`random_actions`] compares an engine with a [`model::Model`] over a
//! random history, restarts included; [`crash`] and [`faults`] put the disk engine on a simulated disk and
//! break that at every single call.

use crate::contract::Storage;

mod cases;
pub mod crash;
pub mod faults;
pub mod history;
pub mod model;

pub use cases::{CASES, Case};

/// How a suite gets at an engine.
pub trait Harness {
    /// A new, empty store.
    fn create(&mut self) -> Box<dyn Storage>;

    /// Ends the process that has the store, and starts another on what is left. An engine that keeps nothing
    /// answers `None`.
    fn restart(&mut self, store: Box<dyn Storage>) -> Restarted;
}

/// A store after an attempt to restart it.
pub enum Restarted {
    /// Another process, on the same data.
    Again(Box<dyn Storage>),
    /// The engine keeps nothing: the same store.
    NotPossible(Box<dyn Storage>),
}

/// Runs a random history, restarting now and then, and compares after each action.
///
/// # Errors
///
/// The seed, the step, and the first difference.
pub fn random_actions(harness: &mut dyn Harness, seed: u64, len: usize) -> Result<(), String> {
    let mut rng = crate::vfs::sim::rng::Rng::new(seed ^ 0x5EED);
    let mut model = model::Model::default();
    let mut store = harness.create();
    for (step, action) in history::random(seed, len).iter().enumerate() {
        let told = |what: String| format!("seed {seed}, step {step}, {action:?}: {what}");
        action.run(&mut *store).map_err(|e| told(e.to_string()))?;
        model.apply(action);
        if rng.chance(1000) {
            store.sync().map_err(|e| told(e.to_string()))?;
            store = match harness.restart(store) {
                Restarted::Again(store) | Restarted::NotPossible(store) => store,
            };
        }
        model.check(&*store).map_err(told)?;
    }
    Ok(())
}
