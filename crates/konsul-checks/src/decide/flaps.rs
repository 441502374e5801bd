//! Flap damping: a check that changes to and fro is held critical until it has been steady for a while.
//!
//! Damping is a function of the series of results alone. It never hides a failure and never delays one: what it holds
//! back is the return to good, and it says so in the output.

use konsul_types::CheckStatus;

/// When a check counts as flapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlapRule {
    /// So many changes between critical and not critical …
    pub changes: u32,
    /// … within so many runs (at most 64) make it flapping.
    pub runs: u32,
    /// So many good runs in a row make it steady again.
    pub steady: u32,
}

impl Default for FlapRule {
    /// Ten changes in twenty runs; steady after five good runs. A check whose target is restarted now and then, or is
    /// taken out and in again by hand, stays far below that.
    fn default() -> Self {
        Self { changes: 10, runs: 20, steady: 5 }
    }
}

/// Why a check is held critical. Its text is stable while it holds, so that it causes no reports of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flapping(FlapRule);

impl std::fmt::Display for Flapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FlapRule { changes, runs, steady } = self.0;
        write!(
            f,
            "Flapping: {changes} changes within {runs} runs; held critical until {steady} runs in a row do not fail"
        )
    }
}

/// What one check did lately.
#[derive(Debug)]
pub(crate) struct Flaps {
    rule: Option<FlapRule>,
    last: Option<bool>,
    /// A bit for each run, the newest lowest: whether it changed sides.
    changed: u64,
    good_in_a_row: u32,
    held: bool,
}

impl Flaps {
    pub(crate) fn new(rule: Option<FlapRule>) -> Self {
        Self { rule, last: None, changed: 0, good_in_a_row: 0, held: false }
    }

    /// Takes the status to which the thresholds led, and answers why the check is held critical, if it is.
    pub(crate) fn feed(&mut self, status: CheckStatus) -> Option<Flapping> {
        let rule = self.rule?;
        let critical = status == CheckStatus::Critical;
        let changed = self.last.replace(critical).is_some_and(|last| last != critical);
        self.changed = ((self.changed << 1) | u64::from(changed)) & window(rule.runs);
        self.good_in_a_row = if critical { 0 } else { self.good_in_a_row.saturating_add(1) };
        if self.held && self.good_in_a_row >= rule.steady {
            self.held = false;
            self.changed = 0;
        } else if self.changed.count_ones() >= rule.changes {
            self.held = true;
        }
        self.held.then_some(Flapping(rule))
    }
}

fn window(runs: u32) -> u64 {
    1u64.checked_shl(runs).map_or(u64::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p` and `c` are statuses; `H` is expected where the check is held, `.` where not.
    #[track_caller]
    fn check(rule: Option<(u32, u32, u32)>, results: &str, expect: &str) {
        let mut flaps = Flaps::new(rule.map(|(changes, runs, steady)| FlapRule { changes, runs, steady }));
        let status = |c| if c == 'c' { CheckStatus::Critical } else { CheckStatus::Passing };
        let seen: String =
            results.chars().map(|c| if flaps.feed(status(c)).is_some() { 'H' } else { '.' }).collect();
        assert_eq!(seen, expect, "{rule:?} on {results}");
    }

    #[test]
    fn many_changes_hold_it_and_steadiness_lets_go() {
        check(Some((4, 10, 3)), "pcpcpppcppp", "....HH.....");
        check(Some((4, 10, 3)), "pcpcpcpcppp", "....HHHHHH.");
    }

    #[test]
    fn slow_changes_are_none() {
        check(Some((4, 8, 3)), "pppccccppppccccpppp", "...................");
    }

    #[test]
    fn a_failure_that_stays_is_no_flapping() {
        check(Some((4, 10, 3)), "pccccccccccccc", "..............");
    }

    #[test]
    fn without_a_rule_nothing_is_held() {
        check(None, "pcpcpcpcpc", "..........");
    }

    #[test]
    fn the_widest_window_works() {
        check(Some((2, 64, 1)), "pcp", "..H");
    }

    #[test]
    fn the_reason_names_the_numbers() {
        let text = Flapping(FlapRule::default()).to_string();
        assert_eq!(
            text,
            "Flapping: 10 changes within 20 runs; held critical until 5 runs in a row do not fail"
        );
    }
}
