//! Configuration files, HCL, JSON and TOML.
//!
//! Input: a byte that chooses the language, and the file.

use konsul_config::syntax::{Item, Node, Value};
use konsul_config::{Config, MemoryFiles, parse_bytes};

use crate::Target;
use crate::bounds::Bounds;
use crate::input::Input;

/// The target.
pub static TARGET: Target = Target {
    name: "config",
    about: "configuration files: HCL, JSON, TOML, and what the options make of them",
    input_bytes_max: 4 * 1024,
    bounds: Bounds { base_bytes: 4 << 20, bytes_per_byte: 4096 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let name = ["k.hcl", "k.json", "k.toml"][usize::from(input.byte() % 3)];
    let text = input.rest();
    let parsed = parse_bytes(name, text);
    match &parsed {
        Ok(items) => reread(items),
        Err(why) => assert!(why.at.line > 0 && why.at.column > 0 && !why.message.is_empty(), "{why:?}"),
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    let files = MemoryFiles::new([(name, text.to_owned())]);
    let loaded = Config::load(&["-dev".into(), format!("-config-file={name}")], &[], &files);
    if let Err(errors) = &loaded {
        assert!(!errors.is_empty() && errors.iter().all(|error| !error.to_string().is_empty()));
    }
    assert!(parsed.is_ok() || loaded.is_err(), "a file that cannot be read was loaded");
}

/// What was read and is written as JSON reads the same.
fn reread(items: &[Item]) {
    let Some(json) = object(items) else { return };
    let again = parse_bytes("again.json", json.as_bytes());
    let again = again.unwrap_or_else(|why| panic!("what was read cannot be read again: {why:?} in {json}"));
    assert!(same_items(items, &again), "a copy reads otherwise: {json}");
}

/// JSON of a tree; `None` if it has a number that JSON cannot write as it stands.
fn object(items: &[Item]) -> Option<String> {
    let pairs: Option<Vec<String>> = items
        .iter()
        .map(|item| Some(format!("{}:{}", quoted(&item.key), value(&item.node.value)?)))
        .collect();
    Some(format!("{{{}}}", pairs?.join(",")))
}

fn value(of: &Value) -> Option<String> {
    Some(match of {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(_) => return None,
        Value::Text(text) => quoted(text),
        Value::List(nodes) => {
            let values: Option<Vec<String>> = nodes.iter().map(|node| value(&node.value)).collect();
            format!("[{}]", values?.join(","))
        }
        Value::Object(items) => object(items)?,
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn same_items(one: &[Item], other: &[Item]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one.key == other.key && same(&one.node, &other.node))
}

/// Whether two trees are alike but for their places.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_items(one, other),
        (one, other) => one == other,
    }
}

const HCL: &str = "# a server\nserver = true\nnode_name = \"one\" // text\nports { http = 8500 dns = -1 }\n\
    limits = { http_max_conns_per_client = 0x10 }\nretry_join = [\"a\", \"b\",]\n\
    http_config \"x\" { response_headers { \"X-A\" = \"${b}\\n\\u00e7\" } }\nfloat = 1.5e3 /* c */\n\
    text = <<EOF\nlines\nof text\nEOF\nother = <<-END\n   indented\n  END\n";

const JSON: &str = r#"{"server":true,"node_name":"é\n\ud83d\ude00","ports":{"http":8500},"limits":{"x":[1,-2.5e-3,null,{}]},
  "telemetry":{"disable_hostname":false},"a":{"b":{"c":[[[]]]}},"server":false}"#;

const TOML: &str = "# a server\nserver = true\nnode_name = 'one'\nports.http = 0x1f\n[limits]\nhttp_max_conns = 1_000\n\
    [http_config.response_headers]\n\"X-A\" = \"\"\"b\n\\u00e7\"\"\"\n[[watches]]\ntype = \"key\"\nkey = \"a\"\n\
    args = [\"/bin/true\", 'x',]\n[[watches]]\ntype = \"event\"\nhttp_handler_config = { path = \"http://h\", header = { A = [\"b\"] } }\n\
    [x]\nat = 1979-05-27T07:32:00Z\nfloat = -1.5e3\nnothing = nan\n";

const WATCHES: &str = "watches { type = \"keyprefix\" prefix = \"a/\" handler = \"cat\" }\n\
    watches = [{ type = \"event\" name = \"x\" handler_type = \"http\" http_handler_config { path = \"https://h/p\" method = \"PUT\" timeout = \"1s\" } }]\n\
    addresses { http = \"unix:///run/k.sock ::1\" } unix_sockets { mode = \"0660\" user = \"0\" } node_meta { a = \"b\" }\n";

fn seeds() -> Vec<Vec<u8>> {
    let deep = format!("a = {}{}", "[".repeat(70), "]".repeat(70));
    let files = [
        (0, HCL),
        (0, WATCHES),
        (0, JSON),
        (1, JSON),
        (2, TOML),
        (0, deep.as_str()),
        (2, deep.as_str()),
        (0, "\u{feff}a = 1"),
        (2, "\u{feff}a = 1"),
        (1, "{"),
        (2, "[a"),
        (0, "a b c {}"),
    ];
    files.iter().map(|(language, text)| [&[*language], text.as_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_read_whole() {
        for (name, text) in
            [("a.hcl", HCL), ("a.hcl", WATCHES), ("a.hcl", JSON), ("a.json", JSON), ("a.toml", TOML)]
        {
            let items = parse_bytes(name, text.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert!(items.len() > 4, "{name}");
        }
    }
}
