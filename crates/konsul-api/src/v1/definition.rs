//! Definitions of instances and checks, as clients give them to an agent. Fields that are not declared here are refused, as
//! in Consul's strict decoder; the spellings of configuration files are taken too.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::proxy::Proxy;
use super::session::Span;

/// An instance with its checks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Service {
    /// Its id; empty for the name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its service.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it listens; empty for the node's address.
    pub address: String,
    /// Further addresses by kind.
    #[serde(alias = "tagged_addresses")]
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    /// Its port.
    pub port: i64,
    /// A unix socket instead.
    #[serde(alias = "socket_path")]
    pub socket_path: String,
    /// Free pairs.
    pub meta: BTreeMap<String, String>,
    /// Its kind; empty for a plain service.
    pub kind: String,
    /// A check of it.
    pub check: Check,
    /// More checks of it.
    pub checks: Vec<Check>,
    /// How much of the traffic it should get.
    pub weights: Option<Weights>,
    /// Whether its tags may be changed in the catalogue.
    #[serde(alias = "enable_tag_override")]
    pub enable_tag_override: bool,
    /// Taken and not looked at, as long as there is no access control.
    pub token: String,
    /// What it stands for, if it is a proxy.
    pub proxy: Option<Proxy>,
    /// Its part in the mesh.
    pub connect: Option<Connect>,
    /// Where it stands.
    pub locality: Option<Locality>,
    /// Its namespace; empty for the request's.
    pub namespace: String,
    /// Its partition; only `default` or empty.
    pub partition: String,
    /// Konsul's own: the services that it needs.
    #[serde(alias = "depends_on")]
    pub depends_on: Vec<Dependency>,
    /// Konsul's own: how callers should choose among its instances.
    pub strategy: String,
}

/// A check. Inside of an instance its `CheckID` counts, by itself its `ID`.
#[derive(Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Check {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its id.
    #[serde(rename = "CheckID", alias = "check_id")]
    pub check_id: String,
    /// A name for people.
    pub name: String,
    /// What the operator writes.
    pub notes: String,
    /// The instance that it is of.
    #[serde(rename = "ServiceID", alias = "service_id")]
    pub service_id: String,
    /// Taken and not looked at, as long as there is no access control.
    pub token: String,
    /// How it stands until it has run.
    pub status: String,
    /// Program and arguments.
    #[serde(alias = "script_args", alias = "Args")]
    pub script_args: Vec<String>,
    /// Shell in the container.
    pub shell: String,
    /// URL.
    #[serde(rename = "HTTP")]
    pub http: String,
    /// Headers of the request.
    pub header: BTreeMap<String, Vec<String>>,
    /// Method of the request.
    pub method: String,
    /// Body of the request.
    pub body: String,
    /// Whether a redirect is an answer rather than followed.
    #[serde(alias = "disable_redirects")]
    pub disable_redirects: bool,
    /// `host:port`.
    #[serde(rename = "TCP")]
    pub tcp: String,
    /// Whether over TLS.
    #[serde(rename = "TCPUseTLS", alias = "tcp_use_tls")]
    pub tcp_use_tls: bool,
    /// `host:port`.
    #[serde(rename = "UDP")]
    pub udp: String,
    /// `host:port[/service]`.
    #[serde(rename = "GRPC")]
    pub grpc: String,
    /// Whether over TLS.
    #[serde(rename = "GRPCUseTLS", alias = "grpc_use_tls")]
    pub grpc_use_tls: bool,
    /// `host:port`.
    #[serde(rename = "H2PING")]
    pub h2ping: String,
    /// Whether over TLS; left out for yes.
    #[serde(rename = "H2PingUseTLS", alias = "h2ping_use_tls")]
    pub h2ping_use_tls: Option<bool>,
    /// Unit or service of the operating system.
    #[serde(rename = "OSService", alias = "os_service")]
    pub os_service: String,
    /// Container in which the script runs.
    #[serde(rename = "DockerContainerID", alias = "docker_container_id")]
    pub docker_container_id: String,
    /// Node that an alias looks at.
    #[serde(alias = "alias_node")]
    pub alias_node: String,
    /// Instance that an alias looks at.
    #[serde(alias = "alias_service")]
    pub alias_service: String,
    /// How often it runs.
    pub interval: Span,
    /// How long a run may take.
    pub timeout: Span,
    /// Time without an update after which it is critical.
    #[serde(rename = "TTL")]
    pub ttl: Span,
    /// Name to be verified in the certificate.
    #[serde(rename = "TLSServerName", alias = "tls_server_name")]
    pub tls_server_name: String,
    /// Whether any certificate will do.
    #[serde(rename = "TLSSkipVerify", alias = "tls_skip_verify")]
    pub tls_skip_verify: bool,
    /// So many successes in a row before it passes.
    #[serde(alias = "success_before_passing")]
    pub success_before_passing: u32,
    /// So many failures in a row before it warns; zero for as many as before it is critical.
    #[serde(alias = "failures_before_warning")]
    pub failures_before_warning: u32,
    /// So many failures in a row before it is critical.
    #[serde(alias = "failures_before_critical")]
    pub failures_before_critical: u32,
    /// Time in critical after which its instance is deregistered.
    #[serde(alias = "deregister_critical_service_after")]
    pub deregister_critical_service_after: Span,
    /// Most bytes of output kept.
    #[serde(alias = "output_max_size")]
    pub output_max_size: i64,
    /// Its namespace; empty for the request's.
    pub namespace: String,
    /// Its partition; only `default` or empty.
    pub partition: String,
}

// Headers, bodies, arguments and URLs carry credentials: what it is and where it belongs is all that is shown.
impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("id", &self.id)
            .field("check_id", &self.check_id)
            .field("name", &self.name)
            .field("service_id", &self.service_id)
            .finish_non_exhaustive()
    }
}

/// An address of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaggedAddress {
    /// Host or IP address.
    pub address: String,
    /// Port.
    pub port: i64,
}

/// How much of the traffic an instance should get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Weights {
    /// While all its checks pass.
    pub passing: i64,
    /// While one of them warns.
    pub warning: i64,
}

/// An instance's part in the mesh.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Connect {
    /// Whether it speaks the mesh's protocol itself.
    pub native: bool,
    /// A proxy to be registered beside it.
    #[serde(alias = "sidecar_service")]
    pub sidecar_service: Option<serde::de::IgnoredAny>,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone within it.
    pub zone: String,
}

/// A service that is needed: its name, or its name and whether nothing works without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which.
    pub service: String,
    /// Whether nothing works without it.
    pub required: bool,
}

impl<'de> Deserialize<'de> for Dependency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Dependency, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Long {
            service: String,
            #[serde(default = "yes")]
            required: bool,
        }
        fn yes() -> bool {
            true
        }
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Dependency;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a service, or an object of Service and Required")
            }
            fn visit_str<E>(self, name: &str) -> Result<Dependency, E> {
                Ok(Dependency { service: name.to_owned(), required: true })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Dependency, A::Error> {
                let from = serde::de::value::MapAccessDeserializer::new(map);
                let from = super::decode::folded(from);
                let Long { service, required } = Long::deserialize(from)?;
                Ok(Dependency { service, required })
            }
        }
        from.deserialize_any(Either)
    }
}

/// A result of a TTL check.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Update {
    /// `passing`, `warning` or `critical`.
    pub status: String,
    /// What it says.
    pub output: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::decode::{Unknown, from_slice};

    fn service(body: &str) -> Result<Service, String> {
        from_slice(body.as_bytes(), Unknown::Refuse).map_err(|why| why.to_string())
    }

    #[test]
    fn what_is_printed_holds_no_secret() {
        let read = service(
            r#"{"name":"web","Check":{"Name":"up","HTTP":"http://u:secret@h/","Header":{"A":["secret"]},"Body":"secret","Args":["secret"]}}"#,
        );
        let told = format!("{:?}", read.unwrap());
        assert!(told.contains("name: \"up\"") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn names_have_any_case_and_the_spelling_of_files() {
        let read = service(
            r#"{"name":"web","ID":"w","tagged_addresses":{"lan":{"address":"a","Port":1}},"socket_path":"/s",
            "enable_tag_override":true,"weights":{"passing":2},"check":{"HTTP":"http://x","interval":"10s","tls_skip_verify":true},
            "Checks":[{"args":["a","b"],"Interval":1000000000,"deregister_critical_service_after":"1m","H2PingUseTLS":false}],
            "connect":{"sidecar_service":{}},"depends_on":["db",{"service":"cache","required":false}],"Meta":null}"#,
        )
        .unwrap();
        assert_eq!((read.name.as_str(), read.id.as_str(), read.socket_path.as_str()), ("web", "w", "/s"));
        assert_eq!(read.tagged_addresses["lan"], TaggedAddress { address: "a".into(), port: 1 });
        assert!(read.enable_tag_override && read.check.tls_skip_verify);
        assert_eq!(read.weights, Some(Weights { passing: 2, warning: 0 }));
        assert_eq!(read.check.interval, Span::Text("10s".into()));
        assert_eq!(read.checks[0].script_args, ["a", "b"]);
        assert_eq!(read.checks[0].interval, Span::Nanos(1e9));
        assert_eq!(read.checks[0].deregister_critical_service_after, Span::Text("1m".into()));
        assert_eq!(read.checks[0].h2ping_use_tls, Some(false));
        assert!(read.connect.unwrap().sidecar_service.is_some());
        let needs: Vec<(&str, bool)> =
            read.depends_on.iter().map(|need| (need.service.as_str(), need.required)).collect();
        assert_eq!(needs, [("db", true), ("cache", false)]);
    }

    #[test]
    fn unknown_names_are_refused_at_any_depth() {
        for body in [
            r#"{"Nome":"x"}"#,
            r#"{"Check":{"Nome":1}}"#,
            r#"{"Checks":[{"Nome":1}]}"#,
            r#"{"Weights":{"Nome":1}}"#,
        ] {
            let why = service(body).unwrap_err();
            assert!(why.starts_with("json: unknown field \"Nome\""), "{why}");
        }
    }
}
