//! The declarations, by section. The order is that of the documentation and of `-help`.

mod backup;
mod behaviour;
mod checks;
mod dns;
mod limits;
mod network;
mod node;
mod observing;
mod storage;

use crate::option::ConfigOption;

/// A group of options with a heading of its own.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The options, in the order in which they are documented.
    pub options: &'static [ConfigOption],
}

/// Every section.
pub static SECTIONS: &[Section] = &[
    Section { title: "Node", options: node::OPTIONS },
    Section { title: "Addresses and ports", options: network::OPTIONS },
    Section { title: "Storage and change feed", options: storage::OPTIONS },
    Section { title: "Backups", options: backup::OPTIONS },
    Section { title: "HTTP and limits", options: limits::OPTIONS },
    Section { title: "DNS", options: dns::OPTIONS },
    Section { title: "Services and checks", options: checks::OPTIONS },
    Section { title: "Behaviour", options: behaviour::OPTIONS },
    Section { title: "Logs and metrics", options: observing::OPTIONS },
];

/// Every option.
pub fn all() -> impl Iterator<Item = &'static ConfigOption> {
    SECTIONS.iter().flat_map(|section| section.options)
}
