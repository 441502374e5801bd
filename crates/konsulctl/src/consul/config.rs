//! `config show` and `config schema`: what an agent would have in force, and where each value comes from; and what a file
//! may hold, for editors. Neither speaks to a server: `show` reads what an agent would read, with the agent's own flags.

use clap::{ArgMatches, Command};
use konsul_config::{Config, ConfigError, Disk, as_json, as_text};

use crate::console::Console;
use crate::consul::{group, leaf};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Takes every flag of `konsul agent` (see konsul agent -help), and reads the same files and KONSUL_ variables as an agent.

  -origin            say where each value comes from: a file with line and column, a variable, a flag, or the default
  -output text|json  lines of `key = value`, or one JSON object by key [default: text]

Values that may be secret are shown as `hidden`.

Examples:
  konsul config show -dev
  konsul config show -origin -config-dir=/etc/konsul.d -http-port=8501
  konsul config show -output=json -config-file=konsul.toml

Exit codes: 0 an agent would start with it; 1 it would not, and everything that is wrong is named.";

const SCHEMA: &str = "\
Prints the JSON Schema (draft 2020-12) of a configuration file, for editors that check and complete.

Example:
  konsul config schema > konsul.schema.json";

/// The commands for the list of all; the words of `show` are read by [`show`].
pub(crate) fn command() -> Command {
    let show = leaf("konsul config show [OPTIONS]", "Shows the configuration in force and its origins", MORE);
    let schema = leaf("konsul config schema", "Prints the JSON Schema of configuration files", SCHEMA);
    group("config", "The configuration of an agent").subcommand(show).subcommand(schema)
}

/// What was asked for, beside the agent's own flags.
#[derive(Default)]
struct Wishes {
    origin: bool,
    json: bool,
    agent: Vec<String>,
}

/// The words that are of these commands, if they are: what the agent's flags are, clap does not know.
pub(crate) fn asked_for(words: &[String]) -> Option<(&str, &[String])> {
    let [config, command, rest @ ..] = words else { return None };
    (config == "config" && matches!(command.as_str(), "show" | "schema")).then_some((command.as_str(), rest))
}

/// Runs the command of this name.
pub(crate) fn run_words(command: &str, words: &[String], console: &mut Console<'_>) -> Outcome {
    match (command, words) {
        ("schema", []) => {
            let schema = serde_json::to_string_pretty(&konsul_config::json_schema());
            console.line(schema.map_err(|why| Failure::new(why.to_string()))?)
        }
        ("schema", _) => console.line(SCHEMA),
        _ => show(words, console),
    }
}

/// Runs it with the words after `config show`.
fn show(words: &[String], console: &mut Console<'_>) -> Outcome {
    let wishes = Wishes::of(words)?;
    let variables: Vec<(String, String)> = konsul_config::all_options()
        .filter_map(|option| Some((option.variable(), console.env(&option.variable())?)))
        .collect();
    match Config::load(&wishes.agent, &variables, &Disk) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|warning| console.warn(&format!("Warning: {warning}")));
            if wishes.json {
                let json = serde_json::to_string_pretty(&as_json(&loaded, wishes.origin));
                console.line(json.map_err(|why| Failure::new(why.to_string()))?)
            } else {
                console.write(as_text(&loaded, wishes.origin).as_bytes())
            }
        }
        Err(errors) if errors.contains(&ConfigError::HelpRequested) => {
            let mut command = command();
            let show = command.find_subcommand_mut("show").map(Command::render_help);
            console.write(show.map(|help| help.to_string()).unwrap_or_default().as_bytes())
        }
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Failure::new(format!("An agent would not start with it:\n  {}", lines.join("\n  "))))
        }
    }
}

/// `config` without one of its commands: clap has shown what there is.
pub(crate) fn run(_: &ArgMatches, _: &mut Console<'_>) -> Outcome {
    Err(Failure::new("Error! `konsul config` has two commands: show and schema"))
}

impl Wishes {
    fn of(words: &[String]) -> Result<Wishes, Failure> {
        let mut wishes = Wishes::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let bare = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or_default();
            match bare.split_once('=').unwrap_or((bare, "")) {
                ("origin", "" | "true") => wishes.origin = true,
                ("origin", "false") => wishes.origin = false,
                ("output" | "o", "") => wishes.json = is_json(words.next().map_or("", String::as_str))?,
                ("output" | "o", form) => wishes.json = is_json(form)?,
                _ => wishes.agent.push(word.clone()),
            }
        }
        Ok(wishes)
    }
}

fn is_json(form: &str) -> Result<bool, Failure> {
    match form {
        "json" => Ok(true),
        "text" => Ok(false),
        other => Err(Failure::new(format!("Error! -output takes text or json, not {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str], env: &[(&str, &str)]) -> (u8, String, String) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let look_up =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let code = {
            let mut console = Console::new(
                Box::new(look_up),
                Box::new(std::io::empty()),
                Box::new(&mut out),
                Box::new(&mut err),
                false,
            );
            crate::run("konsul", &words, &mut console)
        };
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn values_and_origins_are_shown_as_text_and_as_json() {
        let env = [("KONSUL_LOG_LEVEL", "warn")];
        let (code, out, err) = shown(&["config", "show", "--origin", "-dev", "-http-port=8501"], &env);
        assert_eq!((code, err.as_str()), (0, ""));
        let line =
            |start: &str| out.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
        assert!(line("ports.http = 8501").ends_with("# -http-port"), "{out}");
        assert!(line("log_level = \"warn\"").ends_with("# KONSUL_LOG_LEVEL"), "{out}");
        let (_, out, _) = shown(&["config", "show", "-output", "json", "-dev"], &env);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["log_level"], "warn");
    }

    #[test]
    fn the_schema_is_json_and_its_help_is_not() {
        let (_, out, _) = shown(&["config", "schema"], &[]);
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(schema["properties"]["log_level"]["type"], "string");
        assert!(shown(&["config", "schema", "-help"], &[]).1.contains("konsul config schema >"));
    }

    #[test]
    fn what_an_agent_would_refuse_is_refused() {
        let (code, _, err) = shown(&["config", "show", "-http-prt=1"], &[]);
        assert!(code == 1 && err.contains("did you mean `-http-port`?"), "{err}");
        let (code, out, _) = shown(&["config", "show", "-help"], &[]);
        assert!(code == 0 && out.contains("konsul config show -dev"), "{out}");
    }
}
