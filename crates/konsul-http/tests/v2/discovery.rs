//! Services, nodes, checks and queries against a real state.

use konsul_api::v2::operations::Id;
use serde_json::{Value, json};

use crate::api::{Api, told, value_of};

/// Two nodes with an instance of `web` each; the second one's check is critical. `web` needs `db`.
async fn start() -> Api {
    let mut api = Api::start().await;
    for (node, zone, status) in [("n1", "a", "passing"), ("n2", "b", "critical")] {
        let body = json!({
            "node": { "name": node, "address": "10.0.0.1", "meta": { "zone": zone } },
            "service": {
                "name": "web", "id": format!("web-{zone}"), "port": 80, "tags": ["v1", zone],
                "meta": { "team": zone }, "depends_on": [{ "service": "db" }],
            },
            "checks": [{ "id": "up/1", "service_id": format!("web-{zone}"), "status": status, "output": "seen" }],
        });
        let answer = api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    api
}

async fn ids(api: &mut Api, target: &str) -> Vec<String> {
    let answer = api.plain(Id::ServiceInstances, target).await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    let items = value_of(&answer)["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_counted_by_health() {
    let mut api = start().await;
    let all = value_of(&api.plain(Id::ServiceList, "/v2/services").await);
    let web = all["items"].as_array().unwrap().iter().find(|one| one["name"] == "web").unwrap().clone();
    assert_eq!((&web["passing"], &web["critical"]), (&json!(1), &json!(1)));
    assert_eq!(web["tags"], json!(["a", "b", "v1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_narrowed_by_every_parameter() {
    let mut api = start().await;
    let at = "/v2/services/web";
    assert_eq!(ids(&mut api, at).await, ["web-a", "web-b"]);
    assert_eq!(ids(&mut api, &format!("{at}?passing")).await, ["web-a"]);
    assert_eq!(ids(&mut api, &format!("{at}?tag=V1&tag=b")).await, ["web-b"]);
    assert_eq!(ids(&mut api, &format!("{at}?meta=team:b")).await, ["web-b"]);
    assert_eq!(ids(&mut api, &format!("{at}?node_meta=zone:a")).await, ["web-a"]);
    assert_eq!(ids(&mut api, &format!("{at}?filter=Service.ID==%22web-b%22")).await, ["web-b"]);
    assert_eq!(ids(&mut api, "/v2/services/unknown").await, [""; 0]);
    let whole = value_of(&api.plain(Id::ServiceInstances, at).await);
    let second = &whole["items"][1];
    assert_eq!((&second["status"], &second["weight"]), (&json!("critical"), &json!(0)));
    assert_eq!(second["checks"][0]["output"], "seen");
    assert_eq!(second["depends_on"], json!([{ "service": "db", "required": true }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_a_cursor_belongs_to_its_question() {
    let mut api = start().await;
    let first = value_of(&api.plain(Id::ServiceInstances, "/v2/services/web?limit=1").await);
    assert_eq!(first["items"][0]["id"], "web-a");
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    // What was shown last may be gone by now: the next one is shown all the same.
    let gone = json!({ "node": "n1", "service_id": "web-a" });
    assert_eq!(api.json(Id::CatalogDeregister, "/v2/catalog/deregister", &gone).await.status, 204);
    assert_eq!(ids(&mut api, &format!("/v2/services/web?limit=1&cursor={cursor}")).await, ["web-b"]);
    for other in ["/v2/services/api?limit=1", "/v2/services/web?tag=v1"] {
        let answer = api.plain(Id::ServiceInstances, &format!("{other}&cursor={cursor}")).await;
        assert_eq!(told(&answer).1, "cursor_mismatch");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_usable_instance_is_picked_and_why_says_it() {
    let mut api = start().await;
    let picked = value_of(&api.plain(Id::ServicePick, "/v2/services/web/pick?count=5&strategy=random").await);
    let found: Vec<&Value> = picked["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!((found, &picked["strategy"]), (vec![&json!("web-a")], &json!("random")));
    let refused = api.plain(Id::ServicePick, "/v2/services/web/pick?strategy=best").await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let why = value_of(&api.plain(Id::ServiceWhy, "/v2/services/web/why?id=web-b&passing").await);
    let why = &why["items"][0];
    assert_eq!((&why["in_dns"], &why["in_health"]), (&json!(false), &json!(false)));
    assert!(
        why["reasons"].as_array().unwrap().iter().any(|one| one["detail"].as_str().unwrap().contains("up/1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_tells_what_is_needed_and_draws_it() {
    let mut api = start().await;
    let graph = value_of(&api.plain(Id::ServiceGraph, "/v2/graph").await);
    let web = graph["services"].as_array().unwrap().iter().find(|one| one["name"] == "web").unwrap().clone();
    assert_eq!(web["needs"], json!([{ "service": "db", "required": true, "origin": "declared" }]));
    assert_eq!((&web["status"], &web["effective"]), (&json!("warning"), &json!("critical")));
    assert_eq!(web["because"], json!(["web", "db"]));
    let impact = value_of(&api.plain(Id::ServiceImpact, "/v2/services/db/impact").await);
    assert_eq!(impact["reached"], json!([{ "service": "web", "effect": "broken", "path": ["web", "db"] }]));
    for (media, word) in
        [("text/plain", "db"), ("text/vnd.mermaid", "flowchart"), ("text/vnd.graphviz", "digraph")]
    {
        let answer = api.client.request("GET", "/v2/graph?service=web", &[("Accept", media)], b"").await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").unwrap().starts_with(media), "{answer:?}");
        assert!(answer.text().contains(word), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_its_past_under_an_id_with_a_slash() {
    let mut api = start().await;
    let body = json!({
        "node": { "name": "n1", "address": "10.0.0.1", "meta": { "zone": "a" } },
        "checks": [{ "id": "up/1", "service_id": "web-a", "status": "warning", "output": "slow" }],
    });
    assert_eq!(api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await.status, 204);
    let past = value_of(&api.plain(Id::CheckHistory, "/v2/checks/n1/up%2F1/history").await);
    assert_eq!(past["check"]["status"], "warning");
    let steps: Vec<(&Value, &Value)> =
        past["transitions"].as_array().unwrap().iter().map(|one| (&one["to"], &one["output"])).collect();
    assert_eq!(steps, [(&json!("warning"), &json!("slow")), (&json!("passing"), &json!("seen"))]);
    let bad = value_of(&api.plain(Id::CheckList, "/v2/checks?status=critical").await);
    let nodes: Vec<&Value> = bad["items"].as_array().unwrap().iter().map(|one| &one["node"]).collect();
    assert_eq!(nodes, [&json!("n2")]);
    let node = value_of(&api.plain(Id::NodeServices, "/v2/nodes/n1").await);
    assert_eq!((&node["status"], &node["services"][0]["status"]), (&json!("passing"), &json!("warning")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_a_service_is_merged_newest_first() {
    let mut api = start().await;
    let body = json!({
        "node": { "name": "n1", "address": "10.0.0.1", "meta": { "zone": "a" } },
        "checks": [{ "id": "up/1", "service_id": "web-a", "status": "warning", "output": "slow" },
                   { "id": "disk", "status": "critical", "output": "full" }],
    });
    assert_eq!(api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await.status, 204);
    let past = value_of(&api.plain(Id::ServiceTimeline, "/v2/services/web/timeline").await);
    let items = past["items"].as_array().unwrap();
    let newest: Vec<_> = items[..2].iter().map(|one| (&one["check_id"], &one["output"])).collect();
    assert!(newest.contains(&(&json!("disk"), &json!("full"))), "{past}");
    assert!(newest.contains(&(&json!("up/1"), &json!("slow"))), "{past}");
    let indexes: Vec<u64> = items.iter().map(|one| one["index"].as_u64().unwrap()).collect();
    assert!(indexes.is_sorted_by(|one, next| one >= next), "{past}");
    let disk = items.iter().find(|one| one["check_id"] == "disk").unwrap();
    assert_eq!((disk.get("service_id"), &disk["node"]), (None, &json!("n1")));
    let few = value_of(&api.plain(Id::ServiceTimeline, "/v2/services/web/timeline?limit=1").await);
    assert_eq!(few["items"].as_array().unwrap().len(), 1);
    let unknown = api.plain(Id::ServiceTimeline, "/v2/services/none/timeline").await;
    assert_eq!(told(&unknown).1, "service_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn distances_are_estimated_from_coordinates() {
    let mut api = start().await;
    for (node, x) in [("n1", 0.0), ("n2", 0.5)] {
        let place = json!({ "Node": node, "Coord": { "Vec": [x, 0, 0, 0, 0, 0, 0, 0], "Error": 1.0, "Height": 0.01 } });
        let body = place.to_string();
        let put = api.client.request("PUT", "/v1/coordinate/update", &[], body.as_bytes()).await;
        assert_eq!(put.status, 200, "{}", put.text());
    }
    let page = value_of(&api.plain(Id::CoordinateList, "/v2/coordinates?limit=1").await);
    assert_eq!((&page["items"][0]["node"], &page["items"][0]["height"]), (&json!("n1"), &json!(0.01)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let next =
        value_of(&api.plain(Id::CoordinateList, &format!("/v2/coordinates?limit=1&cursor={cursor}")).await);
    assert_eq!((&next["items"][0]["node"], &next["next_cursor"]), (&json!("n2"), &Value::Null));
    let path = "/v2/coordinates/distance?from=n1&to=n2";
    let far = value_of(&api.plain(Id::CoordinateDistance, path).await);
    assert!((far["rtt_seconds"].as_f64().unwrap() - 0.52).abs() < 1e-9, "{far}");
    let body = json!({ "node": { "name": "n3", "address": "10.0.0.3" } });
    assert_eq!(api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await.status, 204);
    let path = "/v2/coordinates/distance?from=n1&to=n3";
    let unknown = value_of(&api.plain(Id::CoordinateDistance, path).await);
    assert_eq!((unknown.get("rtt_seconds"), &unknown["unknown"]), (None, &json!(["n3"])));
    let refused = api.plain(Id::CoordinateDistance, "/v2/coordinates/distance?from=n1").await;
    assert_eq!(told(&refused), (400, "invalid_parameter".to_owned(), vec!["to".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_executed_and_explained() {
    let mut api = start().await;
    let body = json!({ "name": "near-web", "service": "web", "tags": ["v1"], "dns_ttl": "10s" });
    let made = api.json(Id::QueryCreate, "/v2/queries", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let found = value_of(&api.plain(Id::QueryExecute, "/v2/queries/near-web/execute").await);
    assert_eq!((&found["service"], &found["items"][0]["id"]), (&json!("web"), &json!("web-a")));
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "critical ones are left out");
    let explained = value_of(&api.plain(Id::QueryExplain, "/v2/queries/near-web/explain").await);
    assert_eq!(explained["definition"]["dns_ttl"], "10s");
    let twice = api.json(Id::QueryCreate, "/v2/queries", &body).await;
    assert_eq!(told(&twice).1, "query_name_taken");
    assert_eq!(told(&api.plain(Id::QueryExecute, "/v2/queries/nothing/execute").await).1, "query_not_found");
    // One without a name answers for every name, of the length that the document gives.
    let all = json!({ "name": "", "service": "web", "template": {} });
    assert_eq!(api.json(Id::QueryCreate, "/v2/queries", &all).await.status, 201);
    for (length, status) in [(512, 200), (513, 400)] {
        for (id, what) in [(Id::QueryExecute, "execute"), (Id::QueryExplain, "explain")] {
            let path = format!("/v2/queries/{}/{what}", "n".repeat(length));
            assert_eq!(api.plain(id, &path).await.status, status, "{length} {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_registration_is_listed_with_its_place() {
    let mut api = Api::start().await;
    let body = json!({
        "node": { "name": "a/b", "address": "10.0.0.1" },
        "service": {
            "name": "web", "port": 70_000, "weights": { "passing": 0, "warning": 1 }, "strategy": "best",
            "checks": [{ "ttl": "10s", "name": "beat" }],
        },
        "checks": [{ "id": "", "status": "passing" }],
    });
    let (status, code, places) = told(&api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await);
    assert_eq!((status, code.as_str()), (400, "invalid_body"));
    for place in ["/node/name", "/service/port", "/service/strategy", "/service", "/service/checks"] {
        assert!(places.iter().any(|found| found == place), "{place}: {places:?}");
    }
    let both = json!({ "node": "n", "service_id": "a", "check_id": "b" });
    let refused = api.json(Id::CatalogDeregister, "/v2/catalog/deregister", &both).await;
    assert_eq!(told(&refused).1, "invalid_body");
    let filter = api.plain(Id::ServiceInstances, "/v2/services/web?filter=Nothing.Here==1").await;
    assert_eq!(told(&filter).1, "bad_filter");
    let pair = api.plain(Id::ServiceInstances, "/v2/services/web?meta=nopair").await;
    assert_eq!(told(&pair), (400, "invalid_parameter".to_owned(), vec!["meta".to_owned()]));
}
