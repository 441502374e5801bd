//! `service`: services, their instances, and who needs whom.

mod ask;
mod definition;
mod many;
mod register;
pub(crate) mod rows;
mod timeline;
mod watch;

use clap::Subcommand;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::run::Run;

pub(crate) use definition::check as check_body;
pub(crate) use many::register as register_all;
pub(crate) use register::{parse, read};

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("service ls", &["service_list", "agent_services", "watch"]),
    covers("service show", &["service_instances", "watch"]),
    covers("service watch", &["watch"]),
    covers(
        "service register",
        &["agent_service_register", "agent_check_register", "catalog_register", "batch"],
    ),
    covers("service deregister", &["agent_service_deregister", "catalog_deregister"]),
    covers("service pick", &["service_pick"]),
    covers("service why", &["service_why"]),
    covers("service timeline", &["service_timeline"]),
    covers("service graph", &["service_graph"]),
    covers("service impact", &["service_impact"]),
    covers("service maint", &["agent_maintenance"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Service {
    /// Lists services with how many of their instances pass, warn and are critical
    #[command(visible_alias = "list", after_help = ask::LIST)]
    Ls(ask::List),
    /// Shows the instances of a service
    #[command(visible_alias = "get", after_help = ask::SHOW)]
    Show(ask::Show),
    /// Shows changes of a service's instances as they happen
    #[command(after_help = watch::WATCH)]
    Watch(watch::Watch),
    /// Registers what a file defines, or one instance
    #[command(after_help = register::REGISTER)]
    Register(Box<register::Register>),
    /// Removes an instance with its checks
    #[command(after_help = register::DEREGISTER)]
    Deregister(register::Deregister),
    /// Chooses an instance as a caller would
    #[command(after_help = ask::PICK)]
    Pick(ask::Pick),
    /// Says why instances are, or are not, in the answers of DNS and health
    #[command(after_help = ask::WHY)]
    Why(ask::Why),
    /// Shows since when checks of a service stand as they do, all of them merged
    #[command(after_help = timeline::TIMELINE)]
    Timeline(timeline::Timeline),
    /// Shows what services need of each other
    #[command(after_help = ask::GRAPH)]
    Graph(ask::Graph),
    /// Says whom it reaches when a service is down
    #[command(after_help = ask::IMPACT)]
    Impact(ask::Impact),
    /// Puts an instance or the node into maintenance, or takes it out
    #[command(after_help = register::MAINT)]
    Maint(register::Maint),
}

impl Service {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Service::Ls(arguments) => arguments.run(run).await,
            Service::Show(arguments) => arguments.run(run).await,
            Service::Watch(arguments) => arguments.run(run).await,
            Service::Register(arguments) => arguments.run(run).await,
            Service::Deregister(arguments) => arguments.run(run).await,
            Service::Pick(arguments) => arguments.run(run).await,
            Service::Why(arguments) => arguments.run(run).await,
            Service::Timeline(arguments) => arguments.run(run).await,
            Service::Graph(arguments) => arguments.run(run).await,
            Service::Impact(arguments) => arguments.run(run).await,
            Service::Maint(arguments) => arguments.run(run).await,
        }
    }
}
