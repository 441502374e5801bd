//! Checks, as the catalogue and agents show them, and what they run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::session::Span;
use super::write::Object;

/// A check. The iterator goes over the tags of its instance.
#[derive(Debug, Clone)]
pub struct Check<'a, T> {
    /// Its node.
    pub node: &'a str,
    /// Its id.
    pub id: &'a str,
    /// A name for people.
    pub name: &'a str,
    /// `passing`, `warning` or `critical`.
    pub status: &'a str,
    /// What the operator wrote.
    pub notes: &'a str,
    /// What it last said.
    pub output: &'a str,
    /// The instance that it is of; empty for the node.
    pub service_id: &'a str,
    /// The service of that instance.
    pub service_name: &'a str,
    /// The tags of that instance.
    pub service_tags: T,
    /// `http`, `ttl` and so on; empty if unknown.
    pub kind: &'a str,
    /// How often it runs; empty if unknown.
    pub interval: &'a str,
    /// How long it may take; empty if unknown.
    pub timeout: &'a str,
    /// The port under which a proxy shows the checked path.
    pub exposed_port: u16,
    /// The rest of its definition, as a JSON object; empty for nothing.
    pub definition: &'a str,
    /// Its namespace; `None` when that is `default`.
    pub namespace: Option<&'a str>,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
}

impl<'a, T: Iterator<Item = &'a str>> Check<'a, T> {
    /// Appends it.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text("Node", self.node);
        object.text("CheckID", self.id);
        object.text("Name", self.name);
        object.text("Status", self.status);
        object.text("Notes", self.notes);
        object.text("Output", self.output);
        object.text("ServiceID", self.service_id);
        object.text("ServiceName", self.service_name);
        object.texts("ServiceTags", self.service_tags);
        object.text("Type", self.kind);
        object.text("Interval", self.interval);
        object.text("Timeout", self.timeout);
        object.number("ExposedPort", self.exposed_port.into());
        object.raw("Definition", if self.definition.is_empty() { "{}" } else { self.definition });
        object.text_if("Namespace", self.namespace.unwrap_or(""));
        object.number("CreateIndex", self.create_index);
        object.number("ModifyIndex", self.modify_index);
        object.end();
    }

    /// Appends it as it stands in the health of an agent's instance: without what it runs.
    pub fn write_reduced(self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text("Node", self.node);
        object.text("CheckID", self.id);
        object.text("Name", self.name);
        object.text("Status", self.status);
        object.text("Notes", self.notes);
        object.text("Output", self.output);
        object.text("ServiceID", self.service_id);
        object.text("ServiceName", self.service_name);
        object.texts("ServiceTags", self.service_tags);
        object.text("Type", self.kind);
        object.text_if("Namespace", self.namespace.unwrap_or(""));
        object.number("ExposedPort", self.exposed_port.into());
        object.raw("Definition", NO_DEFINITION);
        object.number("CreateIndex", self.create_index);
        object.number("ModifyIndex", self.modify_index);
        object.end();
    }
}

/// A definition of which everything is zero, as Consul's client library writes it.
const NO_DEFINITION: &str = "{\"Interval\":\"0s\",\"Timeout\":\"0s\",\"DeregisterCriticalServiceAfter\":\"0s\",\"HTTP\":\"\",\"Header\":null,\"Method\":\"\",\"Body\":\"\",\"TLSServerName\":\"\",\"TLSSkipVerify\":false,\"TCP\":\"\",\"TCPUseTLS\":false,\"UDP\":\"\",\"GRPC\":\"\",\"OSService\":\"\",\"GRPCUseTLS\":false}";

/// What a check runs, as a registration in the catalogue says it: data for whoever runs it. Zero fields are absent in
/// answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Definition {
    /// How often it runs.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub interval: Span,
    /// Most bytes of output kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_max_size: u64,
    /// How long a run may take.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub timeout: Span,
    /// Time in critical after which its instance goes.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub deregister_critical_service_after: Span,
    /// The same three in nanoseconds, under the names that were taken for a while.
    #[serde(skip_serializing)]
    pub interval_duration: Span,
    /// See `interval_duration`.
    #[serde(skip_serializing)]
    pub timeout_duration: Span,
    /// See `interval_duration`.
    #[serde(skip_serializing)]
    pub deregister_critical_service_after_duration: Span,
    /// URL.
    #[serde(rename = "HTTP", skip_serializing_if = "String::is_empty")]
    pub http: String,
    /// Name to be verified in the certificate.
    #[serde(rename = "TLSServerName", alias = "tls_server_name", skip_serializing_if = "String::is_empty")]
    pub tls_server_name: String,
    /// Whether any certificate will do.
    #[serde(rename = "TLSSkipVerify", alias = "tls_skip_verify", skip_serializing_if = "is_false")]
    pub tls_skip_verify: bool,
    /// Headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, Vec<String>>,
    /// Method.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Body.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether a redirect is an answer.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_redirects: bool,
    /// `host:port`.
    #[serde(rename = "TCP", skip_serializing_if = "String::is_empty")]
    pub tcp: String,
    /// Whether over TLS.
    #[serde(rename = "TCPUseTLS", skip_serializing_if = "is_false")]
    pub tcp_use_tls: bool,
    /// `host:port`.
    #[serde(rename = "UDP", skip_serializing_if = "String::is_empty")]
    pub udp: String,
    /// `host:port`.
    #[serde(rename = "H2PING", skip_serializing_if = "String::is_empty")]
    pub h2ping: String,
    /// Unit of the operating system.
    #[serde(rename = "OSService", skip_serializing_if = "String::is_empty")]
    pub os_service: String,
    /// Whether over TLS.
    #[serde(rename = "H2PingUseTLS", skip_serializing_if = "is_false")]
    pub h2ping_use_tls: bool,
    /// Program and arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script_args: Vec<String>,
    /// Container.
    #[serde(rename = "DockerContainerID", skip_serializing_if = "String::is_empty")]
    pub docker_container_id: String,
    /// Shell in the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shell: String,
    /// `host:port[/service]`.
    #[serde(rename = "GRPC", skip_serializing_if = "String::is_empty")]
    pub grpc: String,
    /// Whether over TLS.
    #[serde(rename = "GRPCUseTLS", skip_serializing_if = "is_false")]
    pub grpc_use_tls: bool,
    /// Node that an alias looks at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_node: String,
    /// Instance that an alias looks at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_service: String,
    /// Time without an update, in nanoseconds where it is shown.
    #[serde(rename = "TTL", skip_serializing_if = "Span::is_zero")]
    pub ttl: Span,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(truth: &bool) -> bool {
    !truth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::decode::{Unknown, from_slice};

    #[test]
    fn checks() {
        let check = Check {
            node: "n1",
            id: "service:web1",
            name: "Service 'web' check",
            status: "passing",
            notes: "",
            output: "ok",
            service_id: "web1",
            service_name: "web",
            service_tags: ["a"].into_iter(),
            kind: "http",
            interval: "10s",
            timeout: "0s",
            exposed_port: 0,
            definition: "",
            namespace: None,
            create_index: 5,
            modify_index: 6,
        };
        let mut out = Vec::new();
        check.clone().write(&mut out);
        let expect = r#"{"Node":"n1","CheckID":"service:web1","Name":"Service 'web' check","Status":"passing","Notes":"","Output":"ok","ServiceID":"web1","ServiceName":"web","ServiceTags":["a"],"Type":"http","Interval":"10s","Timeout":"0s","ExposedPort":0,"Definition":{},"CreateIndex":5,"ModifyIndex":6}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        let mut out = Vec::new();
        Check { namespace: Some("t"), definition: "{\"HTTP\":\"x\"}", ..check }.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("\"Definition\":{\"HTTP\":\"x\"},\"Namespace\":\"t\",\"CreateIndex\""),
            "{text}"
        );
    }

    #[test]
    fn a_definition_shows_what_is_set() {
        let read = |text: &str| from_slice::<Definition>(text.as_bytes(), Unknown::Skip).unwrap();
        let shown = |text: &str| String::from_utf8(crate::v1::json::to_vec(&read(text)).unwrap()).unwrap();
        assert_eq!(shown("{}"), "{}");
        assert_eq!(
            shown(
                r#"{"http":"http://x","interval":"10s","Header":{"A":["b"]},"tls_skip_verify":true,"Other":1}"#
            ),
            r#"{"Interval":"10s","HTTP":"http://x","TLSSkipVerify":true,"Header":{"A":["b"]}}"#
        );
        assert_eq!(shown(r#"{"TCP":"a:1","Interval":""}"#), r#"{"TCP":"a:1"}"#);
    }
}
