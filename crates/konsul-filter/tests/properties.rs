//! What holds for any text.

mod common;

use std::sync::Arc;

use common::{EVERYTHING, Everything};
use konsul_filter::{Comparison, Expression, Filter, Operator, Selector};
use proptest::prelude::*;

/// Pieces of which expressions are made, so that random texts reach deep.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "Name",
        "Meta",
        "Checks.Status",
        "Port",
        "Tags",
        "not",
        "and",
        "or",
        "in",
        "is",
        "empty",
        "contains",
        "matches",
        "==",
        "!=",
        "(",
        ")",
        "[",
        "]",
        ".",
        " ",
        "  ",
        "\n",
        "\"a\"",
        "`a`",
        "\"",
        "`",
        "\\",
        "1",
        "-0.5",
        "true",
        "\"\\x41\"",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => any::<String>()]
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    let words =
        prop::sample::select(vec!["not", "in", "is", "empty", "or", "and", "matches", "a", "Name", "x_1"]);
    prop_oneof![4 => words.prop_map(|word| word.as_bytes().to_vec()), 1 => "[a-zA-Z][a-zA-Z0-9_]{0,5}".prop_map(String::into_bytes)]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        word(),
        any::<String>().prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..8)
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Equal, In, IsEmpty, IsNotEmpty, Matches, NotEqual, NotIn, NotMatches};
    prop::sample::select(vec![Equal, NotEqual, In, NotIn, IsEmpty, IsNotEmpty, Matches, NotMatches])
}

fn comparison() -> impl Strategy<Value = Arc<Expression>> {
    (word(), prop::collection::vec(text(), 0..3), operator(), text()).prop_map(
        |(first, rest, operator, value)| {
            let selector = Selector(std::iter::once(first).chain(rest).collect());
            // Reads as the negation of a match.
            let unwritable = operator == Operator::NotMatches && selector == Selector(vec![b"not".to_vec()]);
            let operator = if unwritable { Operator::Matches } else { operator };
            let value = (!matches!(operator, Operator::IsEmpty | Operator::IsNotEmpty)).then_some(value);
            Arc::new(Expression::Comparison(Comparison { selector, operator, value }))
        },
    )
}

fn expression() -> impl Strategy<Value = Arc<Expression>> {
    comparison().prop_recursive(6, 40, 4, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(|all| Arc::new(Expression::And(all))),
            several.prop_map(|all| Arc::new(Expression::Or(all))),
            // Two in a row cancel out when they are read.
            inner.prop_map(|inner| match &*inner {
                Expression::Not(_) => inner,
                _ => Arc::new(Expression::Not(inner)),
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_as_what_it_was(expression in expression()) {
        let text = expression.to_string();
        prop_assert_eq!(Expression::parse(&text), Ok(expression), "{}", text);
    }

    #[test]
    fn no_text_does_more_than_be_refused(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        if let Ok(expression) = Expression::parse(&text) {
            let printed = expression.to_string();
            prop_assert_eq!(Expression::parse(&printed), Ok(expression), "{}", printed);
        }
        if let Ok(filter) = Filter::new(&text, &EVERYTHING) {
            filter.matches(&Everything::default());
        }
    }

    #[test]
    fn no_pattern_does_more_than_be_refused(pattern in "[^`]{0,24}", signs in r"[-()\[\]{}^$.*+?|\\a-dpPQEx0-9:<>i&]{0,24}") {
        for pattern in [pattern, signs] {
            match Filter::new(&format!("Name matches `{pattern}`"), &EVERYTHING) {
                Ok(filter) => { filter.matches(&Everything::default()); }
                Err(error) => prop_assert!(!error.to_string().contains("too large"), "the translation is wrong: {}", error),
            }
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_written(int in any::<i64>(), uint in any::<u64>(), float in any::<f64>()) {
        prop_assume!(float.is_finite());
        for text in [format!("Port == \"{int}\""), format!("Count == \"{uint:#x}\""), format!("Ratio == \"{float:e}\"")] {
            prop_assert!(Filter::new(&text, &EVERYTHING).is_ok(), "{}", text);
        }
    }
}
