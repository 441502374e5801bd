//! What the agent says of itself (`GET /v1/agent/self`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use konsul_config::Config;
use konsul_operations::ports::AgentInfo;
use konsul_raft::contract::{Role, Status};
use serde_json::Value;

use crate::identity::Identity;
use crate::process::ProcessFigures;
use konsul_config::build;

/// Port of the servers' own protocol: Consul's, under which clients know a leader. Nothing listens there yet.
pub(crate) const SERVER_PORT: u16 = 8300;

/// This node's address as others see it.
pub(crate) fn advertised(config: &Config) -> IpAddr {
    if let Some(address) = config.advertise_addr {
        return address;
    }
    let bound = config.bind_addr;
    // Without a transport between servers there is nobody whom another address would help.
    if bound.is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { bound }
}

pub(crate) fn info(config: &Config, identity: &Identity, raft: &Status) -> AgentInfo {
    AgentInfo {
        datacenter: config.datacenter.clone(),
        node_name: identity.name.to_string(),
        node_id: identity.id.to_string(),
        server: config.server,
        bootstrap: config.bootstrap,
        expect: config.bootstrap_expect,
        version: build::VERSION.to_owned(),
        revision: build::REVISION.to_owned(),
        build_date: build::BUILD_DATE.to_owned(),
        address: advertised(config).to_string(),
        server_port: SERVER_PORT,
        meta: config.node_meta.clone(),
        debug_config: debug_config(config),
        stats: stats(config, raft),
    }
}

fn debug_config(config: &Config) -> BTreeMap<String, String> {
    config.shown().into_iter().map(|(key, value)| (pascal(&key), renamed(value).to_string())).collect()
}

fn renamed(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (pascal(&key), renamed(value))).collect()
        }
        other => other,
    }
}

/// `kv_max_value_size` becomes `KVMaxValueSize`, with the words that Consul writes in capitals.
fn pascal(key: &str) -> String {
    let word = |word: &str| match word {
        "http" | "kv" | "id" | "ttl" | "json" => word.to_ascii_uppercase(),
        _ => {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    };
    key.split('_').map(word).collect()
}

fn group(pairs: &[(&str, String)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn stats(config: &Config, raft: &Status) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = |text: &str| text.to_owned();
    let leads = raft.role == Role::Leader;
    let leader =
        if raft.leader.is_some() { format!("{}:{SERVER_PORT}", advertised(config)) } else { String::new() };
    let build = [
        ("prerelease", String::new()),
        ("revision", text(build::REVISION)),
        ("version", text(build::VERSION)),
        ("version_metadata", String::new()),
    ];
    let consul = [
        ("acl", text("disabled")),
        ("bootstrap", config.may_bootstrap().to_string()),
        ("known_datacenters", text("1")),
        ("leader", leads.to_string()),
        ("leader_addr", leader),
        ("server", config.server.to_string()),
    ];
    let serf = [("failed", text("0")), ("left", text("0")), ("members", text("1"))];
    let groups = [
        ("build", group(&build)),
        ("consul", group(&consul)),
        ("raft", raft_stats(raft)),
        ("runtime", runtime_stats()),
        ("serf_lan", group(&serf)),
    ];
    groups.into_iter().map(|(name, figures)| (name.to_owned(), figures)).collect()
}

fn raft_stats(raft: &Status) -> BTreeMap<String, String> {
    let others = raft.voters.len().saturating_sub(1);
    group(&[
        ("applied_index", raft.applied.index.to_string()),
        ("commit_index", raft.committed.to_string()),
        ("fsm_pending", raft.committed.saturating_sub(raft.applied.index).to_string()),
        ("last_contact", if raft.leader.is_some() { "0".to_owned() } else { "never".to_owned() }),
        ("last_log_index", raft.last_log.to_string()),
        ("last_snapshot_index", raft.snapshot.to_string()),
        ("num_peers", others.to_string()),
        ("state", state_name(raft.role).to_owned()),
        ("term", raft.term.to_string()),
    ])
}

fn state_name(role: Role) -> &'static str {
    match role {
        Role::Leader => "Leader",
        Role::Candidate => "Candidate",
        Role::Follower | Role::Learner => "Follower",
        Role::Stopped => "Shutdown",
    }
}

fn runtime_stats() -> BTreeMap<String, String> {
    let process = ProcessFigures::read();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    group(&[
        ("arch", std::env::consts::ARCH.to_owned()),
        ("cpu_count", cpus.to_string()),
        ("os", std::env::consts::OS.to_owned()),
        ("resident_bytes", process.resident_bytes.to_string()),
        ("threads", process.threads.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_in_consuls_spelling_and_secrets_are_not() {
        let mut config = Config::default();
        config.http_config.response_headers.insert("authorization".into(), "s3cret".into());
        let told = debug_config(&config);
        assert_eq!(told["Datacenter"], "\"dc1\"");
        assert!(told["Limits"].contains("\"KVMaxValueSize\":524288"), "{}", told["Limits"]);
        assert!(!told.values().any(|text| text.contains("s3cret")));
        assert_eq!(pascal("node_id"), "NodeID");
    }
}
