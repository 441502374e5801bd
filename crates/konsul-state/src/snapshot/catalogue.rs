//! What feature level 3 brings: instances, their checks, coordinates, prepared queries.

use std::sync::Arc;

use konsul_types::{Check, Index, NodeCoordinate, NodeName, PreparedQuery, Service, Transition, encoding};

use super::batches::{Row, batches};
use super::{CatalogMarks, Part};
use crate::catalog::{Group, check_hash, coordinate_hash, service_hash, transitions_hash};
use crate::hash::Table;
use crate::queries::query_hash;
use crate::state::State;

impl State {
    /// What level 2 does not know; nothing of it is there before the level is raised.
    pub(super) fn third_level_parts(&self) -> Box<dyn Iterator<Item = Part> + Send> {
        if self.feature_level < 3 {
            return Box::new(std::iter::empty());
        }
        let catalog = &self.catalog;
        let marks = std::iter::once(Part::CatalogMarks(Box::new(self.catalog_marks())));
        let services = batches(catalog.services.clone(), |rows| Part::Services(values(rows)));
        let groups = batches(catalog.groups.clone(), |rows| {
            let row = |(key, group): (_, Group)| (key, group.changed, group.passing_changed);
            Part::Groups(rows.into_iter().map(row).collect())
        });
        let node_marks = batches(catalog.node_marks.clone(), Part::NodeMarks);
        let checks = batches(catalog.checks.clone(), |rows| {
            Part::FullChecks(values(rows).into_iter().filter(|check| check.as_v1().is_none()).collect())
        });
        let checks = checks.filter(|part| !matches!(part, Part::FullChecks(rows) if rows.is_empty()));
        let transitions = batches(catalog.transitions.clone(), |rows| {
            Part::Transitions(rows.into_iter().map(|(key, kept)| (key, kept.to_vec())).collect())
        });
        let coordinates = batches(catalog.coordinates.clone(), |rows| Part::Coordinates(values(rows)));
        let queries = batches(self.queries.by_id.clone(), |rows| Part::Queries(values(rows)));
        Box::new(
            marks
                .chain(services)
                .chain(groups)
                .chain(node_marks)
                .chain(checks)
                .chain(transitions)
                .chain(coordinates)
                .chain(queries),
        )
    }

    fn catalog_marks(&self) -> CatalogMarks {
        let listed = |map: &imbl::OrdMap<konsul_types::Namespace, Index>| {
            map.iter().map(|(name, at)| (name.clone(), *at)).collect()
        };
        CatalogMarks {
            services_changed: listed(&self.catalog.services_changed),
            extinct: listed(&self.catalog.extinct),
            nodes_extinct: self.catalog.nodes_extinct,
            coordinates_changed: self.catalog.coordinates_changed,
            queries_changed: self.queries.changed,
        }
    }

    pub(super) fn load_catalog_marks(&mut self, marks: CatalogMarks) {
        self.catalog.services_changed = marks.services_changed.into_iter().collect();
        self.catalog.extinct = marks.extinct.into_iter().collect();
        self.catalog.nodes_extinct = marks.nodes_extinct;
        self.catalog.coordinates_changed = marks.coordinates_changed;
        self.queries.changed = marks.queries_changed;
    }

    pub(super) fn load_services(&mut self, rows: Vec<Arc<Service>>) {
        for mut service in rows {
            self.hashes.replace(Table::Catalog, None, Some(service_hash(&service)));
            let tags = self.catalog.shared_tags(&service);
            Arc::make_mut(&mut service).tags = tags;
            self.catalog.swap_service(&service, Some(&service));
        }
    }

    pub(super) fn load_groups(
        &mut self,
        rows: Vec<((konsul_types::Namespace, konsul_types::ServiceName), Index, Index)>,
    ) {
        for (key, changed, passing_changed) in rows {
            let group = self.catalog.groups.entry(key).or_default();
            (group.changed, group.passing_changed) = (changed, passing_changed);
        }
    }

    pub(super) fn load_checks(&mut self, rows: impl IntoIterator<Item = Arc<Check>>) {
        for mut check in rows {
            self.hashes.replace(Table::Catalog, None, Some(check_hash(&check)));
            self.share_tags(&mut check);
            self.catalog.swap_check(&check, Some(&check));
        }
    }

    /// A check's tags are those of its instance: once in memory too.
    fn share_tags(&self, check: &mut Arc<Check>) {
        let Some(of) = &check.service else { return };
        let Some(service) = self.catalog.service(&check.node, &check.namespace, &of.id) else { return };
        if of.tags == service.tags {
            let tags = service.tags.clone();
            Arc::make_mut(check).service.iter_mut().for_each(|of| of.tags = tags.clone());
        }
    }

    pub(super) fn load_transitions(&mut self, rows: Vec<(crate::catalog::CheckKey, Vec<Transition>)>) {
        for (key, kept) in rows {
            self.hashes.replace(Table::Catalog, None, Some(transitions_hash(&key, &kept)));
            self.catalog.transitions.insert(key, kept.into());
        }
    }

    pub(super) fn load_coordinates(&mut self, rows: Vec<Arc<NodeCoordinate>>) {
        for row in rows {
            self.hashes.replace(Table::Catalog, None, Some(coordinate_hash(&row)));
            self.catalog.coordinates.insert((row.node.folded(), row.segment.clone()), row);
        }
    }

    pub(super) fn load_queries(&mut self, rows: &[Arc<PreparedQuery>]) {
        for query in rows {
            self.hashes.replace(Table::Queries, None, Some(query_hash(query)));
            self.queries.swap(query.id, Some(query));
        }
    }
}

fn values<K, V>(rows: Vec<(K, V)>) -> Vec<V> {
    rows.into_iter().map(|(_, value)| value).collect()
}

impl<K> Row for (&K, &Arc<Service>) {
    fn weight(&self) -> usize {
        encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Group) {
    fn weight(&self) -> usize {
        600
    }
}

impl Row for (&NodeName, &Index) {
    fn weight(&self) -> usize {
        140
    }
}

impl<K> Row for (&K, &Arc<[Transition]>) {
    fn weight(&self) -> usize {
        700 + self.1.iter().map(|one| 32 + one.output.len()).sum::<usize>()
    }
}

impl<K> Row for (&K, &Arc<NodeCoordinate>) {
    fn weight(&self) -> usize {
        encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Arc<PreparedQuery>) {
    fn weight(&self) -> usize {
        encoding::encode(self.1).len()
    }
}
