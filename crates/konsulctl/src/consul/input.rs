//! Arguments, and data given as text, as `@file` or as `-` for standard input.

use clap::ArgMatches;

use crate::console::Console;
use crate::consul::words::ARGUMENTS;
use crate::failure::Failure;

/// The free arguments.
pub(crate) fn arguments(matches: &ArgMatches) -> Vec<&str> {
    let values = matches.get_many::<String>(ARGUMENTS);
    values.map(|values| values.map(String::as_str).collect()).unwrap_or_default()
}

/// The one argument of a command that takes one or none.
pub(crate) fn at_most_one(matches: &ArgMatches) -> Result<&str, Failure> {
    match arguments(matches).as_slice() {
        [] => Ok(""),
        [one] => Ok(one),
        many => Err(Failure::new(format!("Too many arguments (expected 1, got {})", many.len()))),
    }
}

/// The one argument of a command that needs one. `name` is what it is called in the usage.
pub(crate) fn exactly_one<'m>(matches: &'m ArgMatches, name: &str) -> Result<&'m str, Failure> {
    match at_most_one(matches)? {
        "" => Err(Failure::new(format!("Missing {name} argument"))),
        one => Ok(one),
    }
}

/// A key as people write it: one leading slash is theirs, not the key's.
pub(crate) fn key(text: &str) -> &str {
    text.strip_prefix('/').unwrap_or(text)
}

/// The bytes that an argument stands for.
pub(crate) fn data(argument: &str, console: &mut Console<'_>) -> Result<Vec<u8>, Failure> {
    if let Some(path) = argument.strip_prefix('@') {
        return std::fs::read(path)
            .map_err(|e| Failure::new(format!("Error! Failed to read file: {path}: {e}")));
    }
    if argument != "-" {
        return Ok(argument.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    let read = console.stdin().read_to_end(&mut bytes);
    read.map_err(|e| Failure::new(format!("Error! Failed to read stdin: {e}")))?;
    Ok(bytes)
}
