//! What is wrong with a configuration, what deserves a warning, and where each value came from.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::syntax::{Position, SyntaxError};

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the declared default.
    Default,
    /// Nowhere: it is what dev mode sets.
    DevMode,
    /// In a file, or in the text of `-hcl`.
    File {
        /// The file's path as given, or `-hcl`.
        name: String,
        /// Where in it the key stands.
        at: Position,
    },
    /// In the environment.
    Environment {
        /// The variable.
        variable: String,
    },
    /// On the command line.
    Flag {
        /// The flag, without its dash.
        name: String,
    },
}

impl Origin {
    /// The same, at another place of the same file.
    pub(crate) fn at(self, place: Option<Position>) -> Self {
        match (self, place) {
            (Self::File { name, .. }, Some(at)) => Self::File { name, at },
            (same, _) => same,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::DevMode => f.write_str("-dev"),
            Self::File { name, at } => write!(f, "{name}:{at}"),
            Self::Environment { variable } => f.write_str(variable),
            Self::Flag { name } => write!(f, "-{name}"),
        }
    }
}

/// One thing that keeps a configuration from being used. Each names its place and, where it can be told, what would
/// be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line asks for help instead of a start.
    #[error("help was asked for")]
    HelpRequested,
    /// A file or directory cannot be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A single file whose name does not say its language.
    #[error(
        "file {} has unknown extension; must be .hcl, .json or .toml, or config format must be set",
        path.display()
    )]
    UnknownExtension {
        /// The path as given.
        path: PathBuf,
    },
    /// A file is not of its language.
    #[error("{name}:{}: {error}", error.at)]
    Syntax {
        /// The file, or `-hcl`.
        name: String,
        /// Where and why.
        error: SyntaxError,
    },
    /// A key that neither Konsul nor Consul knows.
    #[error("{origin}: unknown key `{key}`{}", hint(nearest.as_ref()))]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The key with its blocks.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// Keys that Consul has and Konsul does not have yet.
    #[error("{origin}: {}: known to Consul, not built yet in Konsul", list(keys))]
    NotBuilt {
        /// Where the first of them stands.
        origin: Origin,
        /// The keys of one block that are asked for.
        keys: Vec<String>,
    },
    /// A value of the wrong type, form or range.
    #[error("{origin}: {}{reason}", subject(key, origin))]
    BadValue {
        /// Where it was given.
        origin: Origin,
        /// The key of the option.
        key: String,
        /// What was expected, and what was found.
        reason: String,
    },
    /// A fault in a service or a check that is defined in a file.
    #[error("{origin}: {definition}: {reason}")]
    BadDefinition {
        /// Where the fault lies.
        origin: Origin,
        /// What is defined, such as `service "web"`.
        definition: String,
        /// What was expected, and what was found.
        reason: String,
    },
    /// A flag that does not exist.
    #[error("unknown flag -{name}{}", hint(nearest.as_ref()))]
    UnknownFlag {
        /// The flag without its dash.
        name: String,
        /// The flag that was probably meant, with its dash.
        nearest: Option<String>,
    },
    /// A flag that needs a value is the last word.
    #[error("flag -{name} needs a value, as in -{name}=VALUE or -{name} VALUE")]
    MissingFlagValue {
        /// The flag without its dash.
        name: String,
    },
    /// A flag of the loader itself has a value that it does not take.
    #[error("-{name}: {reason}")]
    BadFlag {
        /// The flag without its dash.
        name: String,
        /// What was expected, and what was found.
        reason: String,
    },
    /// A word that belongs to no flag.
    #[error("unexpected argument {word:?}; an agent takes flags only (see -help)")]
    UnexpectedArgument {
        /// The word.
        word: String,
    },
    /// Options that do not go together, or one that lacks another.
    #[error("{}{reason}", place(origin))]
    Rule {
        /// Where the option that decides was given.
        origin: Origin,
        /// What does not fit, and what to do.
        reason: String,
    },
}

impl ConfigError {
    /// The file that it is about, and the place in it.
    #[must_use]
    pub fn place(&self) -> Option<(&str, Position)> {
        match self {
            Self::Syntax { name, error } => Some((name, error.at)),
            Self::UnknownKey { origin, .. }
            | Self::NotBuilt { origin, .. }
            | Self::BadValue { origin, .. }
            | Self::BadDefinition { origin, .. }
            | Self::Rule { origin, .. } => match origin {
                Origin::File { name, at } => Some((name, *at)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Something that does not stop a start and that an operator should see.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Warning {
    /// A key or flag of Consul that has no meaning here.
    #[error("{} means nothing to Konsul and is ignored: {reason}", name(key, origin))]
    MeansNothing {
        /// Where it was given.
        origin: Origin,
        /// The key.
        key: String,
        /// Why it means nothing.
        reason: &'static str,
    },
    /// A file of a directory whose name does not say its language.
    #[error(
        "skipping file {}, extension must be .hcl, .json or .toml, or config format must be set",
        path.display()
    )]
    SkippedFile {
        /// The file.
        path: PathBuf,
    },
    /// A key stands twice in one file.
    #[error("{origin}: `{key}` stands in this file before, at {first}; {}", again(*joined))]
    GivenTwice {
        /// Where it stands again.
        origin: Origin,
        /// The key.
        key: String,
        /// Where it stands first.
        first: Position,
        /// Whether the values are joined; else the later one wins.
        joined: bool,
    },
    /// A variable that looks like ours and is not.
    #[error("{variable}: no option has this variable; it is ignored{}", hint(nearest.as_ref()))]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Options that work and are probably not what was meant.
    #[error("{}{reason}", place(origin))]
    Advice {
        /// Where the option that decides was given.
        origin: Origin,
        /// What to know.
        reason: String,
    },
}

/// A default has no place that one could go to.
fn place(origin: &Origin) -> String {
    match origin {
        Origin::Default => String::new(),
        other => format!("{other}: "),
    }
}

fn hint(nearest: Option<&String>) -> String {
    nearest.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}

fn list(keys: &[String]) -> String {
    let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(", ")
}

/// A place in a file does not name the key; a flag or a variable does.
fn subject(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Flag { .. } | Origin::Environment { .. } => String::new(),
        _ => format!("`{key}`: "),
    }
}

/// A flag says all; a place in a file does not name the key.
fn name(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Flag { .. } => origin.to_string(),
        _ => format!("{origin}: `{key}`"),
    }
}

fn again(joined: bool) -> &'static str {
    if joined { "both are joined" } else { "this one counts" }
}
