//! Blocking reads, one after the other, as Consul's clients do: each with the index of the answer before it.

use konsul_operations::{Consistency, Context};
use konsul_runtime::time::Duration;
use konsul_types::{Index, Namespace};

use super::{Client, key, keys};
use crate::history::Query;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let namespace = client.namespace();
        let query = query(&mut client, &namespace);
        let consistency = if client.one_in(3) { Consistency::Consistent } else { Consistency::Default };
        let ctx = Context { consistency, ..Context::new(namespace) };
        let mut known = None;
        for _ in 0..3 + client.below(8) {
            if !client.goes_on() {
                break;
            }
            let wait = Duration::from_millis(100 + client.below(3_000));
            let seen = client.read(query.clone(), ctx.clone(), known.map(|index: Index| (index, wait))).await;
            // An answer that is lost costs nothing: the next one is asked with the same index.
            known = seen.map_or(known, |seen| Some(seen.reported));
        }
    }
}

fn query(client: &mut Client, namespace: &Namespace) -> Query {
    match client.below(6) {
        0 | 1 => Query::Get(namespace.clone(), key(&keys::name(client))),
        2 => Query::Get(namespace.clone(), key(&format!("lock/{}", client.below(5)))),
        3 => Query::List(namespace.clone(), keys::prefix(client)),
        4 => Query::Keys(namespace.clone(), "app/".into(), "/".into()),
        _ => Query::Sessions(namespace.clone()),
    }
}
