//! Records with a field of every kind, as the recorded answers of the original know them.

use std::collections::BTreeMap;

use konsul_filter::{AsField, Field, Kind, record};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Address {
    address: String,
    port: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Weights {
    passing: i64,
    warning: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Check {
    name: String,
    status: String,
    tags: Vec<String>,
    port: i64,
    meta: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Service {
    #[serde(rename = "ID")]
    id: String,
    port: i64,
    tags: Vec<String>,
    native: bool,
    meta: BTreeMap<String, String>,
    tagged: BTreeMap<String, Address>,
    pub(crate) weights: Option<Weights>,
}

/// A value that cannot be looked into.
#[derive(Debug, Deserialize)]
pub(crate) struct Anything(#[allow(dead_code)] serde_json::Value);

impl AsField for Anything {
    fn as_field(&self) -> Field<'_> {
        Field::Missing
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Everything {
    pub(crate) name: String,
    count: u64,
    ratio: f64,
    up: bool,
    port: i64,
    tags: Vec<String>,
    ports: Vec<i64>,
    flags: Vec<bool>,
    nums: Vec<u64>,
    meta: BTreeMap<String, String>,
    counts: BTreeMap<String, i64>,
    lists: BTreeMap<String, Vec<String>>,
    opaque: BTreeMap<String, Anything>,
    pub(crate) service: Service,
    checks: Vec<Check>,
    nested: Vec<Vec<Check>>,
    maps: Vec<BTreeMap<String, String>>,
    not: String,
    empty: String,
    word: String,
}

record! {
    pub(crate) static ADDRESS: Address as this {
        Address: Kind::String => Field::Text(&this.address),
        Port: Kind::Int => Field::Int(this.port),
    }
}

record! {
    pub(crate) static WEIGHTS: Weights as this {
        Passing: Kind::Int => Field::Int(this.passing),
        Warning: Kind::Int => Field::Int(this.warning),
    }
}

record! {
    pub(crate) static CHECK: Check as this {
        Name: Kind::String => Field::Text(&this.name),
        Status: Kind::String => Field::Made(this.status.clone()),
        Tags: Kind::List(&Kind::String) => Field::List(&this.tags),
        Port: Kind::Int => Field::Int(this.port),
        Meta: Kind::Map(&Kind::String) => Field::Map(&this.meta),
    }
}

record! {
    pub(crate) static SERVICE: Service as this {
        ID: Kind::String => Field::Text(&this.id),
        Port: Kind::Int => Field::Int(this.port),
        Tags: Kind::List(&Kind::String) => Field::List(&this.tags),
        Native: Kind::Bool => Field::Bool(this.native),
        Meta: Kind::Map(&Kind::String) => Field::Map(&this.meta),
        Tagged: Kind::Map(&Kind::Struct(&ADDRESS)) => Field::Map(&this.tagged),
        Weights: Kind::Struct(&WEIGHTS) => match &this.weights {
            Some(weights) => Field::Struct(weights),
            None => Field::Missing,
        },
    }
}

record! {
    /// A record with a field of every kind.
    pub(crate) static EVERYTHING: Everything as this {
        Name: Kind::String => Field::Text(&this.name),
        Count: Kind::Uint => Field::Uint(this.count),
        Ratio: Kind::Float => Field::Float(this.ratio),
        Up: Kind::Bool => Field::Bool(this.up),
        Port: Kind::Int => Field::Int(this.port),
        Tags: Kind::List(&Kind::String) => Field::List(&this.tags),
        Ports: Kind::List(&Kind::Int) => Field::List(&this.ports),
        Flags: Kind::List(&Kind::Bool) => Field::List(&this.flags),
        Nums: Kind::List(&Kind::Uint) => Field::List(&this.nums),
        Meta: Kind::Map(&Kind::String) => Field::Map(&this.meta),
        Counts: Kind::Map(&Kind::Int) => Field::Map(&this.counts),
        Lists: Kind::Map(&Kind::List(&Kind::String)) => Field::Map(&this.lists),
        Opaque: Kind::Map(&Kind::Opaque) => Field::Map(&this.opaque),
        Service: Kind::Struct(&SERVICE) => Field::Struct(&this.service),
        Checks: Kind::List(&Kind::Struct(&CHECK)) => Field::List(&this.checks),
        Nested: Kind::List(&Kind::List(&Kind::Struct(&CHECK))) => Field::List(&this.nested),
        Maps: Kind::List(&Kind::Map(&Kind::String)) => Field::List(&this.maps),
        Not: Kind::String => Field::Text(&this.not),
        empty: Kind::String => Field::Text(&this.empty),
        not: Kind::String => Field::Text(&this.word),
    }
}
