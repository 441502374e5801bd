//! A template: a query whose fields are filled in from the name that was asked for.

use std::ops::Deref;

use konsul_types::{Pairs, PreparedQuery, QueryService, Tags};
use regex::{Regex, RegexBuilder};

use super::hil::{EvalError, ParseError, Scope, Text};

/// Memory that a compiled regular expression may take, in bytes.
const REGEXP_BYTES_MAX: usize = 1 << 20;

/// Why a query is no template that can be used, in Consul's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The regular expression cannot be read, or is too large.
    #[error("Bad Regexp: error parsing regexp: {0}")]
    Regexp(String),
    /// A text cannot be read.
    #[error("Bad format '{text}' in Service{path}: {error}")]
    Format {
        /// The text.
        text: String,
        /// Where it stands, `.Tags[0]`.
        path: String,
        /// Why.
        error: ParseError,
    },
    /// An expression in a text has no value.
    #[error("Bad evaluation for '{text}' in Service{path}: {error}")]
    Evaluation {
        /// The text.
        text: String,
        /// Where it stands.
        path: String,
        /// Why.
        error: EvalError,
    },
}

/// A template that was read, ready to be rendered any number of times. Reading costs some tens of microseconds with a
/// regular expression, rendering a few: whoever is asked often keeps it, by the query's id and modify index.
#[derive(Debug, Clone)]
pub struct Template {
    query: PreparedQuery,
    regexp: Option<Regex>,
    /// One for each field that has something to fill in, in the order of [`visit`].
    texts: Vec<Option<Text>>,
}

impl Template {
    /// Reads a query's texts and regular expression, and renders it once with its own name, the shortest that it will be
    /// asked with, to see that it can be.
    ///
    /// # Errors
    /// If a text or the regular expression cannot be read, or the rendering fails.
    pub fn compile(query: &PreparedQuery) -> Result<Template, TemplateError> {
        let mut texts = Vec::new();
        let mut service = query.service.clone();
        visit(&mut service, &mut |path, text| {
            let parsed = Text::parse(text).map_err(|error| TemplateError::Format {
                text: text.to_owned(),
                path: path.to_owned(),
                error,
            })?;
            let as_it_is = parsed.is_plain() && !text.contains("$$");
            texts.push((!as_it_is).then_some(parsed));
            Ok(None)
        })?;
        let regexp = query.template.as_ref().map_or("", |template| template.regexp.as_str());
        let template = Template { query: query.clone(), regexp: compiled(regexp)?, texts };
        template.render(&query.name, "")?;
        Ok(template)
    }

    /// The query for a name that it was asked with, by an agent in a segment (empty for the default one). What is rendered
    /// keeps the template's name and id.
    ///
    /// # Errors
    /// If an expression has no value for this name.
    pub fn render(&self, name: &str, segment: &str) -> Result<PreparedQuery, TemplateError> {
        let captures = self.regexp.as_ref().and_then(|regexp| regexp.captures(name));
        let groups = captures.iter().flat_map(|captures| captures.iter());
        let matches: Vec<&str> = groups.map(|group| group.map_or("", |group| group.as_str())).collect();
        let variables = [
            ("name.full", name),
            ("name.prefix", self.query.name.as_str()),
            ("name.suffix", without_prefix(name, &self.query.name)),
            ("agent.segment", segment),
        ];
        let scope = Scope { variables: &variables, matches: &matches };
        let mut query = self.query.clone();
        let mut texts = self.texts.iter();
        visit(&mut query.service, &mut |path, text| {
            let Some(parsed) = texts.next().and_then(Option::as_ref) else { return Ok(None) };
            parsed.render(&scope).map(Some).map_err(|error| TemplateError::Evaluation {
                text: text.to_owned(),
                path: path.to_owned(),
                error,
            })
        })?;
        if query.template.as_ref().is_some_and(|template| template.remove_empty_tags) {
            query.service.tags = query.service.tags.iter().filter(|tag| !tag.is_empty()).collect();
        }
        Ok(query)
    }
}

/// What follows the prefix. A template is found without regard to case, so its name is taken off likewise; Consul takes it
/// off only in the same case, and a name asked for in another one then has all of itself for a suffix.
fn without_prefix<'a>(name: &'a str, prefix: &str) -> &'a str {
    match name.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => &name[prefix.len()..],
        _ => name,
    }
}

fn compiled(regexp: &str) -> Result<Option<Regex>, TemplateError> {
    if regexp.is_empty() {
        return Ok(None);
    }
    let built =
        RegexBuilder::new(regexp).size_limit(REGEXP_BYTES_MAX).dfa_size_limit(REGEXP_BYTES_MAX).build();
    built.map(Some).map_err(|error| TemplateError::Regexp(in_a_line(regexp, &error)))
}

/// What is wrong and with what, as Go says it; the library draws a picture of several lines.
fn in_a_line(regexp: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default();
    format!("{}: `{regexp}`", why.strip_prefix("error: ").unwrap_or(why))
}

/// What is done with a text at a path: an answer replaces it.
type Visitor<'a> = dyn FnMut(&str, &str) -> Result<Option<String>, TemplateError> + 'a;

/// Goes through all texts of a query's service, in the order and under the paths of Consul's definition.
fn visit(service: &mut QueryService, with: &mut Visitor<'_>) -> Result<(), TemplateError> {
    let QueryService {
        service: name,
        failover,
        only_passing: _,
        near,
        tags,
        ignore_check_ids,
        node_meta,
        service_meta,
        connect: _,
        peer,
    } = service;
    one(".Service", name, with)?;
    list(".Failover.Datacenters", &mut failover.datacenters, with)?;
    for (at, target) in failover.targets.iter_mut().enumerate() {
        let path = |field: &str| format!(".Failover.Targets[{at}].{field}");
        one(&path("Peer"), &mut target.peer, with)?;
        one(&path("Datacenter"), &mut target.datacenter, with)?;
        one(&path("Partition"), &mut target.partition, with)?;
        one(&path("Namespace"), &mut target.namespace, with)?;
    }
    list(".IgnoreCheckIDs", ignore_check_ids, with)?;
    one(".Near", near, with)?;
    let mut each: Vec<String> = tags.iter().map(str::to_owned).collect();
    list(".Tags", &mut each, with)?;
    *tags = Tags::from_iter(each);
    pairs(".NodeMeta", node_meta, with)?;
    pairs(".ServiceMeta", service_meta, with)?;
    one(".Peer", peer, with)
}

/// A text of a record, in whichever type it is kept.
trait Field: Deref<Target = str> + From<String> {}
impl<T: Deref<Target = str> + From<String>> Field for T {}

fn one(path: &str, text: &mut impl Field, with: &mut Visitor<'_>) -> Result<(), TemplateError> {
    if let Some(new) = with(path, text)? {
        *text = new.into();
    }
    Ok(())
}

fn list(path: &str, texts: &mut [impl Field], with: &mut Visitor<'_>) -> Result<(), TemplateError> {
    texts.iter_mut().enumerate().try_for_each(|(at, text)| one(&format!("{path}[{at}]"), text, with))
}

fn pairs(path: &str, pairs: &mut Pairs, with: &mut Visitor<'_>) -> Result<(), TemplateError> {
    let mut filled: Vec<(String, String)> =
        pairs.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    for (key, value) in &mut filled {
        one(&format!("{path}[{key}]"), value, with)?;
    }
    *pairs = filled.into_iter().collect();
    Ok(())
}
