//! Streams of what changes in the catalogue: each difference once, also over cuts, and nobody wakes for others'.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context as Waiting, Poll, Waker};

use konsul_operations::Operations;
use konsul_operations::arguments::{EventFire, ServiceList};
use konsul_operations::ports::Replica as _;
use konsul_operations::watch::{
    EventSelect, Place, Record, RecordSelect, RecordWatch, ServiceSelect, WatchEvent, Watching,
};
use konsul_types::{CheckStatus, Node, Pairs, Value};

use crate::support::*;

type Stream = Box<dyn Watching>;

fn of(name: &str, passing: bool) -> RecordSelect {
    RecordSelect::Service(ServiceSelect {
        name: service_name(name),
        tags: Vec::new(),
        passing,
        node_meta: Pairs::default(),
        filter: String::new(),
    })
}

fn every() -> Vec<RecordSelect> {
    vec![
        of("web", false),
        of("web", true),
        RecordSelect::Services,
        RecordSelect::Node(node_name("n1")),
        RecordSelect::Checks(None),
        RecordSelect::Checks(Some(CheckStatus::Critical)),
    ]
}

async fn watch(ops: &Ops, select: RecordSelect, initial: bool, from: Option<Place>) -> Stream {
    ops.watch_records(&ctx(), RecordWatch { select, initial, old_values: true, from }).await.unwrap()
}

/// A record in a few words: what identifies it, and what of it a test cares about.
fn words(record: &Record) -> String {
    match record {
        Record::Instance(one) => {
            format!("{}/{} {}", one.node.name, one.service.id, one.status().name())
        }
        Record::Service(one) => format!("{} {}/{}/{}", one.name, one.passing, one.warning, one.critical),
        Record::Node(one) => format!("{} {}", one.name, one.address),
        Record::Check(one) => format!("{}/{} {}", one.node, one.id, one.status.name()),
        Record::Event(one) => format!("{} {}", one.name, one.ltime),
    }
}

fn line(event: &WatchEvent) -> String {
    match event {
        WatchEvent::Record(change) => {
            let old = change.old.as_ref().map(|old| format!(" was {}", words(old))).unwrap_or_default();
            format!("{:?} {}{old}", change.kind, words(&change.record)).to_lowercase()
        }
        WatchEvent::Present { record, .. } => format!("present {}", words(record)),
        WatchEvent::Ready { .. } => "ready".into(),
        WatchEvent::Reset { reason, .. } => format!("reset {}", reason.code()),
        other => format!("{other:?}"),
    }
}

async fn event(stream: &mut Stream) -> WatchEvent {
    poll_fn(|cx| stream.poll_next(cx)).await
}

async fn lines(stream: &mut Stream, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(line(&event(stream).await));
    }
    lines
}

/// What is there to be told already.
fn told(stream: &mut Stream) -> Vec<WatchEvent> {
    let mut cx = Waiting::from_waker(Waker::noop());
    let mut events = Vec::new();
    let mut quiet = 0;
    // A stream that has much to look at lets others run in between.
    while quiet < 64 {
        match stream.poll_next(&mut cx) {
            Poll::Ready(event) => {
                quiet = 0;
                events.push(event);
            }
            Poll::Pending => quiet += 1,
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_come_change_leave_enter_and_go() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "b", "web", CheckStatus::Critical).await;
    let mut all = watch(ops, of("web", false), true, None).await;
    let mut passing = watch(ops, of("web", true), true, None).await;
    assert_eq!(lines(&mut all, 3).await, ["present n1/a passing", "present n2/b critical", "ready"]);
    assert_eq!(lines(&mut passing, 2).await, ["present n1/a passing", "ready"]);

    result(ops, "n1", "a", "web", CheckStatus::Critical, "gone").await;
    assert_eq!(lines(&mut all, 1).await, ["changed n1/a critical was n1/a passing"]);
    assert_eq!(lines(&mut passing, 1).await, ["left n1/a critical was n1/a passing"]);
    result(ops, "n1", "a", "web", CheckStatus::Passing, "back").await;
    assert_eq!(lines(&mut all, 1).await, ["changed n1/a passing was n1/a critical"]);
    assert_eq!(lines(&mut passing, 1).await, ["entered n1/a passing was n1/a critical"]);

    // What a check says is news to who sees checks, and none to who asked for passing ones.
    result(ops, "n1", "a", "web", CheckStatus::Passing, "a little slower").await;
    assert_eq!(lines(&mut all, 1).await, ["changed n1/a passing was n1/a passing"]);
    // A node's own check is its instances'.
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Warning)]).await;
    assert_eq!(lines(&mut all, 1).await, ["changed n1/a warning was n1/a passing"]);
    assert_eq!(lines(&mut passing, 1).await, ["left n1/a warning was n1/a passing"]);
    deregister(ops, "n1", None, Some("disk")).await;
    assert_eq!(lines(&mut all, 1).await, ["changed n1/a passing was n1/a warning"]);
    assert_eq!(lines(&mut passing, 1).await, ["entered n1/a passing was n1/a warning"]);

    register(ops, node("n3"), Some(service("n3", "c", "web", &[])), vec![]).await;
    assert_eq!(lines(&mut all, 1).await, ["added n3/c passing"]);
    assert_eq!(lines(&mut passing, 1).await, ["added n3/c passing"]);
    // The same id under another name is gone from here, and a node takes its instances along.
    register(ops, node("n3"), Some(service("n3", "c", "api", &[])), vec![]).await;
    assert_eq!(lines(&mut all, 1).await, ["removed n3/c passing was n3/c passing"]);
    assert_eq!(lines(&mut passing, 1).await, ["removed n3/c passing was n3/c passing"]);
    deregister(ops, "n2", None, None).await;
    assert_eq!(lines(&mut all, 1).await, ["removed n2/b critical was n2/b critical"]);
    deregister(ops, "n1", Some("a"), None).await;
    assert_eq!(lines(&mut all, 1).await, ["removed n1/a passing was n1/a passing"]);
    assert_eq!(lines(&mut passing, 1).await, ["removed n1/a passing was n1/a passing"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_decides_who_is_told() {
    let server = start().await;
    let ops = &server.operations;
    let select = |tags: &[&str], filter: &str| {
        RecordSelect::Service(ServiceSelect {
            name: service_name("web"),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            passing: false,
            node_meta: Pairs::default(),
            filter: filter.into(),
        })
    };
    let mut tagged = watch(ops, select(&["V1"], ""), false, None).await;
    let mut filtered =
        watch(ops, select(&[], "Service.Port == 80 and Node.Address == \"10.0.0.9\""), false, None).await;
    assert_eq!(
        (lines(&mut tagged, 1).await, lines(&mut filtered, 1).await),
        (vec!["ready".into()], vec!["ready".into()])
    );
    register(ops, node("n1"), Some(service("n1", "a", "web", &["v2"])), vec![]).await;
    register(ops, node("n1"), Some(service("n1", "a", "web", &["v1"])), vec![]).await;
    assert_eq!(lines(&mut tagged, 1).await, ["entered n1/a passing was n1/a passing"]);
    register(ops, node("n1"), Some(service("n1", "a", "web", &["v2"])), vec![]).await;
    assert_eq!(lines(&mut tagged, 1).await, ["left n1/a passing was n1/a passing"]);
    register(ops, Node { address: "10.0.0.9".into(), ..node("n1") }, None, vec![]).await;
    assert_eq!(lines(&mut filtered, 1).await, ["entered n1/a passing was n1/a passing"]);
    let bad = RecordWatch {
        select: select(&[], "Service.Colour == 1"),
        initial: false,
        old_values: false,
        from: None,
    };
    let refused = ops.watch_records(&ctx(), bad).await;
    assert!(matches!(refused, Err(konsul_operations::Error::BadFilter(_))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_of_one_service_sleeps_through_the_changes_of_another() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "d", "db", CheckStatus::Passing).await;
    let mut web = watch(ops, of("web", false), false, None).await;
    let mut passing = watch(ops, of("web", true), false, None).await;
    let mut n1 = watch(ops, RecordSelect::Node(node_name("n1")), false, None).await;
    for stream in [&mut web, &mut passing, &mut n1] {
        assert_eq!(told(stream).iter().map(line).collect::<Vec<_>>(), ["ready"]);
    }
    let before = ops.replica().feed().stats();
    instance(ops, "n2", "e", "db", CheckStatus::Critical).await;
    result(ops, "n2", "d", "db", CheckStatus::Warning, "slow").await;
    register(ops, Node { address: "10.0.0.9".into(), ..node("n2") }, None, vec![]).await;
    register(ops, node("n2"), None, vec![node_check("n2", "disk", CheckStatus::Critical)]).await;
    let after = ops.replica().feed().stats();
    assert_eq!((after.wakeups, after.visited), (before.wakeups, before.visited));
    // A quiet stream's place moves on with the log.
    assert_eq!(web.place().index, ops.replica().feed().head());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_nodes_and_checks_have_their_own_streams() {
    let server = start().await;
    let ops = &server.operations;
    let mut services = watch(ops, RecordSelect::Services, true, None).await;
    let mut on_node = watch(ops, RecordSelect::Node(node_name("N1")), true, None).await;
    let mut critical = watch(ops, RecordSelect::Checks(Some(CheckStatus::Critical)), true, None).await;
    assert_eq!(told(&mut on_node).iter().map(line).collect::<Vec<_>>(), ["ready"]);
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "b", "web", CheckStatus::Passing).await;
    result(ops, "n1", "a", "web", CheckStatus::Critical, "no").await;
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Critical)]).await;
    result(ops, "n1", "a", "web", CheckStatus::Passing, "yes").await;
    deregister(ops, "n1", None, None).await;
    deregister(ops, "n2", Some("b"), None).await;
    let expect = [
        "ready",
        "added web 1/0/0",
        "changed web 2/0/0 was web 1/0/0",
        "changed web 1/0/1 was web 2/0/0",
        "changed web 1/0/0 was web 1/0/1",
        "removed web 1/0/0 was web 1/0/0",
    ];
    assert_eq!(lines(&mut services, expect.len()).await, expect);
    let expect = [
        "added n1 10.0.0.1",
        "added n1/a passing",
        "changed n1/a critical was n1/a passing",
        "added n1/disk critical",
        "changed n1/a critical was n1/a critical",
        "changed n1/a critical was n1/a critical",
        "removed n1 10.0.0.1 was n1 10.0.0.1",
        "removed n1/disk critical was n1/disk critical",
        "removed n1/a critical was n1/a critical",
    ];
    assert_eq!(lines(&mut on_node, expect.len()).await, expect);
    let expect = [
        "ready",
        "entered n1/c-a critical was n1/c-a passing",
        "added n1/disk critical",
        "left n1/c-a passing was n1/c-a critical",
        "removed n1/disk critical was n1/disk critical",
    ];
    assert_eq!(lines(&mut critical, expect.len()).await, expect);
    server.stop().await;
}

/// A small generator: the sequence is the test's own, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn anything(ops: &Ops, dice: &mut Dice) {
    let statuses = [CheckStatus::Passing, CheckStatus::Warning, CheckStatus::Critical];
    let on = ["n1", "n2", "n3"][dice.below(3) as usize];
    let (id, name) = [("a", "web"), ("b", "web"), ("c", "db")][dice.below(3) as usize];
    let status = statuses[dice.below(3) as usize];
    match dice.below(9) {
        0..3 => instance(ops, on, id, name, status).await,
        3 => {
            let address = format!("10.0.0.{}", dice.below(3));
            register(ops, Node { address, ..node(on) }, None, vec![]).await;
        }
        4 => register(ops, node(on), None, vec![node_check(on, "disk", status)]).await,
        5 => deregister(ops, on, Some(id), None).await,
        6 => deregister(ops, on, None, Some("disk")).await,
        7 => deregister(ops, on, None, None).await,
        // The id goes from one service to another.
        _ => {
            let other = if name == "web" { "db" } else { "web" };
            register(ops, node(on), Some(service(on, id, other, &[])), vec![]).await;
        }
    }
}

/// What a client knows who applies what it is told.
fn apply(known: &mut BTreeMap<String, String>, event: &WatchEvent) {
    let (gone, record) = match event {
        WatchEvent::Present { record, .. } => (false, record),
        WatchEvent::Record(change) => {
            use konsul_operations::watch::RecordKind::{Left, Removed};
            (matches!(change.kind, Left | Removed), &change.record)
        }
        _ => return,
    };
    let of = match record {
        Record::Instance(_) => "instance",
        Record::Check(_) => "check",
        _ => "other",
    };
    let text = words(record);
    let key = format!("{of} {}", text.split(' ').next().unwrap());
    if gone {
        known.remove(&key)
    } else {
        known.insert(key, text)
    };
}

/// What there is, as a stream of the same question would tell it.
async fn now(ops: &Ops, select: &RecordSelect) -> BTreeMap<String, String> {
    let mut stream = watch(ops, select.clone(), true, None).await;
    let mut known = BTreeMap::new();
    told(&mut stream).iter().for_each(|event| apply(&mut known, event));
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_after_each_event_is_told_what_an_uncut_one_is() {
    let server = start().await;
    let ops = &server.operations;
    let mut dice = Dice(7);
    for _ in 0..20 {
        anything(ops, &mut dice).await;
    }
    let mut whole = Vec::new();
    for select in every() {
        whole.push((watch(ops, select.clone(), true, None).await, select, Vec::new()));
    }
    let begun: Vec<Place> = {
        let mut begun = Vec::new();
        for (stream, _, events) in &mut whole {
            events.extend(told(stream));
            assert!(matches!(events.last(), Some(WatchEvent::Ready { .. })));
            begun.push(events.last().unwrap().place());
        }
        begun
    };
    for round in 0..300 {
        anything(ops, &mut dice).await;
        if round % 3 == 0 {
            // Some are read at once, and some fall behind by several entries.
            for (stream, _, events) in &mut whole {
                events.extend(told(stream));
            }
        }
    }
    for ((mut stream, select, mut events), begun) in whole.into_iter().zip(begun) {
        events.extend(told(&mut stream));
        let mut known = BTreeMap::new();
        events.iter().for_each(|event| apply(&mut known, event));
        assert_eq!(known, now(ops, &select).await, "{select:?}: what is told adds up to what there is");
        let indexes: Vec<_> = events.iter().map(|event| event.place().index).collect();
        assert!(indexes.is_sorted(), "{select:?}");

        let changes: Vec<String> =
            events.iter().filter(|event| matches!(event, WatchEvent::Record(_))).map(line).collect();
        assert!(changes.len() > 20, "{select:?} saw {} changes", changes.len());
        let (mut place, mut resumed) = (begun, Vec::new());
        while resumed.len() < changes.len() {
            let mut stream = watch(ops, select.clone(), false, Some(place)).await;
            assert_eq!(line(&event(&mut stream).await), "ready");
            let next = event(&mut stream).await;
            place = next.place();
            resumed.push(line(&next));
        }
        assert_eq!(resumed, changes, "{select:?}");
        let mut stream = watch(ops, select.clone(), false, Some(place)).await;
        assert_eq!(told(&mut stream).iter().map(line).collect::<Vec<_>>(), ["ready"], "{select:?}");
    }
    let listed = ops.service_list(&ctx(), ServiceList::default()).await.unwrap().value;
    let counted: BTreeMap<String, String> = listed
        .into_iter()
        .map(|one| (format!("other {}", one.name), words(&Record::Service(Box::new(one)))))
        .collect();
    assert_eq!(now(ops, &RecordSelect::Services).await, counted);
    server.stop().await;
}

async fn fire(ops: &Ops, name: &str, node: &str, service: &str) {
    let args = EventFire {
        name: name.into(),
        payload: Value::default(),
        node_filter: node.into(),
        service_filter: service.into(),
        tag_filter: String::new(),
    };
    ops.event_fire(&ctx(), args).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_once_and_in_order_as_long_as_they_are_kept_anywhere() {
    let server = start().await;
    let ops = &server.operations;
    let events = |name: Option<&str>, node: Option<&str>, service: Option<&str>| {
        let receiver = konsul_operations::arguments::Receiver {
            node: node.map(str::to_owned),
            service: service.map(str::to_owned),
            tag: None,
        };
        RecordSelect::Events(EventSelect { name: name.map(str::to_owned), receiver })
    };
    let deploys = events(Some("deploy"), None, None);
    fire(ops, "deploy", "", "").await;
    fire(ops, "note", "", "").await;
    let mut stream = watch(ops, deploys.clone(), true, None).await;
    assert_eq!(lines(&mut stream, 2).await, ["present deploy 1", "ready"]);
    let mut elsewhere = watch(ops, events(None, Some("far-7"), Some("web")), false, None).await;
    assert_eq!(lines(&mut elsewhere, 1).await, ["ready"]);
    fire(ops, "deploy", "^far-", "").await;
    fire(ops, "deploy", "", "^web$").await;
    fire(ops, "deploy", "", "").await;
    assert_eq!(
        lines(&mut stream, 1).await,
        ["fired deploy 5"],
        "not for this node, and for no instance of its"
    );
    assert_eq!(lines(&mut elsewhere, 3).await, ["fired deploy 3", "fired deploy 4", "fired deploy 5"]);

    // The feed begins anew as after a restart, and the state has kept all that was missed.
    let place = stream.place();
    fire(ops, "deploy", "", "").await;
    fire(ops, "deploy", "", "").await;
    let feed = ops.replica().feed();
    feed.reset(feed.head());
    let mut resumed = watch(ops, deploys.clone(), false, Some(place)).await;
    assert_eq!(lines(&mut resumed, 3).await, ["ready", "fired deploy 6", "fired deploy 7"]);
    let within = {
        let mut resumed = watch(ops, deploys.clone(), false, Some(place)).await;
        assert_eq!(lines(&mut resumed, 2).await, ["ready", "fired deploy 6"]);
        resumed.place()
    };
    let mut resumed = watch(ops, deploys.clone(), false, Some(within)).await;
    assert_eq!(lines(&mut resumed, 2).await, ["ready", "fired deploy 7"]);
    // One that is kept nowhere any more is not passed over in silence.
    for _ in 0..256 {
        fire(ops, "note", "", "").await;
    }
    feed.reset(feed.head());
    let mut resumed = watch(ops, deploys, false, Some(within)).await;
    assert_eq!(lines(&mut resumed, 2).await, ["reset fell_out", "ready"]);
    server.stop().await;
}
