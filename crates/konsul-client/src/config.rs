//! Where the agent is, and as whom to speak to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// A secret. Printing it shows that there is one, never which.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a secret; `None` if the text is empty.
    pub fn new(secret: impl Into<String>) -> Option<Token> {
        let secret = secret.into();
        (!secret.is_empty()).then_some(Token(secret))
    }

    /// The secret itself, for the request header and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsOptions {
    /// Certificates (PEM) of which one must have signed the server's; without this and `ca_path` the system's count.
    pub ca_file: Option<PathBuf>,
    /// A directory of such files.
    pub ca_path: Option<PathBuf>,
    /// The certificate (PEM) to show, with those that lead to its authority.
    pub client_cert: Option<PathBuf>,
    /// Its key (PEM).
    pub client_key: Option<PathBuf>,
    /// The name that the server's certificate must have, where it is not the address's host.
    pub server_name: Option<String>,
    /// Whether the server's certificate is not checked.
    pub skip_verify: bool,
}

/// How the bytes travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP over TCP.
    Plain,
    /// HTTP over TLS over TCP.
    Tls,
    /// HTTP over a unix socket.
    Unix(PathBuf),
}

/// How to reach an agent.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `host:port`, checked by [`ClientConfig::set_address`].
    authority: String,
    wire: Wire,
    /// Whether an address without a scheme, or with `http://`, is spoken to over TLS all the same.
    wants_tls: bool,
    /// How TLS is spoken, where it is.
    pub tls: TlsOptions,
    /// The credential to send.
    pub token: Option<Token>,
    /// User and password for a proxy in front of the agent.
    pub basic_auth: Option<Token>,
    /// The namespace for calls that name none.
    pub namespace: Option<String>,
    /// The admin partition for calls.
    pub partition: Option<String>,
    /// The datacentre for calls that name none.
    pub datacenter: Option<String>,
    /// How long to wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// How long to wait for the head of an answer. A blocking read adds its own wait.
    pub request_timeout: Duration,
}

/// Where an agent listens when nobody says otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            authority: DEFAULT_ADDRESS.to_owned(),
            wire: Wire::Plain,
            wants_tls: false,
            tls: TlsOptions::default(),
            token: None,
            basic_auth: None,
            namespace: None,
            partition: None,
            datacenter: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
        }
    }
}

impl ClientConfig {
    /// A configuration for one address.
    ///
    /// # Errors
    /// [`Error::Config`] if the address is not one.
    pub fn for_address(address: &str) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::default();
        config.set_address(address)?;
        Ok(config)
    }

    /// Reads the process's environment. See [`ClientConfig::from_lookup`].
    ///
    /// # Errors
    /// As there.
    pub fn from_env() -> Result<ClientConfig, Error> {
        ClientConfig::from_lookup(&|name| std::env::var(name).ok())
    }

    /// Reads Consul's variables and Konsul's twins of them: `KONSUL_HTTP_ADDR` wins over `CONSUL_HTTP_ADDR`, and so on for
    /// `HTTP_TOKEN`, `HTTP_TOKEN_FILE`, `HTTP_AUTH`, `HTTP_SSL`, `HTTP_SSL_VERIFY`, `CACERT`, `CAPATH`, `CLIENT_CERT`,
    /// `CLIENT_KEY`, `TLS_SERVER_NAME`, `NAMESPACE` and `PARTITION`. A token file wins over a token, as in Consul. Empty
    /// counts as unset.
    ///
    /// # Errors
    /// [`Error::Config`] with the variable's name if a value cannot be used.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<ClientConfig, Error> {
        let twin = |name: &str| {
            let get = |prefix: &str| {
                let full = format!("{prefix}_{name}");
                lookup(&full).filter(|v| !v.is_empty()).map(|value| (full, value))
            };
            get("KONSUL").or_else(|| get("CONSUL"))
        };
        let value = |name: &str| twin(name).map(|(_, value)| value);
        let mut config = ClientConfig::default();
        if let Some((name, address)) = twin("HTTP_ADDR") {
            config.set_address(&address).map_err(|e| e.because_of(&name))?;
        }
        if let Some((name, flag)) = twin("HTTP_SSL") {
            config.prefer_tls(truth(&name, &flag)?);
        }
        if let Some((name, flag)) = twin("HTTP_SSL_VERIFY") {
            config.tls.skip_verify = !truth(&name, &flag)?;
        }
        if let Some((_, secret)) = twin("HTTP_TOKEN") {
            config.token = Token::new(secret.trim());
        }
        if let Some((name, path)) = twin("HTTP_TOKEN_FILE") {
            config.read_token_file(&path).map_err(|e| e.because_of(&name))?;
        }
        config.tls.ca_file = value("CACERT").map(PathBuf::from);
        config.tls.ca_path = value("CAPATH").map(PathBuf::from);
        config.tls.client_cert = value("CLIENT_CERT").map(PathBuf::from);
        config.tls.client_key = value("CLIENT_KEY").map(PathBuf::from);
        config.tls.server_name = value("TLS_SERVER_NAME");
        config.basic_auth = value("HTTP_AUTH").and_then(Token::new);
        config.namespace = value("NAMESPACE");
        config.partition = value("PARTITION");
        Ok(config)
    }

    /// `host:port` of the agent, as the `Host` header has it. For a unix socket it names nobody.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The address for people: `host:port`, `https://host:port` or `unix://path`.
    pub fn address(&self) -> String {
        match &self.wire {
            Wire::Plain => self.authority.clone(),
            Wire::Tls => format!("https://{}", self.authority),
            Wire::Unix(path) => format!("unix://{}", path.display()),
        }
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.wire == Wire::Tls
    }

    /// Whether what is sent could be read on the way: plain HTTP to another machine.
    pub fn is_in_clear(&self) -> bool {
        let host = self.authority.rsplit_once(':').map_or(self.authority.as_str(), |(host, _)| host);
        let here = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.wire == Wire::Plain && !here
    }

    /// Whether a credential is sent.
    pub fn has_credentials(&self) -> bool {
        self.token.is_some() || self.basic_auth.is_some()
    }

    /// Takes `host`, `host:port`, `http://host:port`, `https://host:port` or `unix:///path`. The port is 8500 if none is
    /// given, and 8501 for https.
    ///
    /// # Errors
    /// [`Error::Config`] for schemes that this build does not speak and for text that is no address.
    pub fn set_address(&mut self, address: &str) -> Result<(), Error> {
        (self.wire, self.authority) = parse_address(address)?;
        self.prefer_tls(self.wants_tls);
        Ok(())
    }

    /// What `HTTP_SSL` says. As in Consul, `http://` does not take it back, wherever the address comes from.
    fn prefer_tls(&mut self, on: bool) {
        self.wants_tls = on;
        if on && self.wire == Wire::Plain {
            self.wire = Wire::Tls;
        }
    }

    /// Reads the token from a file; white space around it does not count.
    ///
    /// # Errors
    /// [`Error::Config`] if the file cannot be read or holds nothing.
    pub fn read_token_file(&mut self, path: &str) -> Result<(), Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::Config(format!("the token file {path} cannot be read: {e}")))?;
        let token = Token::new(text.trim());
        if token.is_none() {
            return Err(Error::Config(format!("the token file {path} is empty; put the token into it")));
        }
        self.token = token;
        Ok(())
    }
}

/// What Go's flag package, and so Consul, takes for a truth value.
fn truth(name: &str, flag: &str) -> Result<bool, Error> {
    match flag {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Error::Config(format!("{name}={flag} is neither true nor false; write one of the two"))),
    }
}

fn parse_address(address: &str) -> Result<(Wire, String), Error> {
    let address = address.trim();
    let (wire, rest, usual_port) = match address.split_once("://") {
        None => (Wire::Plain, address, 8500),
        Some(("http", rest)) => (Wire::Plain, rest, 8500),
        Some(("https", rest)) => (Wire::Tls, rest, 8501),
        Some(("unix", path)) if path.starts_with('/') => {
            return Ok((Wire::Unix(path.into()), "localhost".to_owned()));
        }
        Some(("unix", path)) => {
            return Err(Error::Config(format!(
                "{address:?}: the path of a unix socket begins at the root; write unix:///{path}"
            )));
        }
        Some((scheme, _)) => {
            return Err(Error::Config(format!(
                "{address:?}: the scheme {scheme:?} is not spoken here; write http://, https:// or unix://"
            )));
        }
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let wrong = || {
        Error::Config(format!("{address:?} is not an address; write host:port, such as {DEFAULT_ADDRESS}"))
    };
    let parsed: http::uri::Authority = rest.parse().map_err(|_| wrong())?;
    let after_host = rest.get(parsed.host().len()..).unwrap_or_default();
    let port: u16 = match after_host.strip_prefix(':') {
        Some(digits) => digits.parse().map_err(|_| wrong())?,
        None => usual_port,
    };
    if parsed.host().is_empty() || rest.contains('@') {
        return Err(wrong());
    }
    Ok((wire, format!("{}:{port}", parsed.host())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<ClientConfig, Error> {
        ClientConfig::from_lookup(&|name| {
            pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn addresses_in_all_their_forms() {
        let address =
            |text: &str| ClientConfig::for_address(text).map(|c| c.authority).map_err(|e| e.to_string());
        assert_eq!(address("10.0.0.1:8501").unwrap(), "10.0.0.1:8501");
        assert_eq!(address("http://konsul.example").unwrap(), "konsul.example:8500");
        assert_eq!(address("http://[::1]:85/").unwrap(), "[::1]:85");
        assert_eq!(address("https://a:1").unwrap(), "a:1");
        assert_eq!(address("https://a").unwrap(), "a:8501");
        assert!(address("unix:run/x").is_err());
        assert!(address("unix://run/x").unwrap_err().contains("write unix:///run/x"));
        assert!(address("gopher://a").unwrap_err().contains("\"gopher\" is not spoken"));
        assert!(address("a b").unwrap_err().contains("is not an address"));
        assert!(address("a:99999").unwrap_err().contains("is not an address"));
        assert!(address("").unwrap_err().contains("is not an address"));
    }

    #[test]
    fn the_environment_speaks_for_both_names_and_konsul_wins() {
        let config = from(&[
            ("CONSUL_HTTP_ADDR", "a:1"),
            ("KONSUL_HTTP_ADDR", "b:2"),
            ("CONSUL_NAMESPACE", "team"),
            ("CONSUL_HTTP_TOKEN", "s3cret"),
            ("KONSUL_PARTITION", ""),
        ])
        .unwrap();
        assert_eq!(config.authority(), "b:2");
        assert_eq!(config.namespace.as_deref(), Some("team"));
        assert_eq!(config.partition, None);
        assert_eq!(config.token.as_ref().unwrap().reveal(), "s3cret");
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn people_see_how_the_bytes_travel() {
        let shown = |text: &str| ClientConfig::for_address(text).unwrap();
        assert_eq!(shown("a").address(), "a:8500");
        assert_eq!(shown("https://a").address(), "https://a:8501");
        assert_eq!(shown("unix:///run/k.sock").address(), "unix:///run/k.sock");
        for (address, in_clear) in
            [("a", true), ("10.0.0.1", true), ("localhost", false), ("[::1]:1", false), ("127.0.0.9", false)]
        {
            assert_eq!(shown(address).is_in_clear(), in_clear, "{address}");
        }
        assert!(!shown("https://a").is_in_clear() && !shown("unix:///a").is_in_clear());
    }

    #[test]
    fn the_environment_speaks_of_tls() {
        let config = from(&[
            ("CONSUL_HTTP_ADDR", "a:1"),
            ("CONSUL_HTTP_SSL", "true"),
            ("CONSUL_HTTP_SSL_VERIFY", "false"),
            ("CONSUL_CACERT", "ca.pem"),
            ("KONSUL_CLIENT_CERT", "c.pem"),
            ("CONSUL_CLIENT_KEY", "k.pem"),
            ("CONSUL_TLS_SERVER_NAME", "server.dc1.consul"),
        ])
        .unwrap();
        assert_eq!(config.address(), "https://a:1");
        let tls = TlsOptions {
            ca_file: Some("ca.pem".into()),
            client_cert: Some("c.pem".into()),
            client_key: Some("k.pem".into()),
            server_name: Some("server.dc1.consul".into()),
            skip_verify: true,
            ..TlsOptions::default()
        };
        assert_eq!(config.tls, tls);
        assert!(!from(&[("CONSUL_HTTP_SSL", "false")]).unwrap().is_https());
        let mut later = from(&[("CONSUL_HTTP_SSL", "1")]).unwrap();
        later.set_address("http://b:2").unwrap();
        assert_eq!(later.address(), "https://b:2");
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let why = from(&[("CONSUL_HTTP_SSL", "maybe")]).unwrap_err().to_string();
        assert!(why.contains("CONSUL_HTTP_SSL=maybe is neither true nor false"), "{why}");
        let why = from(&[("KONSUL_HTTP_TOKEN_FILE", "/nonexistent/token")]).unwrap_err().to_string();
        assert!(why.contains("KONSUL_HTTP_TOKEN_FILE") && why.contains("cannot be read"), "{why}");
    }
}
