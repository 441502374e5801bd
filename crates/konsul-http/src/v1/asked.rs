//! What reads of the catalogue have in common: which records, in which order, how fresh, and how the answer looks.

use std::sync::Arc;

use http::header::HeaderName;
use konsul_operations::arguments::{Narrow, Near};
use konsul_operations::{Blocking, Context, Error, Meta};
use konsul_types::{NodeName, ServiceName};

use super::error::reply;
use super::inbound::Inbound;
use super::query::parse_bool;
use super::read::Options;
use super::reply::{Fresh, Reply};
use crate::service::Edge;

/// A read of the catalogue.
pub(crate) struct Asked {
    pub(crate) edge: Arc<Edge>,
    pub(crate) context: Context,
    pub(crate) blocking: Option<Blocking>,
    pub(crate) narrow: Narrow,
    cached: bool,
}

impl Inbound<'_> {
    /// Reads what reads of the catalogue take.
    pub(crate) fn asked(&self) -> Result<Asked, Reply> {
        let Options { context, blocking } = self.options()?;
        self.check_peer()?;
        let narrow = Narrow {
            node_meta: self.query.all("node-meta").map(pair).collect(),
            filter: self.query.get("filter").unwrap_or("").to_owned(),
            near: self.query.text("near").and_then(near),
        };
        let cached = self.query.has("cached");
        Ok(Asked { edge: Arc::clone(self.edge), context, blocking, narrow, cached })
    }

    /// Other clusters are not asked yet, and an empty list would be a lie about them.
    fn check_peer(&self) -> Result<(), Reply> {
        let refused =
            |name: &str, why: &str| Reply::bad(format!("Invalid query parameter: {name:?} - {why}"));
        match (self.query.text("peer"), self.query.text("sg")) {
            (Some(_), Some(_)) => Err(Reply::bad("peer-name and sameness-group are mutually exclusive")),
            (None, Some(_)) => Err(refused("sg", "Sameness groups are a Consul Enterprise feature")),
            (Some(_), None) => Err(refused("peer", "cluster peering is not built in Konsul yet")),
            (None, None) => Ok(()),
        }
    }

    /// Whether only passing instances are wanted.
    pub(crate) fn passing(&self) -> Result<bool, Reply> {
        match self.query.get("passing") {
            None => Ok(false),
            Some("") => Ok(true),
            Some(text) => parse_bool(text).ok_or_else(|| Reply::bad("Invalid value for ?passing")),
        }
    }

    /// The service that the path names.
    pub(crate) fn service_name(&self) -> Result<ServiceName, Reply> {
        if self.tail.is_empty() {
            return Err(Reply::bad("Missing service name"));
        }
        ServiceName::new(self.tail).map_err(|why| Reply::bad(format!("Invalid {why}")))
    }

    /// The node that the path names.
    pub(crate) fn node_name(&self) -> Result<NodeName, Reply> {
        if self.tail.is_empty() {
            return Err(Reply::bad("Missing node name"));
        }
        NodeName::new(self.tail).map_err(|why| Reply::bad(format!("Invalid {why}")))
    }
}

/// A pair; without a colon its value is empty.
fn pair(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, ""))
}

/// A node that cannot be known is far from everybody: the answer is not sorted, as for one that is unknown.
pub(crate) fn near(text: &str) -> Option<Near> {
    match text {
        "_agent" => Some(Near::Agent),
        name => NodeName::new(name).ok().map(Near::Node),
    }
}

impl Asked {
    /// Whether all records are meant, in their usual order.
    pub(crate) fn is_plain(&self) -> bool {
        self.narrow == Narrow::default()
    }

    /// The answer.
    pub(crate) fn finish(&self, found: Result<(Vec<u8>, Meta), Error>) -> Reply {
        match found {
            Ok((body, meta)) => self.dress(Reply::written(body), meta),
            Err(why) => reply(&why),
        }
    }

    /// An answer with its headers. Nothing older than asked for is ever answered, so no agent's cache is hit.
    pub(crate) fn dress(&self, reply: Reply, meta: Meta) -> Reply {
        let reply = reply.with_fresh(Fresh::ReadWithConsistency(meta));
        if self.cached { reply.with_header(X_CACHE, "MISS") } else { reply }
    }

    /// The same for an answer without headers on freshness.
    pub(crate) fn dress_bare(&self, reply: Reply) -> Reply {
        if self.cached { reply.with_header(X_CACHE, "MISS") } else { reply }
    }

    /// The name of the datacentre that is asked.
    pub(crate) async fn datacenter(&self) -> Result<Arc<str>, Error> {
        self.edge.datacenter(&self.context).await
    }
}

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_cut_at_the_first_colon() {
        assert_eq!((pair("a:b:c"), pair("a"), pair("a:")), (("a", "b:c"), ("a", ""), ("a", "")));
    }

    #[test]
    fn near_has_words_and_names() {
        assert_eq!(near("_agent"), Some(Near::Agent));
        assert_eq!(near("n1"), Some(Near::Node(NodeName::new("n1").unwrap())));
        assert_eq!(near("a/b"), None);
    }
}
