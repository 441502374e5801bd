//! Queries are found, rendered, refused and executed as Consul's are.

use konsul_types::query::{QueryFailover, QueryTarget};
use konsul_types::{
    Check, CheckId, CheckStatus, Index, Namespace, Node, NodeName, Pairs, PreparedQuery, QueryId,
    QueryService, QueryTemplate, Service, ServiceId, ServiceName, Tags,
};

use super::*;
use crate::balance::Seeded;

fn id(n: u128) -> QueryId {
    QueryId(uuid::Uuid::from_u128(n))
}

fn plain(n: u128, name: &str, service: &str) -> PreparedQuery {
    PreparedQuery {
        id: id(n),
        name: name.into(),
        session: None,
        template: None,
        service: QueryService { service: service.into(), ..QueryService::default() },
        dns_ttl: "".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}

fn template(n: u128, name: &str, service: &str, regexp: &str) -> PreparedQuery {
    let template = QueryTemplate { regexp: regexp.into(), remove_empty_tags: true };
    PreparedQuery { template: Some(template), ..plain(n, name, service) }
}

#[test]
fn a_query_is_found_by_id_then_name_then_longest_template() {
    let shelf = [
        plain(1, "db", "exact"),
        template(2, "", "all ${name.full}", ""),
        template(3, "Geo-", "geo ${name.suffix}", ""),
        template(4, "geo-db-", "geodb ${name.suffix}", ""),
        plain(5, "", "anonymous"),
    ];
    let mut templates = Templates::new(2);
    let mut found = |asked: &str| match resolve(&shelf[..], &mut templates, asked, "") {
        Ok(query) => query.service.service.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found("DB"), "exact");
    assert_eq!(found(&id(1).to_string()), "exact");
    assert_eq!(found(&id(5).to_string().to_uppercase()), "anonymous");
    assert_eq!(
        found(&id(3).to_string()),
        "prepared query templates can only be resolved up by name, not by ID"
    );
    assert_eq!(found("geo-web"), "geo web");
    assert_eq!(found("GEO-DB-x"), "geodb x");
    assert_eq!(found("geo-db-"), "geodb ");
    assert_eq!(found("dbx"), "all dbx");
    assert_eq!(found("ge\u{f6}"), "all ge\u{f6}");
    assert_eq!(found(""), "Query not found");
    assert_eq!(found(&id(9).to_string()), format!("all {}", id(9)));
    assert_eq!(find(&shelf[3..4], "geo"), Err(ResolveError::NotFound));
}

#[test]
fn templates_are_read_again_only_when_they_changed() {
    let mut templates = Templates::new(2);
    let old = template(1, "a", "one", "");
    let first = templates.of(&old).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &templates.of(&old).unwrap()));
    let new = PreparedQuery { modify_index: Index(2), ..template(1, "a", "two", "") };
    assert_eq!(templates.of(&new).unwrap().render("a", "").unwrap().service.service, "two");
}

#[test]
fn a_template_fills_in_every_text() {
    let mut query = template(1, "geo-", "${match(1)}", "^geo-([a-z]+)-?([a-z]*)(-never)?$");
    let fill = "${name.prefix}|${name.suffix}|${match(2)}|${match(3)}|${agent.segment}";
    query.service.tags = ["${match(2)}", "!${match(2)}", "$${x}"].into_iter().collect();
    query.service.near = fill.into();
    query.service.node_meta = [("${key}", "${match(1)}")].into_iter().collect();
    query.service.service_meta = [("k", "${match(0)}")].into_iter().collect();
    query.service.ignore_check_ids = vec!["c-${match(2)}".into()];
    query.service.failover.datacenters = vec!["dc-${match(2)}".into()];
    query.service.failover.targets =
        vec![QueryTarget { peer: "${match(2)}".into(), ..QueryTarget::default() }];
    query.service.peer = "p${match(2)}".into();
    let compiled = Template::compile(&query).unwrap();
    let QueryService {
        service, near, tags, ignore_check_ids, node_meta, service_meta, peer, failover, ..
    } = compiled.render("geo-web-eu", "alpha").unwrap().service;
    assert_eq!((service.as_str(), near.as_str(), peer.as_str()), ("web", "geo-|web-eu|eu||alpha", "peu"));
    assert_eq!(tags.iter().collect::<Vec<_>>(), ["eu", "!eu", "${x}"]);
    assert_eq!((ignore_check_ids[0].as_str(), failover.datacenters[0].as_str()), ("c-eu", "dc-eu"));
    assert_eq!(failover.targets[0].peer, "eu");
    assert_eq!((node_meta.get("${key}"), service_meta.get("k")), (Some("web"), Some("geo-web-eu")));
    // Empty tags go when asked; no match makes all groups empty.
    let nothing = compiled.render("geo-7", "").unwrap().service;
    assert_eq!(nothing.tags.iter().collect::<Vec<_>>(), ["!", "${x}"]);
    let kept = QueryTemplate { remove_empty_tags: false, ..query.template.clone().unwrap() };
    query.template = Some(kept);
    let kept = Template::compile(&query).unwrap().render("geo-7", "").unwrap().service;
    assert_eq!(kept.tags.iter().next(), Some(""));
}

fn refusal(query: &PreparedQuery, change: impl FnOnce(&mut Draft<'_>)) -> Option<String> {
    let template_type = if query.template.is_some() { TEMPLATE_TYPE } else { "" };
    let nearest_n = i64::from(query.service.failover.nearest_n);
    let mut draft = Draft { query, is_new: true, id: "", template_type, token: "", nearest_n };
    change(&mut draft);
    validate(&draft).err().map(|error| error.to_string())
}

#[test]
fn definitions_are_refused_in_consuls_words() {
    let good = plain(1, "q", "web");
    let with = |change: &dyn Fn(&mut PreparedQuery)| {
        let mut query = good.clone();
        change(&mut query);
        refusal(&query, |_| ())
    };
    let invalid = |why: &str| Some(format!("Invalid prepared query: {why}"));
    assert_eq!(with(&|_| ()), None);
    let id_given = Some("ID must be empty when creating a new prepared query".to_owned());
    assert_eq!(refusal(&good, |draft| draft.id = "x"), id_given);
    assert_eq!(refusal(&good, |draft| (draft.id, draft.is_new) = ("x", false)), None);
    assert_eq!(with(&|q| q.name = "".into()), invalid("Must be bound to a session"));
    let bad_token =
        "Bad Token '<hidden>', it looks like a query definition with a redacted token was submitted";
    assert_eq!(refusal(&good, |draft| draft.token = REDACTED), invalid(bad_token));
    assert_eq!(with(&|q| q.service.service = "".into()), invalid("Must provide a Service name to query"));
    assert_eq!(refusal(&good, |draft| draft.nearest_n = -1), invalid("Bad NearestN '-1', must be >= 0"));
    let both = "Targets cannot be populated with NearestN or Datacenters";
    for other in [true, false] {
        let change = |q: &mut PreparedQuery| {
            q.service.failover.targets = vec![QueryTarget::default()];
            if other {
                q.service.failover.nearest_n = 1;
            } else {
                q.service.failover.datacenters = vec!["d".into()];
            }
        };
        assert_eq!(with(&change), invalid(both));
    }
    let meta = |key: &str, value: &str| {
        let pair = [(key.to_owned(), value.to_owned())];
        with(&|q| q.service.node_meta = pair.clone().into_iter().collect::<Pairs>())
    };
    assert_eq!(meta("consul-x", "y"), None);
    assert_eq!(meta("", "y"), invalid("Couldn't load metadata pair ('', 'y'): Key cannot be blank"));
    assert_eq!(
        meta("a b", "y"),
        invalid("Couldn't load metadata pair ('a b', 'y'): Key contains invalid characters")
    );
    assert!(meta("k", &"v".repeat(513)).unwrap().ends_with("Value is too long (limit: 512 characters)"));
    let bad_ttl = "Bad DNS TTL 'soon': time: invalid duration \"soon\"";
    assert_eq!(with(&|q| q.dns_ttl = "soon".into()), invalid(bad_ttl));
    assert_eq!(with(&|q| q.dns_ttl = "-1s".into()), invalid("DNS TTL '-1000000000', must be >=0"));
    assert_eq!(with(&|q| q.dns_ttl = "10s".into()), None);
}

#[test]
fn templates_are_refused_in_consuls_words() {
    let failed = |why: &str| Some(format!("failed compiling template: {why}"));
    let of = |service: &str, regexp: &str| refusal(&template(1, "", service, regexp), |_| ());
    assert_eq!(of("${name.full}", "^(.*)$"), None);
    let typed = refusal(&template(1, "", "x", ""), |draft| draft.template_type = "other");
    assert_eq!(typed, failed("Bad Template.Type 'other'"));
    assert_eq!(of("x", "a(b"), failed("Bad Regexp: error parsing regexp: unclosed group: `a(b`"));
    assert!(of("x", "(a{1000}){1000}").unwrap().contains("Bad Regexp: "));
    let format =
        "Bad format '${' in Service.Service: parse error at 1:3: expected expression but found end of string";
    assert_eq!(of("${", ""), failed(format));
    let evaluation = "Bad evaluation for '${nope}' in Service.Service: 1:3: unknown variable accessed: nope";
    assert_eq!(of("${nope}", ""), failed(evaluation));
    let mut tagged = template(1, "", "x", "");
    tagged.service.tags = ["a", "${match(}"].into_iter().collect();
    assert!(refusal(&tagged, |_| ()).unwrap().contains("Bad format '${match(}' in Service.Tags[1]: "));
    tagged.service.tags = Tags::default();
    tagged.service.node_meta = [("rack", "${x}")].into_iter().collect();
    assert!(
        refusal(&tagged, |_| ()).unwrap().contains("Bad evaluation for '${x}' in Service.NodeMeta[rack]: ")
    );
}

#[derive(Debug)]
struct Instance {
    node: Node,
    service: Service,
    checks: Vec<Check>,
    permitted: bool,
}

impl Candidate for Instance {
    fn node(&self) -> &Node {
        &self.node
    }
    fn service(&self) -> &Service {
        &self.service
    }
    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter()
    }
    fn is_permitted(&self) -> bool {
        self.permitted
    }
}

fn instance(node: &str) -> Instance {
    let name = NodeName::new(node).unwrap();
    let service_id = ServiceId::new("web").unwrap();
    let service_name = ServiceName::new("web").unwrap();
    Instance {
        service: Service::new(name.clone(), Namespace::default_namespace(), service_id, service_name),
        node: Node {
            id: None,
            name,
            address: format!("10.0.0.{}", &node[1..]),
            tagged_addresses: Default::default(),
            meta: Default::default(),
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
        },
        checks: Vec::new(),
        permitted: true,
    }
}

fn checked(node: &str, checks: &[(&str, CheckStatus)]) -> Instance {
    let name = NodeName::new(node).unwrap();
    let check =
        |&(id, status): &(&str, CheckStatus)| Check::new(name.clone(), CheckId::new(id).unwrap(), status);
    Instance { checks: checks.iter().map(check).collect(), ..instance(node) }
}

fn left_out(query: &QueryService, candidates: &[Instance]) -> Vec<(usize, &'static str)> {
    let mut seeded = Seeded::new(1);
    let selected = select(query, candidates, None, 0, &mut || seeded.draw());
    assert_eq!(selected.order.len() + selected.left_out.len(), candidates.len());
    selected.left_out.into_iter().map(|(at, step)| (at, step.name())).collect()
}

#[test]
fn health_counts_without_ignored_checks() {
    use CheckStatus::{Critical, Passing, Warning};
    let candidates = [
        instance("n0"),
        checked("n1", &[("a", Passing), ("b", Warning)]),
        checked("n2", &[("a", Warning), ("b", Critical)]),
        checked("n3", &[("a", Critical)]),
    ];
    let mut query = QueryService::default();
    assert_eq!(left_out(&query, &candidates), [(2, "health"), (3, "health")]);
    query.ignore_check_ids = vec!["b".into()];
    assert_eq!(left_out(&query, &candidates), [(3, "health")]);
    query.only_passing = true;
    assert_eq!(left_out(&query, &candidates), [(2, "health"), (3, "health")]);
    query.ignore_check_ids = vec!["B".into()];
    assert_eq!(left_out(&query, &candidates), [(1, "health"), (2, "health"), (3, "health")]);
}

#[test]
fn pairs_tags_and_permission_leave_out() {
    let mut candidates: Vec<Instance> = (0..4).map(|n| instance(&format!("n{n}"))).collect();
    candidates[0].node.meta.insert("rack".into(), "r1".into());
    candidates[1].node.meta.insert("rack".into(), "R1".into());
    candidates[0].service.meta = [("v", "1")].into_iter().collect();
    candidates[2].service.tags = ["Primary", "old"].into_iter().collect();
    candidates[3].service.tags = ["primary"].into_iter().collect();
    let of = |change: fn(&mut QueryService)| {
        let mut query = QueryService::default();
        change(&mut query);
        left_out(&query, &candidates)
    };
    let node = of(|q| q.node_meta = [("rack", "r1")].into_iter().collect());
    assert_eq!(node, [(1, "node_meta"), (2, "node_meta"), (3, "node_meta")]);
    let service = of(|q| q.service_meta = [("v", "1")].into_iter().collect());
    assert_eq!(service, [(1, "service_meta"), (2, "service_meta"), (3, "service_meta")]);
    let tags = of(|q| q.tags = ["PRIMARY", "!Old"].into_iter().collect());
    assert_eq!(tags, [(0, "tags"), (1, "tags"), (2, "tags")]);
    candidates[3].permitted = false;
    assert_eq!(left_out(&QueryService::default(), &candidates), [(3, "permission")]);
}

/// Twelve instances; n0 to n9 are 10 ms apart, n10 and n11 without a coordinate.
fn dozen() -> Vec<Instance> {
    (0..12).map(|n| instance(&format!("n{n}"))).collect()
}

fn order(node: &str, limit: usize, known: bool, seed: u64) -> Vec<usize> {
    let place = |node: &Node| node.name.as_str()[1..].parse::<f64>().ok().filter(|n| *n < 10.0);
    let distance = |node: &Node| place(node).filter(|_| known).map(|n| 0.01 * (n + 1.0));
    let near = (!node.is_empty()).then_some(Nearness { node, distance: &distance });
    let mut seeded = Seeded::new(seed);
    select(&QueryService::default(), &dozen(), near, limit, &mut || seeded.draw()).order
}

#[test]
fn answers_are_shuffled_and_cut() {
    let mut first = [0; 12];
    (0..6000).for_each(|seed| first[order("", 0, true, seed)[0]] += 1);
    assert!(first.iter().all(|count| (400..=600).contains(count)), "{first:?}");
    let selected = order("", 5, true, 3);
    assert_eq!(selected, order("", 0, true, 3)[..5]);
}

#[test]
fn near_sorts_and_puts_the_near_node_first() {
    let sorted = order("elsewhere", 0, true, 1);
    assert_eq!(sorted[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!((0..20).any(|seed| order("elsewhere", 0, true, seed)[10] == 11), "unknown ones stay shuffled");
    // Among the first ten: changes places with the first. Beyond: stays.
    assert_eq!(order("n9", 0, true, 1)[..10], [9, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
    assert_eq!(order("n10", 0, true, 1)[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(order("n4", 1, true, 1), [4]);
    // Without coordinates chance decides, and the near node comes first only if chance had it among the first ten.
    let firsts: Vec<usize> = (0..100).map(|seed| order("n4", 0, false, seed)[0]).collect();
    assert!(
        firsts.iter().filter(|first| **first == 4).count() > 60 && firsts.iter().any(|first| *first != 4)
    );
}

#[test]
fn near_to_whom_is_decided_by_request_then_query() {
    let nodes: Vec<Node> = dozen().into_iter().map(|instance| instance.node).collect();
    let of = |asked, query, ip| {
        let source = Source { asked, query, agent: "me", ip };
        source.of(&nodes).map_or_else(String::new, |node| node.to_string())
    };
    assert_eq!(of("", "", ""), "");
    assert_eq!((of("a", "b", ""), of("", "b", "")), ("a".into(), "b".into()));
    assert_eq!((of("_agent", "b", ""), of("", "_agent", "")), ("me".into(), "me".into()));
    assert_eq!((of("_ip", "", "10.0.0.3"), of("", "_ip", "10.9.9.9")), ("n3".into(), String::new()));
    assert_eq!(of("_ip", "b", ""), "");
}

#[test]
fn failover_goes_by_nearness_then_by_list() {
    let nearest = ["dc2", "dc3", "dc4"];
    let of = |nearest_n, datacenters: &[&str], targets: Vec<QueryTarget>| {
        let datacenters = datacenters.iter().map(|dc| (*dc).into()).collect();
        let places = failover(&QueryFailover { nearest_n, datacenters, targets }, &nearest);
        places.iter().map(|place| format!("{}{}", place.datacenter, place.peer)).collect::<Vec<_>>()
    };
    assert_eq!(of(0, &[], vec![]), [""; 0]);
    assert_eq!(of(2, &["dc4", "dc2", "dc9"], vec![]), ["dc2", "dc3", "dc4"]);
    assert_eq!(of(9, &["dc4"], vec![]), ["dc2", "dc3", "dc4"]);
    assert_eq!(of(0, &["dc4", "dc9", "dc2"], vec![]), ["dc4", "dc2"]);
    let target = |datacenter: &str, peer: &str| QueryTarget {
        datacenter: datacenter.into(),
        peer: peer.into(),
        ..QueryTarget::default()
    };
    assert_eq!(of(0, &[], vec![target("", "peer1"), target("dc9", ""), target("dc3", "")]), ["peer1", "dc3"]);
}
