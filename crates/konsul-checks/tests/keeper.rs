//! The keeper of checks in virtual time: when checks run, what is reported, and what is not.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::collections::BTreeSet;
use std::time::Duration;

use konsul_checks::{
    AddError, Added, Alias, CheckKey, Definition, Event, FlapRule, Initial, Kind, Rules, Settings,
    TargetCheck, TargetHealth, Thresholds, UpdateError,
};
use konsul_runtime::virtual_time::Sim;
use konsul_types::{CheckId, CheckStatus, Namespace};
use scripted::{World, at_once, key, seconds};

use CheckStatus::{Critical, Passing, Warning};

#[test]
fn a_check_runs_at_its_interval_and_only_changes_are_reported() {
    World::run(1, at_once(), |world| async move {
        world.add("a", world.polled(10));
        world.say("a", Passing, "up");
        world.wait(seconds(100)).await;
        assert_eq!(world.runs("a"), 10);
        assert_eq!(world.reports(), [("a".into(), Passing, "up".into())]);
        world.say("a", Critical, "down");
        world.wait(seconds(10)).await;
        world.say("a", Passing, "up");
        world.wait(seconds(10)).await;
        let seen = [("a".into(), Critical, "down".into()), ("a".into(), Passing, "up".into())];
        assert_eq!(world.reports(), seen);
        let stats = world.checks.stats();
        assert_eq!((stats.reports, stats.coalesced, stats.skipped), (3, 0, 0));
        assert_eq!((stats.runs["tcp"].passing, stats.runs["tcp"].critical), (11, 1));
        assert_eq!((stats.by_status.passing, stats.lag.sum), (1, 0));
    });
}

#[test]
fn first_runs_are_spread_over_the_interval() {
    World::run(2, at_once(), |world| async move {
        for n in 0..1000 {
            world.add(&format!("c{n}"), world.polled(10));
        }
        let mut started = Vec::new();
        for _ in 0..10 {
            let before = world.all_runs();
            world.wait(seconds(1)).await;
            started.push(world.all_runs() - before);
        }
        assert_eq!(started.iter().sum::<usize>(), 1000);
        assert!(started.iter().all(|count| (50..200).contains(count)), "{started:?}");
        // And they stay where they are.
        for (second, expected) in started.iter().enumerate() {
            let before = world.all_runs();
            world.wait(seconds(1)).await;
            assert_eq!(world.all_runs() - before, *expected, "second {second}");
        }
    });
}

#[test]
fn thresholds_count_results_in_a_row() {
    World::run(3, at_once(), |world| async move {
        let mut polled = world.polled(1);
        if let Kind::Polled(inner) = &mut polled.kind {
            inner.thresholds = Thresholds {
                success_before_passing: 2,
                failures_before_warning: Some(2),
                failures_before_critical: 3,
            };
        }
        world.say("a", Passing, "up");
        world.add("a", polled);
        world.wait(seconds(2)).await;
        world.reports();
        world.say("a", Critical, "down");
        let mut seen = Vec::new();
        for _ in 0..3 {
            world.wait(seconds(1)).await;
            seen.push(world.reports());
        }
        assert_eq!(seen[0], []);
        assert_eq!(seen[1], [("a".into(), Warning, "down".into())]);
        assert_eq!(seen[2], [("a".into(), Critical, "down".into())]);
        world.say("a", Passing, "up");
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), []);
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), [("a".into(), Passing, "up".into())]);
    });
}

#[test]
fn a_flapping_check_is_held_critical_and_says_why() {
    let rules = Rules { flaps: Some(FlapRule { changes: 4, runs: 10, steady: 3 }), ..at_once().rules };
    World::run(4, Settings { rules, ..at_once() }, |world| async move {
        world.add("a", world.polled(1));
        for n in 0..8 {
            world.say("a", if n % 2 == 0 { Passing } else { Critical }, "x");
            world.wait(seconds(1)).await;
        }
        world.say("a", Passing, "steady");
        let reports = world.reports();
        let changes = reports.iter().filter(|report| report.1 == Passing).count();
        assert_eq!(changes, 2, "from the fourth change on it is held: {reports:?}");
        world.wait(seconds(2)).await;
        let view = world.checks.view(&key("a")).unwrap();
        let why = "Flapping: 4 changes within 10 runs; held critical until 3 runs in a row do not fail";
        assert_eq!(view.status, Critical);
        assert_eq!(view.flapping.unwrap().to_string(), why);
        assert_eq!(&*view.output, format!("{why}\nsteady"));
        assert_eq!(world.checks.stats().flapping, 1);
        world.wait(seconds(1)).await;
        let view = world.checks.view(&key("a")).unwrap();
        assert_eq!((view.status, &*view.output, view.flapping), (Passing, "steady", None));
        assert_eq!(world.reports().pop().unwrap(), ("a".into(), Passing, "steady".into()));
    });
}

#[test]
fn changes_of_output_alone_are_throttled() {
    World::run(5, Settings::default(), |world| async move {
        world.say("a", Passing, "0");
        world.add("a", world.polled(10));
        world.wait(seconds(10)).await;
        assert_eq!(world.reports().len(), 1, "the first result is told at once");
        let mut told = 0;
        for n in 1..360 {
            world.say("a", Passing, &format!("{n}"));
            world.wait(seconds(10)).await;
            let view = world.checks.view(&key("a")).unwrap();
            assert_eq!(&*view.output, format!("{n}"), "the owner may look at any time");
            told += world.reports().len();
        }
        // An hour with a new output each ten seconds: between 3600 / 450 and 3600 / 150.
        assert!((7..=24).contains(&told), "{told}");
        world.say("a", Critical, "down");
        world.wait(seconds(10)).await;
        assert_eq!(world.reports().len(), 1, "a change of status is told at once");
    });
}

#[test]
fn an_output_that_returns_is_not_told() {
    World::run(6, Settings::default(), |world| async move {
        world.say("a", Passing, "same");
        world.add("a", world.polled(10));
        world.wait(seconds(10)).await;
        world.reports();
        world.say("a", Passing, "other");
        world.wait(seconds(10)).await;
        world.say("a", Passing, "same");
        world.wait(seconds(1000)).await;
        assert_eq!(world.reports(), []);
    });
}

#[test]
fn output_may_be_discarded() {
    let rules = Rules { discard_output: true, ..at_once().rules };
    World::run(7, Settings { rules, ..at_once() }, |world| async move {
        world.say("a", Passing, "secret");
        world.add("a", world.polled(10));
        world.wait(seconds(10)).await;
        world.say("a", Passing, "other");
        world.wait(seconds(10)).await;
        assert_eq!(world.reports(), [("a".into(), Passing, String::new())]);
        world.checks.set_rules(at_once().rules);
        world.wait(seconds(10)).await;
        assert_eq!(world.reports(), [("a".into(), Passing, "other".into())]);
    });
}

#[test]
fn a_registration_again_changes_nothing_or_keeps_the_status() {
    World::run(8, at_once(), |world| async move {
        world.say("a", Passing, "up");
        assert_eq!(world.add("a", world.polled(10)), Added::New);
        world.wait(seconds(10)).await;
        assert_eq!(world.reports().len(), 1);
        assert_eq!(world.add("a", world.polled(10)), Added::Unchanged);
        let runs = world.runs("a");
        world.wait(seconds(10)).await;
        assert_eq!(world.runs("a"), runs + 1);
        assert_eq!(world.add("a", world.polled(20)), Added::Replaced);
        let view = world.checks.view(&key("a")).unwrap();
        assert_eq!((view.status, &*view.output), (Passing, "up"));
        world.wait(seconds(40)).await;
        assert_eq!(world.runs("a"), runs + 3);
        assert_eq!(world.reports(), []);
    });
}

#[test]
fn what_was_removed_neither_runs_nor_reports() {
    World::run(9, at_once(), |world| async move {
        world.say("a", Passing, "up");
        world.take_long("a", seconds(5));
        world.add("a", world.polled(10));
        world.until_running("a").await;
        assert!(world.checks.remove(&key("a")));
        assert!(!world.checks.remove(&key("a")));
        world.wait(seconds(60)).await;
        assert_eq!((world.reports(), world.runs("a"), world.cut("a")), (vec![], 1, 1));
        assert_eq!(world.checks.stats().running, 0);
        assert_eq!(world.checks.keys(), []);
    });
}

#[test]
fn an_old_run_does_not_answer_for_a_new_definition() {
    World::run(10, at_once(), |world| async move {
        world.say("a", Critical, "old");
        world.take_long("a", seconds(5));
        world.add("a", world.polled(10));
        world.until_running("a").await;
        world.say("a", Passing, "new");
        world.take_long("a", Duration::ZERO);
        world.add("a", world.polled(20));
        world.wait(seconds(20)).await;
        assert_eq!(world.reports(), [("a".into(), Passing, "new".into())]);
        assert_eq!(world.cut("a"), 1);
    });
}

#[test]
fn runs_are_bounded_and_being_late_shows() {
    let settings = Settings { running_max: 2, ..at_once() };
    World::run(11, settings, |world| async move {
        for n in 0..10 {
            let name = format!("c{n}");
            world.say(&name, Passing, "up");
            world.take_long(&name, seconds(4));
            world.add(&name, world.polled(10));
        }
        // Ten runs of four seconds in ten, two at a time: 40 seconds of work where there are 20.
        world.wait(seconds(200)).await;
        assert_eq!(world.most_at_a_time(), 2);
        let stats = world.checks.stats();
        assert!(stats.skipped >= 80, "{}", stats.skipped);
        assert!(stats.waiting > 0 && stats.running == 2);
        assert!(stats.lag.sum > seconds(100).as_nanos() as u64);
        let runs: Vec<usize> = (0..10).map(|n| world.runs(&format!("c{n}"))).collect();
        assert!(runs.iter().all(|count| (8..=12).contains(count)), "each gets its turn: {runs:?}");
    });
}

#[test]
fn a_run_as_long_as_its_interval_is_followed_at_once() {
    World::run(12, at_once(), |world| async move {
        world.say("a", Passing, "up");
        world.take_long("a", seconds(10));
        world.add("a", world.polled(10));
        world.wait(seconds(101)).await;
        assert!((9..=10).contains(&world.runs("a")), "{}", world.runs("a"));
        assert_eq!((world.most_at_a_time(), world.checks.stats().skipped), (1, 0));
    });
}

#[test]
fn a_time_to_live_lapses_and_is_renewed() {
    World::run(13, at_once(), |world| async move {
        world.add("t", Definition::new(Kind::Ttl(seconds(10))));
        world.wait(seconds(9)).await;
        world.checks.update(&key("t"), Passing, "fine").unwrap();
        world.wait(seconds(9)).await;
        world.checks.update(&key("t"), Warning, "so so").unwrap();
        world.wait(seconds(9)).await;
        let seen = [("t".into(), Passing, "fine".into()), ("t".into(), Warning, "so so".into())];
        assert_eq!(world.reports(), seen);
        world.wait(seconds(2)).await;
        let lapsed = "TTL expired (last output before timeout follows): so so";
        assert_eq!(world.reports(), [("t".into(), Critical, lapsed.into())]);
        world.wait(seconds(100)).await;
        assert_eq!(world.reports(), [], "it lapses once");
        world.checks.update(&key("t"), Passing, &"x".repeat(5000)).unwrap();
        let noted = format!("{} ... (captured 4096 of 5000 bytes)", "x".repeat(4096));
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), [("t".into(), Passing, noted)]);
        let stats = world.checks.stats();
        assert_eq!((stats.updates, stats.lapsed), (3, 1));
    });
}

#[test]
fn a_time_to_live_that_nobody_renews_lapses_without_a_note() {
    World::run(14, at_once(), |world| async move {
        let initial = Initial { status: Passing, output: "".into(), ttl_left: Some(seconds(3)) };
        world.checks.add(key("t"), Definition::new(Kind::Ttl(seconds(10))), initial).unwrap();
        world.wait(seconds(2)).await;
        assert_eq!(world.reports(), []);
        world.wait(seconds(2)).await;
        assert_eq!(world.reports(), [("t".into(), Critical, "TTL expired".into())]);
    });
}

#[test]
fn an_update_of_what_has_no_time_to_live_is_refused_in_consuls_words() {
    World::run(15, at_once(), |world| async move {
        world.add("a", world.polled(10));
        let unknown = world.checks.update(&key("b"), Passing, "").unwrap_err();
        assert!(matches!(unknown, UpdateError::Unknown { .. }));
        let text = "Unknown check ID \"b\". Ensure that the check ID is passed, not the check name.";
        assert_eq!(unknown.to_string(), text);
        let other = world.checks.update(&key("a"), Passing, "").unwrap_err();
        assert_eq!(other.to_string(), "CheckID \"a\" does not have associated TTL");
    });
}

#[test]
fn a_critical_check_is_reported_for_removal_until_it_recovers() {
    World::run(16, at_once(), |world| async move {
        let mut definition = Definition::new(Kind::Ttl(seconds(1000)));
        // Below the minimum of a minute.
        definition.deregister_critical_after = Some(seconds(1));
        let initial = Initial::status(Passing);
        world.checks.add(key("t"), definition, initial).unwrap();
        world.wait(seconds(200)).await;
        assert_eq!(world.removals(), 0);
        world.checks.update(&key("t"), Critical, "").unwrap();
        world.wait(seconds(59)).await;
        assert_eq!(world.removals(), 0);
        world.wait(seconds(32)).await;
        assert_eq!(world.removals(), 1);
        world.wait(seconds(60)).await;
        assert_eq!(world.removals(), 2, "again at each look");
        world.checks.update(&key("t"), Warning, "").unwrap();
        world.wait(seconds(200)).await;
        assert_eq!(world.removals(), 0);
        assert_eq!(world.checks.stats().deregistrations, 3);
    });
}

#[test]
fn an_alias_follows_its_target() {
    World::run(17, at_once(), |world| async move {
        let alias =
            Alias { node: None, service: Some("web".into()), namespace: Namespace::default_namespace() };
        let check = |status| TargetCheck { name: "c".into(), status, output: "o".into() };
        world.target.send_replace(TargetHealth::Checks(vec![check(Passing)]));
        world.add("al", Definition::new(Kind::Alias(alias.clone())));
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), [("al".into(), Passing, "All checks passing.".into())]);
        world.target.send_replace(TargetHealth::Checks(vec![check(Passing), check(Critical)]));
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), [("al".into(), Critical, "Aliased check \"c\" failing: o".into())]);
        world.target.send_replace(TargetHealth::Checks(vec![]));
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), [("al".into(), Passing, "No checks found.".into())]);
        assert!(world.checks.remove(&key("al")));
        world.target.send_replace(TargetHealth::Absent);
        world.wait(seconds(1)).await;
        assert_eq!(world.reports(), []);
        assert_eq!(world.target.receiver_count(), 1, "the port alone has one: nobody follows it any more");
    });
}

#[test]
fn a_slow_reader_gets_the_last_word_of_each_check() {
    let settings = Settings { events_max: 1, ..at_once() };
    World::run(18, settings, |world| async move {
        for name in ["a", "b", "c"] {
            world
                .checks
                .add(key(name), Definition::new(Kind::Ttl(seconds(1000))), Initial::default())
                .unwrap();
        }
        world.checks.update(&key("a"), Passing, "0").unwrap();
        world.wait(seconds(1)).await;
        // The channel is full now, and nobody reads.
        for n in 1..=100 {
            for name in ["a", "b", "c"] {
                let status = if n % 2 == 0 { Passing } else { Warning };
                world.checks.update(&key(name), status, &format!("{n}")).unwrap();
            }
            world.wait(Duration::from_millis(10)).await;
        }
        let mut seen = Vec::new();
        loop {
            world.wait(Duration::from_millis(1)).await;
            let Ok(event) = world.events.borrow_mut().try_recv() else { break };
            if let Event::Report(report) = event {
                seen.push((report.key.id.to_string(), report.output.to_string()));
            }
        }
        let last: BTreeSet<_> = seen.iter().rev().take(3).cloned().collect();
        assert_eq!(last, ["a", "b", "c"].map(|name| (name.to_owned(), "100".to_owned())).into());
        assert!(seen.len() < 8, "{seen:?}");
        assert!(world.checks.stats().coalesced > 290);
    });
}

#[test]
fn checks_are_bounded_and_namespaces_are_apart() {
    let settings = Settings { checks_max: 2, ..at_once() };
    World::run(19, settings, |world| async move {
        let team = CheckKey { namespace: Namespace::new("team").unwrap(), id: CheckId::new("a").unwrap() };
        world.add("a", world.polled(10));
        world.checks.add(team.clone(), world.polled(10), Initial::status(Passing)).unwrap();
        let refused = world.checks.add(key("b"), world.polled(10), Initial::default()).unwrap_err();
        assert_eq!(refused, AddError::Full { limit: 2 });
        assert_eq!(world.add("a", world.polled(20)), Added::Replaced, "there is room for what is there");
        assert_eq!(world.checks.view(&key("a")).unwrap().status, Critical);
        assert_eq!(world.checks.view(&team).unwrap().status, Passing);
        assert!(world.checks.remove(&team));
        assert_eq!(world.checks.keys(), [key("a")]);
    });
}

#[test]
fn registering_and_removing_leaves_nothing_behind() {
    World::run(20, at_once(), |world| async move {
        for n in 0..2000 {
            world.say("a", if n % 3 == 0 { Critical } else { Passing }, "x");
            world.add("a", world.polled(if n % 2 == 0 { 10 } else { 3600 }));
            world.wait(Duration::from_millis(10)).await;
            world.checks.remove(&key("a"));
        }
        world.wait(seconds(7200)).await;
        let stats = world.checks.stats();
        assert_eq!((stats.checks, stats.running, stats.waiting), (0, 0, 0));
    });
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let sim = Sim::new(seed);
        World::run_in(&sim, at_once(), |world| async move {
            for n in 0..50 {
                world.add(&format!("c{n}"), world.polled(1 + n % 7));
            }
            world.wait(seconds(60)).await;
        });
        sim.trace_hash()
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}
