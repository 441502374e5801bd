//! Configurations from texts, and what is said of those that are refused.

#![allow(dead_code, reason = "each test needs some of these")]

use konsul_config::{Config, Loaded, MemoryFiles};

pub(crate) fn load(files: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let args: Vec<String> = std::iter::once("-dev".to_owned())
        .chain(files.iter().map(|(name, _)| format!("-config-file={name}")))
        .collect();
    let files = MemoryFiles::new(files.iter().map(|(name, text)| (*name, *text)));
    Config::load(&args, &[], &files).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

pub(crate) fn config(text: &str) -> Config {
    load(&[("a.hcl", text)]).unwrap_or_else(|errors| panic!("{text}: {errors:#?}")).config
}

#[track_caller]
pub(crate) fn refuses(text: &str, expect: &[&str]) {
    let name = if text.starts_with('{') { "a.json" } else { "a.hcl" };
    assert_eq!(load(&[(name, text)]).expect_err(text), expect, "{text}");
}

/// A service with these keys, in one line of HCL.
#[track_caller]
pub(crate) fn refuses_service(keys: &str, expect: &str) {
    refuses(&format!("service {{\n name = \"web\"\n {keys}\n}}"), &[&format!("a.hcl:{expect}")]);
}

/// A check with these keys, which run something unless they say what.
#[track_caller]
pub(crate) fn refuses_check(keys: &str, expect: &str) {
    refuses(&format!("check {{\n name = \"c\"\n {keys}\n}}"), &[&format!("a.hcl:{expect}")]);
}
