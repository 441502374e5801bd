//! The configuration of a Konsul agent: one declaration per option, and everything else made from it.
//!
//! A [`ConfigOption`] is declared once, in `options/`, with its key, type, default, range, unit, flag, documentation,
//! and whether a change of it needs a restart. From the declarations come the reader of files ([`Config::load`]), of
//! environment variables and of the command line, the text of `-help` ([`help_text`]), the reference page
//! ([`reference_page`]), the JSON Schema ([`json_schema`]), and the comparison of two configurations
//! ([`ReloadPlan`]). An option is added by one declaration and one field of [`Config`] of the same path.
//!
//! # The life of a configuration
//!
//! Bytes become a tree with places ([`syntax`]); the tree is walked against the catalogue of all keys, and what
//! remains are settings, each an option with a value and an [`Origin`] (`reading`); flags and variables become
//! settings too (`flags`, `environment`); all are applied in order to the defaults (`load`), each checked against its
//! type and range on the way; at last the rules between options are checked (`rules`). The result is a [`Loaded`], or
//! the list of *everything* that is wrong.
//!
//! # Consul's keys
//!
//! Every key of Consul's agent is exactly one of: an option here, a key that is not built yet (an error, unless its
//! value asks for nothing), or a key that means nothing here (a warning with the reason). Everything else is an
//! unknown key and an error. Lists that Consul appends are appended, and files are ordered as Consul orders them.
//! Where Konsul differs (a `ports.http` of 0, listening beyond loopback), the reference page says so.
//!
//! # What it is not
//!
//! It opens no socket and changes no file, knows neither the host's name nor its addresses, and never reaches the
//! replicated state: what all servers must agree on is a command in the log, whatever a file says.

pub mod build;
mod catalogue;
mod config;
mod consul;
mod definitions;
mod dns_types;
mod environment;
mod error;
mod files;
mod flags;
mod help;
mod kind;
mod load;
mod nearest;
mod option;
mod options;
mod reading;
mod reference;
mod refusal;
mod reload;
mod rules;
mod schema;
#[cfg(test)]
mod set_tests;
mod show;
pub mod syntax;
mod types;
mod watch_block;

pub use config::{
    CheckConfig, Config, DnsConfig, Endpoint, HttpConfig, Limits, ListenAddresses, NodeLocality, Ports, Soa,
    Storage, Telemetry, UnixSockets, Watch,
};
pub use definitions::{Definitions, Placed, definitions_page};
pub use dns_types::{Recursor, ServiceTtls};
pub use error::{ConfigError, Origin, Warning};
pub use files::{Disk, Files, MemoryFiles};
pub use help::help_text;
pub use kind::Kind;
pub use konsul_types::definition::{CheckDefinition, ServiceDefinition};
pub use konsul_types::duration::GoDuration;
pub use load::{Loaded, Origins};
pub use option::{ConfigOption, Range, Reload};
pub use options::{SECTIONS, Section, all as all_options};
pub use reference::reference_page;
pub use reload::{Change, ReloadPlan};
pub use schema::json_schema;
pub use show::{as_json, as_text};
pub use syntax::parse_bytes;
pub use types::{
    Addresses, FileMode, Listener, Listeners, LogLevel, Network, OtlpEndpoint, OtlpProtocol, Port, Ratio,
    RecursorStrategy, StorageEngine,
};
pub use watch_block::{HttpHandler, WatchBlock, WatchHandler, WatchOn};
