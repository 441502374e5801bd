//! Nodes, services, checks, coordinates and prepared queries through the waist, on a real replica in this process.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod near;
mod permissions;
mod picks;
mod queries;
mod reads;
mod registry;
mod streams;
mod support;
mod sweep;
mod waking;
mod whys;
mod writes;
