//! Where the agent is, and as whom to speak to it.

use std::fmt;
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

/// How to reach an agent.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `host:port`, checked by [`ClientConfig::set_address`].
    authority: String,
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
    /// How long to wait for a connection.
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
    /// `HTTP_TOKEN`, `HTTP_TOKEN_FILE`, `HTTP_AUTH`, `HTTP_SSL`, `NAMESPACE` and `PARTITION`. A token file wins over a
    /// token, as in Consul. Empty counts as unset.
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
        let mut config = ClientConfig::default();
        if let Some((name, address)) = twin("HTTP_ADDR") {
            config.set_address(&address).map_err(|e| e.because_of(&name))?;
        }
        if let Some((name, flag)) = twin("HTTP_SSL") {
            refuse_tls(&name, &flag)?;
        }
        if let Some((_, secret)) = twin("HTTP_TOKEN") {
            config.token = Token::new(secret.trim());
        }
        if let Some((name, path)) = twin("HTTP_TOKEN_FILE") {
            config.read_token_file(&path).map_err(|e| e.because_of(&name))?;
        }
        config.basic_auth = twin("HTTP_AUTH").and_then(|(_, pair)| Token::new(pair));
        config.namespace = twin("NAMESPACE").map(|(_, v)| v);
        config.partition = twin("PARTITION").map(|(_, v)| v);
        Ok(config)
    }

    /// `host:port` of the agent.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Takes `host`, `host:port` or `http://host:port`; the port is 8500 if none is given.
    ///
    /// # Errors
    /// [`Error::Config`] for schemes that this build does not speak and for text that is no address.
    pub fn set_address(&mut self, address: &str) -> Result<(), Error> {
        self.authority = parse_address(address)?;
        Ok(())
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

fn refuse_tls(name: &str, flag: &str) -> Result<(), Error> {
    let off = matches!(flag, "0" | "f" | "F" | "false" | "FALSE" | "False");
    if off {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{name}={flag} asks for https, which this client does not speak yet; unset it and use the agent's http address"
    )))
}

fn parse_address(address: &str) -> Result<String, Error> {
    let address = address.trim();
    let rest = match address.split_once("://") {
        None => address,
        Some(("http", rest)) => rest,
        Some((scheme, _)) => {
            return Err(Error::Config(format!(
                "{address:?}: the scheme {scheme:?} is not spoken by this client yet; use http://host:port"
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
        None => 8500,
    };
    if parsed.host().is_empty() || rest.contains('@') {
        return Err(wrong());
    }
    Ok(format!("{}:{port}", parsed.host()))
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
        assert!(address("https://a:1").unwrap_err().contains("\"https\" is not spoken"));
        assert!(address("unix:///run/x").unwrap_err().contains("\"unix\" is not spoken"));
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
    fn what_cannot_be_honoured_is_refused_by_name() {
        let why = from(&[("CONSUL_HTTP_SSL", "true")]).unwrap_err().to_string();
        assert!(why.contains("CONSUL_HTTP_SSL=true asks for https"), "{why}");
        assert!(from(&[("CONSUL_HTTP_SSL", "false")]).is_ok());
        let why = from(&[("KONSUL_HTTP_TOKEN_FILE", "/nonexistent/token")]).unwrap_err().to_string();
        assert!(why.contains("KONSUL_HTTP_TOKEN_FILE") && why.contains("cannot be read"), "{why}");
    }
}
