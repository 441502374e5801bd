//! Checks.

use konsul_filter::{Field, Items, Kind, record};
use konsul_types::{Check, CheckedService};

use super::pairs::{NoTags, TagList};

/// A check.
pub struct CheckView<'a> {
    check: &'a Check,
    tags: Option<TagList<'a>>,
}

impl<'a> CheckView<'a> {
    /// Of a check.
    pub fn of(check: &'a Check) -> CheckView<'a> {
        CheckView { check, tags: check.service.as_ref().map(|service| TagList(&service.tags)) }
    }

    fn of_service(&self, text: impl Fn(&CheckedService) -> &str) -> Field<'_> {
        Field::Text(self.check.service.as_ref().map_or("", text))
    }

    fn tags(&self) -> &dyn Items {
        match &self.tags {
            Some(tags) => tags,
            None => &NoTags,
        }
    }

    fn kind(&self) -> &str {
        self.check.about.as_ref().map_or("", |about| &about.kind)
    }

    fn interval(&self) -> &str {
        self.check.about.as_ref().map_or("", |about| &about.interval)
    }

    fn timeout(&self) -> &str {
        self.check.about.as_ref().map_or("", |about| &about.timeout)
    }

    fn exposed_port(&self) -> i64 {
        self.check.about.as_ref().map_or(0, |about| i64::from(about.exposed_port))
    }
}

record! {
    /// Checks, as `/v1/health/state` lists them.
    pub static CHECK: for<'a> CheckView<'a> as view {
        Node: Kind::String => Field::Text(view.check.node.as_str()),
        CheckID: Kind::String => Field::Text(view.check.id.as_str()),
        Name: Kind::String => Field::Text(&view.check.name),
        Status: Kind::String => Field::Text(view.check.status.name()),
        Notes: Kind::String => Field::Text(&view.check.notes),
        Output: Kind::String => Field::Text(&view.check.output),
        ServiceID: Kind::String => view.of_service(|service| service.id.as_str()),
        ServiceName: Kind::String => view.of_service(|service| service.name.as_str()),
        ServiceTags: Kind::List(&Kind::String) => Field::List(view.tags()),
        Type: Kind::String => Field::Text(view.kind()),
        Interval: Kind::String => Field::Text(view.interval()),
        Timeout: Kind::String => Field::Text(view.timeout()),
        ExposedPort: Kind::Int => Field::Int(view.exposed_port()),
        PeerName: Kind::String => Field::Text(""),
    }
}
