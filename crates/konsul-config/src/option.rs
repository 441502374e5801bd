//! [`ConfigOption`]: everything there is to know about one option, and the macro that declares it.
//!
//! A declaration names the field of [`Config`](crate::Config) and thereby the key; reader, flag, variable,
//! documentation, schema and comparison follow from it. Adding an option is one declaration and its field.

use serde_json::Value as Json;

use crate::config::Config;
use crate::error::Origin;
use crate::kind::{Kind, OptionValue};
use crate::refusal::{Refusal, Refusals};
use crate::syntax::Value;

/// When a changed value takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// At the next reload.
    Live,
    /// At the next start.
    Restart,
}

/// The values that an option takes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// No bound beyond that of the type.
    Whole,
    /// Whole numbers.
    Integers(i64, i64),
    /// Durations, as Go writes them.
    Durations(&'static str, &'static str),
}

/// The declaration of one option.
#[derive(Debug)]
pub struct ConfigOption {
    /// Its key in files, with a dot before the name inside a block.
    pub key: &'static str,
    /// Other keys that mean the same.
    pub aliases: &'static [&'static str],
    /// The type of its value.
    pub kind: Kind,
    /// Its value where nothing is said, as one would write it on the command line; empty for none.
    pub default: &'static str,
    /// What happens without a value, for an option whose default is empty.
    pub unset: &'static str,
    /// Its value in dev mode where nothing is said, if that differs.
    pub dev: Option<&'static str>,
    /// The values it takes.
    pub range: Range,
    /// The unit of its number.
    pub unit: Option<&'static str>,
    /// When a change takes effect.
    pub reload: Reload,
    /// Whether a file may set it. Dev mode is a matter of one command line.
    pub in_files: bool,
    /// What it is for, in one or two sentences.
    pub doc: &'static str,
    /// Whether its value may hold a secret, and is shown to nobody.
    pub secret: bool,
    pub(crate) consul_flag: Option<&'static str>,
    pub(crate) set: fn(&mut Config, &Value, &Origin, &ConfigOption) -> Result<(), Refusals>,
    pub(crate) get: fn(&Config) -> Json,
    pub(crate) get_hidden: fn(&Config) -> Json,
    pub(crate) copy: fn(&Config, &mut Config),
    /// JSON Schema of one block, for an option of blocks.
    pub(crate) block_schema: fn() -> Json,
}

impl ConfigOption {
    pub(crate) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn flag(mut self, name: &'static str) -> Self {
        self.consul_flag = Some(name);
        self
    }

    pub(crate) const fn dev(mut self, value: &'static str) -> Self {
        self.dev = Some(value);
        self
    }

    pub(crate) const fn unset(mut self, meaning: &'static str) -> Self {
        self.unset = meaning;
        self
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    pub(crate) const fn integers(mut self, least: i64, most: i64) -> Self {
        self.range = Range::Integers(least, most);
        self
    }

    pub(crate) const fn durations(mut self, least: &'static str, most: &'static str) -> Self {
        self.range = Range::Durations(least, most);
        self
    }

    pub(crate) const fn live(mut self) -> Self {
        self.reload = Reload::Live;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn not_in_files(mut self) -> Self {
        self.in_files = false;
        self
    }

    /// The flag, without its dash: Consul's name, or the key with dashes.
    #[must_use]
    pub fn flag_name(&self) -> String {
        self.consul_flag.map_or_else(|| self.key.replace(['.', '_'], "-"), ToOwned::to_owned)
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("KONSUL_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The value in `config`, as JSON would write it.
    #[must_use]
    pub fn value_in(&self, config: &Config) -> Json {
        (self.get)(config)
    }

    /// The value in `config` for the eyes of others: what may be secret is replaced by the word `hidden`.
    #[must_use]
    pub fn shown_in(&self, config: &Config) -> Json {
        if self.secret { (self.get_hidden)(config) } else { (self.get)(config) }
    }

    /// Makes the value in `to` the one in `from`.
    pub(crate) fn copy(&self, from: &Config, to: &mut Config) {
        (self.copy)(from, to);
    }

    /// Puts a value into the field: replaces it, appends to a list, or adds to a map.
    pub(crate) fn apply(&self, config: &mut Config, value: &Value, origin: &Origin) -> Result<(), Refusals> {
        (self.set)(config, value, origin, self)
    }

    /// Writes the declared default. A test reads every default, so a bad one cannot be shipped.
    pub(crate) fn apply_default(&self, config: &mut Config) {
        if !self.default.is_empty() {
            let value = self.kind.value_of_text(self.default).expect("a test reads every default");
            self.apply(config, &value, &Origin::Default).expect("a test applies every default");
        }
    }

    /// The error for a value outside the range, if it is outside.
    pub(crate) fn check_range<T: OptionValue>(&self, value: &T) -> Result<(), Refusals> {
        let (Some((least, most)), Some(amount)) = (self.bounds(), value.amount()) else {
            return Ok(());
        };
        if (least..=most).contains(&amount) {
            return Ok(());
        }
        let reason = format!("{} is out of range: {}", value.to_json(), self.range_text());
        Err(vec![Refusal::from(reason)])
    }

    /// Both ends of the range in the smallest unit of the type: ones, or nanoseconds.
    pub(crate) fn bounds(&self) -> Option<(i128, i128)> {
        let nanoseconds = |text: &str| -> i128 {
            let duration: konsul_types::duration::GoDuration =
                text.parse().expect("a test reads every range");
            i128::from(duration.0)
        };
        match self.range {
            Range::Whole => None,
            Range::Integers(least, most) => Some((i128::from(least), i128::from(most))),
            Range::Durations(least, most) => Some((nanoseconds(least), nanoseconds(most))),
        }
    }

    /// The range in words, such as `1 to 8000000 bytes`; empty where there is none.
    #[must_use]
    pub fn range_text(&self) -> String {
        let unit = self.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        match self.range {
            Range::Whole => String::new(),
            Range::Integers(least, most) => format!("{least} to {most}{unit}"),
            Range::Durations(least, most) => format!("{least} to {most}"),
        }
    }
}

/// Declares an option: the field (whose path is the key), the default as text, and the documentation.
macro_rules! option {
    ($first:ident $(. $rest:ident)*, $default:literal, $doc:literal $(,)?) => {
        $crate::option::ConfigOption {
            key: concat!(stringify!($first) $(, ".", stringify!($rest))*),
            aliases: &[],
            kind: $crate::kind::kind_of(|config: &$crate::Config| &config.$first $(. $rest)*),
            default: $default,
            unset: "",
            dev: None,
            range: $crate::option::Range::Whole,
            unit: None,
            reload: $crate::option::Reload::Restart,
            in_files: true,
            doc: $doc,
            secret: false,
            consul_flag: None,
            set: |config, value, origin, option| {
                let value = $crate::kind::OptionValue::read_placed(value, origin)?;
                option.check_range(&value)?;
                $crate::kind::OptionValue::merge(&mut config.$first $(. $rest)*, value);
                Ok(())
            },
            get: |config| $crate::kind::OptionValue::to_json(&config.$first $(. $rest)*),
            get_hidden: |config| $crate::kind::OptionValue::to_json_hidden(&config.$first $(. $rest)*),
            copy: |from, to| to.$first $(. $rest)* = from.$first $(. $rest)*.clone(),
            block_schema: $crate::kind::block_schema_of(|config: &$crate::Config| &config.$first $(. $rest)*),
        }
    };
}

pub(crate) use option;
