//! [`Config::load`]: all sources, in their order, into one configuration.
//!
//! The order, later wins: the declared defaults; what dev mode sets; files and directories in the order of the
//! command line; environment variables; flags; `-hcl` texts. Lists are not replaced but appended to each other, and
//! there flags come first, then variables, then files, so that what is nearest to the operator is tried first.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::environment;
use crate::error::{ConfigError, Origin, Warning};
use crate::files::{Files, read_path, read_text};
use crate::flags;
use crate::options;
use crate::reading::{Reading, Setting};
use crate::refusal::Refusals;
use crate::rules;
use crate::syntax::{Format, Value};

/// Where the value of each option came from, by key. A list or a map may have several origins.
pub type Origins = BTreeMap<&'static str, Vec<Origin>>;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What an operator should see.
    pub warnings: Vec<Warning>,
    /// Where each value came from; every option is in it.
    pub origins: Origins,
}

impl Config {
    /// Reads a configuration from the words after the command's name, from the environment's variables, and from
    /// the files that the words name.
    ///
    /// # Errors
    /// Everything that is wrong, each file's errors in the order of the file; never an empty list; only
    /// [`ConfigError::HelpRequested`] if help was asked for. The rules between options
    /// are only checked when each option by itself is right, so that one slip is not reported twice.
    pub fn load(
        args: &[String],
        variables: &[(String, String)],
        files: &dyn Files,
    ) -> Result<Loaded, Vec<ConfigError>> {
        let line = flags::read(args);
        // Whoever asks for help wants nothing else, right or wrong.
        if line.reading.errors.contains(&ConfigError::HelpRequested) {
            return Err(vec![ConfigError::HelpRequested]);
        }
        let mut reading = Reading::default();
        for path in &line.paths {
            reading.extend(read_path(files, path, line.format));
        }
        let environment = environment::read(variables);
        let mut last = Reading::default();
        for fragment in &line.fragments {
            last.extend(read_text("-hcl", Format::Hcl, fragment.as_bytes()));
        }
        let near = [line.reading, environment];
        let dev = dev_mode(&near);
        let sources = order(near, reading, last);
        merge(sources, dev)
    }
}

/// Whether dev mode is on, which decides on defaults and so has to be known first. A flag beats a variable.
fn dev_mode(near: &[Reading; 2]) -> bool {
    let asked = |reading: &Reading| {
        let last = reading.settings.iter().rfind(|setting| setting.option.key == "dev_mode");
        last.map(|setting| setting.value == Value::Bool(true))
    };
    asked(&near[0]).or_else(|| asked(&near[1])).unwrap_or(false)
}

/// All settings in the order in which they are applied.
fn order([mut flags, mut variables]: [Reading; 2], files: Reading, last: Reading) -> Reading {
    let mut all = Reading::default();
    for near in [&mut flags, &mut variables] {
        let (lists, scalars) = near.settings.drain(..).partition(|setting| setting.option.kind.appends());
        all.settings.append(&mut { lists });
        near.settings = scalars;
    }
    for source in [files, variables, flags, last] {
        all.extend(source);
    }
    all
}

fn merge(sources: Reading, dev: bool) -> Result<Loaded, Vec<ConfigError>> {
    let Reading { settings, mut warnings, mut errors } = sources;
    let mut config = Config::default();
    let mut origins: Origins = options::all().map(|option| (option.key, vec![Origin::Default])).collect();
    if dev {
        apply_dev(&mut config, &mut origins);
    }
    for setting in &settings {
        if let Err(faults) = apply(setting, &mut config, &mut origins) {
            errors.extend(faults);
        }
    }
    if errors.is_empty() {
        rules::check(&mut config, &origins, &mut warnings, &mut errors);
    }
    in_reading_order(&mut errors);
    if errors.is_empty() { Ok(Loaded { config, warnings, origins }) } else { Err(errors) }
}

/// Puts what is wrong with a file into the order of the file; what has no place comes first, as it was found.
pub(crate) fn in_reading_order(errors: &mut [ConfigError]) {
    let mut files: Vec<String> = Vec::new();
    for (name, _) in errors.iter().filter_map(ConfigError::place) {
        if !files.iter().any(|known| known == name) {
            files.push(name.to_owned());
        }
    }
    errors.sort_by_key(|error| {
        error.place().map(|(name, at)| (files.iter().position(|known| known == name), at))
    });
}

fn apply_dev(config: &mut Config, origins: &mut Origins) {
    for option in options::all() {
        let Some(text) = option.dev else { continue };
        let value = option.kind.value_of_text(text).expect("a test reads every value of dev mode");
        option.apply(config, &value, &Origin::DevMode).expect("a test applies every value of dev mode");
        origins.insert(option.key, vec![Origin::DevMode]);
    }
}

fn apply(setting: &Setting, config: &mut Config, origins: &mut Origins) -> Result<(), Vec<ConfigError>> {
    let Setting { option, value, origin } = setting;
    let refused = |refusals: Refusals| -> Vec<ConfigError> {
        refusals.into_iter().map(|refusal| refusal.into_error(option.key, origin)).collect()
    };
    option.apply(config, value, origin).map_err(refused)?;
    let known = origins.entry(option.key).or_default();
    let fresh = !option.kind.joins() || matches!(known.as_slice(), [Origin::Default | Origin::DevMode]);
    if fresh {
        known.clear();
    }
    known.push(origin.clone());
    Ok(())
}
