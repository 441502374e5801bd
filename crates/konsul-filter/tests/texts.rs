//! Errors word for word, meanings that surprise, and the bounds.

mod common;

use common::{EVERYTHING, Everything};
use konsul_filter::limits::{
    COMPARISONS_MAX, EXPRESSION_BYTES_MAX, FAULTS_MAX, FOLDED_ITEMS_MAX, NESTING_MAX, PATTERN_BYTES_MAX,
    PATTERN_NESTING_MAX, PATTERNS_MAX,
};
use konsul_filter::{Expression, Filter, FilterError};

fn error(text: &str) -> String {
    Filter::new(text, &EVERYTHING).expect_err(text).to_string()
}

/// A record out of its JSON, with every field that is not named empty.
fn record(fields: &str) -> Everything {
    let mut whole = serde_json::json!({
        "Name": "", "Count": 0, "Ratio": 0.0, "Up": false, "Port": 0, "Tags": [], "Ports": [], "Flags": [], "Nums": [],
        "Meta": {}, "Counts": {}, "Lists": {}, "Opaque": {}, "Checks": [], "Nested": [], "Maps": [], "Not": "",
        "Empty": "", "Word": "",
        "Service": {"ID": "", "Port": 0, "Tags": [], "Native": false, "Meta": {}, "Tagged": {}},
    });
    let named: serde_json::Value = serde_json::from_str(fields).expect("JSON");
    for (name, value) in named.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).expect("a record")
}

fn holds(text: &str, record: &Everything) -> bool {
    Filter::new(text, &EVERYTHING).unwrap_or_else(|error| panic!("{text}: {error}")).matches(record)
}

#[test]
fn errors_are_consuls_word_for_word() {
    let cases = [
        ("Foo == 1", "Selector \"Foo\" is not valid"),
        ("Service.Foo.Bar == 1", "Selector \"Service.Foo\" is not valid"),
        ("name == a", "Selector \"name\" is not valid"),
        ("Port matches a", "Invalid match operator \"Matches\" for selector \"Port\""),
        ("Name is empty", "Invalid match operator \"Is Empty\" for selector \"Name\""),
        ("Service == a", "Invalid match operator \"Equal\" for selector \"Service\""),
        ("Checks contains a", "Invalid match operator \"In\" for selector \"Checks\""),
        (
            "Service.Port == http",
            "Failed to coerce value \"http\" for selector \"Service.Port\": strconv.ParseInt: parsing \"http\": invalid syntax",
        ),
        (
            "Count == 18446744073709551616",
            "Failed to coerce value \"18446744073709551616\" for selector \"Count\": strconv.ParseUint: parsing \"18446744073709551616\": value out of range",
        ),
        (
            "Up == yes",
            "Failed to coerce value \"yes\" for selector \"Up\": strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (
            "Name matches `(`",
            "Failed to compile regular expression \"(\": error parsing regexp: missing closing ): `(`",
        ),
        (
            "Name = a",
            "1:6 (5): no match found, expected: \"!=\", \"==\", \"contains\", \"in\", \"is\", \"matches\", \"not\" or [ \\t\\r\\n]",
        ),
        ("Name == \"a", "1:11 (10): rule \"string\": Unterminated string literal"),
        (r#"Name == "\q""#, "1:9 (8): rule \"string\": invalid syntax"),
        ("Port == 1a", "1:10 (9): rule \"number\": Invalid number literal"),
        ("Meta[a] == b", "1:6 (5): rule \"index\": Invalid index"),
        ("Meta[\"a\" == b", "1:10 (9): rule \"index\": Unclosed index expression"),
        ("a in 1", "1:6 (5): rule \"match\": Invalid selector"),
        ("(Name == a", "1:11 (10): rule \"grouping\": Unmatched parentheses"),
        (
            "",
            "1:1 (0): no match found, expected: \"(\", \"-\", \"0\", \"\\\"\", \"`\", \"not\", [ \\t\\r\\n], [1-9] or [a-zA-Z]",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn a_reply_begins_as_consuls() {
    let error = Filter::new("Foo == 1", &EVERYTHING).expect_err("no such field");
    assert_eq!(error.reply(), "Failed to create boolean expression evaluator: Selector \"Foo\" is not valid");
}

#[test]
fn a_missing_key_holds_for_all_but_equal_in_and_not_empty() {
    let record = record(r#"{"Meta": {"a": "x"}}"#);
    for (text, expected) in [
        ("Meta.b == x", false),
        ("Meta.b != x", true),
        ("x in Meta.b", false),
        ("x not in Meta.b", true),
        ("Meta.b matches x", true),
        ("Meta.b not matches x", true),
        ("Lists.b is empty", true),
        ("Lists.b is not empty", false),
        ("a in Meta and not (b in Meta)", true),
    ] {
        assert_eq!(holds(text, &record), expected, "{text}");
    }
}

#[test]
fn a_field_that_a_record_leaves_out_is_like_a_missing_key() {
    let record = record("{}");
    assert!(record.service.weights.is_none());
    assert!(!holds("Service.Weights.Passing == 0", &record));
    assert!(holds("Service.Weights.Passing != 0", &record));
}

#[test]
fn a_list_of_records_holds_if_any_element_does() {
    let check =
        |status: &str| format!(r#"{{"Name":"c","Status":"{status}","Tags":[],"Port":1,"Meta":{{}}}}"#);
    let record = record(&format!(r#"{{"Checks": [{}, {}]}}"#, check("passing"), check("critical")));
    for (text, expected) in [
        ("Checks.Status == passing", true),
        ("Checks.Status != passing", true),
        ("not Checks.Status == passing", false),
        ("Checks.Status == warning", false),
        ("Checks is not empty", true),
    ] {
        assert_eq!(holds(text, &record), expected, "{text}");
    }
}

#[test]
fn and_binds_more_than_or_and_not_more_than_both() {
    let record = record(r#"{"Name": "a"}"#);
    for (text, expected) in [
        ("Name == a or Name == a and Name == b", true),
        ("(Name == a or Name == a) and Name == b", false),
        ("not Name == b and Name == a", true),
        ("not (Name == b and Name == a)", true),
        ("not not Name == a", true),
        ("not not not Name == a", false),
        ("( ( Name==a ) )", true),
    ] {
        assert_eq!(holds(text, &record), expected, "{text}");
    }
}

#[test]
fn keywords_are_names_where_a_name_is_asked_for() {
    let record = record(r#"{"Empty": "x", "Word": "in"}"#);
    for text in ["empty == x", "not == in", "not not == out", "in in not", "not contains in"] {
        assert!(holds(text, &record), "{text}");
    }
}

fn nested(depth: usize) -> String {
    format!("{}Name == a{}", "(".repeat(depth), ")".repeat(depth))
}

#[test]
fn parentheses_nest_to_the_bound_and_no_further() {
    assert!(holds(&nested(NESTING_MAX), &record(r#"{"Name": "a"}"#)));
    let text = "Expression nests deeper than the limit (64)";
    assert_eq!(error(&nested(NESTING_MAX + 1)), text);
    assert_eq!(error(&nested(20_000)), text);
    assert_eq!(error(&"(".repeat(EXPRESSION_BYTES_MAX)), text);
}

#[test]
fn a_text_beyond_the_bound_is_not_even_read() {
    let text = "(".repeat(1 << 20);
    assert_eq!(Expression::parse(&text), Err(FilterError::TooLong { bytes: 1 << 20 }));
    assert_eq!(error(&text), "Expression of 1048576 bytes exceeds the limit (65536)");
    assert!(
        Filter::new(&format!("Name == \"{}\"", "a".repeat(EXPRESSION_BYTES_MAX - 10)), &EVERYTHING).is_ok()
    );
}

#[test]
fn comparisons_and_patterns_are_counted() {
    let many = |part: &str, count: usize| vec![part; count].join(" or ");
    assert!(Filter::new(&many("Name == a", COMPARISONS_MAX), &EVERYTHING).is_ok());
    assert_eq!(
        error(&many("Name == a", COMPARISONS_MAX + 1)),
        "Number of match expressions (1025) exceeds the limit (1024)"
    );
    assert!(Filter::new(&many("Name matches a", PATTERNS_MAX), &EVERYTHING).is_ok());
    assert_eq!(
        error(&many("Name matches a", PATTERNS_MAX + 1)),
        format!("Number of regular expressions ({}) exceeds the limit ({PATTERNS_MAX})", PATTERNS_MAX + 1)
    );
}

#[test]
fn a_chain_of_words_neither_nests_nor_takes_long() {
    let record = record(r#"{"Name": "a"}"#);
    assert!(holds(&format!("{}Name == a", "not ".repeat(16_000)), &record));
    assert!(error(&"not ".repeat(16_000)).starts_with("1:64001 (64000): no match found, expected: "));
    assert!(error(&"a in ".repeat(13_000)).contains("no match found"));
}

#[test]
fn faults_are_listed_up_to_the_bound() {
    let text = vec![r#"Name == "\q""#; 500].join(" or ");
    let lines = error(&text);
    assert_eq!(lines.lines().count(), FAULTS_MAX);
    assert!(lines.starts_with("1:9 (8): rule \"string\": invalid syntax\n1:25 (24): rule"));
}

#[test]
fn patterns_are_bounded_in_nesting_and_size() {
    let nested = |depth: usize| format!("Name matches `{}a{}`", "(".repeat(depth), ")*".repeat(depth));
    assert!(Filter::new(&nested(PATTERN_NESTING_MAX), &EVERYTHING).is_ok());
    assert!(
        error(&nested(PATTERN_NESTING_MAX + 1))
            .contains("error parsing regexp: expression nests too deeply: `")
    );
    assert!(
        error(r"Name matches `(\pL{100}|\pN{100}){10}`")
            .contains("error parsing regexp: expression too large: `")
    );
}

#[test]
fn patterns_are_bounded_in_length_and_what_they_fold() {
    let large = "error parsing regexp: expression too large: `";
    let long = |letters: usize| format!("Name matches `{}`", "a".repeat(letters));
    assert!(Filter::new(&long(PATTERN_BYTES_MAX), &EVERYTHING).is_ok());
    assert!(error(&long(PATTERN_BYTES_MAX + 1)).contains(large));
    let folded = |item: &str, count: usize| format!("Name matches `(?i)[{}]`", item.repeat(count));
    for item in [r"\pL", r"\W", r"\x{80}-\x{10ffff}", "[:^alpha:]"] {
        assert!(Filter::new(&folded(item, FOLDED_ITEMS_MAX), &EVERYTHING).is_ok());
        assert!(error(&folded(item, FOLDED_ITEMS_MAX + 1)).contains(large));
        let twice = format!("{0} or {0}", folded(item, FOLDED_ITEMS_MAX / 2 + 1));
        assert!(error(&twice).contains(large));
        let exact = folded(item, 100).replace("(?i)", "");
        assert!(Filter::new(&exact, &EVERYTHING).is_ok());
    }
}
