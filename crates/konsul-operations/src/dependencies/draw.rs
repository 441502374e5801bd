//! The graph for programs that draw.
//!
//! Names of services may hold any printable character. Nodes therefore get ids of their own (`n0`, `n1`), and names stand
//! in quoted labels only, escaped by the rules of each language.

use std::fmt::Write as _;

use konsul_types::CheckStatus;

use super::graph::Graph;

/// As Mermaid flowchart text. Optional needs are dotted; services that are needed and not registered have a broken outline;
/// `health` colours.
pub fn mermaid(graph: &Graph, health: impl Fn(usize) -> Option<CheckStatus>) -> String {
    let mut text = String::from("flowchart LR\n");
    for at in 0..graph.len() {
        let class = match health(at) {
            _ if !graph.is_registered(at) => ":::missing",
            Some(CheckStatus::Passing) => ":::passing",
            Some(CheckStatus::Warning) => ":::warning",
            Some(CheckStatus::Critical) => ":::critical",
            None => "",
        };
        line(&mut text, format_args!("  n{at}[\"{}\"]{class}", mermaid_label(graph.name(at).as_str())));
    }
    for (from, edge) in
        (0..graph.len()).flat_map(|from| graph.needs(from).iter().map(move |edge| (from, edge)))
    {
        let arrow = if edge.required { "-->" } else { "-.->" };
        line(&mut text, format_args!("  n{from} {arrow} n{}", edge.to));
    }
    text.push_str("  classDef passing stroke:#2e7d32\n  classDef warning stroke:#f9a825\n");
    text.push_str("  classDef critical stroke:#c62828\n  classDef missing stroke-dasharray: 4 4\n");
    text
}

/// As Graphviz text in the DOT language. Optional needs are dashed; services that are needed and not registered have a
/// dashed outline; `health` colours.
pub fn graphviz(graph: &Graph, health: impl Fn(usize) -> Option<CheckStatus>) -> String {
    let mut text = String::from("digraph services {\n  rankdir=LR;\n  node [shape=box];\n");
    for at in 0..graph.len() {
        let colour = match health(at) {
            Some(CheckStatus::Passing) => ", color=\"#2e7d32\"",
            Some(CheckStatus::Warning) => ", color=\"#f9a825\"",
            Some(CheckStatus::Critical) => ", color=\"#c62828\"",
            None => "",
        };
        let outline = if graph.is_registered(at) { "" } else { ", style=dashed" };
        let label = dot_label(graph.name(at).as_str());
        line(&mut text, format_args!("  n{at} [label=\"{label}\"{colour}{outline}];"));
    }
    for (from, edge) in
        (0..graph.len()).flat_map(|from| graph.needs(from).iter().map(move |edge| (from, edge)))
    {
        let style = if edge.required { "" } else { " [style=dashed]" };
        line(&mut text, format_args!("  n{from} -> n{}{style};", edge.to));
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a string takes everything");
}

/// Mermaid reads entities in labels (`#35;`), and HTML and Markdown behind that: everything but plain characters of names
/// becomes an entity.
fn mermaid_label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || "-_. /:@".contains(c) {
            label.push(c);
        } else {
            write!(label, "#{};", u32::from(c)).expect("a string takes everything");
        }
    }
    label
}

/// Within quotes DOT needs quotes escaped; in labels a backslash begins an escape (`\N` is the node's name), and `&` an
/// HTML entity.
fn dot_label(name: &str) -> String {
    name.replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"")
}
