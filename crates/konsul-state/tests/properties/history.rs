//! What may happen in a history: steps over few names, so that they meet.

use konsul_types::{Behavior, CheckStatus};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Keys that lie in, beside and on top of each other.
pub(crate) const KEYS: [&str; 14] = [
    "a",
    "a/",
    "a/b",
    "a/b/",
    "a/b/c",
    "a/b/d/e",
    "a//c",
    "ab",
    "b/x",
    "/",
    " s",
    "é/é",
    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/x",
    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/",
];

/// Prefixes that are asked after each step, beside the keys.
pub(crate) const PREFIXES: [&str; 9] = [
    "",
    "a/b/d",
    "a/b/d/",
    "a//",
    "b",
    "b/",
    "é",
    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/",
    "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/",
];

/// The namespaces.
pub(crate) const NAMESPACES: [&str; 2] = ["default", "team"];

/// Which index a condition names, seen from the state that it meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guess {
    Zero,
    Right,
    Wrong,
}

/// On what condition a put happens; sessions by number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Set,
    Cas(Guess),
    Acquire(u8),
    Release(u8),
}

/// A write on keys; keys by number.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Put { key: usize, value: u8, flags: u64, mode: Mode, ttl: Option<u64> },
    Delete { key: usize, cas: Option<Guess> },
    DeleteTree { prefix: usize, cut: usize },
}

/// A member of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    Write(Write),
    Get(usize),
    GetOrEmpty(usize),
    CheckIndex(usize, Guess),
    CheckSession(usize, u8),
    CheckNotExists(usize),
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(usize, Write),
    Txn(Vec<(usize, Member)>),
    SessionCreate {
        ns: usize,
        id: u8,
        node: u8,
        behavior: Behavior,
        delay: u64,
        ttl: Option<u64>,
        checked: bool,
    },
    SessionDestroy {
        ns: usize,
        id: u8,
    },
    SessionRenew {
        ns: usize,
        id: u8,
    },
    /// Names the renewal number that is right, or one less.
    SessionExpire {
        ns: usize,
        id: u8,
        late: bool,
        term: Guess,
    },
    KvExpire {
        ns: usize,
        key: usize,
        guess: Guess,
    },
    Node(u8),
    NodeRemove(u8),
    Check(u8, CheckStatus),
    CheckRemove(u8),
    Fire,
    LeaderStart,
    Reap(u64),
    Blank(u64),
    Backup,
    Restore,
    /// Sends an earlier command again, under the request id that it had.
    Again(usize),
    /// Goes on with what comes back from a snapshot.
    Snapshot,
}

/// A step, when it comes, and whether it carries a request id.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Milliseconds since the step before; the stamp may also go back.
    pub(crate) later: i64,
    pub(crate) request: bool,
    pub(crate) step: Step,
}

/// Histories of up to so many steps. They begin with nodes, checks and sessions, so that something can be lost.
pub(crate) fn histories(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    (vec(session_create(), 3), vec(entry(), 1..most)).prop_map(|(sessions, entries)| {
        let nodes = (0..2).map(Step::Node);
        let checks = (0..2).map(|node| Step::Check(node, CheckStatus::Passing));
        let begin = nodes.chain(checks).chain(sessions);
        let begin = begin.map(|step| Entry { later: 1, request: false, step });
        begin.chain(entries).collect()
    })
}

/// The history of a seed, the same for ever.
pub(crate) fn of_seed(seed: u64) -> Vec<Entry> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    histories(160).new_tree(&mut runner).expect("nothing is filtered out").current()
}

fn entry() -> impl Strategy<Value = Entry> {
    let later =
        prop_oneof![6 => 0i64..2_000, 2 => 8_000i64..25_000, 1 => -5_000i64..0, 1 => 250_000i64..700_000];
    (later, any::<bool>(), step()).prop_map(|(later, request, step)| Entry { later, request, step })
}

fn ns() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0usize), 1 => Just(1)]
}

fn key() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0usize..3, 1 => 0..KEYS.len()]
}

fn guess() -> impl Strategy<Value = Guess> {
    prop_oneof![1 => Just(Guess::Zero), 3 => Just(Guess::Right), 1 => Just(Guess::Wrong)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        3 => Just(Mode::Set),
        2 => guess().prop_map(Mode::Cas),
        3 => (0u8..4).prop_map(Mode::Acquire),
        1 => (0u8..4).prop_map(Mode::Release),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let put = (key(), 0u8..3, 0u64..2, mode(), option::weighted(0.2, 1u64..20_000))
        .prop_map(|(key, value, flags, mode, ttl)| Write::Put { key, value, flags, mode, ttl });
    prop_oneof![
        6 => put,
        3 => (key(), option::of(guess())).prop_map(|(key, cas)| Write::Delete { key, cas }),
        1 => (key(), 0usize..4).prop_map(|(prefix, cut)| Write::DeleteTree { prefix, cut }),
    ]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        6 => write().prop_map(Member::Write),
        1 => key().prop_map(Member::Get),
        1 => key().prop_map(Member::GetOrEmpty),
        1 => (key(), guess()).prop_map(|(key, guess)| Member::CheckIndex(key, guess)),
        1 => (key(), 0u8..4).prop_map(|(key, id)| Member::CheckSession(key, id)),
        1 => key().prop_map(Member::CheckNotExists),
    ]
}

fn session_create() -> impl Strategy<Value = Step> {
    let behavior = prop_oneof![Just(Behavior::Release), Just(Behavior::Delete)];
    let delay = prop_oneof![Just(0u64), Just(3_000), Just(100_000)];
    let ttl = option::of(prop_oneof![Just(5_000u64), Just(10_000)]);
    (ns(), 0u8..4, 0u8..2, behavior, delay, ttl, weighted(0.2)).prop_map(
        |(ns, id, node, behavior, delay, ttl, checked)| Step::SessionCreate {
            ns,
            id,
            node,
            behavior,
            delay,
            ttl,
            checked,
        },
    )
}

fn sessions() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => session_create(),
        1 => (ns(), 0u8..4).prop_map(|(ns, id)| Step::SessionDestroy { ns, id }),
        1 => (ns(), 0u8..4).prop_map(|(ns, id)| Step::SessionRenew { ns, id }),
        2 => (ns(), 0u8..4, any::<bool>(), guess())
            .prop_map(|(ns, id, late, term)| Step::SessionExpire { ns, id, late, term }),
        1 => Just(Step::LeaderStart),
    ]
}

fn catalog() -> impl Strategy<Value = Step> {
    let status = prop_oneof![3 => Just(CheckStatus::Passing), 1 => Just(CheckStatus::Warning), 1 => Just(CheckStatus::Critical)];
    prop_oneof![
        6 => (0u8..2).prop_map(Step::Node),
        1 => (0u8..2).prop_map(Step::NodeRemove),
        6 => (0u8..2, status).prop_map(|(node, status)| Step::Check(node, status)),
        1 => (0u8..2).prop_map(Step::CheckRemove),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (ns(), write()).prop_map(|(ns, write)| Step::Write(ns, write)),
        6 => vec((ns(), member()), 0..6).prop_map(Step::Txn),
        14 => sessions(),
        5 => catalog(),
        3 => (ns(), key(), guess()).prop_map(|(ns, key, guess)| Step::KvExpire { ns, key, guess }),
        1 => Just(Step::Fire),
        4 => (0u64..30).prop_map(Step::Reap),
        1 => (1u64..1_500).prop_map(Step::Blank),
        1 => Just(Step::Backup),
        2 => Just(Step::Restore),
        6 => (0usize..40).prop_map(Step::Again),
        4 => Just(Step::Snapshot),
    ]
}
