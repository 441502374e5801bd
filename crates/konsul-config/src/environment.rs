//! Settings from environment variables: `KONSUL_` and the key in capitals, with `_` for each dot.
//!
//! An empty variable counts as not set, since that is how templates of deployments leave one out.

use crate::error::{ConfigError, Origin, Warning};
use crate::nearest::nearest;
use crate::options;
use crate::reading::{Reading, Setting};

const PREFIX: &str = "KONSUL_";

/// What a Konsul client reads (`konsul kv`, `konsulctl`); an agent in the same environment leaves it alone.
const OF_CLIENTS: &[&str] = &[
    "KONSUL_HTTP_ADDR",
    "KONSUL_HTTP_TOKEN",
    "KONSUL_HTTP_TOKEN_FILE",
    "KONSUL_HTTP_AUTH",
    "KONSUL_HTTP_SSL",
    "KONSUL_HTTP_SSL_VERIFY",
    "KONSUL_CACERT",
    "KONSUL_CAPATH",
    "KONSUL_CLIENT_CERT",
    "KONSUL_CLIENT_KEY",
    "KONSUL_TLS_SERVER_NAME",
    "KONSUL_NAMESPACE",
    "KONSUL_PARTITION",
    "KONSUL_CONTEXT",
];

/// Reads all variables of ours, in the order of the declarations, and warns of those that look like ours.
pub(crate) fn read(variables: &[(String, String)]) -> Reading {
    let mut reading = Reading::default();
    for option in options::all() {
        let variable = option.variable();
        let given = variables.iter().find(|(name, value)| *name == variable && !value.is_empty());
        let Some((_, text)) = given else { continue };
        let origin = Origin::Environment { variable };
        match option.kind.value_of_variable(text) {
            Ok(value) => reading.settings.push(Setting { option, value, origin }),
            Err(reason) => {
                let key = option.key.to_owned();
                reading.errors.push(ConfigError::BadValue { origin, key, reason });
            }
        }
    }
    reading.warnings = variables.iter().filter_map(|(name, _)| stranger(name)).collect();
    reading
}

fn stranger(name: &str) -> Option<Warning> {
    let rest = name.strip_prefix(PREFIX)?;
    let ours: Vec<String> = options::all().map(crate::ConfigOption::variable).collect();
    if ours.iter().any(|own| own == name) || OF_CLIENTS.contains(&name) || is_service_link(rest) {
        return None;
    }
    let nearest = nearest(name, ours.iter().map(String::as_str)).map(ToOwned::to_owned);
    Some(Warning::UnknownVariable { variable: name.to_owned(), nearest })
}

/// Kubernetes gives every container the addresses of the services around it, and one of them may be called `konsul`
/// or `konsul-…`; nobody wrote those variables.
fn is_service_link(rest: &str) -> bool {
    let number = |text: &str| text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let port = |text: &str| text.is_empty() || text.strip_prefix('_').is_some_and(number);
    let link = |mark: &str| rest.match_indices(mark).any(|(at, _)| port(&rest[at + mark.len()..]));
    rest.ends_with("SERVICE_HOST") || rest.contains("SERVICE_PORT") || link("PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(names: &[&str]) -> Vec<String> {
        let variables: Vec<_> = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        read(&variables).warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_slip_is_named_with_what_was_meant() {
        assert_eq!(
            warnings(&["KONSUL_DATACENTRE", "PATH"]),
            [
                "KONSUL_DATACENTRE: no option has this variable; it is ignored; did you mean `KONSUL_DATACENTER`?"
            ]
        );
    }

    #[test]
    fn variables_of_clients_and_of_kubernetes_are_left_alone() {
        let quiet = [
            "KONSUL_HTTP_ADDR",
            "KONSUL_SERVICE_HOST",
            "KONSUL_SERVICE_PORT",
            "KONSUL_SERVICE_PORT_HTTP",
            "KONSUL_PORT",
            "KONSUL_PORT_8500_TCP",
            "KONSUL_PORT_8500_TCP_ADDR",
            "KONSUL_UI_PORT_80_TCP_PROTO",
        ];
        assert_eq!(warnings(&quiet), Vec::<String>::new());
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let variables = [("KONSUL_NODE_NAME".to_owned(), String::new())];
        assert!(read(&variables).settings.is_empty());
    }
}
