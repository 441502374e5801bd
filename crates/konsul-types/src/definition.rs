//! What an agent is told to keep: an instance of a service with its checks, and how each check is run.
//!
//! A configuration file, Consul's API and our own all say the same things in their own words; this is what they mean. The
//! agent keeps definitions in its own durable state and derives the catalogue's records from them. The rules and texts are
//! Consul's (`CheckType.Validate`).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Advice, CheckId, CheckStatus, Locality, Namespace, Pairs, Proxy, ServiceAddress, ServiceId, ServiceKind,
    ServiceName, Tags, Weights,
};

/// An instance with its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDefinition {
    /// Its id.
    pub id: ServiceId,
    /// Its service.
    pub name: ServiceName,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its kind.
    pub kind: ServiceKind,
    /// Its tags.
    pub tags: Tags,
    /// Where it listens; empty for its node's address.
    pub address: String,
    /// Its port; zero for none.
    pub port: u16,
    /// A unix socket instead; empty for none.
    pub socket_path: String,
    /// Further addresses by kind.
    pub tagged_addresses: Vec<(String, ServiceAddress)>,
    /// Free pairs.
    pub meta: Pairs,
    /// How much of the traffic it should get.
    pub weights: Weights,
    /// Whether tags may be changed in the catalogue.
    pub enable_tag_override: bool,
    /// Whether it speaks the mesh's protocol itself.
    pub connect_native: bool,
    /// What a proxy stands for.
    pub proxy: Option<Proxy>,
    /// Where it stands.
    pub locality: Option<Locality>,
    /// What callers should know of it.
    pub advice: Option<Advice>,
    /// Its checks.
    pub checks: Vec<CheckDefinition>,
}

/// A check of an instance or of the node, with what it runs.
///
/// Spans are in milliseconds, and zero stands for "not set", where Consul takes its default.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckDefinition {
    /// Its id; `None` for the one that its place gives it, see [`CheckDefinition::id_in`].
    pub id: Option<CheckId>,
    /// A name for people; empty for the usual one.
    pub name: String,
    /// What the operator wrote.
    pub notes: String,
    /// How it stands until it has run; `None` for critical.
    pub status: Option<CheckStatus>,
    /// The instance that it is of; `None` for the node, or for that in which it is defined.
    pub service: Option<ServiceId>,
    /// Where that instance is.
    pub namespace: Option<Namespace>,
    /// Time without an update after which a TTL check is critical.
    pub ttl_ms: u64,
    /// How often it runs.
    pub interval_ms: u64,
    /// How long a run may take.
    pub timeout_ms: u64,
    /// URL of an HTTP check.
    pub http: String,
    /// Its method; empty for `GET`.
    pub method: String,
    /// Its headers, in order.
    pub header: Vec<(String, Vec<String>)>,
    /// Its body.
    pub body: String,
    /// Whether a redirect is an answer rather than followed. Consul follows unless this is set.
    pub disable_redirects: bool,
    /// Name to be verified in the certificate; empty for the host's.
    pub tls_server_name: String,
    /// Whether any certificate will do.
    pub tls_skip_verify: bool,
    /// `host:port` of a TCP check.
    pub tcp: String,
    /// Whether the TCP check makes a TLS handshake.
    pub tcp_use_tls: bool,
    /// `host:port` of a UDP check.
    pub udp: String,
    /// `host:port[/service]` of a gRPC check.
    pub grpc: String,
    /// Whether the gRPC check uses TLS.
    pub grpc_use_tls: bool,
    /// `host:port` of an HTTP/2 ping.
    pub h2ping: String,
    /// Whether the ping goes over TLS; `None` for yes.
    pub h2ping_use_tls: Option<bool>,
    /// Unit or service of the operating system.
    pub os_service: String,
    /// Program and arguments of a script.
    pub script_args: Vec<String>,
    /// Container in which the script runs; empty for none.
    pub docker_container_id: String,
    /// Shell for a script in a container; empty for none.
    pub shell: String,
    /// Node that an alias looks at; empty for this one.
    pub alias_node: String,
    /// Instance that an alias looks at.
    pub alias_service: String,
    /// So many successes in a row before it passes.
    pub success_before_passing: u32,
    /// So many failures in a row before it warns; `None` for as many as before it is critical.
    pub failures_before_warning: Option<u32>,
    /// So many failures in a row before it is critical.
    pub failures_before_critical: u32,
    /// Time in critical after which its instance is deregistered; zero for never.
    pub deregister_after_ms: u64,
    /// Most bytes of output kept; zero for 4096.
    pub output_max: u32,
}

// Headers, bodies and arguments carry credentials, and so may a URL: they are counted, and not shown.
impl fmt::Debug for CheckDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.header.iter().map(|(name, _)| name.as_str()).collect();
        let spans = [self.ttl_ms, self.interval_ms, self.timeout_ms, self.deregister_after_ms];
        let targets = [&self.tcp, &self.udp, &self.grpc, &self.h2ping, &self.os_service];
        f.debug_struct("CheckDefinition")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("kind", &self.kind().map(CheckKind::name))
            .field("status", &self.status)
            .field("service", &self.service)
            .field("namespace", &self.namespace)
            .field("ttl_interval_timeout_deregister_ms", &spans)
            .field("http", &without_secrets(&self.http))
            .field("method", &self.method)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .field("target", &targets.into_iter().find(|target| !target.is_empty()))
            .field("program", &self.script_args.first())
            .field("arguments", &self.script_args.len().saturating_sub(1))
            .field("container", &self.docker_container_id)
            .field("alias", &(&self.alias_node, &self.alias_service))
            .finish_non_exhaustive()
    }
}

/// A URL without user, password and what is asked for behind the path.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let path = rest.find('/').unwrap_or(rest.len());
            let host = rest[..path].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[host..])
        }
        None => url.to_owned(),
    }
}

/// Most pairs of an instance.
pub const SERVICE_META_PAIRS_MAX: usize = 64;

/// Longest key of such a pair, in bytes.
pub const SERVICE_META_KEY_MAX: usize = 128;

/// Longest value of such a pair, in bytes.
pub const SERVICE_META_VALUE_MAX: usize = 512;

impl ServiceDefinition {
    /// An address that is an IP address is also the one of its family (`lan_ipv4`), unless another was given for that. As
    /// Consul's agents do with whatever is registered with them.
    pub fn fill_families(&mut self) {
        let family = match self.address.parse() {
            Ok(IpAddr::V4(_)) => "ipv4",
            Ok(IpAddr::V6(_)) => "ipv6",
            Err(_) => return,
        };
        for net in ["lan", "wan"] {
            let kind = format!("{net}_{family}");
            if !self.tagged_addresses.iter().any(|(known, _)| *known == kind) {
                let address = ServiceAddress { address: self.address.as_str().into(), port: self.port };
                self.tagged_addresses.push((kind, address));
            }
        }
        self.tagged_addresses.sort_by(|one, other| one.0.cmp(&other.0));
    }

    /// Everything that keeps it from being registered, in Consul's words where it has some. Its checks are not looked at:
    /// see [`CheckDefinition::validate`].
    ///
    /// # Errors
    /// One text for each fault; never an empty list.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        let address = self.address.trim_start_matches('[').trim_end_matches(']');
        if address == "0.0.0.0" || address == "::" {
            faults.push("Invalid service address".to_owned());
        }
        if !self.socket_path.is_empty() && (!self.address.is_empty() || self.port != 0) {
            faults.push("SocketPath cannot be set together with Address or Port".to_owned());
        }
        if self.weights.passing == 0 {
            faults.push("Invalid Weights: Passing must be greater than 0".to_owned());
        }
        if let Err(why) = service_meta(&self.meta) {
            faults.push(format!("Invalid Service Meta: {why}"));
        }
        faults.extend(self.faults_of_its_kind());
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn faults_of_its_kind(&self) -> Vec<String> {
        let kind = self.kind.name();
        let target = self.proxy.as_ref().map_or("", |proxy| proxy.destination_service.as_str());
        let nowhere = self.port == 0 && self.socket_path.is_empty();
        let rules = match self.kind {
            ServiceKind::Typical => vec![],
            ServiceKind::ConnectProxy => vec![
                (
                    target.trim().is_empty(),
                    "Proxy.DestinationServiceName must be non-empty for Connect proxy services".to_owned(),
                ),
                (
                    target == "*",
                    "Proxy.DestinationServiceName must not be a wildcard for Connect proxy services"
                        .to_owned(),
                ),
                (nowhere, format!("Port or SocketPath must be set for a {kind}")),
                (
                    self.connect_native,
                    "A Proxy cannot also be Connect Native, only typical services".to_owned(),
                ),
            ],
            _ => vec![
                (self.port == 0, format!("Port must be non-zero for a {kind}")),
                (
                    !target.is_empty(),
                    format!("The Proxy.DestinationServiceName configuration is invalid for a {kind}"),
                ),
                (self.connect_native, format!("A {kind} cannot be Connect Native")),
            ],
        };
        rules.into_iter().filter_map(|(broken, rule)| broken.then_some(rule)).collect()
    }
}

/// Why these cannot be the pairs of an instance, in Consul's words.
fn service_meta(meta: &Pairs) -> Result<(), String> {
    if meta.len() > SERVICE_META_PAIRS_MAX {
        return Err(format!(
            "Node metadata cannot contain more than {SERVICE_META_PAIRS_MAX} key/value pairs"
        ));
    }
    meta.iter().try_for_each(|(key, value)| {
        // Both may be long, and are only there to be found again.
        let shown = |text: &str| text.chars().take(SERVICE_META_KEY_MAX).collect::<String>();
        meta_pair(key, value).map_err(|why| {
            format!("Couldn't load metadata pair ('{}', '{}'): {why}", shown(key), shown(value))
        })
    })
}

fn meta_pair(key: &str, value: &str) -> Result<(), String> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match key {
        "" => Err("Key cannot be blank".to_owned()),
        _ if !key.bytes().all(word) => Err("Key contains invalid characters".to_owned()),
        _ if key.len() > SERVICE_META_KEY_MAX => {
            Err(format!("Key is too long (limit: {SERVICE_META_KEY_MAX} characters)"))
        }
        // The one that mesh gateways are given by their operator.
        _ if key.starts_with("consul-") && key != "consul-wan-federation" => {
            Err("Key prefix 'consul-' is reserved for internal use".to_owned())
        }
        _ if value.len() > SERVICE_META_VALUE_MAX => {
            Err(format!("Value is too long (limit: {SERVICE_META_VALUE_MAX} characters)"))
        }
        _ => Ok(()),
    }
}

/// What a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckKind {
    /// The gRPC health protocol.
    Grpc,
    /// An HTTP request.
    Http,
    /// Nothing: its owner reports.
    Ttl,
    /// A TCP connection.
    Tcp,
    /// A UDP datagram.
    Udp,
    /// Other checks.
    Alias,
    /// A program in a container.
    Docker,
    /// A program.
    Script,
    /// An HTTP/2 ping.
    H2ping,
    /// A service of the operating system.
    OsService,
}

impl CheckKind {
    /// Consul's word for it.
    pub fn name(self) -> &'static str {
        match self {
            CheckKind::Grpc => "grpc",
            CheckKind::Http => "http",
            CheckKind::Ttl => "ttl",
            CheckKind::Tcp => "tcp",
            CheckKind::Udp => "udp",
            CheckKind::Alias => "alias",
            CheckKind::Docker => "docker",
            CheckKind::Script => "script",
            CheckKind::H2ping => "h2ping",
            CheckKind::OsService => "os_service",
        }
    }
}

impl CheckDefinition {
    /// What it runs, in Consul's order of preference; `None` if it says nothing of that.
    pub fn kind(&self) -> Option<CheckKind> {
        let set = |text: &String| !text.is_empty();
        let by_field = [
            (set(&self.grpc), CheckKind::Grpc),
            (set(&self.http), CheckKind::Http),
            (self.ttl_ms > 0, CheckKind::Ttl),
            (set(&self.tcp), CheckKind::Tcp),
            (set(&self.udp), CheckKind::Udp),
            (set(&self.alias_node) || set(&self.alias_service), CheckKind::Alias),
            (set(&self.docker_container_id) && !self.script_args.is_empty(), CheckKind::Docker),
            (!self.script_args.is_empty(), CheckKind::Script),
            (set(&self.h2ping), CheckKind::H2ping),
            (set(&self.os_service), CheckKind::OsService),
        ];
        by_field.into_iter().find_map(|(is_set, kind)| is_set.then_some(kind))
    }

    /// Its id as the `place`-th (from 1) of `count` checks of an instance, or by its name.
    pub fn id_in(&self, service: Option<&ServiceId>, place: usize, count: usize) -> String {
        match (&self.id, service) {
            (Some(id), _) => id.to_string(),
            (None, Some(service)) if count > 1 => format!("service:{service}:{place}"),
            (None, Some(service)) => format!("service:{service}"),
            (None, None) => self.name.clone(),
        }
    }

    /// Why it cannot be run, in Consul's words.
    ///
    /// # Errors
    /// The text that stands after `Invalid check: `.
    pub fn validate(&self) -> Result<(), &'static str> {
        let kind = self.kind();
        let runs = matches!(kind, Some(kind) if kind != CheckKind::Ttl && kind != CheckKind::Alias);
        if self.interval_ms > 0 && self.ttl_ms > 0 {
            return Err("Interval and TTL cannot both be specified");
        }
        if runs && self.interval_ms == 0 {
            return Err("Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks");
        }
        if kind == Some(CheckKind::Alias) && self.interval_ms > 0 {
            return Err("Interval cannot be set for Alias checks");
        }
        let is_alias = !self.alias_node.is_empty() || !self.alias_service.is_empty();
        if is_alias && self.ttl_ms > 0 {
            return Err("TTL must be not be set for Alias checks");
        }
        if kind.is_none() {
            return Err("TTL must be > 0 for TTL checks");
        }
        if self.failures_before_warning.is_some_and(|n| n > self.failures_before_critical) {
            return Err("FailuresBeforeWarning can't be higher than FailuresBeforeCritical");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_rules_are_consuls() {
        let of = |change: fn(&mut CheckDefinition)| {
            let mut check = CheckDefinition::default();
            change(&mut check);
            (check.kind(), check.validate())
        };
        let no_interval = "Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks";
        assert_eq!(of(|_| {}), (None, Err("TTL must be > 0 for TTL checks")));
        assert_eq!(of(|c| c.ttl_ms = 1), (Some(CheckKind::Ttl), Ok(())));
        assert_eq!(of(|c| c.tcp = "h:1".into()), (Some(CheckKind::Tcp), Err(no_interval)));
        assert_eq!(of(|c| c.alias_node = "n".into()), (Some(CheckKind::Alias), Ok(())));
        let alias_with_ttl = |c: &mut CheckDefinition| (c.alias_node, c.ttl_ms) = ("n".into(), 1);
        assert_eq!(of(alias_with_ttl).1, Err("TTL must be not be set for Alias checks"));
        let docker = |c: &mut CheckDefinition| {
            c.script_args = vec!["x".into()];
            c.docker_container_id = "y".into();
            c.interval_ms = 1;
        };
        assert_eq!(of(docker), (Some(CheckKind::Docker), Ok(())));
        let both = |c: &mut CheckDefinition| (c.ttl_ms, c.interval_ms) = (1, 1);
        assert_eq!(of(both).1, Err("Interval and TTL cannot both be specified"));
    }

    #[test]
    fn what_is_printed_holds_no_secret() {
        let secret = |text: &str| format!("{text}-secret");
        let check = CheckDefinition {
            http: "https://user:p-secret@host:1/path@x?token=q-secret#f".into(),
            header: vec![("Authorization".into(), vec![secret("h")])],
            body: secret("b"),
            script_args: vec!["/bin/probe".into(), secret("a")],
            ..CheckDefinition::default()
        };
        let told = format!("{:?}", ServiceDefinition { checks: vec![check], ..web() });
        assert!(!told.contains("secret"), "{told}");
        for part in
            ["https://host:1/path@x\"", "Authorization", "body_bytes: 8", "/bin/probe", "arguments: 1"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn an_address_is_also_the_one_of_its_family() {
        let own = ("lan_ipv4".to_owned(), ServiceAddress { address: "192.0.2.1".into(), port: 1 });
        let filled = |address: &str, tagged: Vec<_>| {
            let mut definition =
                ServiceDefinition { address: address.into(), port: 80, tagged_addresses: tagged, ..web() };
            definition.fill_families();
            let told = definition.tagged_addresses.into_iter();
            told.map(|(kind, at)| format!("{kind} {}:{}", at.address, at.port)).collect::<Vec<_>>()
        };
        assert_eq!(filled("10.0.0.1", vec![own]), ["lan_ipv4 192.0.2.1:1", "wan_ipv4 10.0.0.1:80"]);
        assert_eq!(filled("2001:db8::1", vec![]), ["lan_ipv6 2001:db8::1:80", "wan_ipv6 2001:db8::1:80"]);
        assert_eq!(filled("host.example", vec![]), [""; 0]);
        assert_eq!(filled("", vec![]), [""; 0]);
    }

    fn web() -> ServiceDefinition {
        ServiceDefinition {
            id: ServiceId::new("web").unwrap(),
            name: ServiceName::new("web").unwrap(),
            namespace: Namespace::default_namespace(),
            kind: ServiceKind::Typical,
            tags: Tags::default(),
            address: String::new(),
            port: 80,
            socket_path: String::new(),
            tagged_addresses: Vec::new(),
            meta: Pairs::default(),
            weights: Weights::default(),
            enable_tag_override: false,
            connect_native: false,
            proxy: None,
            locality: None,
            advice: None,
            checks: Vec::new(),
        }
    }

    #[track_caller]
    fn refuses(change: impl Fn(&mut ServiceDefinition), faults: &[&str]) {
        let mut service = web();
        change(&mut service);
        let found = service.validate().err().unwrap_or_default();
        assert_eq!(found, faults);
    }

    #[test]
    fn services_keep_consuls_rules() {
        refuses(|_| {}, &[]);
        refuses(|s| s.address = "[::]".into(), &["Invalid service address"]);
        let both = "SocketPath cannot be set together with Address or Port";
        refuses(|s| s.socket_path = "/s".into(), &[both]);
        let (weight, address) =
            ("Invalid Weights: Passing must be greater than 0", "Invalid service address");
        let two = |s: &mut ServiceDefinition| {
            s.address = "0.0.0.0".into();
            s.weights.passing = 0;
        };
        refuses(two, &[address, weight]);
    }

    #[test]
    fn pairs_of_a_service_are_bounded() {
        let long = "v".repeat(513);
        for (key, value, why) in [
            ("a b", "v", "Key contains invalid characters"),
            ("consul-x", "v", "Key prefix 'consul-' is reserved for internal use"),
            ("", "v", "Key cannot be blank"),
            ("k", long.as_str(), "Value is too long (limit: 512 characters)"),
        ] {
            let shown: String = value.chars().take(128).collect();
            let why =
                format!("Invalid Service Meta: Couldn't load metadata pair ('{key}', '{shown}'): {why}");
            refuses(|s| s.meta = [(key, value)].into_iter().collect(), &[&why]);
        }
        refuses(|s| s.meta = [("consul-wan-federation", "1")].into_iter().collect(), &[]);
        let many = (0..65).map(|n| (n.to_string(), "v")).collect::<Pairs>();
        refuses(
            |s| s.meta = many.clone(),
            &["Invalid Service Meta: Node metadata cannot contain more than 64 key/value pairs"],
        );
    }

    #[test]
    fn proxies_and_gateways_have_rules_of_their_own() {
        let no_target = "Proxy.DestinationServiceName must be non-empty for Connect proxy services";
        let proxy = |s: &mut ServiceDefinition| (s.kind, s.port) = (ServiceKind::ConnectProxy, 0);
        refuses(proxy, &[no_target, "Port or SocketPath must be set for a connect-proxy"]);
        let gateway = |s: &mut ServiceDefinition| {
            (s.kind, s.port, s.connect_native) = (ServiceKind::MeshGateway, 0, true);
        };
        refuses(
            gateway,
            &["Port must be non-zero for a mesh-gateway", "A mesh-gateway cannot be Connect Native"],
        );
    }

    #[test]
    fn ids_come_from_the_place() {
        let check = CheckDefinition { name: "n".into(), ..CheckDefinition::default() };
        let web = ServiceId::new("web").unwrap();
        assert_eq!(check.id_in(None, 1, 1), "n");
        assert_eq!(check.id_in(Some(&web), 1, 1), "service:web");
        assert_eq!(check.id_in(Some(&web), 2, 3), "service:web:2");
    }
}
