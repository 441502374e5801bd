//! The flags that say where the agent is and how fresh its answers must be, common to all commands that speak to one.

use clap::{ArgMatches, Command};
use konsul_client::{Client, ClientConfig, Consistency, ReadOptions, Token};

use crate::console::Console;
use crate::consul::words::{option, switch};
use crate::failure::Failure;

const HEADING: &str = "Connection";

/// Adds the flags of every command that speaks to an agent.
pub(crate) fn client_flags(command: Command) -> Command {
    let flags = [
        option(
            "http-addr",
            "ADDRESS",
            "The agent's HTTP address [env: CONSUL_HTTP_ADDR] [default: 127.0.0.1:8500]",
        ),
        option("token", "TOKEN", "The credential to send [env: CONSUL_HTTP_TOKEN]"),
        option("token-file", "FILE", "A file with the credential [env: CONSUL_HTTP_TOKEN_FILE]"),
    ];
    let tls = [
        option("ca-file", "FILE", "Certificates that the agent's must come from [env: CONSUL_CACERT]"),
        option("ca-path", "DIRECTORY", "A directory of such files [env: CONSUL_CAPATH]"),
        option("client-cert", "FILE", "The certificate to show [env: CONSUL_CLIENT_CERT]"),
        option("client-key", "FILE", "Its key [env: CONSUL_CLIENT_KEY]"),
        option(
            "tls-server-name",
            "NAME",
            "The name in the agent's certificate [env: CONSUL_TLS_SERVER_NAME]",
        ),
    ];
    command.args(flags.into_iter().chain(tls).map(|flag| flag.help_heading(HEADING)))
}

/// Adds the flags of commands that a server answers.
pub(crate) fn server_flags(command: Command) -> Command {
    let flags = [
        option("datacenter", "NAME", "The datacentre to ask; the agent's own if not given"),
        switch("stale", "Let any server answer, not only the leader"),
    ];
    command.args(flags.map(|flag| flag.help_heading(HEADING)))
}

/// Adds the flags that name a namespace.
pub(crate) fn tenancy_flags(command: Command) -> Command {
    let flags = [
        option("namespace", "NAME", "The namespace [env: CONSUL_NAMESPACE] [default: default]"),
        option("partition", "NAME", "The admin partition [env: CONSUL_PARTITION]"),
    ];
    command.args(flags.map(|flag| flag.help_heading(HEADING)))
}

/// All three.
pub(crate) fn all_flags(command: Command) -> Command {
    tenancy_flags(server_flags(client_flags(command)))
}

/// A text flag's value, if the command has the flag and it was given.
pub(crate) fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// Whether a switch is on.
pub(crate) fn is_on(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
}

/// A client as flags and environment say; flags win.
pub(crate) fn connect(matches: &ArgMatches, console: &Console<'_>) -> Result<Client, Failure> {
    let client = configure(matches, console).and_then(Client::connect);
    client.map_err(|e| Failure::new(format!("Error connecting to Consul agent: {e}")))
}

fn configure(matches: &ArgMatches, console: &Console<'_>) -> Result<ClientConfig, konsul_client::Error> {
    let mut config = ClientConfig::from_lookup(console.lookup())?;
    if let Some(address) = text(matches, "http-addr") {
        config.set_address(address)?;
    }
    if let Some(token) = text(matches, "token") {
        config.token = Token::new(token);
    }
    if let Some(path) = text(matches, "token-file") {
        config.read_token_file(path)?;
    }
    let path = |name| text(matches, name).map(std::path::PathBuf::from);
    config.tls.ca_file = path("ca-file").or(config.tls.ca_file);
    config.tls.ca_path = path("ca-path").or(config.tls.ca_path);
    config.tls.client_cert = path("client-cert").or(config.tls.client_cert);
    config.tls.client_key = path("client-key").or(config.tls.client_key);
    let owned = |name| text(matches, name).map(str::to_owned);
    config.tls.server_name = owned("tls-server-name").or(config.tls.server_name);
    config.namespace = owned("namespace").or(config.namespace);
    config.partition = owned("partition").or(config.partition);
    config.datacenter = owned("datacenter").or(config.datacenter);
    Ok(config)
}

/// How fresh reads must be.
pub(crate) fn reading(matches: &ArgMatches) -> ReadOptions {
    let consistency = if is_on(matches, "stale") { Consistency::Stale } else { Consistency::Default };
    ReadOptions { consistency, ..ReadOptions::default() }
}

/// What a failed call prints in a command that reads.
pub(crate) fn query_failed(error: &konsul_client::Error) -> Failure {
    Failure::new(format!("Error querying Consul agent: {error}"))
}
