//! How many results in a row it takes to change a status, as in Consul.
//!
//! Passing and warning both count as success. A result resets the count of the other side. Both counts begin where
//! they suffice, so that the first result always holds.

use konsul_types::CheckStatus;

/// `success_before_passing` and its relatives. Zero and one both mean: at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thresholds {
    /// Successes in a row before the check recovers.
    pub success_before_passing: u32,
    /// Failures in a row before it shows a warning; `failures_before_critical` where nothing is said.
    pub failures_before_warning: Option<u32>,
    /// Failures in a row before it is critical.
    pub failures_before_critical: u32,
}

impl Thresholds {
    /// Where the same result again and again leads a check that stood otherwise: after how many in a row it has which
    /// status. The last one stays.
    pub fn steps(&self, result: CheckStatus) -> Vec<(u32, CheckStatus)> {
        if result != CheckStatus::Critical {
            return vec![(self.success_before_passing.max(1), result)];
        }
        let critical = (self.failures_before_critical.max(1), CheckStatus::Critical);
        let warning = self.failures_before_warning.map_or(critical.0, |count| count.max(1));
        let warned = (warning < critical.0).then_some((warning, CheckStatus::Warning));
        warned.into_iter().chain([critical]).collect()
    }
}

/// The counts of one check.
#[derive(Debug)]
pub(crate) struct Judge {
    rule: Thresholds,
    successes: u32,
    failures: u32,
}

impl Judge {
    pub(crate) fn new(rule: Thresholds) -> Self {
        Self { rule, successes: rule.success_before_passing, failures: rule.failures_before_critical }
    }

    /// The status that a result leads to; `None` if the old one stays.
    pub(crate) fn judge(&mut self, result: CheckStatus) -> Option<CheckStatus> {
        if result == CheckStatus::Critical { self.failed() } else { self.succeeded(result) }
    }

    fn succeeded(&mut self, result: CheckStatus) -> Option<CheckStatus> {
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        (self.successes >= self.rule.success_before_passing).then_some(result)
    }

    fn failed(&mut self) -> Option<CheckStatus> {
        self.successes = 0;
        self.failures = self.failures.saturating_add(1);
        let warning = self.rule.failures_before_warning.unwrap_or(self.rule.failures_before_critical);
        if self.failures >= self.rule.failures_before_critical {
            Some(CheckStatus::Critical)
        } else {
            (self.failures >= warning).then_some(CheckStatus::Warning)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p`, `w`, `c` are results; the same letters and `-` (stays) are expected.
    #[track_caller]
    fn check(rule: (u32, Option<u32>, u32), results: &str, expect: &str) {
        let (success_before_passing, failures_before_warning, failures_before_critical) = rule;
        let rule = Thresholds { success_before_passing, failures_before_warning, failures_before_critical };
        let mut judge = Judge::new(rule);
        let status = |c| match c {
            'p' => CheckStatus::Passing,
            'w' => CheckStatus::Warning,
            _ => CheckStatus::Critical,
        };
        let letter = |status| match status {
            None => '-',
            Some(CheckStatus::Passing) => 'p',
            Some(CheckStatus::Warning) => 'w',
            Some(CheckStatus::Critical) => 'c',
        };
        let seen: String = results.chars().map(|c| letter(judge.judge(status(c)))).collect();
        assert_eq!(seen, expect, "{rule:?} on {results}");
    }

    #[test]
    fn without_numbers_each_result_holds() {
        check((0, None, 0), "pcwcp", "pcwcp");
        check((1, None, 1), "pcwcp", "pcwcp");
    }

    #[test]
    fn the_first_result_holds_at_once() {
        check((3, None, 3), "c", "c");
        check((3, None, 3), "p", "p");
    }

    #[test]
    fn it_takes_as_many_in_a_row() {
        check((3, None, 0), "cppcppp", "c--c--p");
        check((0, None, 3), "pccpccc", "p--p--c");
        check((2, None, 2), "pcwcwcc", "p-----c");
    }

    #[test]
    fn a_warning_is_a_success() {
        check((2, None, 0), "cww", "c-w");
    }

    #[test]
    fn failures_warn_before_they_are_critical() {
        check((0, Some(2), 4), "pcccccp", "p-wwccp");
        check((0, Some(0), 2), "pcc", "pwc");
    }

    #[test]
    fn the_steps_that_are_told_are_those_that_are_taken() {
        let counts = [0, 1, 2, 3, 5];
        for success in counts {
            for warning in [None, Some(0), Some(1), Some(2), Some(3), Some(5)] {
                for critical in counts {
                    let rule = Thresholds {
                        success_before_passing: success,
                        failures_before_warning: warning,
                        failures_before_critical: critical,
                    };
                    taken(rule, CheckStatus::Passing, CheckStatus::Critical);
                    taken(rule, CheckStatus::Critical, CheckStatus::Passing);
                }
            }
        }
    }

    #[track_caller]
    fn taken(rule: Thresholds, result: CheckStatus, before: CheckStatus) {
        let mut judge = Judge::new(rule);
        let mut stands = judge.judge(before);
        let mut steps = Vec::new();
        for count in 1..=6 {
            let now = judge.judge(result);
            if now.is_some() && now != stands {
                steps.extend(now.map(|status| (count, status)));
                stands = now;
            }
        }
        assert_eq!(rule.steps(result), steps, "{rule:?}, {} after {}", result.name(), before.name());
    }
}
