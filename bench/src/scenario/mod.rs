//! The parts of the benchmark. Each takes the systems in turn, round by round, so that what the machine does meanwhile
//! falls on all of them, and adds what it measured to the report.

mod discovery;
mod keys;
mod limits;
mod parked;
mod put;
mod read;
mod rest;
mod tracing;
mod v2;
mod volume;

pub use discovery::{dns, health, instances};
pub use keys::keys;
pub use limits::limits;
pub use parked::parked;
pub use put::put;
pub use read::{get, list};
pub use rest::rest;
pub use tracing::tracing;
pub use v2::v2;
pub use volume::volume;

use crate::error::Result;
use crate::load::{Load, Sample, Work, closed};
use crate::plan::Plan;
use crate::server::{GrpcMode, GrpcRun, Running};

/// In bytes.
const MEBIBYTE: f64 = 1_048_576.0;

/// Konsul.
const KONSUL: &str = "konsul";
/// etcd, asked through its JSON gateway.
const ETCD_JSON: &str = "etcd, JSON";
/// etcd, asked through gRPC by its own Go client.
const ETCD_GRPC: &str = "etcd, gRPC";
/// A handler that does nothing.
const EMPTY: &str = "empty handler";
/// A handler that does nothing but send as many bytes as Konsul does.
const AS_LARGE: &str = "empty handler, answer of the same size";

fn load<'a>(plan: &Plan, server: &'a Running, connections: usize) -> Load<'a> {
    Load {
        address: server.address,
        server: &server.process,
        connections,
        warm_up: plan.warm_up,
        measure: plan.measure,
    }
}

fn closed_loop(plan: &Plan, server: &Running, connections: usize, work: &mut dyn Work) -> Result<Sample> {
    closed(&load(plan, server, connections), work)
}

fn grpc_run(plan: &Plan, mode: GrpcMode, clients: usize, keys: u64) -> GrpcRun {
    GrpcRun {
        mode,
        clients,
        rate: None,
        warm_up_ms: plan.warm_up.as_millis(),
        measure_ms: plan.measure.as_millis(),
        keys,
    }
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}
