//! The feed beside a naive model, which keeps everything for ever and compares by [`Topic::concerns`] alone.

use std::fmt::Debug;

use konsul_types::{Change, ChangeSet, Index};
use konsul_watch::{Delivery, Feed, FeedLimits, Parked, ResetReason, Start, Subscription, Topic, Wake};
use proptest::prelude::*;

use super::{
    check, event, instances, kv_in, lock, lock_waiter, node, node_name, ns, service, service_name, session,
    session_id, set,
};

/// One step of a history. Numbers choose among what there is.
#[derive(Debug, Clone)]
pub enum Step {
    /// Publishes sets in one call, each so many indexes after the one before.
    Publish(Vec<(u64, Vec<Change>)>),
    Reset {
        ahead: u64,
    },
    Subscribe {
        topic: Topic,
        from: Option<i64>,
    },
    /// Asks a subscription so many times.
    Take {
        which: usize,
        times: usize,
    },
    /// Drops a subscription and makes one that resumes at its position, or at what it was last delivered.
    Cut {
        which: usize,
        at_position: bool,
    },
    Park {
        topic: Topic,
        after: i64,
    },
    Unpark {
        which: usize,
    },
    /// A parked reader tells at which index it has read.
    Read {
        which: usize,
        at: i64,
    },
}

pub fn topic() -> impl Strategy<Value = Topic> {
    let namespace = || prop_oneof![Just(ns("default")), Just(ns("b"))];
    let key = || "[ab/]{1,3}".prop_map(|text| super::key(&text));
    prop_oneof![
        4 => (namespace(), key()).prop_map(|(ns, key)| Topic::Key(ns, key)),
        4 => (namespace(), "[ab/]{0,3}").prop_map(|(ns, prefix)| Topic::Prefix(ns, prefix.into())),
        1 => namespace().prop_map(Topic::Namespace),
        1 => namespace().prop_map(Topic::Sessions),
        1 => (namespace(), 0..3u128).prop_map(|(ns, id)| Topic::Session(ns, session_id(id))),
        1 => (namespace(), "[ab]").prop_map(|(ns, name)| Topic::Lock(ns, super::lock_name(&name))),
        1 => (namespace(), "[ab]", 0..2u128).prop_map(|(ns, name, id)| {
            Topic::LockWaiter(ns, super::lock_name(&name), session_id(id))
        }),
        1 => Just(Topic::Nodes),
        1 => "[nm]".prop_map(|name| Topic::Node(node_name(&name))),
        1 => "[nm]".prop_map(|name| Topic::OnNode(node_name(&name))),
        1 => namespace().prop_map(Topic::Services),
        1 => namespace().prop_map(Topic::AnyService),
        1 => (namespace(), "[ab]").prop_map(|(ns, name)| Topic::Service(ns, service_name(&name))),
        1 => (namespace(), "[ab]").prop_map(|(ns, name)| Topic::PassingService(ns, service_name(&name))),
        1 => Just(Topic::Checks),
        1 => Just(Topic::Events),
        1 => Just(Topic::All),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let namespace = || prop_oneof![Just("default"), Just("b")];
    prop_oneof![
        80 => (namespace(), "[ab/]{1,3}").prop_map(|(ns, key)| kv_in(ns, &key)),
        10 => (namespace(), 0..3u128).prop_map(|(ns, id)| session(ns, id)),
        5 => (namespace(), "[ab]").prop_map(|(ns, name)| lock(ns, &name)),
        5 => (namespace(), "[ab]", 0..2u128).prop_map(|(ns, name, id)| lock_waiter(ns, &name, id)),
        5 => "[nm]".prop_map(|name| node(&name)),
        5 => "[nm]".prop_map(|name| check(&name)),
        5 => (namespace(), "[nm]", "[ab]").prop_map(|(ns, node, name)| service(ns, &node, &name)),
        5 => (namespace(), "[ab]", any::<bool>()).prop_map(|(ns, name, passing)| instances(ns, &name, passing)),
        5 => Just(event()),
        1 => Just(Change::Reset),
    ]
}

pub fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::vec(change(), 1..4);
    let sets = proptest::collection::vec((1..3u64, changes), 1..5);
    prop_oneof![
        8 => sets.prop_map(Step::Publish),
        1 => (0..3u64).prop_map(|ahead| Step::Reset { ahead }),
        3 => (topic(), proptest::option::of(-12..3i64)).prop_map(|(topic, from)| Step::Subscribe { topic, from }),
        8 => (any::<usize>(), 1..5usize).prop_map(|(which, times)| Step::Take { which, times }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, at_position)| Step::Cut { which, at_position }),
        4 => (topic(), -12..3i64).prop_map(|(topic, after)| Step::Park { topic, after }),
        1 => any::<usize>().prop_map(|which| Step::Unpark { which }),
        2 => (any::<usize>(), -6..3i64).prop_map(|(which, at)| Step::Read { which, at }),
    ]
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..60)
}

/// A history so short that it overflows all the time.
pub fn tight() -> FeedLimits {
    FeedLimits { entries: 6, bytes: 4000, ..FeedLimits::default() }
}

struct Subscriber {
    real: Subscription,
    topic: Topic,
    /// All that concerns it up to here was delivered, or a reset told it to read.
    knows: Index,
    /// How often the state had been replaced when it was last in step.
    replacements: usize,
}

struct Reader {
    real: Parked,
    topic: Topic,
    after: Index,
    expect: Option<Wake>,
    /// How often the state had been replaced when it parked.
    replacements: usize,
}

/// A feed, everything that was ever published to it, and everybody who reads.
pub struct World {
    feed: Feed,
    limits: FeedLimits,
    log: Vec<ChangeSet>,
    head: Index,
    replacements: usize,
    subscribers: Vec<Subscriber>,
    readers: Vec<Reader>,
    pub seen: Seen,
}

/// What a run has met; one that has met nothing proves nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub batches: usize,
    pub fell_out: usize,
    pub replaced: usize,
    pub wakes: usize,
    pub wakes_from_history: usize,
}

type Verdict = Result<(), String>;

/// By value, because most of what is compared is small or made for it.
#[allow(clippy::needless_pass_by_value)]
fn equal<T: PartialEq + Debug>(what: &str, got: T, expect: T) -> Verdict {
    if got == expect { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {expect:?}")) }
}

impl World {
    pub fn new(limits: FeedLimits) -> Self {
        Self {
            feed: Feed::new(limits),
            limits,
            log: Vec::new(),
            head: Index(0),
            replacements: 0,
            subscribers: Vec::new(),
            readers: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Takes the steps, lets everybody catch up, and leaves: any broken promise is an error.
    pub fn run(&mut self, steps: Vec<Step>) -> Verdict {
        for step in steps {
            self.step(step)?;
            self.check_readers()?;
            self.check_bounds()?;
        }
        for which in 0..self.subscribers.len() {
            while self.take(which)? {}
        }
        self.subscribers.clear();
        self.readers.clear();
        let stats = self.feed.stats();
        equal("left behind", (stats.waiting, stats.parked, stats.subscribers), (0, 0, 0))
    }

    fn step(&mut self, step: Step) -> Verdict {
        match step {
            Step::Publish(sets) => self.publish(sets),
            Step::Reset { ahead } => {
                self.head = Index(self.head.0 + ahead);
                self.replace();
                self.feed.reset(self.head);
            }
            Step::Subscribe { topic, from } => {
                let start = from.map_or(Start::Now, |from| Start::After(self.near_head(from)));
                self.subscribe(topic, start);
            }
            Step::Take { which, times } if !self.subscribers.is_empty() => {
                let which = which % self.subscribers.len();
                for _ in 0..times {
                    self.take(which)?;
                }
            }
            Step::Cut { which, at_position } if !self.subscribers.is_empty() => {
                let old = self.subscribers.swap_remove(which % self.subscribers.len());
                let at = if at_position { old.real.position() } else { old.knows };
                self.check_position(&old, at)?;
                // Over a replacement of the state a new subscription is told that history does not reach
                // back.
                self.subscribe(old.topic, Start::After(at));
            }
            Step::Park { topic, after } => self.park(topic, after),
            Step::Unpark { which } if !self.readers.is_empty() => {
                self.readers.swap_remove(which % self.readers.len());
            }
            Step::Read { which, at } if !self.readers.is_empty() => {
                self.has_read(which % self.readers.len(), at);
            }
            Step::Take { .. } | Step::Cut { .. } | Step::Unpark { .. } | Step::Read { .. } => {}
        }
        Ok(())
    }

    fn near_head(&self, offset: i64) -> Index {
        Index(self.head.0.saturating_add_signed(offset))
    }

    fn publish(&mut self, sets: Vec<(u64, Vec<Change>)>) {
        let mut published = Vec::new();
        for (ahead, changes) in sets {
            let set = set(self.head.0 + ahead, changes);
            self.head = set.index;
            published.push(set.clone());
            if set.changes.contains(&Change::Reset) {
                self.replace();
                continue;
            }
            for reader in self.readers.iter_mut().filter(|reader| reader.expect.is_none()) {
                let news = set.index > reader.after && reader.topic.concerns_set(&set);
                reader.expect = news.then_some(Wake::Changed(set.index));
                self.seen.wakes += usize::from(news);
            }
            self.log.push(set);
        }
        self.feed.publish(published);
    }

    fn replace(&mut self) {
        self.log.clear();
        self.replacements += 1;
        for reader in self.readers.iter_mut().filter(|reader| reader.expect.is_none()) {
            reader.expect = Some(Wake::Reset);
        }
    }

    fn subscribe(&mut self, topic: Topic, start: Start) {
        let knows = match start {
            Start::Now => self.head,
            Start::After(index) => index,
        };
        let real = self.feed.subscribe(topic.clone(), start).expect("within the bound");
        self.subscribers.push(Subscriber { real, topic, knows, replacements: self.replacements });
    }

    fn park(&mut self, topic: Topic, after: i64) {
        let after = self.near_head(after);
        let expect = self.told_at_once(&topic, after);
        self.seen.wakes_from_history += usize::from(expect.is_some());
        let real = self.feed.park(topic.clone(), after).expect("within the bound");
        self.readers.push(Reader { real, topic, after, expect, replacements: self.replacements });
    }

    /// What a reader that knows everything up to `after` is told at once.
    fn told_at_once(&self, topic: &Topic, after: Index) -> Option<Wake> {
        if after < self.feed.oldest() {
            return Some(Wake::Reset);
        }
        self.next_of(topic, after).map(|set| Wake::Changed(set.index))
    }

    fn has_read(&mut self, which: usize, at: i64) {
        let at = self.near_head(at);
        let reader = &mut self.readers[which];
        reader.real.has_read(at);
        reader.after = reader.after.max(at);
        if matches!(reader.expect, Some(Wake::Changed(index)) if index <= at) {
            let (topic, after, replaced) =
                (reader.topic.clone(), reader.after, reader.replacements != self.replacements);
            let expect = if replaced { Some(Wake::Reset) } else { self.told_at_once(&topic, after) };
            self.readers[which].expect = expect;
        }
    }

    fn next_of(&self, topic: &Topic, after: Index) -> Option<&ChangeSet> {
        self.log.iter().find(|set| set.index > after && topic.concerns_set(set))
    }

    /// No wake-up is missed and none is spurious (nor has another index than the first that concerns).
    fn check_readers(&self) -> Verdict {
        self.readers.iter().try_for_each(|reader| equal("parked reader", reader.real.woken(), reader.expect))
    }

    fn check_bounds(&self) -> Verdict {
        let stats = self.feed.stats();
        if stats.history_entries > self.limits.entries || stats.history_bytes > self.limits.bytes {
            return Err(format!("history is over its bounds: {stats:?}"));
        }
        equal("head", stats.head, self.head)
    }

    /// A position leaves out nothing that concerns the topic.
    fn check_position(&self, subscriber: &Subscriber, at: Index) -> Verdict {
        if at < subscriber.knows {
            return Err(format!("position {at} lies before what was delivered, {}", subscriber.knows));
        }
        match self.next_of(&subscriber.topic, subscriber.knows) {
            Some(set) if set.index <= at && subscriber.replacements == self.replacements => {
                Err(format!("position {at} skips {}", set.index))
            }
            _ => Ok(()),
        }
    }

    /// Asks a subscription once. Answers whether it had something.
    fn take(&mut self, which: usize) -> Result<bool, String> {
        let oldest = self.feed.oldest();
        let subscriber = &mut self.subscribers[which];
        let delivery = subscriber.real.try_next();
        let knows = subscriber.knows;
        let replaced = subscriber.replacements != self.replacements;
        let topic = subscriber.topic.clone();
        let expect = self.next_of(&topic, knows);
        let knows = match &delivery {
            None => {
                equal("a silent subscription's next", expect, None)?;
                equal("a silent subscription's replaced state", replaced, false)?;
                knows
            }
            Some(Delivery::Batch(batch)) => {
                equal("replaced state under a batch", replaced, false)?;
                // Ordered, unique, gapless: exactly the next of the full list.
                equal("index", Some(batch.index()), expect.map(|set| set.index))?;
                // Atomic and filtered: all of it that concerns, in order.
                let whole: Vec<_> =
                    expect.iter().flat_map(|s| &s.changes).filter(|c| topic.concerns(c)).collect();
                equal("changes", batch.changes().collect(), whole)?;
                self.seen.batches += 1;
                batch.index()
            }
            Some(Delivery::Reset { reason, resume }) => {
                match reason {
                    ResetReason::Replaced => equal("replaced without replacement", replaced, true)?,
                    ResetReason::FellOut if oldest <= knows => {
                        return Err(format!("fell out at {knows} of a history from {oldest}"));
                    }
                    ResetReason::FellOut => {}
                }
                equal("resume", *resume, self.head)?;
                self.seen.fell_out += usize::from(*reason == ResetReason::FellOut);
                self.seen.replaced += usize::from(*reason == ResetReason::Replaced);
                *resume
            }
            Some(Delivery::Bookmark(_)) => return Err("a bookmark that nobody asked for".into()),
        };
        let subscriber = &mut self.subscribers[which];
        (subscriber.knows, subscriber.replacements) = (knows, self.replacements);
        Ok(delivery.is_some())
    }
}
