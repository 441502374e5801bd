//! An option that nothing reads cannot exist: each declared option's field is named in the code that runs, outside the room
//! that declares it.
//!
//! A field counts as read where its path stands in the product's code (`config.limits.kv_max_keys`), or its last names do
//! after its block was borrowed (`wishes.mode` of `unix_sockets.mode`), or where a method of `Config` that reads it is
//! called. Tests do not count.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: &[&str] = &["konsul-agent", "konsul"];

/// Options whose whole effect is that a configuration is refused or taken: the rules read them, each for a reason.
const OF_THE_RULES: &[(&str, &str)] =
    &[("allow_insecure_listen", "whether the listeners that the other options name may be had at all")];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// A file's code: without its tests, which come last, and without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    product.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Whether `.a.b` or `a.b` stands in the text as a whole path, whatever white space is between.
fn names(text: &str, path: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].bytes().next_back();
        let after = text[at + path.len()..].bytes().next();
        before == Some(b'.') && !after.is_some_and(|byte| word(byte) || byte == b'(')
    })
}

/// The methods of `Config`, each with its body.
fn methods() -> Vec<(String, String)> {
    let text = code(&crates().join("konsul-config/src/config.rs"));
    let starts: Vec<usize> = text.match_indices("    pub fn ").map(|(at, _)| at).collect();
    let bodies = starts.iter().map(|start| {
        let rest = &text[*start..];
        let end = rest.find("\n    }\n").unwrap_or(rest.len());
        let name = rest["    pub fn ".len()..].split('(').next().unwrap();
        (name.to_owned(), tight(&rest[..end]))
    });
    bodies.collect()
}

/// The text without white space around dots, so that a path that is broken over lines is one.
fn tight(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(" .", ".").replace(". ", ".")
}

fn unread(
    options: impl Iterator<Item = String>,
    product: &str,
    methods: &[(String, String)],
) -> BTreeSet<String> {
    let called = |name: &str| product.contains(&format!(".{name}("));
    let is_read = |key: &String| {
        let borrowed = key.split_once('.').is_some_and(|(block, name)| {
            let lends =
                [format!("&config.{block},"), format!("&config.{block})"), format!("&config.{block};")];
            lends.iter().any(|lends| product.contains(lends.as_str())) && names(product, name)
        });
        names(product, key) || borrowed || methods.iter().any(|(name, body)| names(body, key) && called(name))
    };
    options.filter(|key| !is_read(key)).collect()
}

fn product() -> String {
    let mut files = Vec::new();
    for name in CRATES {
        sources(&crates().join(name).join("src"), &mut files);
    }
    files.iter().map(|path| tight(&code(path))).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_declared_option_is_read_by_the_product() {
    let options = konsul_config::all_options().map(|option| option.key.to_owned());
    let rules = tight(&code(&crates().join("konsul-config/src/rules.rs")));
    let is_of_the_rules = |key: &String| OF_THE_RULES.iter().any(|(own, _)| own == key && names(&rules, key));
    let unread = unread(options.filter(|key| !is_of_the_rules(key)), &product(), &methods());
    assert!(unread.is_empty(), "declared, and read by nothing: {unread:?}");
}

#[test]
fn an_option_that_nothing_reads_is_found() {
    let product =
        "let a = config.limits.kv_max_keys; listen(&config.unix_sockets); wishes.mode; config.is_on();";
    let methods =
        [("is_on".to_owned(), "self.switch.on".to_owned()), ("unused".to_owned(), "self.b".to_owned())];
    let keys =
        ["limits.kv_max_keys", "limits.kv_max", "unix_sockets.mode", "unix_sockets.user", "switch.on", "b"];
    let found = unread(keys.iter().map(|key| (*key).to_owned()), product, &methods);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["b", "limits.kv_max", "unix_sockets.user"]);
}
