//! Service discovery: DNS beside nsd, health beside the same bytes from memory, and the curve over the number of instances
//! with a change that reaches those who watch, and no others.

mod dns;
mod health;
mod instances;
mod watchers;

pub use dns::dns;
pub use health::health;
pub use instances::instances;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::load::{Kind, fill};
use crate::plan::Bench;
use crate::server::{Running, free_dns_port};
use crate::work::catalog::{Fleet, Register};

/// How many registrations are under way while a server is filled.
const FILLING: usize = 64;

/// A server that knows a fleet, and answers DNS.
struct Registry {
    server: Running,
    dns: SocketAddr,
    fleet: Fleet,
    /// How long it took to register all of it.
    took: Duration,
    /// How much the server grew by it, in bytes.
    grew: u64,
    // Removed after the server has ended.
    folder: TempDir,
}

impl Registry {
    fn start(bench: &Bench, fleet: Fleet) -> Result<Registry> {
        let folder = bench.folder()?;
        let port = free_dns_port()?;
        let (server, _) = bench.konsul.with_dns(port).start(folder.path())?;
        server.process.until_quiet()?;
        let before = server.process.memory()?;
        let took = fill(server.address, FILLING, fleet.instances, &mut Register::all(fleet))?;
        server.process.until_quiet()?;
        let grew = server.process.memory()?.saturating_sub(before);
        let dns = SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Registry { server, dns, fleet, took, grew, folder })
    }
}

/// A file of questions for the names of all services.
fn questions(folder: &Path, fleet: Fleet, kind: Kind) -> Result<PathBuf> {
    let mut text = String::new();
    for service in 0..fleet.services {
        let _ = writeln!(text, "{} {}", Fleet::dns_name(service), kind.name());
    }
    let path = folder.join(format!("questions-{}", kind.name()));
    std::fs::write(&path, text).map_err(|why| Error::file(format!("write {}", path.display()), why))?;
    Ok(path)
}
