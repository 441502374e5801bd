//! `validate`: checks configuration files without starting anything.

use clap::{ArgMatches, Command};
use konsul_config::{Config, Disk};

use crate::console::Console;
use crate::consul::connection::is_on;
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul validate /etc/konsul.d        all files of a directory
  konsul validate a.hcl b.json         files, the later ones win

Exit codes: 0 an agent would start with it; 1 it would not, and everything that is wrong is named.";

pub(crate) fn command() -> Command {
    leaf("konsul validate [OPTIONS] FILE_OR_DIRECTORY...", "Checks configuration files", MORE)
        .arg(switch("quiet", "Print nothing if all is well"))
        .arg(option("config-format", "hcl|json|toml", "Take every file to be of this language"))
        .arg(arguments("FILE_OR_DIRECTORY...", "What an agent would be given as -config-file or -config-dir"))
}

pub(crate) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let paths = input::arguments(matches);
    if paths.is_empty() {
        return Err(Failure::new("Must specify at least one config file or directory"));
    }
    let format = matches.get_one::<String>("config-format").map(|format| format!("-config-format={format}"));
    let words: Vec<String> =
        format.into_iter().chain(paths.iter().map(|path| format!("-config-file={path}"))).collect();
    match Config::load(&words, &[], &Disk) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|warning| console.warn(&format!("Warning: {warning}")));
            if is_on(matches, "quiet") { Ok(()) } else { console.line("Configuration is valid!") }
        }
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let separator = if lines.len() > 1 { "\n  " } else { " " };
            Err(Failure::new(format!("Config validation failed:{separator}{}", lines.join("\n  "))))
        }
    }
}
