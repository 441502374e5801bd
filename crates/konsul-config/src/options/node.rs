//! Who this node is and what part it plays.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(node_name, "", "Name of this node. It must be the only one of that name in the datacenter.")
        .flag("node")
        .unset("the host name"),
    option!(
        node_id,
        "",
        "Id of this node, a UUID. It stays the same for the life of the data directory, whatever the name and the \
         addresses become."
    )
    .unset("a random one, kept in the data directory"),
    option!(
        node_meta,
        "",
        "Free pairs that are shown with this node: at most 64, keys of at most 128 letters, digits, `-` and `_`, values of \
         at most 512 characters."
    )
    .flag("node-meta")
    .unset("none")
    .live(),
    option!(
        locality.region,
        "",
        "The region in which this node stands. Services that do not say where they stand are there too."
    )
    .unset("none"),
    option!(locality.zone, "", "The zone within the region, for callers that prefer what is near.").unset("none"),
    option!(datacenter, "dc1", "Name of the datacenter this node belongs to. Capitals are made small.")
        .flag("datacenter"),
    option!(
        server,
        "false",
        "Runs as a server, which keeps the state. Client agents are not built yet, so this must be true."
    )
    .flag("server")
    .dev("true"),
    option!(
        bootstrap,
        "false",
        "Lets this server found a cluster on its own. The same as `bootstrap_expect = 1`."
    )
    .flag("bootstrap")
    .dev("true"),
    option!(
        bootstrap_expect,
        "0",
        "How many servers found the cluster together; 0 leaves it to `bootstrap`. Clusters of several servers are \
         not built yet, so 1 is the only number above 0."
    )
    .flag("bootstrap-expect")
    .unit("servers")
    .integers(0, 1_000),
    option!(
        dev_mode,
        "false",
        "Runs a server for development: it needs no file, listens on loopback, keeps everything in memory, indents \
         JSON answers, and forgets everything at its end."
    )
    .flag("dev")
    .not_in_files(),
];
