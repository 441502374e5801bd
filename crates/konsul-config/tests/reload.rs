//! What a reload says about the difference of two configurations.

use konsul_config::{Config, MemoryFiles, ReloadPlan};

fn load(text: &str) -> Config {
    let files = MemoryFiles::new([("k.hcl", text)]);
    let args = ["-dev".into(), "-config-file=k.hcl".into()];
    Config::load(&args, &[], &files).expect(text).config
}

fn plan(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let plan = ReloadPlan::between(&load(before), &load(after));
    let live = plan.live().map(ToString::to_string).collect();
    let restart = plan.needs_restart().map(ToString::to_string).collect();
    (live, restart)
}

#[test]
fn changes_are_told_apart_by_when_they_take_effect() {
    let before = "log_level = \"info\" ports { http = 8500 } limits { http_max_conns_per_client = 10 }";
    let after = "log_level = \"DEBUG\" ports { http = 8501 } limits { http_max_conns_per_client = 20 }";
    let (live, restart) = plan(before, after);
    assert_eq!(live, ["limits.http_max_conns_per_client: 10 -> 20", "log_level: \"info\" -> \"debug\""]);
    assert_eq!(restart, ["ports.http: 8500 -> 8501"]);
}

#[test]
fn another_spelling_is_no_change() {
    assert_eq!(plan("max_query_time = \"10m\"", "MAX_QUERY_TIME = \"600s\""), (vec![], vec![]));
}

#[test]
fn what_takes_effect_is_in_force_and_the_rest_waits() {
    let (before, after) =
        (load("log_level = \"info\" ports { http = 1 }"), load("log_level = \"warn\" ports { http = 2 }"));
    let mut running = before.clone();
    ReloadPlan::between(&running, &after).put_in_force(&mut running, &after);
    assert_eq!((running.log_level, running.ports), (after.log_level, before.ports));
}

#[test]
fn a_changed_secret_is_named_and_not_shown() {
    let (live, _) = plan(
        "http_config { response_headers { A = \"s3cret\" } }",
        "http_config { response_headers { A = \"s4cret\" } }",
    );
    assert_eq!(live, ["http_config.response_headers: changed in what is not shown"]);
}
