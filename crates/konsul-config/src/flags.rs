//! The agent's command line, read as Go's `flag` package reads it: one dash or two, `-flag=value` or `-flag value`,
//! and a boolean alone or with `=`, never with the next word.

use std::path::PathBuf;

use crate::catalogue::{Known, look_up};
use crate::consul;
use crate::error::{ConfigError, Origin, Warning};
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::option::ConfigOption;
use crate::options;
use crate::reading::{Reading, Setting, asks_for_nothing};
use crate::syntax::{Format, Value};

/// A flag of the loader itself: it says where to read, and is no option.
#[derive(Debug)]
pub(crate) struct LoaderFlag {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
    pub(crate) doc: &'static str,
}

/// The loader's own flags.
pub(crate) static LOADER_FLAGS: &[LoaderFlag] = &[
    LoaderFlag {
        name: "config-file",
        value: "PATH",
        doc: "Reads this file. May be given several times; later files win.",
    },
    LoaderFlag {
        name: "config-dir",
        value: "PATH",
        doc: "Reads the .hcl, .json and .toml files of this directory, in the order of their names. May be given several \
              times, and mixed with -config-file.",
    },
    LoaderFlag {
        name: "config-format",
        value: "hcl|json|toml",
        doc: "Takes every file to be of this language, whatever it is called.",
    },
    LoaderFlag {
        name: "hcl",
        value: "TEXT",
        doc: "A piece of configuration in HCL, which wins over everything else. May be given several times.",
    },
];

/// What a command line says.
#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    pub(crate) reading: Reading,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) format: Option<Format>,
    pub(crate) fragments: Vec<String>,
}

/// What a flag's name stands for.
enum Meaning {
    Help,
    Loader,
    Option(&'static ConfigOption),
    Consul { key: &'static str, takes_value: bool },
}

impl Meaning {
    fn of(name: &str) -> Option<Self> {
        if matches!(name, "h" | "help") {
            return Some(Self::Help);
        }
        if LOADER_FLAGS.iter().any(|flag| flag.name == name) {
            return Some(Self::Loader);
        }
        if let Some(option) = options::all().find(|option| option.flag_name() == name) {
            return Some(Self::Option(option));
        }
        let (_, key, takes_value) = consul::FLAGS.iter().find(|(flag, ..)| *flag == name)?;
        Some(Self::Consul { key, takes_value: *takes_value })
    }

    fn takes_value(&self) -> bool {
        match self {
            Self::Help => false,
            Self::Loader => true,
            Self::Option(option) => option.kind != Kind::Bool,
            Self::Consul { takes_value, .. } => *takes_value,
        }
    }
}

/// Reads the words after the command's name.
pub(crate) fn read(args: &[String]) -> CommandLine {
    let mut line = CommandLine::default();
    let mut words = args.iter().peekable();
    while let Some(word) = words.next() {
        let Some((name, attached)) = split(word) else {
            line.error(ConfigError::UnexpectedArgument { word: word.clone() });
            continue;
        };
        let Some(meaning) = Meaning::of(name) else {
            line.unknown(name);
            // What follows a flag that nobody knows is most likely its value.
            if attached.is_none() {
                words.next_if(|next| split(next).is_none());
            }
            continue;
        };
        let value =
            attached.or_else(|| if meaning.takes_value() { words.next().map(String::as_str) } else { None });
        match value {
            None if meaning.takes_value() => {
                line.error(ConfigError::MissingFlagValue { name: name.to_owned() });
            }
            value => line.take(&meaning, name, value.unwrap_or("true")),
        }
    }
    line
}

/// Cuts `-name=value` into its parts; `None` for a word that is no flag.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    let bare = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|bare| !bare.is_empty())?;
    Some(bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value))))
}

impl CommandLine {
    fn error(&mut self, error: ConfigError) {
        self.reading.errors.push(error);
    }

    fn take(&mut self, meaning: &Meaning, name: &str, text: &str) {
        match meaning {
            Meaning::Help => self.error(ConfigError::HelpRequested),
            Meaning::Loader => self.loader_flag(name, text),
            Meaning::Option(option) => self.option(option, name, text),
            Meaning::Consul { key, takes_value } => self.consul_flag(key, *takes_value, name, text),
        }
    }

    fn loader_flag(&mut self, name: &str, text: &str) {
        match (name, Format::of_word(text)) {
            ("hcl", _) => self.fragments.push(text.to_owned()),
            ("config-format", Some(format)) => self.format = Some(format),
            ("config-format", None) => {
                let reason = format!("expected hcl, json or toml, found {text:?}");
                self.error(ConfigError::BadFlag { name: name.to_owned(), reason });
            }
            _ => self.paths.push(PathBuf::from(text)),
        }
    }

    fn option(&mut self, option: &'static ConfigOption, name: &str, text: &str) {
        let origin = Origin::Flag { name: name.to_owned() };
        match option.kind.value_of_text(text) {
            Ok(value) => self.reading.settings.push(Setting { option, value, origin }),
            Err(reason) => self.error(ConfigError::BadValue { origin, key: option.key.to_owned(), reason }),
        }
    }

    fn consul_flag(&mut self, key: &str, takes_value: bool, name: &str, text: &str) {
        let origin = Origin::Flag { name: name.to_owned() };
        let kind = if takes_value { Kind::Text } else { Kind::Bool };
        // A number that turns a port off is written as a number, which a text never is.
        let value = text.parse().map(Value::Integer).or_else(|_| kind.value_of_text(text));
        match (look_up(key), value) {
            (Some(Known::MeansNothing(reason)), _) => {
                self.reading.warnings.push(Warning::MeansNothing { origin, key: key.to_owned(), reason });
            }
            (_, Ok(value)) if asks_for_nothing(key, &value) => {}
            (_, Ok(_)) => self.error(ConfigError::NotBuilt { origin, keys: vec![key.to_owned()] }),
            (_, Err(reason)) => self.error(ConfigError::BadValue { origin, key: key.to_owned(), reason }),
        }
    }

    fn unknown(&mut self, name: &str) {
        let ours: Vec<String> = names().collect();
        let nearest = nearest(name, ours.iter().map(String::as_str)).map(|flag| format!("-{flag}"));
        self.error(ConfigError::UnknownFlag { name: name.to_owned(), nearest });
    }
}

/// Every flag that has an effect.
pub(crate) fn names() -> impl Iterator<Item = String> {
    let own = LOADER_FLAGS.iter().map(|flag| flag.name.to_owned());
    own.chain(options::all().map(ConfigOption::flag_name)).chain(["help".to_owned()])
}
