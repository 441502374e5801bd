//! Finding the query that is meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_state::queries::Queries;
use konsul_types::{Index, PreparedQuery, QueryId};

use super::template::{Template, TemplateError};

/// Where queries are kept.
pub trait Shelf {
    /// The query of an id.
    fn by_id(&self, id: QueryId) -> Option<&PreparedQuery>;
    /// The query of a name, in whatever case; never one without a name. Templates may be left out: the longest template
    /// that a name begins with is the one of that very name, if there is one.
    fn by_name(&self, name: &str) -> Option<&PreparedQuery>;
    /// The template with the longest name that `name` begins with, in whatever case; one without a name fits all.
    fn template_for(&self, name: &str) -> Option<&PreparedQuery>;
}

impl Shelf for Queries {
    fn by_id(&self, id: QueryId) -> Option<&PreparedQuery> {
        self.get(id).map(|query| &**query)
    }

    fn by_name(&self, name: &str) -> Option<&PreparedQuery> {
        self.named(name).map(|query| &**query)
    }

    fn template_for(&self, name: &str) -> Option<&PreparedQuery> {
        Queries::template_for(self, name).map(|query| &**query)
    }
}

/// A handful of queries, looked through one by one.
impl Shelf for [PreparedQuery] {
    fn by_id(&self, id: QueryId) -> Option<&PreparedQuery> {
        self.iter().find(|query| query.id == id)
    }

    fn by_name(&self, name: &str) -> Option<&PreparedQuery> {
        self.iter().find(|query| !query.name.is_empty() && query.name.eq_ignore_ascii_case(name))
    }

    fn template_for(&self, name: &str) -> Option<&PreparedQuery> {
        let fits =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let templates = self.iter().filter(|query| query.template.is_some() && fits(&query.name));
        templates.max_by_key(|query| query.name.len())
    }
}

/// Why there is no query to execute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// None has this id or name, and no template fits.
    #[error("Query not found")]
    NotFound,
    /// A template was named by its id, which leaves nothing to fill in.
    #[error("prepared query templates can only be resolved up by name, not by ID")]
    TemplateById,
    /// A template cannot be rendered for this name.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The query that is meant by an id or a name, as it is kept: a template is not rendered.
///
/// # Errors
/// If there is none, or a template is named by its id.
pub fn find<'a, S: Shelf + ?Sized>(shelf: &'a S, asked: &str) -> Result<&'a PreparedQuery, ResolveError> {
    if asked.is_empty() {
        return Err(ResolveError::NotFound);
    }
    if let Some(query) = as_id(asked).and_then(|id| shelf.by_id(id)) {
        return if query.template.is_some() { Err(ResolveError::TemplateById) } else { Ok(query) };
    }
    shelf.by_name(asked).or_else(|| shelf.template_for(asked)).ok_or(ResolveError::NotFound)
}

/// The query that is meant by an id or a name, rendered if it is a template, for an agent in `segment` (empty for the
/// default one).
///
/// # Errors
/// If there is none, or it cannot be rendered.
pub fn resolve<S: Shelf + ?Sized>(
    shelf: &S,
    templates: &mut Templates,
    asked: &str,
    segment: &str,
) -> Result<PreparedQuery, ResolveError> {
    let found = find(shelf, asked)?;
    match found.template {
        Some(_) => Ok(templates.of(found)?.render(asked, segment)?),
        None => Ok(found.clone()),
    }
}

/// Only the form with dashes is an id; the parser would take others, which may be names.
fn as_id(text: &str) -> Option<QueryId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

/// How many templates [`Templates::default`] keeps.
pub const TEMPLATES_MAX: usize = 1000;

/// Templates that were read, so that a question does not compile a regular expression each time. A query that has changed
/// since is read anew; when there are too many, all are forgotten. The caller puts it behind its own lock.
#[derive(Debug)]
pub struct Templates {
    kept: BTreeMap<QueryId, (Index, Arc<Template>)>,
    kept_max: usize,
}

impl Default for Templates {
    fn default() -> Self {
        Templates::new(TEMPLATES_MAX)
    }
}

impl Templates {
    /// For at most so many, at least one.
    pub fn new(kept_max: usize) -> Templates {
        Templates { kept: BTreeMap::new(), kept_max: kept_max.max(1) }
    }

    /// The template of a query. It may be taken out of the lock and rendered there.
    ///
    /// # Errors
    /// If it cannot be read, which whoever wrote it should have been told.
    pub fn of(&mut self, query: &PreparedQuery) -> Result<Arc<Template>, TemplateError> {
        if let Some((index, template)) = self.kept.get(&query.id)
            && *index == query.modify_index
        {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(Template::compile(query)?);
        if self.kept.len() >= self.kept_max {
            self.kept.clear();
        }
        self.kept.insert(query.id, (query.modify_index, Arc::clone(&template)));
        Ok(template)
    }
}
