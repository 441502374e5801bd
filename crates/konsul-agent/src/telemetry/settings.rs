//! Whether, where to and how much is traced: the configuration, else OpenTelemetry's own variables.

use konsul_config::{Config, OtlpProtocol};
use konsul_runtime::time::Duration;

use crate::AgentError;

/// Where HTTP collectors take traces, below their address.
const PATH: &str = "/v1/traces";

/// Who this agent is, for whoever looks at its traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) node: String,
    pub(crate) node_id: String,
    pub(crate) datacenter: String,
}

/// How traces are sent.
#[derive(Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) endpoint: String,
    pub(crate) protocol: OtlpProtocol,
    /// May hold a credential.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) ratio: f64,
    pub(crate) service: String,
    /// What the environment says of this process.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) identity: Identity,
}

/// Without the headers' values.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("endpoint", &self.endpoint)
            .field("ratio", &self.ratio)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// `None` if nothing is to be traced. `variable` reads the environment.
    ///
    /// With an endpoint in the configuration, everything comes from there. Without one, the variables of OpenTelemetry
    /// count, and the configuration says what they do not.
    ///
    /// # Errors
    /// A variable that says something which cannot be done.
    pub(crate) fn of(
        config: &Config,
        identity: Identity,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Settings>, AgentError> {
        let variable = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        let options = &config.telemetry;
        let off = variable("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let mut settings = Settings {
            endpoint: String::new(),
            protocol: options.otlp_protocol,
            headers: options.otlp_headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            timeout: options.otlp_timeout.to_std(),
            ratio: options.sample_ratio.0,
            service: options.service_name.clone(),
            attributes: pairs(&variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()),
            identity,
        };
        if let Some(endpoint) = &options.otlp_endpoint {
            settings.endpoint = with_path(&endpoint.to_string(), settings.protocol);
            return Ok(Some(settings));
        }
        if off || variable("OTEL_TRACES_EXPORTER").is_some_and(|text| text == "none") {
            return Ok(None);
        }
        settings.take_variables(&variable)
    }

    fn take_variables(
        mut self,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Settings>, AgentError> {
        let own = |name: &str| variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
        let general = |name: &str| variable(&format!("OTEL_EXPORTER_OTLP_{name}"));
        let either = |name: &str| own(name).or_else(|| general(name));
        if let Some(text) = either("PROTOCOL") {
            self.protocol = read("OTEL_EXPORTER_OTLP_PROTOCOL", &text)?;
        }
        let Some(endpoint) =
            own("ENDPOINT").or_else(|| Some(with_path(&general("ENDPOINT")?, self.protocol)))
        else {
            return Ok(None);
        };
        let _: konsul_config::OtlpEndpoint = read("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)?;
        self.endpoint = endpoint;
        if let Some(text) = either("HEADERS") {
            self.headers = pairs(&text);
        }
        if let Some(text) = either("TIMEOUT") {
            let ms: u64 = read("OTEL_EXPORTER_OTLP_TIMEOUT", &text)?;
            self.timeout = Duration::from_millis(ms);
        }
        self.service = variable("OTEL_SERVICE_NAME").unwrap_or(self.service);
        self.ratio = ratio(variable, self.ratio)?;
        Ok(Some(self))
    }
}

/// The samplers that OpenTelemetry names. All are taken as based on the caller's decision, as its default is.
fn ratio(variable: &impl Fn(&str) -> Option<String>, configured: f64) -> Result<f64, AgentError> {
    let Some(sampler) = variable("OTEL_TRACES_SAMPLER") else {
        return Ok(configured);
    };
    match sampler.strip_prefix("parentbased_").unwrap_or(&sampler) {
        "always_on" => Ok(1.0),
        "always_off" => Ok(0.0),
        "traceidratio" => match variable("OTEL_TRACES_SAMPLER_ARG") {
            Some(text) => read::<konsul_config::Ratio>("OTEL_TRACES_SAMPLER_ARG", &text).map(|ratio| ratio.0),
            None => Ok(1.0),
        },
        _ => Err(AgentError::Option(format!(
            "OTEL_TRACES_SAMPLER: {sampler:?} is not known; there are always_on, always_off and traceidratio, each also \
             with parentbased_ before it"
        ))),
    }
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, AgentError> {
    text.trim().parse().map_err(|why| AgentError::Option(format!("{name}: {why}")))
}

/// An address alone means the usual path, where the protocol has paths.
fn with_path(endpoint: &str, protocol: OtlpProtocol) -> String {
    let base = endpoint.trim_end_matches('/');
    if protocol == OtlpProtocol::Grpc || base.ends_with(PATH) {
        return base.to_owned();
    }
    format!("{base}{PATH}")
}

/// `name=value,name=value`, percent-decoded by whoever sends them.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(config: &Config, variables: &[(&str, &str)]) -> Result<Option<Settings>, AgentError> {
        let identity = Identity { node: "n".into(), node_id: "i".into(), datacenter: "d".into() };
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::of(config, identity, find)
    }

    fn configured(endpoint: &str) -> Config {
        let mut config = Config::default();
        config.telemetry.otlp_endpoint = Some(endpoint.parse().unwrap());
        config
    }

    #[test]
    fn nothing_is_traced_unless_somebody_says_where_to() {
        assert_eq!(settings(&Config::default(), &[]).unwrap(), None);
        let told = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert!(settings(&Config::default(), &[told]).unwrap().is_some());
        assert_eq!(settings(&Config::default(), &[told, ("OTEL_SDK_DISABLED", "TRUE")]).unwrap(), None);
        assert_eq!(settings(&Config::default(), &[told, ("OTEL_TRACES_EXPORTER", "none")]).unwrap(), None);
    }

    #[test]
    fn the_configuration_wins_over_the_environment() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://other:1"),
            ("OTEL_SERVICE_NAME", "other"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a, zone=b"),
        ];
        let found = settings(&configured("http://c:4318"), &variables).unwrap().unwrap();
        assert_eq!((found.endpoint.as_str(), found.service.as_str()), ("http://c:4318/v1/traces", "konsul"));
        assert_eq!((found.ratio, found.attributes.len()), (0.01, 2));
        let with_path = settings(&configured("http://c:4318/v1/traces"), &[]).unwrap().unwrap();
        assert_eq!(with_path.endpoint, "http://c:4318/v1/traces");
    }

    #[test]
    fn the_environment_is_read_as_opentelemetry_has_it() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=x"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
            ("OTEL_SERVICE_NAME", "kv"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ];
        let found = settings(&Config::default(), &variables).unwrap().unwrap();
        assert_eq!((found.endpoint.as_str(), found.protocol), ("http://c:4317", OtlpProtocol::Grpc));
        assert_eq!(
            (found.timeout, found.service.as_str(), found.ratio),
            (Duration::from_millis(250), "kv", 0.5)
        );
        assert!(!format!("{found:?}").contains("authorization"));
        let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:9/here")];
        assert_eq!(settings(&Config::default(), &own).unwrap().unwrap().endpoint, "http://c:9/here");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for bad in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ] {
            let why = settings(&Config::default(), &[endpoint, bad]).unwrap_err().to_string();
            assert!(why.contains(bad.0), "{why}");
        }
        let why = settings(&Config::default(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c")]).unwrap_err();
        assert!(why.to_string().contains("without encryption"), "{why}");
    }
}
