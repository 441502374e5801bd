//! A change of one service's health, watched by a thousand, while ten thousand watch other services and must not wake.

use std::time::Instant;

use super::Registry;
use crate::error::{Error, Result};
use crate::load::{Herd, Latencies, Response};
use crate::server::{Running, ask, konsul_index, konsul_metric};
use crate::work::catalog::{Fleet, passing_in};

/// How many watch the service that changes.
pub(super) const WATCHERS: usize = 1_000;
/// How many watch others.
pub(super) const OTHERS: usize = 10_000;

/// The service that changes, and its instance whose check does. As the instance has the service's number, it is the first.
const WATCHED: u64 = 0;

/// What some changes came to.
pub(super) struct Reached {
    /// From before the write was sent to each watcher's answer, over all changes.
    pub(super) each: Latencies,
    /// From before the write was sent to the last answer, in milliseconds, of each change.
    pub(super) last_ms: Vec<f64>,
    /// How many readers woke for a change beyond those whom it concerned and the node's own, the most of all changes.
    pub(super) woken_besides: f64,
    /// How many waiting readers the node looked at for a change, the most of all changes.
    pub(super) visited: f64,
}

/// Changes the health of one instance `changes` times, each time with all watchers parked.
pub(super) fn reach(registry: &Registry, changes: usize) -> Result<Reached> {
    let server = &registry.server;
    let own = Own::of(registry)?;
    let others = Others::park(registry)?;
    let mut watching = Herd::connect(server.address, WATCHERS)?;
    let mut reached =
        Reached { each: Latencies::default(), last_ms: Vec::new(), woken_besides: 0.0, visited: 0.0 };
    for run in 0..changes {
        let path = Fleet::health_path(WATCHED);
        let index = konsul_index(server.address, &path)?;
        watching.park(&format!("{path}&index={index}&wait=10m"), &server.process)?;
        all_parked(server, own.parked + WATCHERS + others.count())?;
        let before = Feed::of(server)?;
        let is_critical = run % 2 == 0;
        change(registry, &mut watching, is_critical, &mut reached)?;
        server.process.until_quiet()?;
        let after = Feed::of(server)?;
        reached.woken_besides =
            reached.woken_besides.max(after.woken - before.woken - own.woken - WATCHERS as f64);
        reached.visited = reached.visited.max(after.visited - before.visited);
    }
    // As it was found.
    write(registry, "passing")?;
    others.still_wait()?;
    Ok(reached)
}

fn change(registry: &Registry, watching: &mut Herd, is_critical: bool, reached: &mut Reached) -> Result<()> {
    let left = registry.fleet.instances_of(WATCHED) - u64::from(is_critical);
    let mut first: Option<Vec<u8>> = None;
    let since = Instant::now();
    write(registry, if is_critical { "critical" } else { "passing" })?;
    let woken = watching.all_answered(since, |response| alike(&mut first, response))?;
    // All were the same: one is looked through, now that nobody waits for the generator.
    let body = first.unwrap_or_default();
    let named = passing_in(&body)?;
    if named != left {
        return Err(Error::Process(format!("watchers were told of {named} instances, not of {left}")));
    }
    reached.last_ms.push(woken.last.as_secs_f64() * 1e3);
    reached.each.append(woken.each);
    Ok(())
}

fn alike(first: &mut Option<Vec<u8>>, response: &Response<'_>) -> Result<()> {
    let body = first.get_or_insert_with(|| response.body.to_vec());
    let right = response.status == 200 && *response.body == **body;
    if right { Ok(()) } else { Err(Error::wrong("a watch of a service", response)) }
}

fn write(registry: &Registry, status: &str) -> Result<()> {
    let body = registry.fleet.check(WATCHED, status);
    match ask(registry.server.address, "PUT", "/v1/catalog/register", body.as_bytes()) {
        Some((200, body)) if body == b"true" => Ok(()),
        other => Err(Error::Process(format!("writing a check: {other:?}"))),
    }
}

/// What the node does for itself: its agent watches the catalogue, and looks at each change.
struct Own {
    parked: usize,
    woken: f64,
}

impl Own {
    /// Changes what will be changed while nobody watches: there and back.
    fn of(registry: &Registry) -> Result<Own> {
        let server = &registry.server;
        server.process.until_quiet()?;
        let parked = konsul_metric(server.address, PARKED)? as usize;
        let mut woken = 0.0_f64;
        for status in ["critical", "passing"] {
            let before = Feed::of(server)?;
            write(registry, status)?;
            server.process.until_quiet()?;
            woken = woken.max(Feed::of(server)?.woken - before.woken);
        }
        if woken > parked as f64 {
            return Err(Error::Process(format!("{woken} readers woke where {parked} were parked")));
        }
        Ok(Own { parked, woken })
    }
}

/// Those that watch other services.
struct Others(Option<Herd>);

impl Others {
    fn park(registry: &Registry) -> Result<Others> {
        let (server, services) = (&registry.server, registry.fleet.services);
        let watched: Vec<u64> = (0..services).filter(|service| *service != WATCHED).collect();
        if watched.is_empty() {
            return Ok(Others(None));
        }
        let paths = watched.iter().take(OTHERS).map(|service| {
            let path = Fleet::health_path(*service);
            let index = konsul_index(server.address, &path)?;
            Ok(format!("{path}&index={index}&wait=10m"))
        });
        let paths = paths.collect::<Result<Vec<String>>>()?;
        let mut herd = Herd::connect(server.address, OTHERS)?;
        herd.park_each(|at| &paths[at % paths.len()], &server.process)?;
        Ok(Others(Some(herd)))
    }

    fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |_| OTHERS)
    }

    fn still_wait(self) -> Result<()> {
        self.0.map_or(Ok(()), |mut herd| herd.silent())
    }
}

const PARKED: &str = "konsul_feed_parked_readers";

/// Else what is measured is not what it is called.
fn all_parked(server: &Running, expected: usize) -> Result<()> {
    let parked = konsul_metric(server.address, PARKED)?;
    if parked as usize == expected {
        return Ok(());
    }
    Err(Error::Process(format!("{parked} readers are parked, not {expected}")))
}

/// What the node counted so far.
struct Feed {
    woken: f64,
    visited: f64,
}

impl Feed {
    fn of(server: &Running) -> Result<Feed> {
        Ok(Feed {
            woken: konsul_metric(server.address, "konsul_feed_wakeups_total")?,
            visited: konsul_metric(server.address, "konsul_feed_visited_total")?,
        })
    }
}
