//! The reader of HCL against the reference implementation of HCL 1 (`github.com/hashicorp/hcl` 1.0.0): random texts,
//! and the tree that it made of each, or `null` where it refused. Floats are `~`, since no option takes one. Left out are
//! texts in which the two differ on purpose: a key with `=` and no value, and a number glued to a word.

use konsul_config::parse_bytes;
use konsul_config::syntax::{Item, Value};

fn show(items: &[Item]) -> String {
    let list: Vec<_> =
        items.iter().map(|item| format!("{}={}", item.key, show_value(&item.node.value))).collect();
    list.join(" ")
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Object(items) => format!("{{{}}}", show(items)),
        Value::List(nodes) => {
            let list: Vec<_> = nodes.iter().map(|node| show_value(&node.value)).collect();
            format!("[{}]", list.join(","))
        }
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(_) => "~".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Null => "null".to_owned(),
    }
}

#[test]
fn texts_are_read_as_the_reference_reads_them() {
    let cases: Vec<_> = include_str!("hcl1.jsonl").lines().collect();
    assert!(cases.len() > 500, "the corpus is whole");
    for line in cases {
        let case: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = case["text"].as_str().expect("a text");
        let ours = parse_bytes("k.hcl", text.as_bytes()).map(|items| show(&items));
        assert_eq!(ours.ok().as_deref(), case["tree"].as_str(), "{text:?}");
    }
}
