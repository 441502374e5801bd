//! How a service really stands, given its own health and that of what it needs.

use konsul_types::CheckStatus;

use super::graph::{Graph, Steps};
use super::impact::Spread;

/// How a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// By itself.
    pub own: CheckStatus,
    /// With what it needs; never better than its own.
    pub effective: CheckStatus,
}

/// How all services stand.
#[derive(Debug)]
pub struct Effective {
    standings: Vec<Standing>,
    critical: Spread,
    warning: Spread,
}

/// The health of a service by its instances' worst checks: critical without any usable instance, passing if all of them
/// pass, else warning.
pub fn own(instances: impl IntoIterator<Item = CheckStatus>) -> CheckStatus {
    let (mut all, mut usable, mut passing) = (0u64, 0u64, 0u64);
    for status in instances {
        all += 1;
        usable += u64::from(status != CheckStatus::Critical);
        passing += u64::from(status == CheckStatus::Passing);
    }
    match () {
        () if usable == 0 => CheckStatus::Critical,
        () if passing == all => CheckStatus::Passing,
        () => CheckStatus::Warning,
    }
}

impl Effective {
    /// How a service stands.
    pub fn of(&self, service: usize) -> Standing {
        self.standings[service]
    }

    /// Why it stands worse than by itself: from the service, each needing the next, to one that is so by itself. `None` if
    /// it does not.
    pub fn because(&self, service: usize) -> Option<Vec<usize>> {
        let Standing { own, effective } = self.standings[service];
        if own == effective {
            return None;
        }
        let spread = if effective == CheckStatus::Critical { &self.critical } else { &self.warning };
        Some(spread.path(service))
    }
}

impl Graph {
    /// How all stand, given each one's own health by number. Pass [`CheckStatus::Critical`] for what is not registered.
    ///
    /// What requires a critical one is critical; what else needs one that is not passing has a warning. The least such
    /// solution, so a cycle makes nobody critical by itself.
    pub fn effective(&self, own: impl Fn(usize) -> CheckStatus) -> Effective {
        self.effective_counted(own, &mut 0)
    }

    pub(super) fn effective_counted(
        &self,
        own: impl Fn(usize) -> CheckStatus,
        steps: &mut Steps,
    ) -> Effective {
        let own: Vec<CheckStatus> = (0..self.len()).map(own).collect();
        let begin = |spread: &mut Spread, with: CheckStatus| {
            (0..own.len()).filter(|&at| own[at] == with).for_each(|at| spread.begin(at));
        };
        let mut critical = Spread::new(self.len());
        begin(&mut critical, CheckStatus::Critical);
        critical.run(self, true, steps);
        // Paths of warnings lead to where trouble began too, so they go through what is critical by others.
        let mut warning = Spread::new(self.len());
        begin(&mut warning, CheckStatus::Critical);
        begin(&mut warning, CheckStatus::Warning);
        warning.run(self, false, steps);
        let effective = |at: usize| match () {
            () if critical.has(at) => CheckStatus::Critical,
            () if warning.has(at) => CheckStatus::Warning,
            () => CheckStatus::Passing,
        };
        let standing = |at: usize| Standing { own: own[at], effective: effective(at) };
        let standings = (0..self.len()).map(standing).collect();
        Effective { standings, critical, warning }
    }
}
