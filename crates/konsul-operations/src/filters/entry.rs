//! Entries of health: an instance with its node and its checks.

use std::sync::Arc;

use konsul_filter::{AsField, Field, Items, Kind, record};
use konsul_types::Check;

use super::check::{CHECK, CheckView};
use super::node::{NODE, NodeView};
use super::service::{SERVICE, ServiceView};
use crate::answer::Instance;

/// An entry of health.
pub struct EntryView<'a> {
    node: NodeView<'a>,
    service: ServiceView<'a>,
    checks: CheckItems<'a>,
}

impl<'a> EntryView<'a> {
    /// Of an instance in a datacentre.
    pub fn of(instance: &'a Instance, datacenter: &'a str) -> EntryView<'a> {
        EntryView {
            node: NodeView { node: &instance.node, datacenter },
            service: ServiceView::of(&instance.service),
            checks: CheckItems(&instance.checks),
        }
    }
}

struct CheckItems<'a>(&'a [Arc<Check>]);

impl Items for CheckItems<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn any(&self, test: &mut dyn FnMut(Field<'_>) -> bool) -> bool {
        self.0.iter().any(|check| test(CheckView::of(check).as_field()))
    }
}

record! {
    /// Entries, as `/v1/health/service` lists them.
    pub static ENTRY: for<'a> EntryView<'a> as view {
        Node: Kind::Struct(&NODE) => view.node.as_field(),
        Service: Kind::Struct(&SERVICE) => view.service.as_field(),
        Checks: Kind::List(&Kind::Struct(&CHECK)) => Field::List(&view.checks),
    }
}
