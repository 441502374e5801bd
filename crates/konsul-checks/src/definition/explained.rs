//! What a check does and how it judges, in words: for whoever tries a definition out, and for nobody's decision.
//!
//! Values of headers, bodies and passwords are not in them, since people paste such texts into tickets.

use super::{Definition, HttpCheck, Kind, Probe, ScriptCheck, Tls};
use crate::run::{Reach, without_password};

impl Definition {
    /// What a run sends or starts; what is waited for where nothing runs.
    pub fn asks(&self) -> String {
        match &self.kind {
            Kind::Polled(polled) => polled.probe.asks(),
            Kind::Ttl(span) => format!("nothing: somebody reports, at least every {span:?}"),
            Kind::Alias(alias) => {
                let node = alias.node.as_ref().map_or("this node", |node| node.as_str());
                match &alias.service {
                    Some(service) => format!("nothing: it repeats the checks of {service} on {node}"),
                    None => format!("nothing: it repeats the checks of {node}"),
                }
            }
        }
    }

    /// By which rule a result becomes a status, for a machine that reaches so far.
    pub fn rule(&self, reach: Reach) -> &'static str {
        match &self.kind {
            Kind::Polled(polled) => polled.probe.rule(reach),
            Kind::Ttl(_) => "a report says the status; without one in time it is critical",
            Kind::Alias(_) => "the worst of those checks is its status",
        }
    }
}

impl Probe {
    fn asks(&self) -> String {
        match self {
            Self::Http(check) => http(check),
            Self::Tcp(check) => match &check.tls {
                Some(tls) => {
                    format!("a connection to {}, then a handshake of TLS {}", check.address, over(tls))
                }
                None => format!("a connection to {}", check.address),
            },
            Self::Udp(check) => format!("an empty datagram to {}", check.address),
            Self::Grpc(check) => {
                let (at, service) = check.target.split_once('/').unwrap_or((&check.target, ""));
                let of = if service.is_empty() { "the whole server".to_owned() } else { service.to_owned() };
                format!("grpc.health.v1.Health/Check of {of} at {at} {}", perhaps_over(check.tls.as_ref()))
            }
            Self::H2Ping(check) => {
                format!("a ping of HTTP/2 to {} {}", check.address, perhaps_over(check.tls.as_ref()))
            }
            Self::Script(check) => script(check),
            Self::Docker(check) => {
                let inside = ScriptCheck { arguments: check.arguments.clone(), shell: check.shell.clone() };
                format!("{} in the container {}", script(&inside), check.container)
            }
            Self::OsService(check) => format!("systemd about the unit {}", check.unit),
        }
    }

    fn rule(&self, reach: Reach) -> &'static str {
        match self {
            Self::Http(check) if check.follow_redirects && reach.redirects => {
                "2xx passes, 429 warns, anything else is critical; redirects are followed"
            }
            Self::Http(_) => "2xx passes, 429 warns, anything else is critical, redirects too",
            Self::Tcp(_) => "what connects passes, anything else is critical",
            Self::Udp(_) => "a refusal is critical, silence and any answer pass",
            Self::Grpc(_) => "SERVING passes, anything else is critical",
            Self::H2Ping(_) => "an answer to the ping passes, anything else is critical",
            Self::Script(_) | Self::Docker(_) => "exit code 0 passes, 1 warns, any other is critical",
            Self::OsService(_) => "active passes, inactive and failed are critical, anything else warns",
        }
    }
}

fn http(check: &HttpCheck) -> String {
    let method = if check.method.is_empty() { "GET" } else { &check.method };
    let mut text = format!("{method} {}", without_password(&check.url));
    if !check.headers.is_empty() {
        let names: Vec<&str> = check.headers.iter().map(|(name, _)| name.as_str()).collect();
        text.push_str(&format!(", headers {}", names.join(", ")));
    }
    if !check.body.is_empty() {
        text.push_str(&format!(", a body of {} bytes", check.body.len()));
    }
    if check.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) {
        text.push_str(&format!(", TLS {}", over(&check.tls)));
    }
    text
}

fn perhaps_over(tls: Option<&Tls>) -> String {
    tls.map_or_else(|| "without TLS".to_owned(), |tls| format!("over TLS {}", over(tls)))
}

fn over(tls: &Tls) -> String {
    match (tls.skip_verify, &tls.server_name) {
        (true, _) => "with any certificate".to_owned(),
        (false, Some(name)) => format!("with a certificate for {name}"),
        (false, None) => "with a certificate for that host".to_owned(),
    }
}

fn script(check: &ScriptCheck) -> String {
    match check.shell.as_deref().filter(|shell| !shell.is_empty()) {
        Some(shell) => format!("{shell} -c {:?}", check.arguments.join(" ")),
        None => check.arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("{word:?}") }
}

#[cfg(test)]
mod tests {
    use konsul_types::CheckDefinition;

    use super::*;

    #[track_caller]
    fn check(change: fn(&mut CheckDefinition), asks: &str) {
        let mut wanted = CheckDefinition { interval_ms: 1000, ..CheckDefinition::default() };
        change(&mut wanted);
        assert_eq!(Definition::wanted_alone(&wanted).expect("it can be run").asks(), asks);
    }

    #[test]
    fn each_kind_is_told_without_secrets() {
        check(|of| of.tcp = "h:1".into(), "a connection to h:1");
        check(|of| of.udp = "h:1".into(), "an empty datagram to h:1");
        check(|of| of.grpc = "h:1/web".into(), "grpc.health.v1.Health/Check of web at h:1 without TLS");
        check(
            |of| of.h2ping = "h:1".into(),
            "a ping of HTTP/2 to h:1 over TLS with a certificate for that host",
        );
        check(|of| of.os_service = "cron".into(), "systemd about the unit cron");
        check(|of| of.ttl_ms = 30_000, "nothing: somebody reports, at least every 30s");
        check(|of| of.script_args = vec!["/bin/x".into(), "a b".into()], r#"/bin/x "a b""#);
        check(
            |of| {
                of.http = "https://me:secret@h/health".into();
                of.header = vec![("X-Token".into(), vec!["secret".into()])];
                of.body = "secret".into();
                of.tls_skip_verify = true;
            },
            "GET https://me:***@h/health, headers X-Token, a body of 6 bytes, TLS with any certificate",
        );
    }
}
