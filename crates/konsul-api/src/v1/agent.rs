//! The agent itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What an agent is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgentSelf {
    /// The stable part.
    pub config: Config,
    /// The running configuration without secrets; its keys may change with each version.
    pub debug_config: BTreeMap<String, Box<RawValue>>,
    /// Always `null`: there are no network coordinates yet.
    pub coord: Option<()>,
    /// Its entry in the list of members.
    pub member: Member,
    /// Groups of figures, all of them text.
    pub stats: BTreeMap<String, BTreeMap<String, String>>,
    /// Free pairs of the node.
    pub meta: BTreeMap<String, String>,
}

/// The stable part of what an agent is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    /// Its datacentre.
    pub datacenter: String,
    /// The datacentre that holds replicated settings.
    pub primary_datacenter: String,
    /// Its node's name.
    pub node_name: String,
    /// Its node's id.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Commit of the build.
    pub revision: String,
    /// Whether it is a server.
    pub server: bool,
    /// Version of the build.
    pub version: String,
    /// Day of the build, RFC 3339.
    pub build_date: String,
}

/// A member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// Its node's name.
    pub name: String,
    /// Its address.
    pub addr: String,
    /// Its port.
    pub port: u16,
    /// What it says of itself.
    pub tags: BTreeMap<String, String>,
    /// 0 none, 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    /// Versions of the members' protocol, as Consul's agents send them.
    pub protocol_min: u8,
    /// See `protocol_min`.
    pub protocol_max: u8,
    /// See `protocol_min`.
    pub protocol_cur: u8,
    /// See `protocol_min`.
    pub delegate_min: u8,
    /// See `protocol_min`.
    pub delegate_max: u8,
    /// See `protocol_min`.
    pub delegate_cur: u8,
}

/// The build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Version {
    /// Its commit.
    #[serde(rename = "SHA")]
    pub sha: String,
    /// Its day, RFC 3339.
    #[serde(rename = "BuildDate")]
    pub build_date: String,
    /// Its version.
    #[serde(rename = "HumanVersion")]
    pub human_version: String,
    /// Empty: no such build.
    #[serde(rename = "FIPS")]
    pub fips: String,
}

/// The machine that an agent runs on.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Host {
    /// Memory.
    pub memory: Memory,
    /// Processors.
    #[serde(rename = "CPU")]
    pub cpu: Vec<Cpu>,
    /// The machine.
    pub host: Machine,
    /// The data directory's disk.
    pub disk: Disk,
    /// When this was read, nanoseconds since the Unix epoch.
    pub collection_time: u64,
    /// What could not be read.
    pub errors: Option<Vec<String>>,
}

/// Memory in bytes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What can be had.
    pub available: u64,
    /// What cannot.
    pub used: u64,
    /// The same in percent.
    pub used_percent: f64,
    /// What can be had, under the name that older readers look for.
    pub free: u64,
}

/// A processor.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    /// Its number, from 0.
    pub cpu: u64,
    /// Its cores.
    pub cores: u64,
    /// Its model's name.
    pub model_name: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its name.
    pub hostname: String,
    /// Seconds since it started.
    pub uptime: u64,
    /// When it started, seconds since the Unix epoch.
    pub boot_time: u64,
    /// Processes on it.
    pub procs: u64,
    /// Operating system.
    pub os: String,
    /// Release of the kernel.
    pub kernel_version: String,
    /// Processor architecture.
    pub kernel_arch: String,
}

/// A disk, in bytes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// The path that was looked at.
    pub path: String,
    /// All of it.
    pub total: u64,
    /// What is free.
    pub free: u64,
    /// What is not.
    pub used: u64,
    /// The same in percent.
    pub used_percent: f64,
}
/// What a reload changed. Consul answers nothing here; its clients look at the status alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Reloaded {
    /// Options that changed and are in force, by key.
    pub applied: Vec<String>,
    /// Options that changed and need a restart, by key.
    pub needs_restart: Vec<String>,
}
