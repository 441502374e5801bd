//! Who may lean on whom: the table of the house, compared with `cargo metadata`.
//!
//! Product dependencies must be in [`TABLE`]. Dependencies of tests may also point to the rooms beside the house
//! (test kit, simulator, this crate), and to any room on the same floor or below; never up: a decider that needs an
//! engine for its test is not pure.

use super::Finding;
use super::graph::{Crate, Graph};

/// Crates that decide and do nothing else: no clock, no chance, no tasks.
pub const DECIDERS: &[&str] = &["konsul-types", "konsul-state", "konsul-filter", "konsul-acl", "konsul-mesh"];

/// One room: its name without `konsul-`, its floor, and the rooms it may lean on.
pub struct Room {
    name: &'static str,
    floor: u8,
    may: &'static [&'static str],
}

const fn room(floor: u8, name: &'static str, may: &'static [&'static str]) -> Room {
    Room { name, floor, may }
}

/// Every room of the house, also those that have no tenant yet. The client and the tools stand at the floor of what
/// they talk to.
#[rustfmt::skip] // a table is read down its columns
pub const TABLE: &[Room] = &[
    room(0, "types",      &[]),
    room(0, "api",        &[]),
    room(0, "runtime",    &[]),
    room(1, "state",      &["types", "filter"]),
    room(1, "filter",     &["types"]),
    room(1, "acl",        &["types"]),
    room(1, "mesh",       &["types"]),
    room(2, "storage",    &["runtime"]),
    room(2, "raft",       &["runtime", "storage", "rpc"]),
    room(2, "watch",      &["types", "runtime"]),
    room(2, "checks",     &["types", "runtime"]),
    room(2, "auth",       &["types", "runtime", "acl"]),
    room(2, "rpc",        &["types", "runtime"]),
    room(3, "operations", &["types", "runtime", "state", "filter", "acl", "mesh", "auth", "watch"]),
    room(3, "replica",    &["types", "runtime", "operations", "raft", "rpc", "state", "watch", "storage"]),
    room(4, "http",       &["types", "runtime", "operations", "auth", "api"]),
    room(4, "dns",        &["types", "runtime", "operations", "auth"]),
    room(4, "xds",        &["types", "runtime", "operations", "auth", "mesh"]),
    room(4, "client",     &["api"]),
    room(5, "proxy",      &["client", "mesh"]),
    room(5, "template",   &["client"]),
    room(5, "config",     &["types"]),
    room(5, "konsulctl",  &["client", "template", "storage", "state", "acl", "checks", "auth", "config"]),
    room(5, "agent",      AGENT),
    room(5, "konsul",     &["agent", "konsulctl", "config"]),
];

// The agent wires everything of floors 0 to 4, and the configuration.
#[rustfmt::skip]
const AGENT: &[&str] = &[
    "types", "api", "runtime", "state", "filter", "acl", "mesh", "storage", "raft", "watch", "checks", "auth",
    "rpc", "operations", "replica", "http", "dns", "xds", "config",
];

/// Rooms that may lean on anything, and on which only tests may lean.
const BESIDE: &[&str] = &["testkit", "sim", "xtask", "bench", "compat", "fuzz"];

/// The rule.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let ours = graph.names();
    let judged = graph.crates.iter().filter(|member| !BESIDE.contains(&short(&member.name)));
    judged
        .flat_map(|member| match TABLE.iter().find(|room| room.name == short(&member.name)) {
            Some(room) => check_room(room, member, &ours),
            None => vec![Finding::on(
                &member.manifest(),
                format!(
                    "`{}` is not in the table of layers.rs: give it a floor and say on whom it leans",
                    member.name
                ),
            )],
        })
        .collect()
}

fn check_room(room: &Room, member: &Crate, ours: &std::collections::BTreeSet<&str>) -> Vec<Finding> {
    let ours_of = |names: &std::collections::BTreeSet<String>| -> Vec<String> {
        names.iter().filter(|name| ours.contains(name.as_str())).map(|name| short(name).to_owned()).collect()
    };
    let product = ours_of(&member.normal).into_iter().filter(|name| !room.may.contains(&name.as_str()));
    let tests = ours_of(&member.dev).into_iter().filter(|name| !may_test_with(room, name));
    let product = product.map(|name| {
        format!(
            "{} may not lean on {name}: it may on {}. Move the code down, or name a port",
            room.name,
            list(room.may)
        )
    });
    let tests = tests.map(|name| {
        format!("the tests of {} may not lean on {name}, which is above it: move the test up", room.name)
    });
    product.chain(tests).map(|message| Finding::on(&member.manifest(), message)).collect()
}

fn may_test_with(room: &Room, name: &str) -> bool {
    let floor = TABLE.iter().find(|other| other.name == name).map(|other| other.floor);
    BESIDE.contains(&name)
        || name == room.name
        || room.may.contains(&name)
        || floor.is_some_and(|floor| floor <= room.floor)
}

fn short(name: &str) -> &str {
    name.strip_prefix("konsul-").unwrap_or(name)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, normal: &[&str], dev: &[&str]) -> Crate {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Crate { name: name.to_owned(), folder: format!("crates/{name}"), normal: set(normal), dev: set(dev) }
    }

    #[track_caller]
    fn check_members(members: &[Crate], expect: usize) {
        let mut crates = members.to_vec();
        for name in ["konsul-types", "konsul-runtime", "konsul-storage", "konsul-testkit"] {
            if !crates.iter().any(|member| member.name == name) {
                crates.push(member(name, &[], &[]));
            }
        }
        let findings = check(&Graph { crates, ..Graph::default() });
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        check_members(&[member("konsul-state", &["konsul-types", "serde"], &[])], 0);
        check_members(&[member("konsul-state", &["konsul-storage"], &[])], 1);
    }

    #[test]
    fn a_test_may_lean_down_and_beside_but_not_up() {
        check_members(&[member("konsul-state", &[], &["konsul-testkit", "konsul-runtime"])], 0);
        check_members(&[member("konsul-state", &[], &["konsul-storage"])], 1);
    }

    #[test]
    fn the_product_may_not_lean_on_the_test_kit() {
        check_members(&[member("konsul-http", &["konsul-testkit"], &[])], 1);
    }

    #[test]
    fn a_room_without_a_line_in_the_table_is_found() {
        check_members(&[member("konsul-attic", &[], &[])], 1);
    }

    #[test]
    fn the_table_points_only_to_rooms_of_the_table_and_never_up() {
        for room in TABLE {
            for name in room.may {
                let other = TABLE.iter().find(|other| other.name == *name).expect("a room of the table");
                assert!(other.floor <= room.floor, "{} leans up on {name}", room.name);
            }
        }
    }
}
