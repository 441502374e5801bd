//! `version`: what build this is.

use clap::{ArgMatches, Command};

use crate::console::Console;
use crate::consul::connection::text;
use crate::consul::leaf;
use crate::consul::quoting::json_string;
use crate::consul::words::option;
use crate::failure::{Failure, Outcome};
use konsul_config::build::{BUILD_DATE, REVISION, VERSION};

pub(crate) fn command() -> Command {
    leaf(
        "konsul version [OPTIONS]",
        "Shows what build this is",
        "Examples:\n  konsul version\n  konsul version -format=json",
    )
    .arg(option("format", "FORMAT", "pretty or json").default_value("pretty"))
}

pub(crate) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match text(matches, "format").unwrap_or("pretty") {
        "pretty" => short(console),
        "json" => console.line(json()),
        other => Err(Failure::new(format!("Unknown format: {other}; write pretty or json"))),
    }
}

/// The form for people, also printed for `-version`.
pub(crate) fn short(console: &mut Console<'_>) -> Outcome {
    console.line(format!("Konsul v{VERSION}"))?;
    if !REVISION.is_empty() {
        console.line(format!("Revision {REVISION}"))?;
    }
    console.line(format!("Build Date {BUILD_DATE}"))
}

/// Consul's keys; what would speak of gossip is not there.
fn json() -> String {
    let fields =
        [("Version", VERSION), ("Revision", REVISION), ("Prerelease", ""), ("BuildDate", BUILD_DATE)];
    let lines: Vec<String> =
        fields.iter().map(|(name, value)| format!("   \"{name}\": {}", json_string(value))).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
