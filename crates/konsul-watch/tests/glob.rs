//! Patterns over keys, by example and beside a naive matcher.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod common;

use common::ns;
use konsul_watch::{Glob, GlobError, PATTERN_MAX, Topic};
use proptest::prelude::*;

#[track_caller]
fn check(pattern: &str, yes: &[&str], no: &[&str]) {
    let glob = Glob::new(pattern).unwrap();
    for key in yes {
        assert!(glob.matches(key), "{pattern} should match {key:?}");
    }
    for key in no {
        assert!(!glob.matches(key), "{pattern} should not match {key:?}");
    }
}

#[test]
fn a_text_without_stars_is_one_key() {
    check("app/color", &["app/color"], &["app/colors", "app/colo", "app", "xapp/color", ""]);
}

#[test]
fn one_star_stays_inside_a_segment() {
    check("app/*", &["app/a", "app/", "app/a.b"], &["app", "app/a/b", "app/a/", "apps/a"]);
    check("app/*/port", &["app/web/port", "app//port"], &["app/port", "app/a/b/port", "app/web/ports"]);
    check("*", &["a", "color"], &["a/b", "a/"]);
    check("app/v*.*", &["app/v1.2", "app/v.", "app/v1.2.3"], &["app/v1", "app/1.2", "app/v1./2"]);
    check("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a/b", "xa"]);
}

#[test]
fn two_stars_go_across() {
    check("**", &["a", "a/b/c", "/"], &[]);
    check("app/**", &["app/", "app/a", "app/a/b/c"], &["app", "apps/a"]);
    check("app**", &["app", "apps", "app/a"], &["ap"]);
    check("a**z", &["az", "abz", "a/b/z"], &["a", "za", "a/z/b"]);
    check("**.json", &[".json", "a.json", "a/b.json"], &["a.jsonx", "json"]);
}

#[test]
fn two_stars_between_slashes_stand_for_any_number_of_segments() {
    check("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a//b"], &["a/xb", "ab", "a/b/c", "a/bb"]);
    check("**/b", &["b", "a/b", "a/a/b"], &["ab", "b/a", "a/bb"]);
    check("**/a/**/b", &["a/b", "x/a/y/b", "a/a/b"], &["a", "xa/b", "a/xb"]);
    check("a/**/*", &["a/b", "a/b/c", "a/"], &["a", "b/a"]);
    check("a/**/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/xb"]);
}

#[test]
fn more_stars_are_two() {
    check("a/***", &["a/b/c", "a/"], &["a"]);
    check("a/****/b", &["a/b", "a/x/b"], &["a/xb"]);
}

#[test]
fn a_backslash_takes_a_stars_meaning() {
    check(r"a\*b", &["a*b"], &["ab", "axb", r"a\*b"]);
    check(r"a\\*", &[r"a\", r"a\x"], &["a", "ax"]);
    check(r"\**", &["*", "*x"], &["x", "*/x"]);
}

#[test]
fn other_characters_mean_themselves() {
    check("a?[b]{c,d}.$", &["a?[b]{c,d}.$"], &["ab", "axb"]);
    check("größe/*", &["größe/ß", "größe/"], &["grosse/x"]);
}

#[test]
fn a_wrong_pattern_says_what_would_be_right() {
    assert_eq!(Glob::new(""), Err(GlobError::Empty));
    assert_eq!(Glob::new(r"ab\c"), Err(GlobError::Escape(2)));
    assert_eq!(Glob::new(r"ab\"), Err(GlobError::Escape(2)));
    assert_eq!(Glob::new(&"*".repeat(PATTERN_MAX + 1)), Err(GlobError::TooLong(PATTERN_MAX + 1)));
    assert!(Glob::new(&"a".repeat(PATTERN_MAX)).is_ok());
    let text = Glob::new(r"\x").unwrap_err().to_string();
    assert_eq!(text, r"the backslash at byte 0 escapes nothing; write \* for a star and \\ for a backslash");
}

#[track_caller]
fn check_topic(pattern: &str, expect: &Topic) {
    assert_eq!(Glob::new(pattern).unwrap().topic(ns("default")), *expect);
}

#[test]
fn the_topic_is_as_narrow_as_the_text_before_the_first_star() {
    let prefix = |text: &str| Topic::Prefix(ns("default"), text.into());
    check_topic("app/*/port", &prefix("app/"));
    check_topic("app/v*", &prefix("app/v"));
    check_topic("**", &prefix(""));
    check_topic(r"a\*b*", &prefix("a*b"));
    check_topic("app/color", &common::on_key("app/color"));
    check_topic(r"a\*b", &common::on_key("a*b"));
}

/// Tries everything. A pattern without escapes.
fn naive(pattern: &[u8], key: &[u8], begins_segment: bool) -> bool {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let rest = &pattern[stars..];
    match (stars, pattern.first(), key.first()) {
        (0, None, None) => true,
        (0, Some(wanted), Some(byte)) => wanted == byte && naive(&pattern[1..], &key[1..], *byte == b'/'),
        (0, ..) => false,
        (1, ..) => {
            let reach = key.iter().take_while(|byte| **byte != b'/').count();
            (0..=reach).any(|end| naive(rest, &key[end..], false))
        }
        _ if begins_segment && rest.first() == Some(&b'/') => {
            let mut ends = (0..=key.len()).filter(|end| *end == 0 || key[end - 1] == b'/');
            ends.any(|end| naive(&rest[1..], &key[end..], true))
        }
        _ => (0..=key.len()).any(|end| naive(rest, &key[end..], false)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn it_agrees_with_a_naive_matcher(pattern in "[ab/*]{1,9}", key in "[ab/]{0,9}") {
        let glob = Glob::new(&pattern).unwrap();
        prop_assert_eq!(glob.matches(&key), naive(pattern.as_bytes(), key.as_bytes(), true));
    }

    #[test]
    fn what_matches_is_of_the_topic(pattern in r"([ab/*]|\\\*){1,6}", key in "[ab*/]{1,8}") {
        let glob = Glob::new(&pattern).unwrap();
        let change = common::kv(&key);
        prop_assert!(!glob.matches(&key) || glob.topic(ns("default")).concerns(&change));
    }
}

#[test]
fn the_samples_of_the_property_match_often_enough() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let samples = ("[ab/*]{1,9}", "[ab/]{0,9}");
    let hits = (0..5_000).filter(|_| {
        let (pattern, key) = samples.new_tree(&mut runner).unwrap().current();
        Glob::new(&pattern).unwrap().matches(&key)
    });
    let hits = hits.count();
    assert!((250..4_750).contains(&hits), "{hits} of 5000 match");
}

/// A pattern that makes a backtracking matcher take years.
#[test]
fn no_pattern_is_slow() {
    let glob = Glob::new(&"**a*".repeat(200)).unwrap();
    let key = format!("{}c", "a/a".repeat(1_000));
    assert!(glob.matches(&key));
    let glob = Glob::new(&format!("{}b", "**a*".repeat(200))).unwrap();
    assert!(!glob.matches(&key));
}
