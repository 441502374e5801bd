//! What a client can do wrong, and what it hears.

use konsul_api::v2::code::CODES;
use konsul_api::v2::operations::Id;
use konsul_http::{Limits, Settings};
use konsul_operations::Error;
use serde_json::json;

use crate::api::{Api, problem, told};
use crate::support::Rig;
use crate::support::client::Client;

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_listed() {
    let mut api = Api::start().await;
    let body = json!({ "value": 7, "flags": -1, "ttl": null, "colour": "red", "a/b~": 1 });
    let (status, code, mut places) = told(&api.json(Id::KvPut, "/v2/kv/a", &body).await);
    places.sort();
    assert_eq!((status, code.as_str()), (400, "invalid_body"));
    assert_eq!(places, ["/a~1b~0", "/colour", "/flags", "/ttl", "/value"]);
    for (body, place) in [
        (json!({}), "/value"),
        (json!({ "value": "a", "value_base64": "YQ==" }), "/value"),
        (json!([]), ""),
        (json!("a"), ""),
        (json!({ "value": null }), "/value"),
        (json!({ "value_base64": "!" }), "/value_base64"),
        (json!({ "value": "a", "ttl": "soon" }), "/ttl"),
    ] {
        assert_eq!(
            told(&api.json(Id::KvPut, "/v2/kv/a", &body).await),
            (400, "invalid_body".into(), vec![place.into()]),
            "{body}"
        );
    }
    let twice = api.ask(Id::KvPut, "/v2/kv/a", &[JSON], b"{\"value\":\"a\",\"value\":\"b\"}").await;
    assert_eq!(told(&twice), (400, "invalid_body".into(), vec![String::new()]));
    let broken = api.ask(Id::KvPut, "/v2/kv/a", &[JSON], b"{\"value\":").await;
    assert_eq!(told(&broken), (400, "malformed_json".into(), vec![]));
    assert!(problem(&broken).detail.contains("line 1 column 9"));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_checked() {
    let mut api = Api::start().await;
    for (name, value) in [
        ("If-Match", "W/\"1\""),
        ("If-Match", "1"),
        ("If-Match", "*"),
        ("If-None-Match", "\"1\""),
        ("Idempotency-Key", "a b"),
        ("Idempotency-Key", ""),
    ] {
        let answer = api.ask(Id::KvPut, "/v2/kv/a", &[JSON, (name, value)], b"{\"value\":\"x\"}").await;
        let (status, code, places) = told(&answer);
        assert_eq!((status, code.as_str(), places.len()), (400, "invalid_header", 1), "{name}: {value}");
        assert!(places[0].eq_ignore_ascii_case(name));
    }
    // Where a key is not needed, a wrong one is still wrong.
    for (id, path, form) in [
        (Id::Import, "/v2/import", "application/x-ndjson"),
        (Id::SnapshotRestore, "/v2/snapshot", "application/octet-stream"),
    ] {
        let headers = [("Content-Type", form), ("Idempotency-Key", "a b")];
        assert_eq!(told(&api.ask(id, path, &headers, b"").await).1, "invalid_header", "{path}");
    }
    let form =
        api.ask(Id::KvPut, "/v2/kv/a", &[("Content-Type", "application/x-www-form-urlencoded")], b"x").await;
    assert_eq!(told(&form).1, "unsupported_media_type");
    let html = api.ask(Id::KvList, "/v2/kv", &[("Accept", "text/html")], b"").await;
    assert_eq!(told(&html).1, "not_acceptable");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_parameters_are_checked() {
    let mut api = Api::start().await;
    let (status, code, places) =
        told(&api.plain(Id::KvList, "/v2/kv?limit=0&colour=red&namespace=A&keys_only=maybe").await);
    assert_eq!((status, code.as_str()), (400, "invalid_parameter"));
    assert_eq!(places, ["limit", "colour", "namespace", "keys_only"]);
    assert_eq!(
        told(&api.plain(Id::KvGet, "/v2/kv/").await),
        (400, "invalid_parameter".into(), vec!["key".into()])
    );
    assert_eq!(told(&api.plain(Id::KvGet, "/v2/kv/a%0Ab").await).2, ["key"]);
    assert_eq!(told(&api.plain(Id::KvGet, &format!("/v2/kv/{}", "k".repeat(8193))).await).2, ["key"]);
    assert_eq!(told(&api.plain(Id::KvGet, "/v2/kv/a%2").await).1, "invalid_path");
    assert_eq!(told(&api.plain(Id::KvGet, "/v2/kv/a%ff").await).1, "invalid_path");
    assert_eq!(told(&api.plain(Id::KvGet, "/v2/kv/a?namespace=%zz").await).1, "invalid_parameter");
    assert_eq!(told(&api.plain(Id::SessionGet, "/v2/sessions/none").await).2, ["id"]);
    assert_eq!(
        told(&api.plain(Id::Export, "/v2/export?namespace=a&all_namespaces=true").await).2,
        ["all_namespaces"]
    );
    let json = api.ask(Id::KvPut, "/v2/kv/a?flags=7", &[JSON], b"{\"value\":\"x\"}").await;
    assert_eq!(told(&json).2, ["flags"]);
    for path in ["/v2", "/v2/", "/v2/nothing", "/v2/kvx", "/v2/sessions/"] {
        let answer = api.client.get(path).await;
        assert_eq!(told(&answer), (404, "not_found".into(), vec![]), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_bounded() {
    let mut api = Api::start().await;
    let raw = ("Content-Type", "application/octet-stream");
    let large = vec![b'x'; 512 * 1024 + 1];
    assert_eq!(told(&api.ask(Id::KvPut, "/v2/kv/a", &[raw], &large).await).1, "body_too_large");
    let body = json!({ "value": "x".repeat(512 * 1024 + 1) });
    assert_eq!(told(&api.json(Id::KvPut, "/v2/kv/a", &body).await).1, "value_too_large");
    let body = json!({ "value": "x".repeat(2 * 1024 * 1024) });
    assert_eq!(told(&api.json(Id::KvPut, "/v2/kv/a", &body).await).1, "body_too_large");
    let body = json!({ "value": "x".repeat(512 * 1024) });
    assert_eq!(api.json(Id::KvPut, "/v2/kv/a", &body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_forbids_is_said() {
    let settings = Settings {
        block_endpoints: vec!["/v2/events".into()],
        allow_write_from: vec!["10.0.0.0/8".parse().unwrap()],
        limits: Limits::default(),
        ..Settings::default()
    };
    let mut api = Api::with(settings).await;
    assert_eq!(told(&api.plain(Id::EventList, "/v2/events").await).1, "endpoint_blocked");
    assert_eq!(told(&api.plain(Id::KvDelete, "/v2/kv/a").await).1, "write_restricted");
    assert_eq!(api.plain(Id::KvList, "/v2/kv").await.status, 200);
}

/// Every error of the waist has a code of the table, and the code's status.
#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_an_operation_has_its_code_and_status() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    for error in [
        Error::invalid("ttl", "too short"),
        Error::TooLarge { what: "x".into(), actual: 2, limit: 1, unit: "bytes" },
        Error::PermissionDenied("x".into()),
        Error::NoLeader,
        Error::NotReady,
        Error::NoPathToDatacenter("x".into()),
        Error::DiskFull,
        Error::UnknownOutcome("x".into()),
        Error::Deadline("x".into()),
        Error::Busy { what: "x", limit: 1 },
        Error::Stopping("x".into()),
        Error::BackupsOff,
        Error::BackupFailed("x".into()),
        Error::NotOffered { operation: "x" },
        Error::Internal("secret".into()),
    ] {
        *rig.fake.failing.lock().unwrap() = Some(error.clone());
        let answer = client.get("/v2/kv/a").await;
        let code = CODES.iter().find(|code| code.id == error.code()).unwrap();
        assert_eq!(told(&answer).1, code.id);
        assert_eq!(answer.status, code.status, "{error:?}");
        assert!(!answer.text().contains("secret"), "a defect's text is for the log");
    }
}
