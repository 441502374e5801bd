//! Prepared queries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A stored query, as clients write and read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Query {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name; of a template, the beginning of the names that it answers for.
    pub name: String,
    /// The session with which it ends.
    pub session: String,
    /// Always empty in answers, as long as there is no access control.
    pub token: String,
    /// What makes it a template.
    pub template: Template,
    /// What is asked.
    pub service: Service,
    /// How it answers over DNS.
    #[serde(rename = "DNS")]
    pub dns: Dns,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
}

/// What makes a query a template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Template {
    /// `name_prefix_match`, or empty for no template.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Applied to the whole name asked for.
    pub regexp: String,
    /// Whether tags that became empty are dropped.
    pub remove_empty_tags: bool,
}

/// Which service, and which of its instances in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Service {
    /// Its name.
    pub service: String,
    /// Enterprise's groups of clusters; only empty.
    pub sameness_group: String,
    /// Where else to look.
    pub failover: Failover,
    /// Whether instances with a warning are left out too.
    pub only_passing: bool,
    /// The node that answers should be near to.
    pub near: String,
    /// Tags that must be there, or with `!` must not.
    pub tags: Option<Vec<String>>,
    /// Checks that do not count.
    #[serde(rename = "IgnoreCheckIDs")]
    pub ignore_check_ids: Option<Vec<String>>,
    /// Pairs that the node must have.
    pub node_meta: Option<BTreeMap<String, String>>,
    /// Pairs that the instance must have.
    pub service_meta: Option<BTreeMap<String, String>>,
    /// Whether only instances of the mesh are meant.
    pub connect: bool,
    /// The cluster that is asked; empty for this one.
    pub peer: String,
    /// The namespace of the service; only the query's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The partition; only `default` or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partition: String,
}

/// Where else to look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Failover {
    /// So many of the nearest datacentres.
    pub nearest_n: i64,
    /// These datacentres, in order.
    pub datacenters: Option<Vec<String>>,
    /// These, in order.
    pub targets: Option<Vec<Target>>,
}

/// One place to look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Target {
    /// A peered cluster.
    pub peer: String,
    /// A datacentre.
    pub datacenter: String,
    /// A partition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partition: String,
    /// A namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// How a query answers over DNS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dns {
    /// Time to live of its answers, as text.
    #[serde(rename = "TTL")]
    pub ttl: String,
}

/// What creating a query answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Created {
    /// The new query's id.
    #[serde(rename = "ID")]
    pub id: String,
}

/// What explaining a query answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Explained {
    /// The query as it would be executed.
    pub query: Query,
    /// How fresh it is.
    #[serde(flatten)]
    pub meta: super::operator::QueryMeta,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::json;

    #[test]
    fn an_empty_query_shows_consuls_nulls() {
        let expect = r#"{"ID":"","Name":"","Session":"","Token":"","Template":{"Type":"","Regexp":"","RemoveEmptyTags":false},"Service":{"Service":"","SamenessGroup":"","Failover":{"NearestN":0,"Datacenters":null,"Targets":null},"OnlyPassing":false,"Near":"","Tags":null,"IgnoreCheckIDs":null,"NodeMeta":null,"ServiceMeta":null,"Connect":false,"Peer":""},"DNS":{"TTL":""},"CreateIndex":0,"ModifyIndex":0}"#;
        assert_eq!(String::from_utf8(json::to_vec(&Query::default()).unwrap()).unwrap(), expect);
        assert_eq!(serde_json::from_str::<Query>(expect).unwrap(), Query::default());
    }
}
