//! `/v1` and `/v2` over one catalogue: what the same tags, pairs and filters find, names that are unusual, ids that are
//! there twice, and filters that are refused.

use konsul_api::v2::operations::Id;
use serde_json::{Value, json};

use crate::api::{Api, told, value_of};

const NODES: [(&str, &str); 3] = [("n1", "a"), ("n2", "b"), ("n3", "a")];
const TAGS: [&[&str]; 4] = [&[], &["v1"], &["v1", "blue"], &["blue", "b,c"]];

async fn put(api: &mut Api, body: &Value) {
    let answer = api.client.put("/v1/catalog/register", body.to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (200, "true"), "{body}");
}

/// On each node an instance with each set of tags; teams and states go round.
async fn start() -> Api {
    let mut api = Api::start().await;
    for (number, ((node, rack), tags)) in
        NODES.iter().flat_map(|node| TAGS.iter().map(move |tags| (node, tags))).enumerate()
    {
        let id = format!("web-{number}");
        let team = ["red", "green", ""][number % 3];
        let meta = if team.is_empty() { json!({}) } else { json!({ "team": team, "n": number.to_string() }) };
        let status = ["passing", "warning", "critical", "passing"][number % 4];
        let service =
            json!({ "ID": id, "Service": "web", "Port": 8000 + number, "Tags": tags, "Meta": meta });
        let check = json!({ "CheckID": format!("c-{number}"), "Status": status, "ServiceID": id });
        put(&mut api, &json!({ "Node": node, "Address": "10.0.0.1", "NodeMeta": { "rack": rack }, "Service": service, "Check": check })).await;
    }
    api
}

fn sorted(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = found.collect();
    found.sort();
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What `/v1` finds, where health and catalogue must find the same.
async fn over_v1(api: &mut Api, name: &str, health: &str, catalog: Option<&str>) -> Vec<String> {
    let answer = api.client.get(&format!("/v1/health/service/{name}?{health}")).await;
    assert_eq!(answer.status, 200, "{health}: {}", answer.text());
    let found = value_of(&answer);
    let found = sorted(found.as_array().unwrap().iter().map(|one| text(&one["Service"]["ID"])));
    if let Some(parameters) = catalog {
        let answer = api.client.get(&format!("/v1/catalog/service/{name}?{parameters}")).await;
        let listed = value_of(&answer);
        let listed = sorted(listed.as_array().unwrap().iter().map(|one| text(&one["ServiceID"])));
        assert_eq!(listed, found, "{parameters}");
    }
    found
}

async fn over_v2(api: &mut Api, name: &str, parameters: &str) -> Vec<String> {
    let answer = api.plain(Id::ServiceInstances, &format!("/v2/services/{name}?{parameters}")).await;
    assert_eq!(answer.status, 200, "{parameters}: {}", answer.text());
    sorted(value_of(&answer)["items"].as_array().unwrap().iter().map(|one| text(&one["id"])))
}

fn encoded(expression: &str) -> String {
    expression.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_pairs_find_the_same() {
    let mut api = start().await;
    let tags = ["", "&tag=v1", "&tag=BLUE", "&tag=v1&tag=blue", "&tag=b%2Cc", "&tag=none"];
    let racks = ["", "&node-meta=rack:a", "&node-meta=rack:b", "&node-meta=rack:c"];
    let mut sizes = std::collections::BTreeSet::new();
    for (tag, rack) in tags.iter().flat_map(|tag| racks.iter().map(move |rack| (tag, rack))) {
        let asked = format!("stale{tag}{rack}");
        let first = over_v1(&mut api, "web", &asked, Some(&asked)).await;
        let own = asked.replace("stale", "").replace("node-meta", "node_meta");
        assert_eq!(over_v2(&mut api, "web", own.trim_start_matches('&')).await, first, "{asked}");
        let passing = over_v1(&mut api, "web", &format!("{asked}&passing"), None).await;
        assert_eq!(over_v2(&mut api, "web", &format!("passing{own}")).await, passing, "{asked}");
        sizes.insert(first.len());
    }
    // All, some and none were found, so that an answer that is always the same would show.
    assert!(sizes.contains(&0) && sizes.contains(&12) && sizes.len() > 4, "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_filters_find_the_same() {
    let mut api = start().await;
    // Over `/v2` pairs of an instance have a parameter; over `/v1` they are a filter.
    for (pairs, expression) in [
        ("meta=team:red", r#"Service.Meta.team == "red""#),
        ("meta=team:red&meta=n:3", r#"Service.Meta.team == "red" and Service.Meta.n == "3""#),
        ("meta=team:none", r#"Service.Meta.team == "none""#),
    ] {
        let filter = format!("filter={}", encoded(expression));
        assert_eq!(
            over_v2(&mut api, "web", pairs).await,
            over_v1(&mut api, "web", &filter, None).await,
            "{pairs}"
        );
    }
    for (expression, count) in [
        (r#""blue" in Service.Tags and Node.Meta.rack == "a""#, 4),
        ("Service.Meta is empty", 4),
        (r#"Checks.Status == "critical""#, 3),
        ("Service.Port == 8003 or Service.ID matches `web-1.$`", 3),
        (r#"not (Service.Meta.team == "green") and Node.Node != n1"#, 5),
    ] {
        let filter = format!("filter={}", encoded(expression));
        let found = over_v1(&mut api, "web", &filter, None).await;
        assert_eq!((found.len(), &over_v2(&mut api, "web", &filter).await), (count, &found), "{expression}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_that_cannot_be_are_refused_alike() {
    let mut api = start().await;
    let nested = |depth: usize| format!("{}Node.Node == a{}", "(".repeat(depth), ")".repeat(depth));
    for (expression, words) in [
        ("Nope == 1".to_owned(), "Selector \"Nope\" is not valid"),
        ("Service.Nope == 1".to_owned(), "Selector \"Service.Nope\" is not valid"),
        (nested(500), "64"),
        ("Node.Node ==".to_owned(), ""),
    ] {
        let short: String = expression.chars().take(40).collect();
        // A text of which each byte is three would be too long for a request's head.
        let target = expression.replace(' ', "%20");
        let first = api.client.get(&format!("/v1/health/service/web?filter={target}")).await;
        // Consul's servers refuse them, and its edge makes 500 of that.
        assert_eq!(first.status, 500, "{short}: {}", first.text());
        assert!(first.text().contains(words), "{short}: {}", first.text());
        let second = api.plain(Id::ServiceInstances, &format!("/v2/services/web?filter={target}")).await;
        assert_eq!(
            (told(&second).1.as_str(), second.text().contains(&words.replace('"', "\\\""))),
            ("bad_filter", true),
            "{short}: {}",
            second.text()
        );
    }
    // A megabyte does not come through the head of a request, over either, and the server goes on.
    for path in ["/v1/health/service/web", "/v2/services/web"] {
        let mut client = crate::support::client::Client::connect(api.address).await;
        let request = format!("GET {path}?filter={} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 20));
        client.send(request.as_bytes()).await;
        let refused = client.answer(false).await.unwrap();
        assert!([414, 431].contains(&refused.status), "{}", refused.status);
    }
    assert_eq!(over_v2(&mut api, "web", "").await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_on_two_nodes_is_two_instances() {
    let mut api = Api::start().await;
    for (node, port) in [("n1", 1), ("n2", 2)] {
        let service = json!({ "ID": "same", "Service": "web", "Port": port });
        let check = json!({ "CheckID": "same", "Status": "passing", "ServiceID": "same" });
        put(&mut api, &json!({ "Node": node, "Address": "10.0.0.1", "Service": service, "Check": check }))
            .await;
    }
    let worse = json!({ "CheckID": "same", "Status": "critical", "ServiceID": "same" });
    put(&mut api, &json!({ "Node": "n2", "SkipNodeUpdate": true, "Check": worse })).await;
    assert_eq!(over_v1(&mut api, "web", "", Some("")).await, ["same", "same"]);
    assert_eq!(over_v1(&mut api, "web", "passing", None).await, ["same"], "each has its own check");
    let found = value_of(&api.plain(Id::ServiceInstances, "/v2/services/web?passing").await);
    assert_eq!((&found["items"][0]["node"], found["items"].as_array().unwrap().len()), (&json!("n1"), 1));
    // One goes, with its check, and the other stays.
    let gone = json!({ "Node": "n1", "ServiceID": "same" });
    let answer = api.client.put("/v1/catalog/deregister", gone.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(over_v2(&mut api, "web", "").await, ["same"]);
    let left = value_of(&api.client.get("/v1/health/checks/web").await);
    assert_eq!((&left[0]["Node"], left.as_array().unwrap().len()), (&json!("n2"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_unusual_are_kept_as_they_are() {
    let mut api = Api::start().await;
    let long = "x".repeat(300);
    for (number, name) in ["a.b", "a b", "größe-日本", "a/b", long.as_str()].into_iter().enumerate() {
        let id = format!("i{number}");
        put(
            &mut api,
            &json!({ "Node": "n1", "Address": "10.0.0.1", "Service": { "ID": id, "Service": name } }),
        )
        .await;
        let path = encoded(name);
        assert_eq!(over_v1(&mut api, &path, "", Some("")).await, [id.as_str()], "{name}");
        assert_eq!(over_v2(&mut api, &path, "").await, [id.as_str()], "{name}");
        let why = value_of(&api.plain(Id::ServiceWhy, &format!("/v2/services/{path}/why")).await);
        assert_eq!(why["items"][0]["in_dns"], json!(name.len() <= 63), "{name}: {why}");
    }
    for (name, why) in [("x".repeat(513), "513 bytes; at most 512 are allowed"), ("a\nb".into(), "control")] {
        let body = json!({ "Node": "n1", "Address": "10.0.0.1", "Service": { "Service": name } });
        let refused = api.client.put("/v1/catalog/register", body.to_string().as_bytes()).await;
        assert!(
            refused.status >= 400 && refused.text().contains(why),
            "{}: {}",
            refused.status,
            refused.text()
        );
        let body = json!({ "node": { "name": "n1", "address": "10.0.0.1" }, "service": { "name": name } });
        let refused = api.json(Id::CatalogRegister, "/v2/catalog/register", &body).await;
        assert!(
            refused.status == 400 && refused.text().contains(why),
            "{}: {}",
            refused.status,
            refused.text()
        );
    }
}
