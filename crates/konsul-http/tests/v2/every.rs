//! What holds for every operation of the table.

use konsul_api::v2::operations::{Id, Place, all};
use serde_json::json;

use crate::api::{Api, value_of};

/// The least that each operation does. The match knows all of them, so that a new one does not build without a line here.
async fn exercise(api: &mut Api, id: Id) {
    match id {
        Id::KvGet | Id::KvHistory => {
            api.put("e/get", "x").await;
            let path = if id == Id::KvGet { "/v2/kv/e/get" } else { "/v2/kv_history/e/get" };
            assert_eq!(api.plain(id, path).await.status, 200);
        }
        Id::KvPut => assert!(api.put("e/put", "x").await > 0),
        Id::KvPatch => {
            api.put("e/patch", "x").await;
            let answer = api.json(id, "/v2/kv/e/patch", &json!({ "flags": 7, "ttl": "1h" })).await;
            assert_eq!((answer.status, &value_of(&answer)["flags"]), (200, &json!(7)));
        }
        Id::KvDelete => assert_eq!(api.plain(id, "/v2/kv/e/absent").await.status, 204),
        Id::KvList => assert_eq!(api.plain(id, "/v2/kv?prefix=e/").await.status, 200),
        Id::KvDeleteTree => assert_eq!(api.plain(id, "/v2/kv?prefix=e/tree").await.status, 200),
        Id::KvSearch => assert_eq!(api.plain(id, "/v2/kv_search?q=e").await.status, 200),
        Id::KvDiff | Id::KvUndo => {
            api.put("e/diff", "a").await;
            api.put("e/diff", "b").await;
            let path = if id == Id::KvDiff { "/v2/kv_diff/e/diff" } else { "/v2/kv_undo/e/diff" };
            assert_eq!(api.plain(id, path).await.status, 200);
        }
        Id::Batch => {
            let body = json!({ "operations": [{ "op": "kv_get", "key": "a" }] });
            assert_eq!(api.json(id, "/v2/batch", &body).await.status, 200);
        }
        Id::Export => assert_eq!(api.plain(id, "/v2/export").await.status, 200),
        Id::Import => {
            let line = b"{\"key\":\"e/import\",\"value\":\"x\"}\n";
            let answer = api.ask(id, "/v2/import", &[("Content-Type", "application/x-ndjson")], line).await;
            assert_eq!(answer.status, 200);
        }
        Id::ServiceList => assert_eq!(api.plain(id, "/v2/services").await.status, 200),
        Id::ServiceInstances => assert_eq!(api.plain(id, "/v2/services/web").await.status, 200),
        Id::ServicePick => assert_eq!(api.plain(id, "/v2/services/web/pick").await.status, 200),
        Id::ServiceWhy => assert_eq!(api.plain(id, "/v2/services/web/why").await.status, 200),
        Id::ServiceTimeline => {
            assert_eq!(api.plain(id, "/v2/services/unknown/timeline").await.status, 404);
        }
        Id::CoordinateList => assert_eq!(api.plain(id, "/v2/coordinates").await.status, 200),
        Id::CoordinateDistance => {
            assert_eq!(api.plain(id, "/v2/coordinates/distance?from=e1&to=e2").await.status, 404);
        }
        Id::ServiceImpact => assert_eq!(api.plain(id, "/v2/services/unknown/impact").await.status, 404),
        Id::ServiceGraph => assert_eq!(api.plain(id, "/v2/graph").await.status, 200),
        Id::NodeList => assert_eq!(api.plain(id, "/v2/nodes").await.status, 200),
        Id::NodeServices => assert_eq!(api.plain(id, "/v2/nodes/unknown").await.status, 404),
        Id::CheckList => assert_eq!(api.plain(id, "/v2/checks").await.status, 200),
        Id::CheckHistory => assert_eq!(api.plain(id, "/v2/checks/n/unknown/history").await.status, 404),
        Id::CatalogRegister => {
            let body = json!({ "node": { "name": "e", "address": "10.0.0.1" } });
            assert_eq!(api.json(id, "/v2/catalog/register", &body).await.status, 204);
        }
        Id::CatalogDeregister => {
            let body = json!({ "node": "e" });
            assert_eq!(api.json(id, "/v2/catalog/deregister", &body).await.status, 204);
        }
        // The agent of these tests keeps nothing; the real one's registrations are tested with it.
        Id::AgentServices => assert_eq!(api.plain(id, "/v2/agent/services").await.status, 501),
        Id::AgentChecks => assert_eq!(api.plain(id, "/v2/agent/checks").await.status, 501),
        Id::AgentServiceRegister => {
            let answer = api.json(id, "/v2/agent/services/web", &json!({ "name": "web" })).await;
            assert_eq!(answer.status, 501);
        }
        Id::AgentServiceDeregister => {
            assert_eq!(api.plain(id, "/v2/agent/services/web").await.status, 501);
        }
        Id::AgentCheckRegister => {
            let answer =
                api.json(id, "/v2/agent/checks/beat", &json!({ "name": "beat", "ttl": "10s" })).await;
            assert_eq!(answer.status, 501);
        }
        Id::AgentCheckDeregister => assert_eq!(api.plain(id, "/v2/agent/checks/beat").await.status, 501),
        Id::AgentCheckUpdate => {
            let answer = api.json(id, "/v2/agent/checks/beat/status", &json!({ "status": "passing" })).await;
            assert_eq!(answer.status, 501);
        }
        Id::AgentMaintenance => {
            let answer = api.json(id, "/v2/agent/maintenance", &json!({ "enable": true })).await;
            assert_eq!(answer.status, 501);
        }
        Id::QueryList => assert_eq!(api.plain(id, "/v2/queries").await.status, 200),
        Id::QueryCreate => {
            let answer = api.json(id, "/v2/queries", &json!({ "name": "e", "service": "web" })).await;
            assert_eq!(answer.status, 201);
        }
        Id::QueryGet | Id::QueryUpdate | Id::QueryDelete | Id::QueryExecute | Id::QueryExplain => {
            let body = json!({ "name": id.as_str(), "service": "web" });
            let made = api.json(Id::QueryCreate, "/v2/queries", &body).await;
            let path = format!("/v2/queries/{}", value_of(&made)["id"].as_str().unwrap());
            let status = match id {
                Id::QueryUpdate => {
                    api.json(id, &path, &json!({ "name": "e2", "service": "api" })).await.status
                }
                Id::QueryExecute => api.plain(id, &format!("{path}/execute")).await.status,
                Id::QueryExplain => api.plain(id, &format!("{path}/explain")).await.status,
                _ => api.plain(id, &path).await.status,
            };
            let writes = matches!(id, Id::QueryUpdate | Id::QueryDelete);
            assert_eq!(status, if writes { 204 } else { 200 });
        }
        Id::LockList => assert_eq!(api.plain(id, "/v2/locks").await.status, 200),
        Id::LockGet | Id::LockAcquire | Id::LockRelease => {
            let session = api.session().await;
            let body = json!({ "session": session });
            let name = format!("/v2/locks/{}", id.as_str());
            let grant = api.json(Id::LockAcquire, &format!("{name}/acquire"), &body).await;
            assert_eq!(grant.status, 200);
            if id == Id::LockGet {
                assert_eq!(api.plain(id, &name).await.status, 200);
            }
            if id == Id::LockRelease {
                assert_eq!(api.json(id, &format!("{name}/release"), &body).await.status, 200);
            }
        }
        Id::SessionCreate => assert_eq!(api.plain(id, "/v2/sessions").await.status, 201),
        Id::SessionList => assert_eq!(api.plain(id, "/v2/sessions").await.status, 200),
        Id::SessionGet | Id::SessionRenew | Id::SessionDestroy => {
            let path = format!("/v2/sessions/{}", api.session().await);
            let path = if id == Id::SessionRenew { path + "/renew" } else { path };
            let status = api.plain(id, &path).await.status;
            assert_eq!(status, if id == Id::SessionDestroy { 204 } else { 200 });
        }
        Id::EventFire => assert_eq!(api.json(id, "/v2/events", &json!({ "name": "e" })).await.status, 201),
        Id::EventList => assert_eq!(api.plain(id, "/v2/events").await.status, 200),
        Id::SnapshotSave => assert_eq!(api.plain(id, "/v2/snapshot").await.status, 200),
        Id::SnapshotRestore => {
            let saved = api.plain(Id::SnapshotSave, "/v2/snapshot").await.body;
            let headers = [("Content-Type", "application/octet-stream")];
            assert_eq!(api.ask(id, "/v2/snapshot", &headers, &saved).await.status, 200);
        }
        Id::Limits => assert_eq!(api.plain(id, "/v2/limits").await.status, 200),
        Id::System => assert_eq!(api.plain(id, "/v2/system").await.status, 200),
        Id::Usage => assert_eq!(api.plain(id, "/v2/usage").await.status, 200),
        Id::BackupList => assert_eq!(api.plain(id, "/v2/backups").await.status, 200),
        Id::BackupRun => {
            assert_eq!(api.plain(id, "/v2/backups").await.status, 409, "no backups are configured");
        }
        // The agent of these tests has no figures and no log; the real one's are tested with it.
        Id::MetricsHistory => assert_eq!(api.plain(id, "/v2/metrics/history").await.status, 501),
        Id::LogLevelGet => assert_eq!(api.plain(id, "/v2/system/log_level").await.status, 501),
        Id::LogLevelSet => {
            let answer = api.json(id, "/v2/system/log_level", &json!({ "level": "debug" })).await;
            assert_eq!(answer.status, 400);
        }
        Id::Openapi => {
            let answer = api.plain(id, "/v2/openapi.json").await;
            assert_eq!((answer.status, answer.text()), (200, konsul_api::v2::OPENAPI));
        }
        // Their streams have tests of their own; here they refuse.
        Id::Watch => assert_eq!(api.plain(id, "/v2/watch").await.status, 400),
        Id::WatchSocket => assert_eq!(api.plain(id, "/v2/ws").await.status, 426),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_the_document_says_under_its_own_label() {
    let mut api = Api::start().await;
    for (_, operation) in all() {
        api.labels.take();
        exercise(&mut api, operation.id).await;
        let heard = api.labels.take();
        assert!(
            heard.iter().any(|(label, _)| *label == operation.id.as_str()),
            "{}: {heard:?}",
            operation.id.as_str()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_says_its_methods_and_refuses_others() {
    let mut api = Api::start().await;
    for (resource, operation) in all() {
        let path = resource
            .path
            .replace("{key}", "a")
            .replace("{name}", "a")
            .replace("{id}", "a")
            .replace("{node}", "a");
        let options = api.client.request("OPTIONS", &path, &[], b"").await;
        let allow = options.header("allow").unwrap().to_owned();
        assert_eq!(options.status, 204, "{path}");
        assert!(allow.split(", ").any(|method| method == operation.method.as_str()), "{path}: {allow}");
        let refused = api.client.request("TRACE", &path, &[], b"").await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow.as_str())), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_a_body() {
    let mut api = Api::start().await;
    api.put("a", "some value").await;
    let get = api.plain(Id::KvGet, "/v2/kv/a").await;
    let head = api.client.request("HEAD", "/v2/kv/a", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "content-length", "x-konsul-index"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_that_the_table_names_is_taken() {
    let mut api = Api::start().await;
    // A stream does not end.
    for (resource, operation) in all().filter(|(_, operation)| !operation.writes && operation.id != Id::Watch)
    {
        for parameter in operation.parameters.iter().filter(|one| one.place == Place::Query) {
            let path = resource
                .path
                .replace("{key}", "a")
                .replace("{name}", "a")
                .replace("{id}", "a")
                .replace("{node}", "a");
            let target = format!("{path}?{}=%00", parameter.name);
            let answer = api.client.get(&target).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains("is not known here"), "{target}: {text}");
        }
    }
}
