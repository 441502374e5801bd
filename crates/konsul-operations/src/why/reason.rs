//! What an explanation consists of.

use std::fmt;

/// An answer that an instance may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// DNS answers for its service.
    Dns,
    /// Health answers for its service, whatever its checks say.
    Health,
    /// Health answers that are restricted to passing instances.
    HealthPassing,
}

impl Answer {
    /// All of them.
    pub const ALL: [Answer; 3] = [Answer::Dns, Answer::Health, Answer::HealthPassing];

    /// `dns`, `health` or `health_passing`.
    pub fn name(self) -> &'static str {
        match self {
            Answer::Dns => "dns",
            Answer::Health => "health",
            Answer::HealthPassing => "health_passing",
        }
    }
}

/// What a reason does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The instance is not in the answer.
    Hides,
    /// The answer may change or mislead.
    Warns,
}

impl Effect {
    /// `hides` or `warns`.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Hides => "hides",
            Effect::Warns => "warns",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal;)*) => {
        /// A cause. The names are stable: programs may compare them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A check of the instance is critical.
    CriticalCheck = "critical_check";
    /// A check of its node is critical.
    NodeCheckCritical = "node_check_critical";
    /// A check warns, and only passing instances are asked for.
    WarningWithOnlyPassing = "warning_with_only_passing";
    /// The instance is in maintenance.
    ServiceMaintenance = "service_maintenance";
    /// Its node is in maintenance.
    NodeMaintenance = "node_maintenance";
    /// It lacks a tag that is asked for.
    TagMissing = "tag_missing";
    /// The filter expression does not fit it.
    FilterExcluded = "filter_excluded";
    /// Whoever asks may not see it.
    PermissionDenied = "permission_denied";
    /// Its weight is zero now.
    WeightZero = "weight_zero";
    /// It stands beyond the answer's limit.
    BeyondLimit = "beyond_limit";
    /// The name cannot be asked for in DNS.
    NotDnsName = "not_dns_name";
    /// Neither the instance nor its node has an address.
    NoAddress = "no_address";
    /// The server has not caught up since its start.
    ServerNotReady = "server_not_ready";
    /// The server knows no leader.
    NoLeader = "no_leader";
    /// The server's state is old.
    StateStale = "state_stale";
    /// It is about to be deregistered.
    AboutToBeReaped = "about_to_be_reaped";
    /// It was deregistered after having been critical for too long.
    Reaped = "reaped";
    /// The agent has it, the catalogue not yet.
    NotSynced = "not_synced";
    /// A service of this name is in another namespace.
    WrongNamespace = "wrong_namespace";
    /// No instance of this name is registered.
    NotRegistered = "not_registered";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub code: Code,
    /// What it does.
    pub effect: Effect,
    /// Where.
    pub answers: Vec<Answer>,
    /// For people: what is so, and what would change it.
    pub sentence: String,
}

/// All causes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// Those that hide first, otherwise in the order in which answers are made.
    pub reasons: Vec<Reason>,
}

impl Explanation {
    /// Whether the instance is in an answer.
    pub fn is_in(&self, answer: Answer) -> bool {
        self.hiding(answer).next().is_none()
    }

    /// Why it is not in an answer.
    pub fn hiding(&self, answer: Answer) -> impl Iterator<Item = &Reason> {
        self.reasons
            .iter()
            .filter(move |reason| reason.effect == Effect::Hides && reason.answers.contains(&answer))
    }

    pub(super) fn add(&mut self, code: Code, effect: Effect, answers: &[Answer], sentence: String) {
        if !answers.is_empty() {
            self.reasons.push(Reason { code, effect, answers: answers.to_vec(), sentence });
        }
    }

    /// Hiding ones first; stable, so that the order of making stays within.
    pub(super) fn sorted(mut self) -> Explanation {
        self.reasons.sort_by_key(|reason| reason.effect);
        self
    }
}
