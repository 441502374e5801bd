//! Filter expressions.
//!
//! Input: the text of an expression.

use std::collections::BTreeMap;

use konsul_filter::{Expression, Field, Filter, Kind, limits, record};

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "filter",
    about: "filter expressions: syntax, selectors, values, patterns",
    input_bytes_max: 2 * 1024,
    // Patterns share eight megabytes, and their compiler works in some times as much.
    bounds: Bounds { base_bytes: 64 << 20, bytes_per_byte: 4 * 1024 },
    run,
    seeds,
};

struct Instance {
    name: String,
    port: i64,
    weight: f64,
    index: u64,
    native: bool,
    tags: Vec<String>,
    meta: BTreeMap<String, String>,
    checks: Vec<Check>,
}

struct Check {
    status: String,
}

record! {
    static CHECK: Check as this {
        Status: Kind::String => Field::Text(&this.status),
    }
}

record! {
    static INSTANCE: Instance as this {
        Name: Kind::String => Field::Text(&this.name),
        Port: Kind::Int => Field::Int(this.port),
        Weight: Kind::Float => Field::Float(this.weight),
        Index: Kind::Uint => Field::Uint(this.index),
        Native: Kind::Bool => Field::Bool(this.native),
        Tags: Kind::List(&Kind::String) => Field::List(&this.tags),
        Meta: Kind::Map(&Kind::String) => Field::Map(&this.meta),
        Checks: Kind::List(&Kind::Struct(&CHECK)) => Field::List(&this.checks),
        Gone: Kind::String => Field::Missing,
    }
}

fn instance() -> Instance {
    Instance {
        name: "web-1".into(),
        port: 80,
        weight: 0.5,
        index: 7,
        native: true,
        tags: vec!["primary".into(), "v1".into()],
        meta: [("env".to_owned(), "prod".to_owned())].into(),
        checks: vec![Check { status: "passing".into() }, Check { status: "critical".into() }],
    }
}

fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(why) => return assert!(!why.to_string().is_empty(), "a refusal without a word"),
    };
    assert!((1..=limits::COMPARISONS_MAX).contains(&expression.comparisons()));
    let printed = expression.to_string();
    // What is printed is longer, also longer than the bound; and one expression cannot be written.
    if printed.len() <= limits::EXPRESSION_BYTES_MAX && !printed.contains("not not matches") {
        assert_eq!(Expression::parse(&printed).as_ref(), Ok(&expression), "reads otherwise: {printed}");
    }
    let Ok(filter) = Filter::new(text, &INSTANCE) else { return };
    let holds = filter.matches(&instance());
    if let Ok(negated) = Filter::new(&format!("not ({text})"), &INSTANCE) {
        assert_ne!(holds, negated.matches(&instance()), "it holds as well as its negation");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "Name == web-1",
        "Name matches `^web-[0-9]+$` and not (Port == 80 or Native != true)",
        "primary in Tags and Tags not contains \"v2\"",
        "Meta.env == prod or Meta[\"env\"] not matches \"(?i)^PROD\"",
        "Checks.Status != passing and Checks is not empty",
        "Weight == 0x1p-1 or Index == \"0b111\" or Port == -0",
        "((((Name is empty))))",
        "Gone matches `\\p{Greek}{2,}[^a-z\\d]|\\Qa.b\\E`",
        "not not not empty in Meta",
        "Name == \"\\xc3\\u00e9\\101\\q\"",
        "Name == \"unterminated",
        "a in 1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_what_its_schema_says() {
        assert_eq!(konsul_filter::fits(&instance()), Ok(()));
    }
}
