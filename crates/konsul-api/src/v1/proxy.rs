//! What a proxy stands for, as registrations say it and answers show it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::write::Object;

/// What a registration says of a proxy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Proxy {
    /// The service that it stands for.
    #[serde(alias = "destination_service_name")]
    pub destination_service_name: String,
    /// The instance that it stands for.
    #[serde(rename = "DestinationServiceID", alias = "destination_service_id")]
    pub destination_service_id: String,
    /// Where that instance listens.
    #[serde(alias = "local_service_address")]
    pub local_service_address: String,
    /// The port of that instance.
    #[serde(alias = "local_service_port")]
    pub local_service_port: i64,
    /// A unix socket of that instance instead.
    #[serde(alias = "local_service_socket_path")]
    pub local_service_socket_path: String,
    /// Empty, `direct` or `transparent`.
    pub mode: String,
    /// What the proxy itself understands.
    pub config: Value,
    /// Whom it calls.
    pub upstreams: Value,
    /// How it goes to other datacentres.
    #[serde(alias = "mesh_gateway")]
    pub mesh_gateway: Value,
    /// Paths that it shows without the mesh.
    pub expose: Value,
    /// How it takes in what was not meant for it.
    #[serde(alias = "transparent_proxy")]
    pub transparent_proxy: Value,
    /// Its access log.
    #[serde(alias = "access_logs")]
    pub access_logs: Value,
    /// What is plugged into it.
    #[serde(alias = "envoy_extensions")]
    pub envoy_extensions: Value,
}

/// What is kept of a proxy beside whom it stands for, in Consul's order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Rest {
    #[serde(skip_serializing_if = "String::is_empty")]
    local_service_socket_path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstreams: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_gateway: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expose: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transparent_proxy: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_logs: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    envoy_extensions: Option<Box<RawValue>>,
}

impl Proxy {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.destination_service_name.is_empty()
            && self.destination_service_id.is_empty()
            && self.local_service_address.is_empty()
            && self.local_service_port == 0
            && self.rest().is_empty()
    }

    /// Everything beside whom it stands for, as a JSON object; empty for nothing.
    pub fn rest(&self) -> String {
        let rest = Rest {
            local_service_socket_path: self.local_service_socket_path.clone(),
            mode: self.mode.clone(),
            config: given(&self.config),
            upstreams: given(&api_names(&self.upstreams)),
            mesh_gateway: given(&api_names(&self.mesh_gateway)),
            expose: given(&api_names(&self.expose)),
            transparent_proxy: given(&api_names(&self.transparent_proxy)),
            access_logs: given(&api_names(&self.access_logs)),
            envoy_extensions: given(&api_names(&self.envoy_extensions)),
        };
        match serde_json::to_string(&rest) {
            Ok(json) if json != "{}" => json,
            _ => String::new(),
        }
    }
}

/// A part that was given and is not empty, in one line and escaped as Go escapes it.
fn given(part: &Value) -> Option<Box<RawValue>> {
    let empty = match part {
        Value::Object(members) => members.is_empty(),
        Value::Array(members) => members.is_empty(),
        other => other.is_null(),
    };
    if empty {
        return None;
    }
    let compact = String::from_utf8(super::json::to_vec(part).ok()?).ok()?;
    RawValue::from_string(compact).ok()
}

/// A part with the names of the API, where it has those of configuration files. What the proxy itself understands stays.
fn api_names(part: &Value) -> Value {
    match part {
        Value::Array(members) => members.iter().map(api_names).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match api_name(name) {
                name if FREE.contains(&name.as_str()) => (name, value.clone()),
                name => (name, api_names(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

const FREE: [&str; 2] = ["Config", "Arguments"];

fn api_name(name: &str) -> String {
    let word = |word: &str| match word {
        // The two that Consul writes in capitals.
        "json" | "id" => word.to_ascii_uppercase(),
        _ => {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
    };
    name.split('_').map(word).collect()
}

/// A proxy as answers show it, borrowed from where it lives.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProxyRef<'a> {
    /// The service that it stands for.
    pub destination_service: &'a str,
    /// The instance that it stands for.
    pub destination_id: &'a str,
    /// Where that instance listens.
    pub local_address: &'a str,
    /// The port of that instance.
    pub local_port: u16,
    /// Everything else, as a JSON object with Consul's names; empty for nothing.
    pub rest: &'a str,
}

/// What the catalogue shows of an instance that is no proxy.
pub const NO_PROXY: &str = "{\"Mode\":\"\",\"MeshGateway\":{},\"Expose\":{}}";

impl ProxyRef<'_> {
    /// Appends it. The catalogue always shows its mode, the agent only where there is one.
    pub fn write(&self, out: &mut Vec<u8>, always_mode: bool) {
        // Whoever wrote the record checked it; what cannot be read shows nothing rather than breaking the body.
        let rest: Rest = if self.rest.is_empty() {
            Rest::default()
        } else {
            serde_json::from_str(self.rest).unwrap_or_default()
        };
        let mut object = Object::begin(out);
        object.text_if("DestinationServiceName", self.destination_service);
        object.text_if("DestinationServiceID", self.destination_id);
        object.text_if("LocalServiceAddress", self.local_address);
        object.number_if("LocalServicePort", self.local_port.into());
        object.text_if("LocalServiceSocketPath", &rest.local_service_socket_path);
        if always_mode || !rest.mode.is_empty() {
            object.text("Mode", &rest.mode);
        }
        let mut part = |name, part: &Option<Box<RawValue>>, empty: Option<&str>| {
            if let Some(json) = part.as_deref().map(RawValue::get).or(empty) {
                object.raw(name, json);
            }
        };
        part("Config", &rest.config, None);
        part("Upstreams", &rest.upstreams, None);
        part("MeshGateway", &rest.mesh_gateway, Some("{}"));
        part("Expose", &rest.expose, Some("{}"));
        part("TransparentProxy", &rest.transparent_proxy, None);
        part("AccessLogs", &rest.access_logs, None);
        part("EnvoyExtensions", &rest.envoy_extensions, None);
        object.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::decode::{Unknown, from_slice};

    fn written(proxy: ProxyRef<'_>, always_mode: bool) -> String {
        let mut out = Vec::new();
        proxy.write(&mut out, always_mode);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_instance_shows_an_empty_proxy() {
        assert_eq!(written(ProxyRef::default(), true), NO_PROXY);
        assert_eq!(written(ProxyRef::default(), false), "{\"MeshGateway\":{},\"Expose\":{}}");
    }

    #[test]
    fn what_was_registered_is_shown() {
        let body = br#"{"destination_service_name":"web","DestinationServiceID":"web1","LocalServicePort":80,"Mode":"transparent",
            "Config":{"b":"<1>","a":2},"upstreams":[ {"destination_name":"db","config":{"a_b":1}} ],"MeshGateway":null,"Expose":{}}"#;
        let proxy: Proxy = from_slice(body, Unknown::Refuse).unwrap();
        assert!(!proxy.is_empty());
        let rest = proxy.rest();
        let shown = ProxyRef {
            destination_service: &proxy.destination_service_name,
            destination_id: &proxy.destination_service_id,
            local_address: "",
            local_port: 80,
            rest: &rest,
        };
        let expect = r#"{"DestinationServiceName":"web","DestinationServiceID":"web1","LocalServicePort":80,"Mode":"transparent","Config":{"a":2,"b":"\u003c1\u003e"},"Upstreams":[{"Config":{"a_b":1},"DestinationName":"db"}],"MeshGateway":{},"Expose":{}}"#;
        assert_eq!(written(shown, true), expect);
        let nothing: Proxy = from_slice(b"{\"Config\":{},\"Upstreams\":null}", Unknown::Refuse).unwrap();
        assert!(nothing.is_empty());
    }
}
