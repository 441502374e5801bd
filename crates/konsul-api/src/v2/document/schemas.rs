//! The schemas of all bodies.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::v2::{
    backup, batch, catalog, coordinate, discovery, event, kv, lock, page, problem, query, registration,
    session, system, transfer, watch,
};

type Named = Vec<(String, RefOr<Schema>)>;

fn add<T: PartialSchema + ToSchema>(all: &mut Named) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

macro_rules! gather {
    ($($body:ty),* $(,)?) => {{
        let mut all = Named::new();
        $(add::<$body>(&mut all);)*
        all
    }};
}

/// Every schema by its name.
pub(super) fn all() -> BTreeMap<String, Value> {
    let named = gather![
        problem::Problem,
        kv::Entry,
        kv::Put,
        kv::Patch,
        kv::TreeDeleted,
        kv::Diff,
        kv::Undo,
        kv::Undone,
        page::EntryPage,
        page::SearchPage,
        page::HistoryPage,
        page::LockPage,
        page::SessionPage,
        page::EventPage,
        batch::Request,
        batch::Operation,
        batch::Answer,
        batch::SummaryLine,
        transfer::Line,
        transfer::Change,
        transfer::SummaryLine,
        lock::Lock,
        lock::LockAcquire,
        lock::LockGrant,
        lock::LockRelease,
        lock::LockReleased,
        session::SessionCreate,
        session::Session,
        page::ServicePage,
        page::InstancePage,
        page::NodePage,
        page::CheckPage,
        page::QueryPage,
        catalog::NodeServices,
        catalog::CheckHistory,
        catalog::ServiceTimeline,
        coordinate::CoordinatePage,
        coordinate::Distance,
        catalog::CatalogRegister,
        catalog::CatalogDeregister,
        registration::ServiceDefinition,
        registration::CheckDefinition,
        registration::CheckUpdate,
        registration::Maintenance,
        discovery::Picked,
        discovery::WhyAnswer,
        discovery::Graph,
        discovery::Impact,
        query::QueryDefinition,
        query::Query,
        query::QueryCreated,
        query::QueryAnswer,
        query::QueryExplained,
        event::EventFire,
        event::Event,
        watch::Change,
        system::System,
        system::Usage,
        system::Limits,
        system::MetricsHistory,
        system::LogLevel,
        system::SnapshotRestored,
        backup::Backups,
        backup::Backup,
    ];
    let mut all: BTreeMap<String, Value> = named
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    all.insert("OpenApi".to_owned(), json!({ "type": "object", "description": "An OpenAPI document." }));
    all.insert(
        "BatchLine".to_owned(),
        either("A line of a batch's answer.", &["BatchResult", "BatchSummaryLine"]),
    );
    all.insert(
        "ImportLine".to_owned(),
        either("A line of an import's answer.", &["ImportChange", "ImportSummaryLine"]),
    );
    for (name, least, fields) in ONE_OF {
        require(all.get_mut(*name), *least, fields);
    }
    let put = all.get_mut("BatchOperation").and_then(|schema| schema.pointer_mut("/oneOf/0"));
    require(put, 1, &["value", "value_base64"]);
    all.values_mut().for_each(unsigned);
    all
}

/// Whole numbers here are of 64 bits without a sign, which the derived schemas do not say.
fn unsigned(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format == "int64") {
                fields.insert("format".to_owned(), json!("uint64"));
                fields.insert("maximum".to_owned(), json!(u64::MAX));
            }
            fields.values_mut().for_each(unsigned);
        }
        Value::Array(items) => items.iter_mut().for_each(unsigned),
        _ => {}
    }
}

/// Bodies of which one field or another is there: none of them, or one, at least.
const ONE_OF: &[(&str, u8, &[&str])] = &[
    ("KvPut", 1, &["value", "value_base64"]),
    ("ExportLine", 1, &["value", "value_base64"]),
    ("LockAcquire", 0, &["value", "value_base64"]),
    ("EventFire", 0, &["payload", "payload_base64"]),
    ("CatalogDeregister", 0, &["service_id", "check_id"]),
];

fn require(schema: Option<&mut Value>, least: u8, fields: &[&str]) {
    let Some(schema) = schema else { return };
    // Linters want every required field to be named as a property beside it.
    let there = |fields: &[&str]| {
        let named: BTreeMap<&str, Value> = fields.iter().map(|field| (*field, json!({}))).collect();
        json!({ "required": fields, "properties": named })
    };
    if least == 0 {
        schema["not"] = there(fields);
    } else {
        schema["oneOf"] = fields.iter().map(|field| there(&[field])).collect();
    }
}

fn either(about: &str, names: &[&str]) -> Value {
    let any: Vec<Value> =
        names.iter().map(|name| json!({ "$ref": format!("#/components/schemas/{name}") })).collect();
    json!({ "description": about, "anyOf": any })
}
