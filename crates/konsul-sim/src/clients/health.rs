//! Blocking reads of services, each with the index of the answer before it: most of passing instances, some of all, some of
//! their checks, their node or all nodes.

use konsul_operations::{Consistency, Context};
use konsul_runtime::time::Duration;
use konsul_types::Index;

use super::{Client, registry};
use crate::history::Query;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let namespace = client.namespace();
        let query = match client.below(3) {
            0 => Query::Health(namespace.clone(), registry::service_name(&mut client), true),
            _ => registry::query(&mut client, &namespace),
        };
        let consistency = if client.one_in(3) { Consistency::Consistent } else { Consistency::Default };
        let ctx = Context { consistency, ..Context::new(namespace) };
        let mut known = None;
        for _ in 0..4 + client.below(10) {
            if !client.goes_on() {
                break;
            }
            let wait = Duration::from_millis(200 + client.below(3_000));
            let seen = client.read(query.clone(), ctx.clone(), known.map(|index: Index| (index, wait))).await;
            known = seen.map_or(known, |seen| Some(seen.reported));
        }
    }
}
