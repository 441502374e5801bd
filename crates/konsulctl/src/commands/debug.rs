//! `debug`: what a bug report needs, in one file, without secrets.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use konsul_client::{Client, Consistency, Error};
use konsul_config::{Config, Disk, as_json};
use serde::Serialize;
use serde_json::{Value, json};

use super::session::now;
use super::{Covered, covers};
use crate::bundle::{Bundle, Scrubber};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row, bytes};
use crate::run::Run;
use crate::signals::Signals;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers(
    "debug",
    &["system", "usage", "limits", "metrics_history", "backup_list", "log_level_get", "openapi"],
)];

const MORE: &str = "\
Examples:
  konsulctl debug
  konsulctl debug --seconds 1 --log-level debug report.tar.gz
  konsulctl debug --seconds 1 --config konsul.toml report.tar.gz

What is in it: the builds on both sides, the configuration in force (with --config also its origins), health, figures now and over the last hour, limits,
usage, the state of consensus and of backups, its log while this runs, and which variables are set here. Not in it: keys,
values, tokens, passwords, private keys. Look before you send it: tar -tzf FILE

Exit codes: 0 all of it is there; 1 something could not be had, and the file says what; 5 no server.";

/// What is collected, and where it goes.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Debug {
    /// The file [default: konsul-debug-TIME.tar.gz]
    file: Option<PathBuf>,
    /// How long the log is read
    #[arg(long, value_name = "NUMBER", default_value = "5", value_parser = clap::value_parser!(u64).range(0..=3600))]
    seconds: u64,
    /// From which level on
    #[arg(long, value_name = "LEVEL", default_value = "debug", value_parser = ["trace", "debug", "info", "warn", "error"])]
    log_level: String,
    /// Also what these files or directories configure, and where each value came from; on the server's machine
    #[arg(long, value_name = "PATH")]
    config: Vec<PathBuf>,
}

impl Debug {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let mut signals = Signals::listen()?;
        let client = run.client()?;
        // A server that is not there is told as such, and not by a file full of errors.
        let health = client.v2().health().await.map_err(|e| run.failed(&e))?;
        let stamp = now().to_string().replace([':', '-'], "");
        let stamp = stamp.split('.').next().unwrap_or_default().to_owned();
        let folder = format!("konsul-debug-{stamp}");
        let file = self.file.clone().unwrap_or_else(|| PathBuf::from(format!("{folder}.tar.gz")));
        let mut collection = Collection::new(&folder, scrubber(run));
        collection.bundle.json("health.json", value(&health));
        collection.server(&client).await;
        collection.environment(run, &client);
        collection.configuration(&self.config, run);
        let read = read_log(&client, &self.log_level, Duration::from_secs(self.seconds));
        tokio::select! {
            log = read => collection.log(log),
            code = signals.next() => return Err(Failure::Told(code)),
        }
        collection.figures(&client, "metrics-after.txt").await;
        collection.end();
        let size = collection
            .bundle
            .write(&file)
            .map_err(|e| Failure::with(Exit::Failed, format!("{} cannot be written: {e}", file.display())))?;
        let written = Written { file: file.display().to_string(), bytes: size, missing: collection.missing };
        run.out().done(&format!("Wrote {} ({})", written.file, bytes(size)), &written)?;
        written.judge()
    }
}

/// What this process knows to be secret.
fn scrubber(run: &Run<'_>) -> Scrubber {
    let named = ["HTTP_TOKEN", "HTTP_AUTH", "TOKEN"];
    let variables =
        named.iter().flat_map(|name| ["KONSUL", "CONSUL"].map(|prefix| format!("{prefix}_{name}")));
    let mut secrets: Vec<String> = variables.filter_map(|name| run.console.env(&name)).collect();
    secrets.extend(run.globals.token.clone());
    let files =
        ["KONSUL_HTTP_TOKEN_FILE", "CONSUL_HTTP_TOKEN_FILE"].iter().filter_map(|name| run.console.env(name));
    let files = files.map(PathBuf::from).chain(run.globals.token_file.clone());
    secrets.extend(files.filter_map(|file| Some(std::fs::read_to_string(file).ok()?.trim().to_owned())));
    Scrubber::knowing(secrets)
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_else(|e| Value::String(e.to_string()))
}

/// What was collected so far, and what could not be had.
struct Collection {
    bundle: Bundle,
    missing: Vec<String>,
}

impl Collection {
    fn new(folder: &str, scrubber: Scrubber) -> Collection {
        Collection { bundle: Bundle::new(folder, scrubber), missing: Vec::new() }
    }

    fn add<T: Serialize>(&mut self, name: &str, answer: Result<T, Error>) {
        match answer {
            Ok(found) => self.bundle.json(name, value(&found)),
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    async fn server(&mut self, client: &Client) {
        let stale = Some(Consistency::Stale);
        let v2 = client.v2();
        self.add("system.json", v2.system(stale).await);
        self.add("usage.json", v2.usage(stale).await);
        self.add("limits.json", v2.limits(stale).await);
        self.add("metrics-history.json", v2.metrics_history().await);
        self.add("backups.json", v2.backup_list().await);
        self.add("log-level.json", v2.log_level_get().await);
        let text = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map(|d| d["info"].clone()).ok();
        self.add("api.json", v2.openapi().await.map(text));
        self.add("agent.json", client.agent().raw("/v1/agent/self").await);
        self.add("host.json", client.agent().raw("/v1/agent/host").await);
        self.add("version.json", client.agent().raw("/v1/agent/version").await);
        self.add("raft.json", client.agent().raw("/v1/operator/raft/configuration?stale").await);
        self.figures(client, "metrics-before.txt").await;
    }

    async fn figures(&mut self, client: &Client, name: &str) {
        match client.v2().metrics().await {
            Ok(text) => self.bundle.text(name, &String::from_utf8_lossy(&text)),
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    /// This side: the build, the server's address, and which variables are set; of most only that they are.
    fn environment(&mut self, run: &Run<'_>, client: &Client) {
        const SHOWN: [&str; 6] =
            ["HTTP_ADDR", "NAMESPACE", "PARTITION", "HTTP_SSL", "HTTP_SSL_VERIFY", "TLS_SERVER_NAME"];
        const SET: [&str; 6] =
            ["HTTP_TOKEN", "HTTP_TOKEN_FILE", "HTTP_AUTH", "CACERT", "CAPATH", "CLIENT_CERT"];
        let mut variables = serde_json::Map::new();
        for prefix in ["KONSUL", "CONSUL"] {
            for name in SHOWN {
                let name = format!("{prefix}_{name}");
                variables.extend(run.console.env(&name).map(|value| (name, Value::String(value))));
            }
            for name in SET {
                let name = format!("{prefix}_{name}");
                variables.extend(run.console.env(&name).map(|_| (name, Value::String("(set)".to_owned()))));
            }
        }
        let document = json!({
            "konsulctl": crate::VERSION,
            "revision": crate::REVISION,
            "built": crate::BUILD_DATE,
            "server": client.address(),
            "machine": rustix::system::uname().release().to_string_lossy(),
            "variables": variables,
        });
        self.bundle.json("client.json", document);
    }

    /// What an agent would have in force with these files, and where each value came from. The variables are this
    /// process's.
    fn configuration(&mut self, paths: &[PathBuf], run: &Run<'_>) {
        if paths.is_empty() {
            return;
        }
        let flag = |path: &PathBuf| {
            let name = if path.is_dir() { "-config-dir" } else { "-config-file" };
            format!("{name}={}", path.display())
        };
        let words: Vec<String> = paths.iter().map(flag).collect();
        let variable = |option: &konsul_config::ConfigOption| {
            Some((option.variable(), run.console.env(&option.variable())?))
        };
        let variables: Vec<(String, String)> = konsul_config::all_options().filter_map(variable).collect();
        match Config::load(&words, &variables, &Disk) {
            Ok(loaded) => self.bundle.json("config.json", as_json(&loaded, true)),
            Err(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                self.missing.push(format!("config.json: {}", lines.join("; ")));
            }
        }
    }

    fn log(&mut self, (text, error): (String, Option<Error>)) {
        self.bundle.text("log.txt", &text);
        self.missing.extend(error.map(|error| format!("log.txt: {error}")));
    }

    fn end(&mut self) {
        let document = json!({
            "taken_at": now().to_string(),
            "files": self.bundle.names(),
            "missing": self.missing,
        });
        self.bundle.json("manifest.json", document);
    }
}

/// The server's log for so long. What was read before it broke off is kept.
pub(crate) async fn read_log(client: &Client, level: &str, time: Duration) -> (String, Option<Error>) {
    let mut bytes = Vec::new();
    let read = async {
        let mut log = client.agent().monitor(level, false).await?;
        while let Some(piece) = log.piece().await? {
            bytes.extend_from_slice(&piece);
        }
        Err(Error::Stream {
            address: client.address().to_owned(),
            what: "the server ended its log".to_owned(),
        })
    };
    let error = match tokio::time::timeout(time, read).await {
        Ok(Err::<(), Error>(error)) => Some(error),
        _ => None,
    };
    (String::from_utf8_lossy(&bytes).into_owned(), error)
}

#[derive(Serialize)]
struct Written {
    file: String,
    bytes: u64,
    missing: Vec<String>,
}

impl Written {
    fn judge(&self) -> Outcome {
        if self.missing.is_empty() {
            return Ok(());
        }
        let failure = Failure::with(Exit::Failed, "some of it could not be had; the file holds the rest");
        Err(self.missing.iter().fold(failure, |failure, missing| failure.detail(missing.clone())))
    }
}

impl Row for Written {
    const COLUMNS: &'static [Column] =
        &[Column::text("FILE", 9), Column::number("BYTES", 8), Column::text("MISSING", 7)];

    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), self.bytes.to_string(), self.missing.join("; ")]
    }
}
