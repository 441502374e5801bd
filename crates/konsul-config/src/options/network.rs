//! Where the agent listens.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(bind_addr, "0.0.0.0", "Address for traffic between agents: one IP address.")
        .flag("bind")
        .dev("127.0.0.1"),
    option!(
        advertise_addr,
        "",
        "Address under which others reach this node, and which the catalogue and DNS give for it: one IP address."
    )
    .flag("advertise")
    .unset("`bind_addr`, or a loopback address if that is unspecified"),
    option!(
        tagged_addresses,
        "",
        "Further addresses of this node, by kind. `lan`, `wan` and their kinds for IPv4 and IPv6 are filled in unless they          are given."
    )
    .unset("none beside those"),
    option!(
        translate_wan_addrs,
        "false",
        "Gives what is in another datacenter by its address of the kind `wan`."
    ),
    option!(
        client_addr,
        "127.0.0.1",
        "Addresses on which clients are served: IP addresses with spaces between them. Addresses beyond loopback \
         also need `allow_insecure_listen`."
    )
    .flag("client"),
    option!(
        addresses.http,
        "",
        "Addresses of the HTTP API: IP addresses and unix sockets such as `unix:///run/konsul.sock`, with spaces \
         between them. A unix socket is served whatever `ports.http` says."
    )
    .unset("those of `client_addr`"),
    option!(
        ports.http,
        "8500",
        "Port of the HTTP API. -1 turns it off, 0 takes any free port (in Consul 0 turns it off)."
    )
    .flag("http-port")
    .integers(-1, 65_535),
    option!(
        addresses.dns,
        "",
        "Addresses of DNS: IP addresses with spaces between them. DNS only answers what it is asked and has bounds of its own,          so addresses beyond loopback need no `allow_insecure_listen`."
    )
    .unset("those of `client_addr`"),
    option!(
        ports.dns,
        "8600",
        "Port of DNS, over UDP and TCP. -1 turns it off, 0 takes any free port (in Consul 0 turns it off)."
    )
    .flag("dns-port")
    .integers(-1, 65_535),
    option!(unix_sockets.user, "", "Who owns the files of unix sockets: a name, or a number.")
        .unset("the user that runs the agent"),
    option!(unix_sockets.group, "", "Which group has the files of unix sockets: a name, or a number.")
        .unset("the group that runs the agent"),
    option!(
        unix_sockets.mode,
        "",
        "The permissions of the files of unix sockets, in octal, such as `0660`. Who may write may use the API."
    )
    .unset("what the process's umask leaves"),
    option!(
        allow_insecure_listen,
        "false",
        "Allows listening beyond loopback although there are neither ACLs nor TLS: whoever reaches the port may read \
         and write everything."
    ),
];
