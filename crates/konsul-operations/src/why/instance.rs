//! Why an instance that is registered is, or is not, in the answers.

use konsul_types::{Check, CheckStatus, GoDuration, Node, Service};

use super::reason::{Answer, Code, Effect, Explanation};

/// Of what is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The tags that are asked for, over HTTP or as a label in DNS.
    pub tags: &'a [&'a str],
    /// The filter expression of an HTTP request, if there is one.
    pub filter: Option<&'a str>,
    /// Whether DNS leaves out instances with a warning (`dns_config.only_passing`).
    pub dns_only_passing: bool,
    /// Most instances in an answer of DNS (`a_record_limit`, `udp_answer_limit`), if it is limited.
    pub dns_limit: Option<usize>,
    /// Whether DNS may answer from a server that knows no leader (`allow_stale`).
    pub dns_allow_stale: bool,
    /// Whether the HTTP request asks for a stale answer.
    pub http_stale: bool,
}

/// How the server stands that answers.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    /// Whether it has applied what was committed when it started.
    pub ready: bool,
    /// Whether it knows a leader.
    pub knows_leader: bool,
    /// Milliseconds since it last heard that its state is new.
    pub lag_ms: u64,
    /// Milliseconds of lag from which on an answer counts as old (`max_stale`).
    pub lag_max_ms: u64,
}

/// That a check will have its instance deregistered.
#[derive(Debug, Clone, Copy)]
pub struct Reaping<'a> {
    /// The critical check that asks for it.
    pub check: &'a str,
    /// Milliseconds until then.
    pub left_ms: u64,
}

/// What is so about an instance.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What is asked.
    pub asked: Asked<'a>,
    /// Its node.
    pub node: &'a Node,
    /// The instance.
    pub service: &'a Service,
    /// Its own checks and its node's.
    pub checks: &'a [&'a Check],
    /// Whether the filter expression fits it; true without one.
    pub passes_filter: bool,
    /// Whether the one whose view is explained may see it.
    pub permitted: bool,
    /// Whose view it is, as it may be shown: a name, never a secret.
    pub viewer: &'a str,
    /// Its place in the order of DNS, from 0, if the order is known.
    pub place: Option<usize>,
    /// How the server stands.
    pub server: Server,
    /// Which check will have it deregistered, if one will.
    pub reaping: Option<Reaping<'a>>,
}

const EVERYWHERE: &[Answer] = &Answer::ALL;
const HTTP: &[Answer] = &[Answer::Health, Answer::HealthPassing];
const BY_HEALTH: &[Answer] = &[Answer::Dns, Answer::HealthPassing];

/// Why the instance is, or is not, in each [`Answer`].
pub fn explain(facts: &Facts<'_>) -> Explanation {
    let mut why = Explanation::default();
    server(facts, &mut why);
    facts.checks.iter().for_each(|check| of_check(facts, check, &mut why));
    names(facts, &mut why);
    asked(facts, &mut why);
    place(facts, &mut why);
    reaping(facts, &mut why);
    why.sorted()
}

/// For DNS and HTTP alike.
pub(super) fn server_state(server: Server, asked: Asked<'_>, why: &mut Explanation) {
    if !server.ready {
        let sentence = "the server has not yet applied what was committed when it started, and answers with errors until \
                        it has";
        why.add(Code::ServerNotReady, Effect::Hides, EVERYWHERE, sentence.into());
    }
    if !server.knows_leader {
        let mut answers = if asked.http_stale { Vec::new() } else { HTTP.to_vec() };
        answers.extend((!asked.dns_allow_stale).then_some(Answer::Dns));
        let sentence = "the server knows no leader, and only stale reads are answered";
        why.add(Code::NoLeader, Effect::Hides, &answers, sentence.into());
    }
    if server.lag_ms > server.lag_max_ms {
        let (lag, max) = (span(server.lag_ms), span(server.lag_max_ms));
        let sentence = format!("the server's state may be {lag} old, more than the {max} that are allowed");
        why.add(Code::StateStale, Effect::Warns, EVERYWHERE, sentence);
    }
}

fn server(facts: &Facts<'_>, why: &mut Explanation) {
    server_state(facts.server, facts.asked, why);
}

pub(super) fn span(ms: u64) -> GoDuration {
    GoDuration::from_millis(ms)
}

/// A check of the node counts for each instance on it, one of an instance for that one alone.
fn of_check(facts: &Facts<'_>, check: &Check, why: &mut Explanation) {
    match check.status {
        CheckStatus::Passing => {}
        CheckStatus::Critical => critical(facts, check, why),
        CheckStatus::Warning => {
            let mut answers = vec![Answer::HealthPassing];
            answers.extend(facts.asked.dns_only_passing.then_some(Answer::Dns));
            let sentence =
                format!("{} warns, and only passing instances are asked for{}", named(check), said(check));
            why.add(Code::WarningWithOnlyPassing, Effect::Hides, &answers, sentence);
        }
    }
}

fn critical(facts: &Facts<'_>, check: &Check, why: &mut Explanation) {
    let reason = if check.notes.is_empty() { String::new() } else { format!(": {}", one_line(&check.notes)) };
    let id = check.id.as_str();
    let (code, sentence) = if id == "_node_maintenance" {
        (Code::NodeMaintenance, format!("node '{}' is in maintenance{reason}", facts.node.name))
    } else if id.starts_with("_service_maintenance:") {
        (Code::ServiceMaintenance, format!("instance '{}' is in maintenance{reason}", facts.service.id))
    } else {
        let code = if check.service.is_some() { Code::CriticalCheck } else { Code::NodeCheckCritical };
        (code, format!("{} is critical{}", named(check), said(check)))
    };
    why.add(code, Effect::Hides, BY_HEALTH, sentence);
}

fn named(check: &Check) -> String {
    match &check.service {
        Some(service) => format!("check '{}' of instance '{}'", check.id, service.id),
        None => format!("check '{}' of node '{}'", check.id, check.node),
    }
}

/// What a check last said.
fn said(check: &Check) -> String {
    if check.output.is_empty() { String::new() } else { format!(": {}", one_line(&check.output)) }
}

/// Most characters of foreign text in a sentence.
const EXCERPT_MAX: usize = 160;

/// The first line of a text, as far as it belongs into a sentence.
fn one_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let mut excerpt: String =
        line.chars().take(EXCERPT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if excerpt.len() < text.trim().len() {
        excerpt.push('…');
    }
    excerpt
}

/// Names that no question in DNS can hold, and addresses that no answer can.
fn names(facts: &Facts<'_>, why: &mut Explanation) {
    let name = facts.service.name.as_str();
    if !is_dns_label(name) {
        let sentence = format!(
            "the name '{name}' cannot be asked for in DNS, where a label holds up to 63 bytes, and it has {}",
            name.len()
        );
        why.add(Code::NotDnsName, Effect::Hides, &[Answer::Dns], sentence);
    }
    if facts.service.address.is_empty() && facts.node.address.is_empty() {
        let sentence = format!("neither the instance nor node '{}' has an address", facts.node.name);
        why.add(Code::NoAddress, Effect::Hides, &[Answer::Dns], sentence);
    }
}

/// Whether a question can hold a name: DNS takes any byte in a label, and so do we, a dot as `\.`.
fn is_dns_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
}

fn asked(facts: &Facts<'_>, why: &mut Explanation) {
    for tag in facts.asked.tags.iter().filter(|tag| !facts.service.tags.has(tag)) {
        let has: Vec<&str> = facts.service.tags.iter().collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        let sentence = format!("tag '{tag}' is asked for; the instance's tags are: {has}");
        why.add(Code::TagMissing, Effect::Hides, EVERYWHERE, sentence);
    }
    if let Some(filter) = facts.asked.filter.filter(|_| !facts.passes_filter) {
        let sentence = format!("the filter does not fit it: {}", one_line(filter));
        why.add(Code::FilterExcluded, Effect::Hides, HTTP, sentence);
    }
    if !facts.permitted {
        let (viewer, name) = (facts.viewer, &facts.service.name);
        let sentence = format!(
            "{viewer} may not read service '{name}' on node '{}': service:read and node:read are needed",
            facts.node.name
        );
        why.add(Code::PermissionDenied, Effect::Hides, EVERYWHERE, sentence);
    }
}

fn place(facts: &Facts<'_>, why: &mut Explanation) {
    if weight(facts) == 0 {
        let sentence =
            "its weight is zero now, so whoever chooses by weight uses it only when nothing else is left";
        why.add(Code::WeightZero, Effect::Warns, EVERYWHERE, sentence.into());
    }
    let beyond = facts.asked.dns_limit.zip(facts.place).filter(|(limit, place)| place >= limit);
    if let Some((limit, place)) = beyond {
        let sentence =
            format!("DNS answers hold {limit} instances, and it was number {} of this answer", place + 1);
        why.add(Code::BeyondLimit, Effect::Hides, &[Answer::Dns], sentence);
    }
}

/// The weight of its status. One that is critical is left out for that and not for its weight.
fn weight(facts: &Facts<'_>) -> u16 {
    match facts.checks.iter().map(|check| check.status).max() {
        Some(CheckStatus::Warning) => facts.service.weights.warning,
        _ => facts.service.weights.passing,
    }
}

fn reaping(facts: &Facts<'_>, why: &mut Explanation) {
    if let Some(Reaping { check, left_ms }) = facts.reaping {
        let sentence = format!(
            "check '{check}' is critical and will have the instance deregistered in {} unless it recovers",
            span(left_ms)
        );
        why.add(Code::AboutToBeReaped, Effect::Warns, EVERYWHERE, sentence);
    }
}
