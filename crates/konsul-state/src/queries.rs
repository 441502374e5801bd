//! Prepared queries: kept under an id, found by a name, ended with their session.

use std::sync::Arc;

use imbl::OrdMap;
use konsul_types::{
    Change, Index, Namespace, Outcome, PreparedQuery, QueryCommand, QueryId, Refusal, SessionId,
};
use smol_str::SmolStr;

use crate::hash::{RecordHash, Table};
use crate::mutants;
use crate::state::State;

/// Most prepared queries.
pub const QUERIES_MAX: u64 = 100_000;

/// The prepared queries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queries {
    pub(crate) by_id: OrdMap<QueryId, Arc<PreparedQuery>>,
    /// By folded name, templates and others apart.
    pub(crate) by_name: OrdMap<(bool, SmolStr), QueryId>,
    pub(crate) changed: Index,
}

impl Queries {
    /// One query.
    pub fn get(&self, id: QueryId) -> Option<&Arc<PreparedQuery>> {
        self.by_id.get(&id)
    }

    /// The query of a name that is no template, in whatever case.
    pub fn named(&self, name: &str) -> Option<&Arc<PreparedQuery>> {
        self.by_id.get(self.by_name.get(&(false, folded(name)))?)
    }

    /// The template with the longest name that `name` begins with, in whatever case.
    pub fn template_for(&self, name: &str) -> Option<&Arc<PreparedQuery>> {
        let name = folded(name);
        let prefixes = (0..=name.len()).rev().filter(|&end| name.is_char_boundary(end));
        let mut found = prefixes.filter_map(|end| self.by_name.get(&(true, SmolStr::new(&name[..end]))));
        self.by_id.get(found.next()?)
    }

    /// Every query, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<PreparedQuery>> {
        self.by_id.values()
    }

    /// When any of them last changed.
    pub fn changed(&self) -> Index {
        self.changed
    }

    /// Puts a query in or takes it out, without marks or hashes.
    pub(crate) fn swap(
        &mut self,
        id: QueryId,
        new: Option<&Arc<PreparedQuery>>,
    ) -> Option<Arc<PreparedQuery>> {
        let old = match new {
            Some(query) => self.by_id.insert(id, Arc::clone(query)),
            None => self.by_id.remove(&id),
        };
        if let Some(key) = old.as_deref().and_then(name_key) {
            self.by_name.remove(&key);
        }
        if let Some(key) = new.and_then(|query| name_key(query)) {
            self.by_name.insert(key, id);
        }
        old
    }
}

fn folded(name: &str) -> SmolStr {
    name.to_ascii_lowercase().into()
}

/// Under what a query is listed by name; a template of the empty name answers for every name.
fn name_key(query: &PreparedQuery) -> Option<(bool, SmolStr)> {
    let is_template = query.template.is_some();
    (is_template || !query.name.is_empty()).then(|| (is_template, folded(&query.name)))
}

pub(crate) fn query_hash(query: &PreparedQuery) -> u64 {
    RecordHash::new(12).value(query).finish()
}

impl State {
    pub(crate) fn query_command(&mut self, command: &QueryCommand, changes: &mut Vec<Change>) -> Outcome {
        let done = match command {
            QueryCommand::Create(query) => self.query_create(query, changes),
            QueryCommand::Update(query) => self.query_update(query, changes),
            QueryCommand::Delete(id) => self.query_delete(*id, changes),
        };
        done.map_or_else(Outcome::Refused, |()| Outcome::Done)
    }

    fn query_create(&mut self, query: &PreparedQuery, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        if self.queries.get(query.id).is_some() {
            let why = format!("a prepared query with the id '{}' exists already", query.id);
            return Err(Refusal::QueryAlias { why });
        }
        if self.queries.by_id.len() as u64 >= QUERIES_MAX {
            return Err(Refusal::CatalogFull { what: "prepared queries".into(), limit: QUERIES_MAX });
        }
        self.query_may_stand(query)?;
        self.put_query(query.id, Some((query, self.index)), changes);
        Ok(())
    }

    fn query_update(&mut self, query: &PreparedQuery, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        let Some(old) = self.queries.get(query.id).cloned() else {
            return Err(Refusal::UnknownQuery { id: query.id.to_string() });
        };
        self.query_may_stand(query)?;
        let unchanged =
            PreparedQuery { create_index: old.create_index, modify_index: old.modify_index, ..query.clone() };
        if unchanged != *old {
            self.put_query(query.id, Some((query, old.create_index)), changes);
        }
        Ok(())
    }

    fn query_delete(&mut self, id: QueryId, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        if self.queries.get(id).is_none() {
            return Err(Refusal::UnknownQuery { id: id.to_string() });
        }
        self.put_query(id, None, changes);
        Ok(())
    }

    /// Its session is there, and its name means nothing else.
    fn query_may_stand(&self, query: &PreparedQuery) -> Result<(), Refusal> {
        let namespace = Namespace::default_namespace();
        if query.session.is_some_and(|id| self.sessions.get(&namespace, id).is_none()) {
            return Err(Refusal::QuerySession);
        }
        let Some(key) = name_key(query) else { return Ok(()) };
        let other = self.queries.by_name.get(&key).is_some_and(|id| *id != query.id);
        if other && query.name.is_empty() {
            let why = "a query template with an empty name already exists".into();
            return Err(Refusal::QueryAlias { why });
        }
        if other {
            let why = format!("name '{}' aliases an existing query name", query.name);
            return Err(Refusal::QueryAlias { why });
        }
        let is_id = query.name.parse::<QueryId>().is_ok_and(|id| self.queries.get(id).is_some());
        if is_id {
            let why = format!("name '{}' aliases an existing query ID", query.name);
            return Err(Refusal::QueryAlias { why });
        }
        Ok(())
    }

    fn put_query(&mut self, id: QueryId, new: Option<(&PreparedQuery, Index)>, changes: &mut Vec<Change>) {
        let modify_index = self.index;
        let new = new.map(|(query, create_index)| {
            Arc::new(PreparedQuery { create_index, modify_index, ..query.clone() })
        });
        let old = self.queries.swap(id, new.as_ref());
        self.queries.changed = self.index;
        let hash = |query: &Option<Arc<PreparedQuery>>| query.as_deref().map(query_hash);
        self.hashes.replace(Table::Queries, hash(&old), hash(&new));
        changes.push(Change::Query { id, old, new });
    }

    /// Removes the queries that end with a session.
    pub(crate) fn end_queries_of(&mut self, session: SessionId, changes: &mut Vec<Change>) {
        let bound = self.queries.iter().filter(|query| query.session == Some(session));
        let ids: Vec<QueryId> = bound.map(|query| query.id).collect();
        if mutants::active(mutants::QUERY_OUTLIVES_SESSION) {
            return;
        }
        ids.into_iter().for_each(|id| self.put_query(id, None, changes));
    }
}
