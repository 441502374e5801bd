//! Prepared queries: a map by id, names that mean one of them, and their end with their session.

use std::sync::Arc;

use konsul_types::{
    Change, Index, Namespace, Outcome, PreparedQuery, QueryCommand, QueryId, Refusal, SessionId,
};

use super::Model;

/// The words of such a refusal are left out.
fn alias() -> Refusal {
    Refusal::QueryAlias { why: String::new() }
}

impl Model {
    pub(super) fn query(&mut self, command: &QueryCommand, changes: &mut Vec<Change>) -> Outcome {
        let done = match command {
            QueryCommand::Create(query) if self.queries.contains_key(&query.id) => Err(alias()),
            QueryCommand::Create(query) => self.write_query(query, None, changes),
            QueryCommand::Update(query) => match self.queries.get(&query.id).cloned() {
                None => Err(Refusal::UnknownQuery { id: query.id.to_string() }),
                Some(old) => self.write_query(query, Some(&old), changes),
            },
            QueryCommand::Delete(id) if !self.queries.contains_key(id) => {
                Err(Refusal::UnknownQuery { id: id.to_string() })
            }
            QueryCommand::Delete(id) => {
                self.set_query(*id, None, changes);
                Ok(())
            }
        };
        done.map_or_else(Outcome::Refused, |()| Outcome::Done)
    }

    fn write_query(
        &mut self,
        query: &PreparedQuery,
        old: Option<&PreparedQuery>,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let lives = |id| self.sessions.contains_key(&(Namespace::default_namespace(), id));
        if query.session.is_some_and(|id| !lives(id)) {
            return Err(Refusal::QuerySession);
        }
        let mut others = self.queries.values().filter(|other| other.id != query.id);
        let same_name = |other: &PreparedQuery| {
            other.template.is_some() == query.template.is_some()
                && other.name.eq_ignore_ascii_case(&query.name)
                && (query.template.is_some() || !query.name.is_empty())
        };
        if others.any(|other| same_name(other)) {
            return Err(alias());
        }
        let create_index = old.map_or(self.index, |old| old.create_index);
        let new = PreparedQuery { create_index, modify_index: self.index, ..query.clone() };
        let same =
            |old: &PreparedQuery| PreparedQuery { modify_index: old.modify_index, ..new.clone() } == *old;
        if !old.is_some_and(same) {
            self.set_query(query.id, Some(Arc::new(new)), changes);
        }
        Ok(())
    }

    fn set_query(&mut self, id: QueryId, new: Option<Arc<PreparedQuery>>, changes: &mut Vec<Change>) {
        let old = match &new {
            Some(query) => self.queries.insert(id, query.clone()),
            None => self.queries.remove(&id),
        };
        changes.push(Change::Query { id, old, new });
    }

    pub(super) fn end_queries(&mut self, session: SessionId, changes: &mut Vec<Change>) {
        let bound = self.queries.values().filter(|query| query.session == Some(session));
        let ids: Vec<QueryId> = bound.map(|query| query.id).collect();
        ids.into_iter().for_each(|id| self.set_query(id, None, changes));
    }

    /// When the queries last changed.
    pub(super) fn queries_changed(&self) -> Index {
        self.news.queries
    }
}
