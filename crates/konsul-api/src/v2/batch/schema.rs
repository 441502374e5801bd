//! The schema of a batch's members: one of several objects, told apart by `op`.

use utoipa::ToSchema;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};

use super::super::shape;
use super::Operation;

type Field = (&'static str, RefOr<Schema>);

impl utoipa::PartialSchema for Operation {
    fn schema() -> RefOr<Schema> {
        let members = keys().into_iter().chain(catalogue()).chain(of_agent());
        let one_of = OneOfBuilder::new().description(Some("A member of a batch."));
        members.fold(one_of, OneOfBuilder::item).into()
    }
}

impl ToSchema for Operation {
    fn name() -> std::borrow::Cow<'static, str> {
        "BatchOperation".into()
    }
}

fn keys() -> Vec<Schema> {
    let key = field("key", shape::key());
    let put = vec![
        key.clone(),
        field("value", text("The value as text. Exactly one of `value` and `value_base64` is there.")),
        field("value_base64", base64()),
        field("flags", number("A number that clients use as they like; zero if it is absent.")),
        field("ttl", shape::duration()),
        index(),
    ];
    let check =
        "Fails unless a key is at an index, or absent for zero. In an atomic batch nothing happens then.";
    vec![
        member("kv_put", "Writes a key.", put, &["key"]),
        member("kv_get", "Reads a key.", vec![key.clone()], &["key"]),
        member("kv_delete", "Removes a key.", vec![key.clone(), index()], &["key"]),
        member(
            "kv_delete_tree",
            "Removes all keys under a prefix.",
            vec![field("prefix", shape::key())],
            &["prefix"],
        ),
        member("kv_check", check, vec![key, index()], &["key", "if_index"]),
    ]
}

fn catalogue() -> Vec<Schema> {
    let node = || field("node", shape::node());
    vec![
        member(
            "node_register",
            "Registers a node in the catalogue.",
            vec![of("registration", "NodeRegistration"), index()],
            &["registration"],
        ),
        member("node_deregister", "Removes a node with all that is on it.", vec![node(), index()], &["node"]),
        member(
            "service_register",
            "Registers an instance in the catalogue, without checks of its own.",
            vec![node(), of("service", "ServiceDefinition"), index()],
            &["node", "service"],
        ),
        member(
            "service_deregister",
            "Removes an instance with its checks from the catalogue.",
            vec![node(), service_id(), index()],
            &["node", "service_id"],
        ),
        member(
            "check_register",
            "Registers a check in the catalogue.",
            vec![node(), of("check", "CheckRegistration"), index()],
            &["node", "check"],
        ),
        member(
            "check_deregister",
            "Removes a check from the catalogue.",
            vec![node(), check_id(), index()],
            &["node", "check_id"],
        ),
    ]
}

/// Each for itself: an agent's registrations are not in the log, so that an atomic batch cannot have them.
fn of_agent() -> Vec<Schema> {
    vec![
        member(
            "agent_service_register",
            "Registers an instance with the agent. Not in an atomic batch.",
            vec![
                of("service", "ServiceDefinition"),
                field("replace_checks", flag("Whether checks of the instance that are not named go.")),
            ],
            &["service"],
        ),
        member(
            "agent_service_deregister",
            "Removes an instance from the agent. Not in an atomic batch.",
            vec![service_id()],
            &["service_id"],
        ),
        member(
            "agent_check_register",
            "Registers a check with the agent. Not in an atomic batch.",
            vec![of("definition", "CheckDefinition")],
            &["definition"],
        ),
        member(
            "agent_check_deregister",
            "Removes a check from the agent. Not in an atomic batch.",
            vec![check_id()],
            &["check_id"],
        ),
        member(
            "agent_check_update",
            "Reports how a check of the agent with a time to live stands. Not in an atomic batch.",
            vec![check_id(), of("status", "Status"), field("output", text("What it says."))],
            &["check_id", "status"],
        ),
    ]
}

fn member(op: &str, about: &str, fields: Vec<Field>, required: &[&str]) -> Schema {
    let tag = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([op]));
    let mut out = ObjectBuilder::new()
        .schema_type(Type::Object)
        .title(Some(op))
        .description(Some(about))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .property("op", tag)
        .required("op")
        .property("namespace", shape::namespace());
    for (name, schema) in fields {
        out = out.property(name, schema);
    }
    required.iter().fold(out, |out, name| out.required(*name)).into()
}

fn field(name: &'static str, schema: Schema) -> Field {
    (name, RefOr::T(schema))
}

fn of(name: &'static str, schema: &str) -> Field {
    (name, RefOr::Ref(Ref::from_schema_name(schema)))
}

fn service_id() -> Field {
    field("service_id", shape::service())
}

fn check_id() -> Field {
    field("check_id", shape::service())
}

fn text(about: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).into()
}

fn flag(about: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(about)).into()
}

fn base64() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .content_encoding("base64")
        .description(Some("The value in base64."))
        .into()
}

fn number(about: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(about))
        .into()
}

fn index() -> Field {
    field("if_index", number("Only if the record's modify index is this; zero: only if it is absent."))
}
