//! [`ReloadPlan`]: what a new configuration changes, and what of it has to wait for a restart.

use std::fmt;

use serde_json::Value as Json;

use crate::config::Config;
use crate::option::{ConfigOption, Reload};
use crate::options;

/// One option whose value differs.
#[derive(Debug, Clone)]
pub struct Change {
    /// The option; its `reload` says when the new value takes effect.
    pub option: &'static ConfigOption,
    /// The value in force, as it may be shown.
    pub from: Json,
    /// The new value, as it may be shown.
    pub to: Json,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            return write!(f, "{}: changed in what is not shown", self.option.key);
        }
        write!(f, "{}: {} -> {}", self.option.key, self.from, self.to)
    }
}

/// The difference between the configuration in force and a newly read one.
#[derive(Debug, Clone, Default)]
pub struct ReloadPlan {
    /// Every option that differs, in the order of the documentation.
    pub changes: Vec<Change>,
}

impl ReloadPlan {
    /// Compares two configurations, option by option.
    #[must_use]
    pub fn between(running: &Config, new: &Config) -> Self {
        let change = |option: &'static ConfigOption| {
            let (from, to) = (option.value_in(running), option.value_in(new));
            let (from_shown, to_shown) = (option.shown_in(running), option.shown_in(new));
            (from != to).then_some(Change { option, from: from_shown, to: to_shown })
        };
        Self { changes: options::all().filter_map(change).collect() }
    }

    /// Makes `running` what is in force after a reload: `new`, where a change takes effect at once.
    pub fn put_in_force(&self, running: &mut Config, new: &Config) {
        self.live().for_each(|change| change.option.copy(new, running));
    }

    /// The changes that take effect now.
    pub fn live(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.option.reload == Reload::Live)
    }

    /// The changes that take effect at the next start.
    pub fn needs_restart(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.option.reload == Reload::Restart)
    }
}
