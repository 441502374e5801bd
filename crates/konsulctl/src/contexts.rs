//! The file of named servers.
//!
//! `$KONSUL_CONTEXTS`, or `$XDG_CONFIG_HOME/konsul/contexts.json`, or `~/.config/konsul/contexts.json`. It may hold
//! tokens: it is written with mode 0600 into a directory with mode 0700, complete or not at all, and a file that others
//! may read is refused.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// All named servers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// Sorted by name.
    #[serde(default)]
    pub(crate) contexts: Vec<Named>,
}

/// One named server.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_path: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_cert: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_key: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_server_name: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) insecure_skip_verify: bool,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("Named")
            .field("name", &self.name)
            .field("server", &self.server)
            .field("token", &token)
            .finish_non_exhaustive()
    }
}

impl Contexts {
    /// The server of that name.
    pub(crate) fn named(&self, name: &str) -> Result<&Named, Failure> {
        self.contexts.iter().find(|named| named.name == name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Failure {
        let names: Vec<&str> = self.contexts.iter().map(|named| named.name.as_str()).collect();
        let failure = Failure::with(Exit::NotFound, format!("there is no context {name:?}"));
        let failure = if names.is_empty() {
            failure.detail("There are no contexts yet.")
        } else {
            failure.detail(format!("There are: {}.", names.join(", ")))
        };
        failure.next(format!("make it: konsulctl context set {name} --server HOST:PORT"))
    }

    /// The one in use, if one is.
    pub(crate) fn current(&self) -> Result<Option<&Named>, Failure> {
        self.current.as_deref().map(|name| self.named(name)).transpose()
    }

    /// Puts a server in, or in the place of the one of that name.
    pub(crate) fn put(&mut self, named: Named) {
        self.contexts.retain(|other| other.name != named.name);
        self.contexts.push(named);
        self.contexts.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// Where the file is.
pub(crate) fn path(console: &Console<'_>) -> Option<PathBuf> {
    let below = |dir: String, rest: &str| Path::new(&dir).join(rest);
    console
        .env("KONSUL_CONTEXTS")
        .map(PathBuf::from)
        .or_else(|| console.env("XDG_CONFIG_HOME").map(|dir| below(dir, "konsul/contexts.json")))
        .or_else(|| console.env("HOME").map(|dir| below(dir, ".config/konsul/contexts.json")))
}

/// Reads the file; without one there are no contexts.
pub(crate) fn read(console: &Console<'_>) -> Result<Contexts, Failure> {
    let Some(path) = path(console) else { return Ok(Contexts::default()) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Contexts::default());
        }
        Err(error) => return Err(broken(&path, &format!("cannot be read: {error}"))),
    };
    let contexts: Contexts =
        serde_json::from_str(&text).map_err(|e| broken(&path, &format!("is not what was written: {e}")))?;
    if contexts.contexts.iter().any(|named| named.token.is_some()) {
        refuse_if_others_can_read(&path)?;
    }
    Ok(contexts)
}

fn refuse_if_others_can_read(path: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(broken(path, &format!("holds tokens, and others may read it (mode {:04o})", mode & 0o7777))
        .next(format!("chmod 600 {}", path.display())))
}

fn broken(path: &Path, what: &str) -> Failure {
    Failure::with(Exit::Failed, format!("the file of contexts {} {what}", path.display()))
}

/// Writes the file: beside it first, then in its place.
pub(crate) fn write(console: &Console<'_>, contexts: &Contexts) -> Result<PathBuf, Failure> {
    let Some(path) = path(console) else {
        return Err(Failure::with(
            Exit::Failed,
            "there is no place for the file of contexts: HOME is not set",
        )
        .next("name one: KONSUL_CONTEXTS=/path/contexts.json"));
    };
    let failed = |e: std::io::Error| broken(&path, &format!("cannot be written: {e}"));
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    let mut text = serde_json::to_string_pretty(contexts).map_err(|e| failed(e.into()))?;
    text.push('\n');
    let partial = path.with_extension(format!("json.{}", std::process::id()));
    let written = write_new(&partial, &text).and_then(|()| fs::rename(&partial, &path));
    if let Err(error) = written {
        // The failure at hand says more than that its remains could not be removed.
        let _ = fs::remove_file(&partial);
        return Err(failed(error));
    }
    Ok(path)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
