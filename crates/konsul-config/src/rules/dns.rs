//! Rules of DNS.

use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    zones(case);
    ports(case);
    open_resolver(case);
    service_ttls(case);
    flaps(case);
}

/// A zone in its canonical form: small letters, and a dot at its end.
fn zone(name: &str) -> Result<String, String> {
    let bare = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label = |label: &str| {
        let good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(good)
    };
    if bare.is_empty() {
        return Err("cannot be empty, nor the root of all names".to_owned());
    }
    if bare.len() > 200 || !bare.split('.').all(label) {
        return Err(
            "is no zone: it has labels of 1 to 63 letters, digits, - and _, with dots between them, \
                    200 characters in all"
                .to_owned(),
        );
    }
    if bare == "arpa" || bare.ends_with(".arpa") {
        return Err("cannot be in arpa., where addresses are looked up".to_owned());
    }
    Ok(bare + ".")
}

fn zones(case: &mut Case<'_>) {
    match zone(&case.config.domain) {
        Ok(name) => case.config.domain = name,
        Err(why) => case.refuse("domain", format!("domain = {:?} {why}", case.config.domain)),
    }
    if case.config.alt_domain.is_empty() {
        return;
    }
    match zone(&case.config.alt_domain) {
        Ok(name) if name == case.config.domain => {
            case.refuse("alt_domain", format!("alt_domain is domain once more, {name:?}; leave it out"));
        }
        Ok(name) => case.config.alt_domain = name,
        Err(why) => case.refuse("alt_domain", format!("alt_domain = {:?} {why}", case.config.alt_domain)),
    }
}

/// Both listen on TCP, and the second one would not get its port.
fn ports(case: &mut Case<'_>) {
    let http = case.config.http_listen();
    let taken = case
        .config
        .dns_listen()
        .into_iter()
        .find(|dns| dns.port() != 0 && http.contains(&crate::config::Endpoint::Tcp(*dns)));
    if let Some(address) = taken {
        case.refuse(
            "ports.dns",
            format!("ports.dns and ports.http are both {} on {}", address.port(), address.ip()),
        );
    }
}

fn open_resolver(case: &mut Case<'_>) {
    let far = case.config.dns_listen().into_iter().find(|at| !at.ip().to_canonical().is_loopback());
    if let (Some(at), false) = (far, case.config.recursors.is_empty()) {
        let reason = format!(
            "DNS on {} asks the recursors for whoever reaches it; see that only those can who should",
            at.ip()
        );
        case.advise("recursors", reason);
    }
}

/// DNS compares names without regard to case, so two such keys would be one.
fn service_ttls(case: &mut Case<'_>) {
    let names: Vec<String> =
        case.config.dns_config.service_ttl.0.keys().map(|name| name.to_ascii_lowercase()).collect();
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    if let Some((_, name)) = twice {
        let reason = format!("dns_config.service_ttl has {name:?} twice, but for the case of its letters");
        case.refuse("dns_config.service_ttl", reason);
    }
}

/// A check cannot change more often than it runs.
fn flaps(case: &mut Case<'_>) {
    let checks = &case.config.check_config;
    if checks.flap_changes > checks.flap_runs {
        let reason = format!(
            "check_config.flap_changes ({}) is above check_config.flap_runs ({}), so no check would ever count as \
             flapping; 0 says that",
            checks.flap_changes, checks.flap_runs
        );
        case.refuse("check_config.flap_changes", reason);
    }
}

#[cfg(test)]
mod tests {
    use super::zone;

    #[test]
    fn zones_are_written_alike() {
        assert_eq!(zone("Consul").as_deref(), Ok("consul."));
        assert_eq!(zone("sd.example.com.").as_deref(), Ok("sd.example.com."));
        for bad in ["", ".", "a..b", "a b", "é", "in-addr.arpa", "arpa.", &"x".repeat(64), &"ab.".repeat(70)]
        {
            assert!(zone(bad).is_err(), "{bad}");
        }
    }
}
