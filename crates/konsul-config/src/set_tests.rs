//! Tests over the whole set of declarations: what every option must have, and what no two may share.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::catalogue::{Known, leaves, look_up};
use crate::config::Config;
use crate::flags::LOADER_FLAGS;
use crate::kind::Kind;
use crate::option::{ConfigOption, Range};
use crate::{ConfigError, Loaded, MemoryFiles, Origin, consul, options};

/// Fails if a name occurs twice.
#[track_caller]
fn unique(what: &str, names: impl Iterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name.clone()), "{what} {name} occurs twice");
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

#[test]
fn no_key_flag_or_variable_stands_for_two_things() {
    unique("key", leaves().map(|(key, _)| key.trim_end_matches(".*").to_owned()));
    let loader = LOADER_FLAGS.iter().map(|flag| flag.name.to_owned());
    let consul = consul::FLAGS.iter().map(|(flag, ..)| (*flag).to_owned());
    let reserved = ["h", "help"].map(ToOwned::to_owned).into_iter();
    unique("flag", options::all().map(ConfigOption::flag_name).chain(loader).chain(consul).chain(reserved));
    unique("variable", options::all().map(ConfigOption::variable));
}

#[test]
fn no_key_is_also_a_block() {
    for (key, _) in leaves() {
        let key = key.trim_end_matches(".*");
        assert!(!matches!(look_up(key), Some(Known::Block)), "{key} is a value and a block");
    }
}

#[test]
fn every_option_is_documented() {
    for option in options::all() {
        let key = option.key;
        assert!(
            option.doc.is_ascii() && option.doc.ends_with('.') && option.doc.len() > 20,
            "{key}: {}",
            option.doc
        );
        assert_eq!(
            option.default.is_empty(),
            !option.unset.is_empty(),
            "{key}: a default, or what its absence means"
        );
        let counted = matches!(option.kind, Kind::Integer | Kind::Port | Kind::Duration);
        assert_eq!(
            counted,
            option.range != Range::Whole,
            "{key}: numbers and durations have a range, others none"
        );
        if option.kind == Kind::Integer {
            assert!(option.unit.is_some(), "{key}: a number has a unit");
        }
    }
}

#[test]
fn defaults_and_dev_values_are_in_range() {
    let mut config = Config::default();
    for option in options::all() {
        for text in [Some(option.default), option.dev].into_iter().flatten().filter(|text| !text.is_empty()) {
            let value = option.kind.value_of_text(text).expect(option.key);
            option.apply(&mut config, &value, &Origin::Default).expect(option.key);
        }
        if let Some((least, most)) = option.bounds() {
            assert!(least < most, "{}", option.key);
        }
    }
}

/// The paths of all fields of the configuration, down to the options.
fn fields(path: &str, value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) if !options::all().any(|option| option.key == path) => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(&path, value, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn fields_and_options_are_the_same() {
    let mut found = BTreeSet::new();
    let config = serde_json::to_value(Config::default()).expect("plain data");
    fields("", &config, &mut found);
    let keys: BTreeSet<String> = options::all().map(|option| option.key.to_owned()).collect();
    assert_eq!(found, keys);
}

#[test]
fn every_key_of_consul_is_in_exactly_one_table() {
    let consul: BTreeSet<&str> = lines(include_str!("../tests/consul-keys.txt")).collect();
    let tables: BTreeSet<&str> = leaves().map(|(key, _)| key).collect();
    // An option with parts of its own stands for all that is below it.
    let whole = |key: &str| key.strip_suffix(".*").is_some_and(|key| tables.contains(key));
    let missing: Vec<_> = consul.difference(&tables).filter(|key| !whole(key)).collect();
    assert!(missing.is_empty(), "in no table: {missing:?}");
    let foreign = leaves().filter(|(_, known)| !matches!(known, Known::Option(_))).map(|(key, _)| key);
    let invented: Vec<_> = foreign.filter(|key| !consul.contains(key)).collect();
    assert!(invented.is_empty(), "no key of Consul: {invented:?}");
}

#[test]
fn every_flag_of_consul_is_understood() {
    let ours: BTreeSet<String> = options::all().map(ConfigOption::flag_name).collect();
    for flag in lines(include_str!("../tests/consul-flags.txt")) {
        let loader = LOADER_FLAGS.iter().any(|own| own.name == flag);
        let consul = consul::FLAGS.iter().any(|(name, ..)| *name == flag);
        assert!(ours.contains(flag) || loader || consul, "-{flag} is in no table");
    }
    for (flag, key, _) in consul::FLAGS {
        let known = look_up(key);
        assert!(
            matches!(known, Some(Known::NotBuilt | Known::MeansNothing(_))),
            "-{flag} sets {key}: {known:?}"
        );
    }
}

/// A value of each option that is not its default, in dev mode either.
fn sample(option: &ConfigOption) -> String {
    match (option.key, option.kind) {
        ("server" | "bootstrap", _) => "true".into(),
        // More are in range, and refused by a rule.
        ("bootstrap_expect", _) => "1".into(),
        (_, Kind::Bool) => if option.default == "true" { "false" } else { "true" }.into(),
        (_, Kind::Integer | Kind::Port) => {
            let Range::Integers(_, most) = option.range else { panic!("{} has a range", option.key) };
            most.to_string()
        }
        ("unix_sockets.mode", _) => "0640".into(),
        ("backup.name", _) => "sample-{time}.snap".into(),
        // The shorter of the two query times is the other's default, and may not become the longer.
        ("max_query_time", _) => "11m0s".into(),
        (_, Kind::Duration) => "9m0s".into(),
        (_, Kind::Choice(words)) => {
            words.iter().find(|word| **word != option.default).expect("two words").to_string()
        }
        ("node_id", _) => "b0f1a4c6-4e3c-4b1e-9a53-2f6d0c7e1a55".into(),
        ("bind_addr" | "client_addr" | "advertise_addr" | "addresses.dns", _) => "127.0.0.2".into(),
        ("recursors", _) => "127.0.0.53:5353".into(),
        ("domain" | "alt_domain", _) => "sample.".into(),
        ("dns_config.service_ttl", _) => "sample*:9m0s".into(),
        ("locality.zone", _) => "z".into(),
        ("services", _) => "{\"name\":\"web\",\"port\":80}".into(),
        ("checks", _) => "{\"name\":\"disk\",\"ttl\":\"9m0s\"}".into(),
        ("addresses.http", _) => "unix:///run/k.sock 127.0.0.2".into(),
        ("http_config.allow_write_http_from", _) => "10.0.0.0/8".into(),
        ("telemetry.otlp_endpoint", _) => "http://localhost:4319".into(),
        (_, Kind::Ratio) => "0.5".into(),
        (_, Kind::Map) => "X-Sample:text".into(),
        (_, Kind::Blocks) => "{\"type\":\"key\",\"key\":\"a\",\"args\":[\"/bin/true\"]}".into(),
        (_, Kind::Text | Kind::List) => {
            "/sample".trim_start_matches(if option.kind == Kind::List { "" } else { "/" }).into()
        }
    }
}

fn sample_json(option: &ConfigOption) -> Json {
    match option.kind {
        Kind::Bool | Kind::Integer | Kind::Port | Kind::Ratio => {
            sample(option).parse().expect("a JSON literal")
        }
        Kind::List => serde_json::json!([sample(option)]),
        Kind::Map => {
            let (name, value) =
                sample(option).split_once(':').map(|(n, v)| (n.to_owned(), v.to_owned())).expect("an entry");
            serde_json::json!({ name: value })
        }
        Kind::Blocks => serde_json::json!([serde_json::from_str::<Json>(&sample(option)).expect("JSON")]),
        _ => Json::String(sample(option)),
    }
}

/// What makes a configuration pass the rules, without touching the option under test.
fn load_with(
    option: &ConfigOption,
    args: &[String],
    variables: &[(String, String)],
    (name, text): (&'static str, &str),
) -> Loaded {
    let mut all = vec!["-config-file".to_owned(), name.to_owned()];
    // Only these keys are themselves what dev mode sets or needs.
    if option.key == "data_dir" || option.key == "storage.engine" {
        all.push("-hcl=bootstrap = true server = true".into());
    } else if option.key == "server" || option.key.starts_with("bootstrap") {
        all.push("-storage-engine=memory".into());
        let other = if option.key == "server" { "bootstrap = true" } else { "server = true" };
        all.push(format!("-hcl={other}"));
    } else if option.key != "dev_mode" {
        all.push("-dev".into());
    }
    // What else the rules ask for.
    match option.key {
        "locality.zone" => all.push("-locality-region=r".into()),
        "check_config.flap_changes" => all.push("-check-config-flap-runs=64".into()),
        "check_config.flap_runs" => all.push("-check-config-flap-changes=1".into()),
        // The largest port of both.
        "ports.http" => all.push("-dns-port=-1".into()),
        _ => {}
    }
    all.extend_from_slice(args);
    let files = MemoryFiles::new([(name, text)]);
    Config::load(&all, variables, &files).unwrap_or_else(|errors| panic!("{}: {errors:#?}", option.key))
}

fn nested(key: &str, value: &Json) -> String {
    let names: Vec<&str> = key.split('.').collect();
    names.iter().rev().fold(value.to_string(), |inner, name| format!("{{\"{name}\": {inner}}}"))
}

/// `key = value` in HCL, with the key's blocks around it.
fn in_hcl(key: &str, value: &Json) -> String {
    let names: Vec<&str> = key.split('.').collect();
    let (last, blocks) = names.split_last().expect("a key has a name");
    let inner = format!("{last} = {}", hcl_value(value));
    blocks.iter().rev().fold(inner, |inner, block| format!("{block} {{\n  {inner}\n}}"))
}

fn hcl_value(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("\"{name}\" = {}", hcl_value(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Json::Array(values) => format!("[{}]", values.iter().map(hcl_value).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

/// The same in TOML, as a table of the key's blocks; HCL's way of writing values happens to be TOML's.
fn in_toml(key: &str, value: &Json) -> String {
    let (table, name) = key.rsplit_once('.').map_or(("", key), |(table, name)| (table, name));
    let table = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
    format!("{table}{name} = {}", hcl_value(value))
}

#[test]
fn every_option_is_read_back_from_file_variable_and_flag() {
    for option in options::all() {
        let expected = sample_json(option);
        let dashes = ["-", "--"].map(|dash| format!("{dash}{}={}", option.flag_name(), sample(option)));
        let apart = [format!("-{}", option.flag_name()), sample(option)];
        let in_variable = if option.kind == Kind::Map { expected.to_string() } else { sample(option) };
        let variable = (option.variable(), in_variable);
        let nothing = ("test.json", "{}");
        let mut all = vec![load_with(option, &[], &[variable], nothing)];
        all.extend(dashes.map(|flag| load_with(option, &[flag], &[], nothing)));
        if option.kind != Kind::Bool {
            all.push(load_with(option, &apart, &[], nothing));
        }
        if option.in_files {
            let files = [
                ("test.json", nested(option.key, &expected)),
                ("test.hcl", in_hcl(option.key, &expected)),
                ("test.toml", in_toml(option.key, &expected)),
            ];
            all.extend(files.map(|(name, text)| load_with(option, &[], &[], (name, &text))));
        }
        for loaded in all {
            assert_eq!(
                option.value_in(&loaded.config),
                expected,
                "{} {:?}",
                option.key,
                loaded.origins[option.key]
            );
        }
    }
}

#[test]
fn no_option_takes_a_number_beyond_its_range() {
    for option in options::all() {
        let Some((least, most)) = option.bounds() else {
            continue;
        };
        for beyond in [least - 1, most + 1] {
            let text = match option.kind {
                Kind::Duration => format!("\"{beyond}ns\""),
                _ => beyond.to_string(),
            };
            let file = nested(option.key, &text.parse().expect("a JSON literal"));
            let args = ["-dev".to_owned(), "-config-file=t.json".to_owned()];
            let errors =
                Config::load(&args, &[], &MemoryFiles::new([("t.json", file)])).expect_err(option.key);
            assert!(
                matches!(&errors[..], [ConfigError::BadValue { key, .. }] if key == option.key),
                "{}: {errors:?}",
                option.key
            );
        }
    }
}

#[test]
fn no_option_takes_a_value_of_another_type() {
    for option in options::all().filter(|option| option.in_files) {
        let wrong = if option.kind == Kind::Bool { "5" } else { "true" };
        let file = nested(option.key, &wrong.parse().expect("a JSON literal"));
        let args = ["-dev".to_owned(), "-config-file=t.json".to_owned()];
        let errors = Config::load(&args, &[], &MemoryFiles::new([("t.json", file)])).expect_err(option.key);
        let text = errors[0].to_string();
        assert!(text.starts_with("t.json:1:") && text.contains("expected"), "{}: {text}", option.key);
    }
}
