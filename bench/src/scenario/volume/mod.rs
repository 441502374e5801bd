//! A million keys out of a server and into another: as lines of JSON by the command line, and as a backup while others write.

mod backup;
mod transfer;

use std::time::Duration;

use tempfile::TempDir;

use super::KONSUL;
use crate::error::{Error, Result};
use crate::load::fill;
use crate::memory::peaks;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::server::{Konsulctl, Running, konsul_read};
use crate::work::{Batch, Keys, key};

/// A server with a folder.
struct Node {
    server: Running,
    // Removed after the server has ended.
    folder: TempDir,
}

const MEMBERS: u64 = 1_000;

/// Measures export, import, backup and restore.
///
/// # Errors
///
/// What a server or the command line says, and when what comes out is not what went in.
pub fn volume(bench: &mut Bench) -> Result<()> {
    let keys = bench.plan.volume;
    say(&format!("filling {keys} keys"));
    let full = Node::start(bench)?;
    let mut work = Batch::new(Keys::Ascending(0), MEMBERS as usize);
    fill(full.server.address, 8, keys.div_ceil(MEMBERS), &mut work)?;
    full.server.process.until_quiet()?;
    transfer::transfer(bench, &full)?;
    backup::backup(bench, &full)?;
    full.server.stop()
}

impl Node {
    fn start(bench: &Bench) -> Result<Node> {
        let folder = bench.folder()?;
        let (server, _) = bench.konsul.start(folder.path())?;
        server.process.until_quiet()?;
        Ok(Node { server, folder })
    }

    fn konsulctl(&self, bench: &Bench) -> Konsulctl {
        Konsulctl::new(bench.konsul.konsulctl(), self.server.address, self.folder.path())
    }

    /// Whether the last of so many keys is there.
    fn has(&self, keys: u64) -> Result<()> {
        let last = key(keys.div_ceil(MEMBERS) * MEMBERS - 1);
        konsul_read(self.server.address, &format!("/v1/kv/{}", String::from_utf8_lossy(&last))).map(|_| ())
    }
}

/// One command against one node: how long it took and what memory it needed.
struct Run {
    took: Duration,
    client_peak: u64,
    server_before: u64,
    server_peak: u64,
}

fn run(bench: &Bench, node: &Node, words: &[&str]) -> Result<Run> {
    let server_before = node.server.process.memory()?;
    let ran = node.konsulctl(bench).start(words)?;
    let processes = [ran.process(), node.server.process];
    let (took, peaks) = peaks(&processes, || ran.wait());
    let [client_peak, server_peak] = peaks[..] else {
        return Err(Error::Process("memory of two processes was asked for".to_owned()));
    };
    Ok(Run { took: took?, client_peak, server_before, server_peak })
}

fn seconds(bench: &mut Bench, what: &str, took: Duration, goal: f64) {
    bench.report.judge(&format!("{what}, s"), vec![took.as_secs_f64()], Goal::AtMost(goal));
}

fn mebibytes(bench: &mut Bench, part: &str, what: &str, bytes: u64) -> f64 {
    let value = bytes as f64 / super::MEBIBYTE;
    bench.report.add(part, what, KONSUL, Figure::Mebibytes, value);
    value
}
