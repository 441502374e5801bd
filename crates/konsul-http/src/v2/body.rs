//! Bodies of JSON: read whole, decoded, and every fault of their shape listed.

use konsul_api::v2::code;
use konsul_api::v2::problem::Fault;
use konsul_api::v2::shape;
use konsul_api::v2::value::Object;
use konsul_types::duration::GoDuration;
use serde::Deserialize;

use super::rejection::{Rejected, Rejection};

/// Why a body has not the shape that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecoded {
    /// It is no JSON: line, column and what was expected.
    Json(String),
    /// It is JSON of another shape.
    Shape(Vec<Fault>),
}

/// Decodes a body by the name of its schema.
///
/// # Errors
/// See [`Undecoded`].
pub fn decode<'a, T: Deserialize<'a>>(schema: &str, bytes: &'a [u8]) -> Result<T, Undecoded> {
    decode_that(schema, bytes, |_| true)
}

/// The same for a body whose type says less than its schema.
///
/// # Errors
/// See [`Undecoded`].
pub fn decode_that<'a, T: Deserialize<'a>>(
    schema: &str,
    bytes: &'a [u8],
    fits: impl Fn(&T) -> bool,
) -> Result<T, Undecoded> {
    match serde_json::from_slice::<Object<T>>(bytes) {
        Ok(Object(body)) if fits(&body) => Ok(body),
        Ok(_) => Err(faults(schema, bytes, "has another shape than its schema")),
        Err(why) => Err(faults(schema, bytes, &why.to_string())),
    }
}

/// What serde alone finds, such as a field that is there twice, is a fault of the whole.
fn faults(schema: &str, bytes: &[u8], why: &str) -> Undecoded {
    let value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(why) => return Undecoded::Json(why.to_string()),
    };
    let mut found = shape::faults(schema, &value);
    if found.is_empty() {
        found.push(Fault::at("", why));
    }
    Undecoded::Shape(found)
}

impl From<Undecoded> for Box<Rejection> {
    fn from(why: Undecoded) -> Box<Rejection> {
        match why {
            Undecoded::Json(why) => Rejection::new(&code::MALFORMED_JSON, why),
            Undecoded::Shape(faults) => Rejection::of_faults(&code::INVALID_BODY, faults),
        }
    }
}

/// Gathers faults of fields that have the right shape and a wrong content.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// The value, or nothing and a fault.
    pub(crate) fn take<T, E: ToString>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|why| self.0.push(Fault::at(pointer, why.to_string()))).ok()
    }

    /// The same, where only a fault needs to know the place.
    pub(crate) fn take_at<T, E: ToString>(
        &mut self,
        pointer: impl FnOnce() -> String,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|why| self.0.push(Fault::at(pointer(), why.to_string()))).ok()
    }

    /// A duration in milliseconds; one that is not zero is at least one.
    pub(crate) fn duration(&mut self, pointer: &str, text: Option<&str>) -> Option<u64> {
        let span = self.take(pointer, self::duration(text?))?;
        Some(millis(span))
    }

    /// The faults, if there are any.
    pub(crate) fn check(self) -> Rejected<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Rejection::of_faults(&code::INVALID_BODY, self.0)) }
    }

    /// As they are.
    pub(crate) fn into_inner(self) -> Vec<Fault> {
        self.0
    }
}

/// A duration of this API.
pub(crate) fn duration(text: &str) -> Result<GoDuration, String> {
    let refused = || format!("{text:?} is no duration, such as 30s or 1h30m");
    if !shape::is_duration(text) {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// Whole milliseconds, counted up.
pub(crate) fn millis(span: GoDuration) -> u64 {
    u64::try_from(span.0).unwrap_or(0).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use konsul_api::v2::batch::{Operation, RequestRef};
    use konsul_api::v2::catalog::{CatalogDeregister, CatalogRegister};
    use konsul_api::v2::event::EventFire;
    use konsul_api::v2::kv::{Patch, Put, Undo};
    use konsul_api::v2::lock::{LockAcquire, LockRelease};
    use konsul_api::v2::query::QueryDefinition;
    use konsul_api::v2::registration::{CheckDefinition, CheckUpdate, Maintenance, ServiceDefinition};
    use konsul_api::v2::session::SessionCreate;
    use konsul_api::v2::system::LogLevel;
    use konsul_api::v2::transfer::Line;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What the type takes has no fault by its schema, and what it refuses has one.
    fn agree(schema: &str, body: &Value, taken: bool) {
        let faults = shape::faults(schema, body);
        assert_eq!(taken, faults.is_empty(), "{schema} {body}: {faults:?}");
    }

    fn taken<'a, T: Deserialize<'a>>(text: &'a str, fits: impl Fn(&T) -> bool) -> bool {
        serde_json::from_str::<Object<T>>(text).is_ok_and(|it| fits(&it.0))
    }

    fn every_schema_agrees(body: &Value) {
        let text = &body.to_string();
        agree("KvPut", body, taken::<Put>(text, |it| it.value.is_some() != it.value_base64.is_some()));
        agree("KvPatch", body, taken::<Patch>(text, |_| true));
        agree("KvUndo", body, taken::<Undo>(text, |_| true));
        agree(
            "BatchRequest",
            body,
            taken::<RequestRef<'_>>(text, |it| it.operations.iter().all(Operation::fits)),
        );
        agree("ExportLine", body, taken::<Line>(text, |it| it.value.is_some() != it.value_base64.is_some()));
        agree(
            "LockAcquire",
            body,
            taken::<LockAcquire>(text, |it| it.value.is_none() || it.value_base64.is_none()),
        );
        agree("LockRelease", body, taken::<LockRelease>(text, |_| true));
        agree("SessionCreate", body, taken::<SessionCreate>(text, |_| true));
        agree(
            "EventFire",
            body,
            taken::<EventFire>(text, |it| it.payload.is_none() || it.payload_base64.is_none()),
        );
        agree("LogLevel", body, taken::<LogLevel>(text, |_| true));
        agree("ServiceDefinition", body, taken::<ServiceDefinition>(text, |_| true));
        agree("CheckDefinition", body, taken::<CheckDefinition>(text, |_| true));
        agree("CheckUpdate", body, taken::<CheckUpdate>(text, |_| true));
        agree("Maintenance", body, taken::<Maintenance>(text, |_| true));
        agree("QueryDefinition", body, taken::<QueryDefinition>(text, |_| true));
        agree("CatalogRegister", body, taken::<CatalogRegister>(text, |_| true));
        agree(
            "CatalogDeregister",
            body,
            taken::<CatalogDeregister>(text, |it| it.service_id.is_none() || it.check_id.is_none()),
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-5..5i64).prop_map(Value::from),
            Just(json!(1.5)),
            "[a-z]{0,3}".prop_map(Value::from),
            prop_oneof!["kv_put", "kv_get", "kv_check", "kv_delete", "kv_delete_tree", "release", "info"]
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof![
                Just("value"),
                Just("value_base64"),
                Just("flags"),
                Just("ttl"),
                Just("key"),
                Just("op"),
                Just("prefix"),
                Just("if_index"),
                Just("operations"),
                Just("atomic"),
                Just("session"),
                Just("wait"),
                Just("fencing"),
                Just("name"),
                Just("payload"),
                Just("payload_base64"),
                Just("tag_filter"),
                Just("node"),
                Just("behavior"),
                Just("service_checks"),
                Just("node_checks"),
                Just("id"),
                Just("namespace"),
                Just("level"),
                Just("targets"),
                Just("to_index"),
                Just("service"),
                Just("service_id"),
                Just("check_id"),
                Just("checks"),
                Just("status"),
                Just("enable"),
                Just("weights"),
                Just("depends_on"),
                Just("meta"),
                Just("tags"),
                Just("address"),
                Just("other"),
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::vec((name, inner), 0..5).prop_map(|fields| {
                    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn serde_and_the_schemas_are_of_one_opinion(body in any_value()) {
            every_schema_agrees(&body);
        }
    }

    #[test]
    fn good_bodies_are_taken_by_both() {
        for body in [
            json!({ "value": "a", "flags": 1, "ttl": "1s" }),
            json!({ "key": "a", "value_base64": "YQ==" }),
            json!({ "operations": [{ "op": "kv_put", "key": "a", "value": "b" }, { "op": "kv_check", "key": "a", "if_index": 0 }] }),
            json!({ "session": "x", "wait": "1s" }),
            json!({ "node_checks": ["a"], "service_checks": [{ "id": "a" }], "behavior": "delete" }),
            json!({ "name": "web", "port": 80, "meta": { "a": "b" }, "weights": { "passing": 1, "warning": 1 },
                "depends_on": [{ "service": "db" }], "checks": [{ "ttl": "10s", "status": "passing" }] }),
            json!({ "node": { "name": "n", "address": "a" }, "checks": [{ "id": "c", "status": "warning" }] }),
            json!({ "node": "n", "service_id": "a" }),
            json!({ "service": "web", "failover": { "nearest": 1 }, "template": { "regexp": "a" } }),
            json!({ "level": "info", "targets": { "raft": "debug" } }),
        ] {
            every_schema_agrees(&body);
        }
    }
}
