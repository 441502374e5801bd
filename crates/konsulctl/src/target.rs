//! Which server, as whom, and where each of that came from: so that an error can say which setting to change.
//!
//! The first of these that names a server decides, and brings its credentials with it:
//!
//! 1. `--server`, with the environment's credentials
//! 2. `--context`, or `KONSUL_CONTEXT`: only what the context holds, so that a token of the environment never reaches
//!    another server than it was meant for
//! 3. `KONSUL_HTTP_ADDR` or `CONSUL_HTTP_ADDR`, with the environment's credentials
//! 4. the context in use (`konsulctl context use`)
//! 5. `127.0.0.1:8500`, with the environment's credentials
//!
//! Options for single settings, such as `--token-file`, win over all of them.

use konsul_client::{ClientConfig, Error, Token};

use crate::cli::Globals;
use crate::console::Console;
use crate::contexts::{self, Named};
use crate::exit::Exit;
use crate::failure::Failure;

/// A server, and where its address came from.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) config: ClientConfig,
    /// Where the address came from, in words that fit into "the address is from …".
    pub(crate) origin: String,
    /// What a person should know before anything is sent.
    pub(crate) warnings: Vec<String>,
}

impl Target {
    pub(crate) fn resolve(globals: &Globals, console: &Console<'_>) -> Result<Target, Failure> {
        let (mut config, origin) = base(globals, console)?;
        let mut warnings = Vec::new();
        if let Some(namespace) = &globals.namespace {
            config.namespace = Some(namespace.clone());
        }
        if let Some(timeout) = globals.timeout {
            config.request_timeout = timeout;
            config.connect_timeout = config.connect_timeout.min(timeout);
        }
        if let Some(path) = &globals.token_file {
            config.read_token_file(&path.to_string_lossy()).map_err(|e| wrong("--token-file", &e))?;
        }
        if let Some(token) = &globals.token {
            config.token = Token::new(token);
            let text = "a token on the command line is seen by every user of this machine; use --token-file";
            warnings.push(text.to_owned());
        }
        tls(globals, &mut config);
        if config.tls.skip_verify && config.is_https() {
            warnings.push(format!(
                "the certificate of {} is not checked: whoever is on the way can read and change everything",
                config.address()
            ));
        }
        if config.has_credentials() && config.is_in_clear() {
            warnings.push(format!("the token goes to {} without encryption; use https://", config.address()));
        }
        Ok(Target { config, origin, warnings })
    }
}

fn base(globals: &Globals, console: &Console<'_>) -> Result<(ClientConfig, String), Failure> {
    let environment =
        || ClientConfig::from_lookup(console.lookup()).map_err(|e| wrong("the environment", &e));
    if let Some(address) = &globals.server {
        let mut config = environment_but_address(console)?;
        config.set_address(address).map_err(|e| wrong("--server", &e))?;
        return Ok((config, "--server".to_owned()));
    }
    let named = globals.context.clone().map(|name| (name, "--context"));
    let named = named.or_else(|| console.env("KONSUL_CONTEXT").map(|name| (name, "KONSUL_CONTEXT")));
    if let Some((name, by)) = named {
        let found = contexts::read(console)?.named(&name)?.clone();
        return Ok((of_context(&found)?, format!("the context {name:?}, named by {by}")));
    }
    for variable in ["KONSUL_HTTP_ADDR", "CONSUL_HTTP_ADDR"] {
        if console.env(variable).is_some() {
            return Ok((environment()?, variable.to_owned()));
        }
    }
    let contexts = contexts::read(console)?;
    if let Some(found) = contexts.current()? {
        return Ok((of_context(found)?, format!("the context in use, {:?}", found.name)));
    }
    Ok((environment()?, "the default, since nothing names another".to_owned()))
}

/// The environment without its address, which must not be able to fail what `--server` decides.
fn environment_but_address(console: &Console<'_>) -> Result<ClientConfig, Failure> {
    let lookup = console.lookup();
    let without = |name: &str| if name.ends_with("_HTTP_ADDR") { None } else { lookup(name) };
    ClientConfig::from_lookup(&without).map_err(|e| wrong("the environment", &e))
}

fn of_context(named: &Named) -> Result<ClientConfig, Failure> {
    let from = format!("the context {:?}", named.name);
    let mut config = ClientConfig::for_address(&named.server).map_err(|e| wrong(&from, &e))?;
    if let Some(path) = &named.token_file {
        config.read_token_file(path).map_err(|e| wrong(&from, &e))?;
    }
    if let Some(token) = &named.token {
        config.token = Token::new(token.as_str());
    }
    config.namespace.clone_from(&named.namespace);
    config.tls.ca_file.clone_from(&named.ca_file);
    config.tls.ca_path.clone_from(&named.ca_path);
    config.tls.client_cert.clone_from(&named.client_cert);
    config.tls.client_key.clone_from(&named.client_key);
    config.tls.server_name.clone_from(&named.tls_server_name);
    config.tls.skip_verify = named.insecure_skip_verify;
    Ok(config)
}

fn tls(globals: &Globals, config: &mut ClientConfig) {
    let tls = &mut config.tls;
    let over = |slot: &mut Option<std::path::PathBuf>, given: &Option<std::path::PathBuf>| {
        if given.is_some() {
            slot.clone_from(given);
        }
    };
    over(&mut tls.ca_file, &globals.ca_file);
    over(&mut tls.ca_path, &globals.ca_path);
    over(&mut tls.client_cert, &globals.client_cert);
    over(&mut tls.client_key, &globals.client_key);
    if globals.tls_server_name.is_some() {
        tls.server_name.clone_from(&globals.tls_server_name);
    }
    tls.skip_verify |= globals.insecure_skip_verify;
}

fn wrong(origin: &str, error: &Error) -> Failure {
    let text = error.to_string();
    // The client names the variable where there is one.
    let what = if text.starts_with("KONSUL_") || text.starts_with("CONSUL_") || origin.is_empty() {
        text
    } else {
        format!("{origin}: {text}")
    };
    Failure::with(Exit::Usage, what)
        .next("`konsulctl --help` lists the options and variables for the connection")
}

/// What a failed call means.
pub(crate) fn failed(error: &Error, target: Option<&Target>) -> Failure {
    let origin = target.map_or("the command line", |target| target.origin.as_str());
    match error {
        Error::Problem(problem) => crate::failure::of_problem(problem),
        Error::Config(text) => Failure::with(Exit::Usage, text.clone()),
        Error::Connect { address, source } => connect_failed(address, &source.to_string(), origin),
        Error::Broken { address, source } => {
            Failure::with(Exit::Unknown, format!("the connection to {address} broke: {source}"))
                .next("if this was a write, look whether it happened before you repeat it")
        }
        Error::Timeout { address, after } => {
            Failure::with(Exit::Unknown, format!("{address} did not answer within {}", seconds(*after)))
                .next("if this was a write, look whether it happened before you repeat it")
                .next("`--timeout 2m` waits longer; `konsulctl status` says whether there is a leader")
        }
        Error::Status { code, body } => of_status(*code, body),
        Error::Decode { address, .. } => Failure::with(Exit::Failed, error.to_string())
            .next(format!("the address {address} is from {origin}; is it the HTTP port of a Konsul server?")),
        other => Failure::with(Exit::Failed, other.to_string()),
    }
}

fn connect_failed(address: &str, source: &str, origin: &str) -> Failure {
    let failure = Failure::with(Exit::Unreachable, format!("no server answers at {address}: {source}"))
        .detail(format!("The address is from {origin}."));
    if source.contains("certificate") || source.contains("TLS") || source.contains("tls") {
        return failure
            .next("name the authority that signed the server's certificate: --ca-file ca.pem")
            .next("if the server speaks plain HTTP, use http:// instead of https://");
    }
    failure
        .next("start a server to try things on: konsul agent -dev")
        .next("or name another one: --server HOST:PORT, KONSUL_HTTP_ADDR, or `konsulctl context use NAME`")
}

fn seconds(duration: std::time::Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// An answer that is no problem document: of a proxy, or of a server without `/v2`.
fn of_status(code: u16, body: &str) -> Failure {
    let first = body.lines().next().unwrap_or_default();
    let exit = crate::failure::exit_of(code, "");
    let failure = Failure::with(exit, format!("the server answered {code} ({first})"));
    match code {
        401 | 403 => failure.next("name a token that may do this: --token-file FILE"),
        404 | 405 => failure.next("is it a Konsul server with /v2? For Consul's agents use `konsul kv …`"),
        502..=504 => failure.next("try again in a moment; `konsulctl status` says whether there is a leader"),
        _ => failure,
    }
}
