//! What may be written, in Consul's words and in the order in which Consul looks.

use konsul_types::{GoDuration, PreparedQuery};

use super::template::{Template, TemplateError};

/// How a token is shown to who may not see it.
pub const REDACTED: &str = "<hidden>";

/// The one type of templates.
pub const TEMPLATE_TYPE: &str = "name_prefix_match";

/// A definition as a client wrote it: the record, and what a record cannot hold because it would be refused.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The record. Its template is set if `template_type` is not empty.
    pub query: &'a PreparedQuery,
    /// Whether it is new; then the client must not have named an id.
    pub is_new: bool,
    /// The id that the client wrote; empty for none.
    pub id: &'a str,
    /// `Template.Type`; empty for no template.
    pub template_type: &'a str,
    /// `Token`; empty for none.
    pub token: &'a str,
    /// `Service.Failover.NearestN`, which may be negative.
    pub nearest_n: i64,
}

/// Why a definition is refused, in the text that a client of Consul sees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A new one names its id.
    #[error("ID must be empty when creating a new prepared query")]
    IdGiven,
    /// A field is wrong.
    #[error("Invalid prepared query: {0}")]
    Field(String),
    /// It is no template that can be used.
    #[error("failed compiling template: {0}")]
    Template(#[from] TemplateError),
    /// The template's type is unknown.
    #[error("failed compiling template: Bad Template.Type '{0}'")]
    TemplateType(String),
}

/// Whether a definition may stand. Whether its name is free and its session lives is decided where it is applied.
///
/// # Errors
/// With the first reason why not.
pub fn validate(draft: &Draft<'_>) -> Result<(), Invalid> {
    if draft.is_new && !draft.id.is_empty() {
        return Err(Invalid::IdGiven);
    }
    fields(draft).map_err(Invalid::Field)?;
    match draft.template_type {
        "" => Ok(()),
        TEMPLATE_TYPE => Template::compile(draft.query).map(drop).map_err(Invalid::Template),
        other => Err(Invalid::TemplateType(other.to_owned())),
    }
}

fn fields(draft: &Draft<'_>) -> Result<(), String> {
    let Draft { query, template_type, token, nearest_n, .. } = *draft;
    let (service, failover) = (&query.service, &query.service.failover);
    if query.name.is_empty() && template_type.is_empty() && query.session.is_none() {
        return Err("Must be bound to a session".into());
    }
    if token == REDACTED {
        let why = "it looks like a query definition with a redacted token was submitted";
        return Err(format!("Bad Token '{token}', {why}"));
    }
    if service.service.is_empty() {
        return Err("Must provide a Service name to query".into());
    }
    if nearest_n < 0 {
        return Err(format!("Bad NearestN '{nearest_n}', must be >= 0"));
    }
    if !failover.targets.is_empty() && (nearest_n != 0 || !failover.datacenters.is_empty()) {
        return Err("Targets cannot be populated with NearestN or Datacenters".into());
    }
    node_meta(service.node_meta.iter())?;
    dns_ttl(&query.dns_ttl)
}

fn dns_ttl(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let ttl: GoDuration = text.parse().map_err(|error| format!("Bad DNS TTL '{text}': {error}"))?;
    if ttl.0 < 0 { Err(format!("DNS TTL '{}', must be >=0", ttl.0)) } else { Ok(()) }
}

/// The bounds on pairs of a node, which hold for a filter on them too.
fn node_meta<'a>(pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    if pairs.len() > 64 {
        return Err("Node metadata cannot contain more than 64 key/value pairs".into());
    }
    for (key, value) in pairs {
        let refused = |why: &str| Err(format!("Couldn't load metadata pair ('{key}', '{value}'): {why}"));
        if key.is_empty() {
            return refused("Key cannot be blank");
        }
        if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return refused("Key contains invalid characters");
        }
        if key.len() > 128 {
            return refused("Key is too long (limit: 128 characters)");
        }
        if value.len() > 512 {
            return refused("Value is too long (limit: 512 characters)");
        }
    }
    Ok(())
}
