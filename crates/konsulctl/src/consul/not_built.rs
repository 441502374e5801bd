//! Consul's commands that are not built yet. They are known by name, so that a script that calls one learns what is
//! missing instead of being told that it made a mistake.

use crate::failure::Failure;

/// A command's words, and what it comes with.
const LATER: &[(&str, &str)] = &[
    ("acl", "access control"),
    ("config delete", "configuration entries"),
    ("config list", "configuration entries"),
    ("config read", "configuration entries"),
    ("config write", "configuration entries"),
    ("connect", "the mesh"),
    ("exec", "remote execution, which is off in Consul too unless `disable_remote_exec` is false"),
    ("force-leave", "clusters of several nodes"),
    ("intention", "the mesh"),
    ("join", "clusters of several nodes"),
    ("keyring", "no gossip: servers will speak TLS, and need no keyring"),
    ("license", "no licence: there is nothing to license"),
    ("login", "access control"),
    ("logout", "access control"),
    ("namespace", "namespaces as things of their own; `-namespace` works already"),
    ("operator area", "several datacentres"),
    ("operator audit", "the audit log"),
    ("operator autopilot", "clusters of several nodes"),
    ("operator raft remove-peer", "clusters of several nodes"),
    ("operator raft transfer-leader", "clusters of several nodes"),
    ("operator segment", "network segments"),
    ("operator utilization", "no licence: there is nothing to report"),
    ("partition", "admin partitions"),
    ("peering", "several datacentres"),
    ("resource", "the service catalogue"),
    ("services export", "several datacentres"),
    ("snapshot agent", "nothing: the server takes backups by itself (`backup` in its configuration)"),
    (
        "snapshot decode",
        "nothing: `konsul snapshot inspect` shows what is in a backup, `konsul kv export` what the keys are",
    ),
    ("tls", "certificates"),
    ("troubleshoot", "the mesh"),
];

/// What a command line asks for that is not built yet.
pub(crate) fn asked_for(words: &[String]) -> Option<Failure> {
    let plain: Vec<&str> =
        words.iter().map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
    let (name, with) = LATER.iter().find(|(name, _)| {
        let name: Vec<&str> = name.split(' ').collect();
        plain.starts_with(&name)
    })?;
    Some(Failure::new(format!(
        "konsul {name} is not built yet. It comes with {with}.\n`konsul -help` lists the commands that are there."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_command_is_named_and_a_present_one_is_not() {
        let asked = |words: &str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            asked_for(&words).map(|failure| format!("{failure:?}"))
        };
        assert!(asked("services export").unwrap().contains("konsul services export is not built yet"));
        assert!(asked("operator raft transfer-leader").unwrap().contains("transfer-leader is not built yet"));
        assert!(asked("operator raft list-peers").is_none());
        assert!(asked("snapshot save x").is_none());
        assert!(asked("config show -origin").is_none());
        assert!(asked("kv get acl").is_none());
        assert!(asked("catalog services -tags").is_none());
    }
}
