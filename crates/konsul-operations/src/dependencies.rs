//! Which service needs which, and what follows: cycles, an order of starting, what a failure reaches, effective health.
//!
//! What it is not: it does not collect declarations and measures nothing. It is told who needs whom and answers; equal
//! input, in whatever order, gives equal output, because services are kept by name.
//!
//! # The life of a graph
//!
//! 1. A [`Builder`] takes services and edges; declarations of several instances of one service are united: an edge is
//!    required if any of them requires it, and declared if any of them declares it.
//! 2. [`Builder::build`] checks the [`Bounds`] and makes an immutable [`Graph`]. Services that are needed but not
//!    registered are in it too ([`Graph::is_registered`]).
//! 3. [`Graph::knots`], [`Graph::cycles`], [`Graph::start_order`], [`Graph::impact`] and [`Graph::effective`] answer. All but
//!    the listing of cycles take time in proportion to services and edges; that one is bounded by a budget of steps, since
//!    a graph may have more cycles than anybody can read.
//! 4. [`tree`], [`mermaid`] and [`graphviz`] write it down.
//!
//! # What "reached" means
//!
//! A service that requires one that is down, or that requires one that is broken by it, is *broken*. One that is reached
//! only over a path with an optional edge is *degraded*. [`Graph::effective`] follows the same rule from every service's
//! own health, so both answers agree.

mod build;
mod cycles;
mod draw;
mod effective;
mod graph;
mod impact;
mod start;
#[cfg(test)]
mod tests;
mod tree;

pub use build::{Bounds, Builder, TooLarge};
pub use cycles::{Cycle, Cycles};
pub use draw::{graphviz, mermaid};
pub use effective::{Effective, Standing, own};
pub use graph::{Edge, Graph, Origin};
pub use impact::{Effect, Impact, Reached};
pub use start::StartOrder;
pub use tree::{DEPTH_MAX, Tree, tree};
