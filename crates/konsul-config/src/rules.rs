//! What one option demands of another. Each rule is a function, and they are all called in one place.

mod definitions;
mod dns;

use std::path::PathBuf;

use konsul_types::{Key, Namespace};

use crate::config::{Config, Endpoint};
use crate::error::{ConfigError, Origin, Warning};
use crate::load::Origins;
use crate::types::StorageEngine;
use crate::watch_block::WatchOn;

/// What a rule looks at, and where it says what it found.
struct Case<'a> {
    config: &'a mut Config,
    origins: &'a Origins,
    warnings: &'a mut Vec<Warning>,
    errors: &'a mut Vec<ConfigError>,
}

impl Case<'_> {
    fn origin(&self, key: &str) -> Origin {
        let known = self.origins.get(key).and_then(|origins| origins.last());
        known.cloned().unwrap_or(Origin::Default)
    }

    /// Whether somebody gave the option a value.
    fn is_set(&self, key: &str) -> bool {
        !matches!(self.origin(key), Origin::Default | Origin::DevMode)
    }

    fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        let error = ConfigError::Rule { origin: self.origin(key), reason: reason.into() };
        self.errors.push(error);
    }

    fn advise(&mut self, key: &str, reason: impl Into<String>) {
        let warning = Warning::Advice { origin: self.origin(key), reason: reason.into() };
        self.warnings.push(warning);
    }
}

/// Checks every rule, and writes values in their canonical form.
pub(crate) fn check(
    config: &mut Config,
    origins: &Origins,
    warnings: &mut Vec<Warning>,
    errors: &mut Vec<ConfigError>,
) {
    let mut case = Case { config, origins, warnings, errors };
    datacenter(&mut case);
    node_name(&mut case);
    server(&mut case);
    bootstrap(&mut case);
    data_dir(&mut case);
    node_meta(&mut case);
    listeners(&mut case);
    unix_sockets(&mut case);
    log_files(&mut case);
    watches(&mut case);
    query_times(&mut case);
    response_headers(&mut case);
    block_endpoints(&mut case);
    backups(&mut case);
    addresses(&mut case);
    dns::check(&mut case);
    definitions::check(&mut case);
}

fn datacenter(case: &mut Case<'_>) {
    case.config.datacenter.make_ascii_lowercase();
    let name = &case.config.datacenter;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        case.refuse(
            "datacenter",
            "datacenter can only contain lowercase alphanumeric, - or _ characters, 1 to 64 of them",
        );
    }
}

/// A name that DNS cannot carry works everywhere else, so it is only worth a word.
fn node_name(case: &mut Case<'_>) {
    let Some(name) = &case.config.node_name else {
        return;
    };
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.as_str().len() > 63 || !name.as_str().chars().all(label) {
        let reason = format!(
            "node name {:?} will not be discoverable via DNS: it may have 63 letters, digits and dashes",
            name.as_str()
        );
        case.advise("node_name", reason);
    }
}

fn server(case: &mut Case<'_>) {
    if !case.config.server {
        case.refuse(
            "server",
            "server = false would run a client agent, which is not built yet in Konsul; set server = true (-server)",
        );
    }
}

fn bootstrap(case: &mut Case<'_>) {
    let expect = case.config.bootstrap_expect;
    if expect > 1 {
        let reason = format!(
            "bootstrap_expect = {expect} asks for a cluster of {expect} servers; clusters of several servers are not \
             built yet in Konsul, so 1 is the only number above 0"
        );
        return case.refuse("bootstrap_expect", reason);
    }
    // Dev mode sets `bootstrap` itself, and asking for the same thing twice is no contradiction then.
    if expect > 0 && case.config.bootstrap && !case.config.dev_mode {
        case.refuse(
            "bootstrap_expect",
            "'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive; leave one of them out",
        );
    }
    if case.config.server && !case.config.may_bootstrap() {
        case.refuse(
            "bootstrap",
            "this server has no cluster to join, since clusters of several servers are not built yet in Konsul; set \
             bootstrap_expect = 1 (-bootstrap-expect=1)",
        );
    }
}

fn data_dir(case: &mut Case<'_>) {
    match (case.config.storage.engine, case.config.data_dir.is_some()) {
        (StorageEngine::Disk, false) => case.refuse(
            "data_dir",
            "data_dir cannot be empty: name a directory (-data-dir=PATH) to keep what is written, or start with -dev \
             to try Konsul in memory",
        ),
        (StorageEngine::Memory, true) => case.advise(
            "data_dir",
            "data_dir has no effect with storage.engine = \"memory\": everything is gone when the process ends",
        ),
        (StorageEngine::Memory, false) if !case.config.dev_mode => case.advise(
            "storage.engine",
            "storage.engine = \"memory\": everything is gone when the process ends",
        ),
        _ => {}
    }
}

/// Without ACLs and TLS, loopback is the only fence there is.
fn listeners(case: &mut Case<'_>) {
    let key = if case.config.addresses.http.0.is_empty() { "client_addr" } else { "addresses.http" };
    let listen = case.config.http_listen();
    let addresses = listen.iter().filter_map(|endpoint| match endpoint {
        Endpoint::Tcp(address) => Some(address),
        // Its file has an owner and a mode.
        Endpoint::Unix(_) => None,
    });
    let far = addresses.copied().find(|address| !address.ip().to_canonical().is_loopback());
    match far {
        Some(address) if !case.config.allow_insecure_listen => {
            let reason = format!(
                "{key} = {} would serve the HTTP API beyond this machine, to everybody, since there are neither ACLs \
                 nor TLS yet; listen on 127.0.0.1, or set allow_insecure_listen = true if the network is trusted",
                address.ip()
            );
            case.refuse(key, reason);
        }
        Some(_) => case.advise(
            "allow_insecure_listen",
            "the HTTP API is open to everybody who can reach it: they may read and write everything",
        ),
        None => {}
    }
    if case.config.client_addr.0.is_empty() {
        case.refuse("client_addr", "client_addr cannot be empty; ports.http = -1 turns the HTTP API off");
    }
}

/// Addresses that others are told are no use if they name every interface.
fn addresses(case: &mut Case<'_>) {
    if case.config.advertise_addr.is_some_and(|address| address.is_unspecified()) {
        case.refuse("advertise_addr", "Advertise address cannot be 0.0.0.0, :: or [::]");
    }
    let bad = case.config.tagged_addresses.iter().find(|(kind, address)| {
        let good = |byte: u8| byte.is_ascii_graphic() || byte >= 0x80;
        kind.is_empty() || address.is_empty() || !address.bytes().all(good)
    });
    if let Some((kind, _)) = bad {
        let reason = format!("tagged_addresses: {kind:?} needs a name, and an address without spaces");
        case.refuse("tagged_addresses", reason);
    }
    if case.config.locality.zone.is_some() && case.config.locality.region.is_none() {
        case.refuse("locality.zone", "locality.zone needs locality.region, in which the zone is");
    }
}

fn unix_sockets(case: &mut Case<'_>) {
    let listen = case.config.http_listen();
    let paths: Vec<&PathBuf> = listen
        .iter()
        .filter_map(|endpoint| match endpoint {
            Endpoint::Unix(path) => Some(path),
            Endpoint::Tcp(_) => None,
        })
        .collect();
    let twice = paths.iter().enumerate().find(|(at, path)| paths[..*at].contains(path));
    if let Some((_, path)) = twice {
        case.refuse("addresses.http", format!("addresses.http names {} twice", path.display()));
    }
    let of_none = ["unix_sockets.user", "unix_sockets.group", "unix_sockets.mode"]
        .into_iter()
        .find(|key| case.is_set(key));
    if let (true, Some(key)) = (paths.is_empty(), of_none) {
        case.advise(key, format!("{key} has no effect: addresses.http names no unix socket"));
    }
}

fn log_files(case: &mut Case<'_>) {
    let rotation = ["log_rotate_bytes", "log_rotate_duration", "log_rotate_max_files"];
    let key = rotation.into_iter().find(|key| case.is_set(key));
    if let (None, Some(key)) = (&case.config.log_file, key) {
        case.advise(key, format!("{key} has no effect: there is no log_file"));
    }
}

/// Consul's bounds on the pairs of a node.
fn node_meta(case: &mut Case<'_>) {
    let meta = &case.config.node_meta;
    if meta.len() > 64 {
        let reason = format!("node_meta has {} pairs; a node may have 64", meta.len());
        return case.refuse("node_meta", reason);
    }
    let key_ok = |key: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=128).contains(&key.len()) && key.bytes().all(good) && !key.starts_with("consul-")
    };
    let bad = meta.iter().find(|(key, value)| !key_ok(key) || value.chars().count() > 512);
    if let Some((key, _)) = bad {
        let reason = format!(
            "node_meta: {key:?} is no key of 1 to 128 letters, digits, - and _ (`consul-` is kept for the agent), or its \
             value has more than 512 characters"
        );
        case.refuse("node_meta", reason);
    }
}

fn watches(case: &mut Case<'_>) {
    let named = case.config.watches.iter().filter_map(|watch| watch.namespace.as_deref());
    let bad =
        named.map(|name| (name, Namespace::new(name))).find_map(|(name, made)| Some((name, made.err()?)));
    if let Some((name, why)) = bad {
        let reason = format!("watches: the namespace {name:?} cannot be one: {why}");
        case.refuse("watches", reason);
    }
    let keys = case.config.watches.iter().filter_map(|watch| match &watch.on {
        WatchOn::Key(key) => Some(key.as_str()),
        _ => None,
    });
    if let Some(why) = keys.map(Key::new).find_map(Result::err) {
        case.refuse("watches", format!("watches: {why}"));
    }
}

fn query_times(case: &mut Case<'_>) {
    let (default, max) = (case.config.default_query_time, case.config.max_query_time);
    if default > max {
        let reason =
            format!("default_query_time ({default}) is above max_query_time ({max}); lower it or raise that");
        case.refuse("default_query_time", reason);
    }
}

fn response_headers(case: &mut Case<'_>) {
    let name_ok = |name: &str| {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(token)
    };
    let value_ok = |value: &str| value.chars().all(|c| c == '\t' || (c.is_ascii() && !c.is_ascii_control()));
    let headers = &case.config.http_config.response_headers;
    let bad = headers.iter().find(|(name, value)| !name_ok(name) || !value_ok(value));
    // The value may be a secret; the name is enough to find it.
    if let Some((name, _)) = bad {
        let reason = format!(
            "http_config.response_headers: {name:?} is no header, or its value cannot be sent as one"
        );
        case.refuse("http_config.response_headers", reason);
    }
}

fn block_endpoints(case: &mut Case<'_>) {
    let bad = case.config.http_config.block_endpoints.iter().find(|prefix| !prefix.starts_with('/'));
    if let Some(prefix) = bad {
        let reason =
            format!("http_config.block_endpoints: {prefix:?} blocks nothing, since every path begins with /");
        case.refuse("http_config.block_endpoints", reason);
    }
}

fn backups(case: &mut Case<'_>) {
    let name = &case.config.backup.name;
    if let Err(why) = backup_name(name) {
        let reason = format!("backup.name = {name:?} {why}");
        case.refuse("backup.name", reason);
    }
    if !case.config.backup.drill && case.is_set("backup.drill_interval") {
        case.advise("backup.drill_interval", "backup.drill_interval has no effect with backup.drill = false");
    }
    if case.config.backup.directory.is_none() {
        let keys = case.origins.keys().filter(|key| key.starts_with("backup.") && case.is_set(key));
        let set: Vec<String> = keys.map(ToString::to_string).collect();
        for key in set {
            let reason = format!("{key} has no effect without backup.directory: no backups are made");
            case.advise(&key, reason);
        }
    }
}

/// A name must differ from backup to backup, and must not lead out of its directory.
fn backup_name(name: &str) -> Result<(), String> {
    let mut rest = name;
    while let Some((_, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}').ok_or("has a { without its }")?;
        if !matches!(word, "node" | "datacenter" | "time" | "index") {
            return Err(format!(
                "has {{{word}}}; there are {{node}}, {{datacenter}}, {{time}} and {{index}}"
            ));
        }
        rest = after;
    }
    if name.contains('/') || name.starts_with('.') || name.chars().any(char::is_control) {
        return Err("is no name of a file: it may hold no /, and not begin with a dot".to_owned());
    }
    if name.len() > 150 {
        return Err("is too long; at most 150 bytes leave room for what is filled in".to_owned());
    }
    if !name.contains("{time}") && !name.contains("{index}") {
        return Err("would give every backup the same name; put {time} or {index} into it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::backup_name;

    #[test]
    fn a_name_of_a_backup_that_cannot_be_used_is_refused() {
        for good in ["konsul-{node}-{time}-{index}.snap", "{index}", "{datacenter}{time}"] {
            assert_eq!(backup_name(good), Ok(()), "{good}");
        }
        for (bad, expect) in [
            ("same", "every backup the same name"),
            ("", "every backup the same name"),
            ("../{time}", "no name of a file"),
            (".{time}", "no name of a file"),
            ("{tiem}", "has {tiem}"),
            ("{time", "without its }"),
        ] {
            assert!(backup_name(bad).unwrap_err().contains(expect), "{bad}");
        }
    }
}
