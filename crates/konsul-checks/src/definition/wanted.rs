//! From what an agent is told to keep to the check that runs. It is read here and not by the agent, so that whoever tries a
//! definition out runs what the agent would.

use konsul_runtime::time::Duration;
use konsul_types::{CheckDefinition, CheckKind, Namespace, NodeName};

use super::{
    Alias, Definition, DockerCheck, GrpcCheck, H2PingCheck, HttpCheck, Kind, OsServiceCheck, Polled, Probe,
    ScriptCheck, TcpCheck, Tls, UdpCheck,
};
use crate::decide::Thresholds;

impl Definition {
    /// The check that a definition means, for an owner in this namespace; `None` if it says nothing that could be run.
    pub fn wanted(wanted: &CheckDefinition, namespace: &Namespace) -> Option<Self> {
        meant(wanted, namespace)
    }

    /// The same without an owner: in the namespace that it names, else in the default one.
    pub fn wanted_alone(wanted: &CheckDefinition) -> Option<Self> {
        let named = wanted.namespace.clone();
        meant(wanted, &named.unwrap_or_else(Namespace::default_namespace))
    }
}

fn meant(wanted: &CheckDefinition, namespace: &Namespace) -> Option<Definition> {
    let kind = match wanted.kind()? {
        CheckKind::Ttl => Kind::Ttl(Duration::from_millis(wanted.ttl_ms)),
        CheckKind::Alias => Kind::Alias(alias(wanted, namespace)),
        CheckKind::Http => polled(wanted, Probe::Http(http(wanted))),
        CheckKind::Tcp => {
            let address = wanted.tcp.clone();
            polled(wanted, Probe::Tcp(TcpCheck { address, tls: wanted.tcp_use_tls.then(|| tls(wanted)) }))
        }
        CheckKind::Udp => polled(wanted, Probe::Udp(UdpCheck { address: wanted.udp.clone() })),
        CheckKind::Grpc => {
            let target = wanted.grpc.clone();
            polled(wanted, Probe::Grpc(GrpcCheck { target, tls: wanted.grpc_use_tls.then(|| tls(wanted)) }))
        }
        CheckKind::H2ping => {
            let over_tls = wanted.h2ping_use_tls.unwrap_or(true);
            let address = wanted.h2ping.clone();
            polled(wanted, Probe::H2Ping(H2PingCheck { address, tls: over_tls.then(|| tls(wanted)) }))
        }
        CheckKind::Script => {
            let check = ScriptCheck { arguments: wanted.script_args.clone(), shell: shell(wanted) };
            polled(wanted, Probe::Script(check))
        }
        CheckKind::Docker => {
            let check = DockerCheck {
                container: wanted.docker_container_id.clone(),
                arguments: wanted.script_args.clone(),
                shell: shell(wanted),
            };
            polled(wanted, Probe::Docker(check))
        }
        CheckKind::OsService => {
            polled(wanted, Probe::OsService(OsServiceCheck { unit: wanted.os_service.clone() }))
        }
    };
    Some(Definition {
        kind,
        output_max: wanted.output_max as usize,
        deregister_critical_after: span(wanted.deregister_after_ms),
    })
}

fn polled(wanted: &CheckDefinition, probe: Probe) -> Kind {
    Kind::Polled(Polled {
        probe,
        interval: Duration::from_millis(wanted.interval_ms),
        timeout: span(wanted.timeout_ms),
        thresholds: Thresholds {
            success_before_passing: wanted.success_before_passing,
            failures_before_warning: wanted.failures_before_warning,
            failures_before_critical: wanted.failures_before_critical,
        },
    })
}

fn span(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

fn http(wanted: &CheckDefinition) -> HttpCheck {
    HttpCheck {
        url: wanted.http.clone(),
        method: wanted.method.clone(),
        headers: wanted.header.clone(),
        body: wanted.body.clone(),
        follow_redirects: !wanted.disable_redirects,
        tls: tls(wanted),
    }
}

fn tls(wanted: &CheckDefinition) -> Tls {
    Tls {
        server_name: Some(wanted.tls_server_name.clone()).filter(|name| !name.is_empty()),
        skip_verify: wanted.tls_skip_verify,
        authorities: None,
        identity: None,
    }
}

fn shell(wanted: &CheckDefinition) -> Option<String> {
    Some(wanted.shell.clone()).filter(|shell| !shell.is_empty())
}

fn alias(wanted: &CheckDefinition, namespace: &Namespace) -> Alias {
    Alias {
        node: NodeName::new(wanted.alias_node.as_str()).ok(),
        service: Some(wanted.alias_service.clone()).filter(|service| !service.is_empty()),
        namespace: namespace.clone(),
    }
}
