//! The effective configuration in words: every option, its value without secrets, and where it came from.

use serde_json::{Map, Value as Json, json};

use crate::config::Config;
use crate::error::Origin;
use crate::load::Loaded;
use crate::options;

/// One line for each option, `key = value`, in HCL's form; with `origin` each says where the value came from.
#[must_use]
pub fn as_text(loaded: &Loaded, origin: bool) -> String {
    let lines: Vec<(String, String)> = options::all()
        .map(|option| {
            let value = option.shown_in(&loaded.config);
            (format!("{} = {}", option.key, value), from(&loaded.origins[option.key]).join(", "))
        })
        .collect();
    // A long list must not push everybody's origin off the screen.
    let width =
        lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    let text = |(line, from): (String, String)| match origin {
        true => format!("{line:<width$}  # {from}\n"),
        false => format!("{line}\n"),
    };
    lines.into_iter().map(text).collect()
}

/// The same as one JSON object by key: the values, or with `origin` objects of `value` and `origin`, a list of places.
#[must_use]
pub fn as_json(loaded: &Loaded, origin: bool) -> Json {
    let entry = |option: &crate::ConfigOption| {
        let value = option.shown_in(&loaded.config);
        let shown = match origin {
            true => json!({ "value": value, "origin": from(&loaded.origins[option.key]) }),
            false => value,
        };
        (option.key.to_owned(), shown)
    };
    Json::Object(options::all().map(entry).collect::<Map<_, _>>())
}

impl Config {
    /// Every option in its blocks, as a file would have it, without secrets.
    #[must_use]
    pub fn shown(&self) -> Map<String, Json> {
        let mut tree = json!({});
        for option in options::all() {
            let mut place = &mut tree;
            for name in option.key.split('.') {
                place = &mut place[name];
            }
            *place = option.shown_in(self);
        }
        match tree {
            Json::Object(tree) => tree,
            _ => Map::new(),
        }
    }
}

fn from(origins: &[Origin]) -> Vec<String> {
    origins.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use crate::MemoryFiles;

    use super::*;

    fn loaded() -> super::Loaded {
        let file = "ports { http = 8501 }\nhttp_config { response_headers { A = \"s3cret\" } }\n\
            watches { type = \"event\" handler_type = \"http\"\n http_handler_config { path = \"http://h/\" header { T = \"s3cret\" } } }";
        let args = ["-dev", "-config-file=k.hcl", "-node=n"].map(str::to_owned);
        let variables = [("KONSUL_LOG_JSON".to_owned(), "true".to_owned())];
        Config::load(&args, &variables, &MemoryFiles::new([("k.hcl", file)])).expect("a good file")
    }

    #[test]
    fn values_are_shown_with_their_origin_and_without_secrets() {
        let text = super::as_text(&loaded(), true);
        for (line, from) in [
            ("node_name = \"n\"", "-node"),
            ("ports.http = 8501", "k.hcl:1:9"),
            ("log_json = true", "KONSUL_LOG_JSON"),
            ("datacenter = \"dc1\"", "default"),
            ("bootstrap = true", "-dev"),
            ("http_config.response_headers = {\"A\":\"hidden\"}", "k.hcl:2:15"),
        ] {
            let found = text
                .lines()
                .find(|found| found.starts_with(line))
                .unwrap_or_else(|| panic!("{line}: {text}"));
            assert!(found.ends_with(&format!("  # {from}")), "{found}");
        }
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(super::as_text(&loaded(), false).lines().count(), crate::all_options().count());
    }

    #[test]
    fn as_json_it_can_be_asked_by_key() {
        let json = super::as_json(&loaded(), true);
        assert_eq!(json["ports.http"]["value"], 8501);
        assert_eq!(json["ports.http"]["origin"][0], "k.hcl:1:9");
        assert_eq!(super::as_json(&loaded(), false)["log_json"], true);
        assert!(!json.to_string().contains("s3cret"));
    }
}
