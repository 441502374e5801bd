//! `context`: named servers with their credentials and certificates.

use clap_complete::ArgValueCompleter;
use serde::Serialize;

use super::{Covered, covers};
use crate::contexts::{self, Contexts, Named};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::run::Run;

/// What each command covers: none asks a server.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("context ls", &[]),
    covers("context use", &[]),
    covers("context set", &[]),
    covers("context remove", &[]),
    covers("context show", &[]),
];

/// The commands of the group.
#[derive(Debug, clap::Subcommand)]
pub enum Context {
    /// Lists the named servers
    #[command(visible_alias = "list", after_help = LS)]
    Ls,
    /// Makes a named server the one that commands speak to
    #[command(after_help = USE)]
    Use(Name),
    /// Makes a named server, or changes what is given of it
    #[command(after_help = SET)]
    Set(Set),
    /// Forgets a named server
    #[command(visible_alias = "rm", after_help = REMOVE)]
    Remove(Name),
    /// Shows a named server; secrets are hidden
    #[command(after_help = SHOW)]
    Show(Show),
}

const LS: &str = "\
Examples:
  konsulctl context ls";

const USE: &str = "\
Examples:
  konsulctl context use laptop

Exit codes: 0 done; 3 there is no such context.";

const SET: &str = "\
Examples:
  konsulctl context set laptop --server 127.0.0.1:8500
  konsulctl context set prod --server https://konsul.example:8501 --ca-file ca.pem --token-file ~/.konsul-token
  konsulctl context set prod --namespace team
  konsulctl context set prod --token - < token.txt     the token itself goes into the file of contexts

The first one is used from then on. Paths are kept absolute. The file has mode 0600; KONSUL_CONTEXTS names another one.";

const REMOVE: &str = "\
Examples:
  konsulctl context remove laptop

Exit codes: 0 gone; 3 there is no such context.";

const SHOW: &str = "\
Examples:
  konsulctl context show           the one in use
  konsulctl context show laptop

Exit codes: 0 shown; 3 there is no such context.";

/// A context's name.
#[derive(Debug, clap::Args)]
pub struct Name {
    /// The context
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::complete::contexts))]
    name: String,
}

/// Which context is shown.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The context; the one in use if not given
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::complete::contexts))]
    name: Option<String>,
}

/// What a context is to be. What it holds comes from the global options of the same names.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// The context
    #[arg(value_name = "NAME")]
    name: String,
    /// Use it from now on
    #[arg(long = "use")]
    use_it: bool,
    /// Forget these settings of it first, such as token or ca-file
    #[arg(long, value_name = "SETTING")]
    unset: Vec<String>,
}

impl Context {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Context::Ls => ls(run),
            Context::Use(name) => choose(&name.name, run),
            Context::Set(set) => set.run(run),
            Context::Remove(name) => remove(&name.name, run),
            Context::Show(show) => show.run(run),
        }
    }
}

/// A context as it is shown: that there is a token, never which.
#[derive(Debug, Serialize)]
struct Shown {
    current: bool,
    name: String,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_server_name: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure_skip_verify: bool,
}

impl Shown {
    fn of(named: &Named, contexts: &Contexts) -> Shown {
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        Shown {
            current: contexts.current.as_deref() == Some(&named.name),
            name: named.name.clone(),
            server: named.server.clone(),
            namespace: named.namespace.clone(),
            token: named.token.as_ref().map(|_| "(hidden)"),
            token_file: named.token_file.clone(),
            ca_file: path(&named.ca_file),
            ca_path: path(&named.ca_path),
            client_cert: path(&named.client_cert),
            client_key: path(&named.client_key),
            tls_server_name: named.tls_server_name.clone(),
            insecure_skip_verify: named.insecure_skip_verify,
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [Column] = &[
        Column::text("USED", 9),
        Column::text("NAME", 9),
        Column::text("SERVER", 8),
        Column::text("NAMESPACE", 7),
        Column::text("TOKEN", 6),
        Column::text("TOKEN FILE", 5),
        Column::text("CA FILE", 4),
        Column::text("CA PATH", 3),
        Column::text("CLIENT CERT", 2),
        Column::text("CLIENT KEY", 1),
        Column::text("TLS NAME", 1),
        Column::text("CHECKED", 3),
    ];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            if self.current { "*" } else { "" }.to_owned(),
            self.name.clone(),
            self.server.clone(),
            text(&self.namespace),
            self.token.unwrap_or_default().to_owned(),
            text(&self.token_file),
            text(&self.ca_file),
            text(&self.ca_path),
            text(&self.client_cert),
            text(&self.client_key),
            text(&self.tls_server_name),
            if self.insecure_skip_verify { "no" } else { "" }.to_owned(),
        ]
    }
}

fn ls(run: &mut Run<'_>) -> Outcome {
    let contexts = contexts::read(&run.console)?;
    let shown: Vec<Shown> = contexts.contexts.iter().map(|named| Shown::of(named, &contexts)).collect();
    run.out().list(&shown, "there are no contexts; make one: konsulctl context set NAME --server HOST:PORT")
}

fn choose(name: &str, run: &mut Run<'_>) -> Outcome {
    let mut contexts = contexts::read(&run.console)?;
    let server = contexts.named(name)?.server.clone();
    contexts.current = Some(name.to_owned());
    contexts::write(&run.console, &contexts)?;
    run.note(&format!("Commands speak to {server} from now on ({name})."));
    for variable in ["KONSUL_CONTEXT", "KONSUL_HTTP_ADDR", "CONSUL_HTTP_ADDR"] {
        if run.console.env(variable).is_some() {
            run.note(&format!("Warning: {variable} is set and wins over the context in use; unset it."));
        }
    }
    Ok(())
}

fn remove(name: &str, run: &mut Run<'_>) -> Outcome {
    let mut contexts = contexts::read(&run.console)?;
    contexts.named(name)?;
    contexts.contexts.retain(|named| named.name != name);
    if contexts.current.as_deref() == Some(name) {
        contexts.current = None;
        run.note("It was the one in use; none is now.");
    }
    contexts::write(&run.console, &contexts)?;
    run.note(&format!("Forgot {name}."));
    Ok(())
}

impl Show {
    fn run(self, run: &mut Run<'_>) -> Outcome {
        let contexts = contexts::read(&run.console)?;
        let named = match &self.name {
            Some(name) => Some(contexts.named(name)?),
            None => contexts.current()?,
        };
        let Some(named) = named else {
            return Err(Failure::with(Exit::NotFound, "no context is in use")
                .next("konsulctl context use NAME, or konsulctl context set NAME --server HOST:PORT"));
        };
        let shown = Shown::of(named, &contexts);
        run.out().one(&shown)
    }
}

impl Set {
    fn run(self, run: &mut Run<'_>) -> Outcome {
        let mut contexts = contexts::read(&run.console)?;
        let known = contexts.contexts.iter().find(|named| named.name == self.name).cloned();
        let mut named = known.unwrap_or_else(|| Named { name: self.name.clone(), ..Named::default() });
        check_name(&self.name)?;
        self.unset.iter().try_for_each(|setting| unset(&mut named, setting))?;
        fill(&mut named, run)?;
        if named.server.is_empty() {
            return Err(Failure::with(Exit::Usage, format!("the context {:?} needs a server", self.name))
                .next(format!("konsulctl context set {} --server HOST:PORT", self.name)));
        }
        contexts.put(named);
        let first = contexts.contexts.len() == 1;
        if self.use_it || first {
            contexts.current = Some(self.name.clone());
        }
        let path = contexts::write(&run.console, &contexts)?;
        let used = if self.use_it || first { ", and it is the one in use" } else { "" };
        run.note(&format!("Wrote {} into {}{used}.", self.name, path.display()));
        Ok(())
    }
}

fn check_name(name: &str) -> Outcome {
    let good = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if good {
        return Ok(());
    }
    Err(Failure::with(Exit::Usage, format!("{name:?} is no name for a context: letters, digits, - _ . are")))
}

/// Takes what the command line gives. The server and the files are looked at now, when a slip is easily mended.
fn fill(named: &mut Named, run: &mut Run<'_>) -> Outcome {
    let globals = run.globals.clone();
    let absolute = |path: std::path::PathBuf| {
        std::path::absolute(&path)
            .map_err(|e| Failure::with(Exit::Usage, format!("{} is no path: {e}", path.display())))
    };
    if let Some(server) = globals.server {
        konsul_client::ClientConfig::for_address(&server)
            .map_err(|e| Failure::with(Exit::Usage, format!("--server: {e}")))?;
        named.server = server;
    }
    if let Some(file) = globals.token_file {
        named.token_file = Some(absolute(file)?.display().to_string());
        named.token = None;
    }
    match globals.token.as_deref() {
        None => {}
        Some("-") => named.token = Some(token_from_stdin(run)?),
        Some(token) => {
            run.note("Warning: a token on the command line is seen by every user of this machine; use --token - < FILE");
            named.token = Some(token.to_owned());
        }
    }
    if named.token.is_some() && globals.token.is_some() {
        named.token_file = None;
    }
    named.namespace = globals.namespace.or(named.namespace.take());
    named.tls_server_name = globals.tls_server_name.or(named.tls_server_name.take());
    named.insecure_skip_verify |= globals.insecure_skip_verify;
    for (slot, given) in [
        (&mut named.ca_file, globals.ca_file),
        (&mut named.ca_path, globals.ca_path),
        (&mut named.client_cert, globals.client_cert),
        (&mut named.client_key, globals.client_key),
    ] {
        if let Some(path) = given {
            let path = absolute(path)?;
            if !path.exists() {
                run.note(&format!("Warning: {} does not exist yet.", path.display()));
            }
            *slot = Some(path);
        }
    }
    Ok(())
}

fn token_from_stdin(run: &mut Run<'_>) -> Result<String, Failure> {
    let mut text = String::new();
    let read = run.console.stdin().read_to_string(&mut text);
    read.map_err(|e| Failure::with(Exit::Failed, format!("standard input cannot be read: {e}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::with(Exit::Usage, "standard input holds no token"));
    }
    Ok(token.to_owned())
}

fn unset(named: &mut Named, setting: &str) -> Outcome {
    match setting {
        "namespace" => named.namespace = None,
        "token" => named.token = None,
        "token-file" => named.token_file = None,
        "ca-file" => named.ca_file = None,
        "ca-path" => named.ca_path = None,
        "client-cert" => named.client_cert = None,
        "client-key" => named.client_key = None,
        "tls-server-name" => named.tls_server_name = None,
        "insecure-skip-verify" => named.insecure_skip_verify = false,
        other => {
            return Err(Failure::with(Exit::Usage, format!("{other:?} is no setting of a context that can be unset"))
                .next("they are called as the options: namespace, token, token-file, ca-file, ca-path, client-cert, \
                       client-key, tls-server-name, insecure-skip-verify"));
        }
    }
    Ok(())
}
