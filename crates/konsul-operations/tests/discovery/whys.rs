//! Why an instance is, or is not, in answers.

use std::sync::Arc;

use konsul_operations::Local;
use konsul_operations::Operations;
use konsul_operations::answer::WhyInstance;
use konsul_operations::arguments::ServiceWhy;
use konsul_operations::local::OperationLimits;
use konsul_operations::permission::{Authorizer, Permission};
use konsul_testkit::TestAgent;
use konsul_types::{Check, CheckAbout, CheckStatus, Service, Weights};

use crate::support::*;

fn why(name: &str) -> ServiceWhy {
    ServiceWhy { name: service_name(name), id: None, tags: vec![], filter: String::new(), passing: false }
}

async fn told(ops: &Ops, args: ServiceWhy) -> Vec<WhyInstance> {
    ops.service_why(&ctx(), args).await.unwrap().value
}

fn codes(one: &WhyInstance) -> Vec<&'static str> {
    one.reasons.iter().map(|(code, _)| *code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_causes_are_named() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "b", "web", CheckStatus::Critical).await;
    instance(ops, "n3", "c", "web", CheckStatus::Warning).await;
    let in_maintenance = |id: &str, node: &str| node_check(node, id, CheckStatus::Critical);
    instance(ops, "n4", "d", "web", CheckStatus::Passing).await;
    register(ops, node("n4"), None, vec![in_maintenance("_node_maintenance", "n4")]).await;

    let all = told(ops, ServiceWhy { passing: true, ..why("web") }).await;
    let found: Vec<_> = all.iter().map(|one| (one.in_dns, one.in_health, codes(one))).collect();
    let expect = [
        (true, true, vec![]),
        (false, false, vec!["critical_check"]),
        (true, false, vec!["warning_with_only_passing"]),
        (false, false, vec!["node_maintenance"]),
    ];
    assert_eq!(found, expect);

    // With those below and in the other tests of this file, ten causes are planted one by one.
    register(ops, node("n5"), Some(service("n5", "e", "web", &[])), vec![]).await;
    let maintained = service("n5", "e", "web", &[]);
    let check = check("n5", "_service_maintenance:e", &maintained, CheckStatus::Critical);
    register(ops, node("n5"), None, vec![check]).await;
    let idle = Service { weights: Weights { passing: 1, warning: 0 }, ..service("n6", "f", "web", &[]) };
    let warns = crate::support::check("n6", "c-f", &idle, CheckStatus::Warning);
    register(ops, node("n6"), Some(idle), vec![warns]).await;
    register(ops, node("n7"), Some(service("n7", "g", "web", &[])), vec![]).await;
    register(ops, node("n7"), None, vec![node_check("n7", "disk", CheckStatus::Critical)]).await;
    let all = told(ops, why("web")).await;
    let found: Vec<_> = all[4..].iter().map(|one| (one.in_dns, one.in_health, codes(one))).collect();
    let expect = [
        (false, true, vec!["service_maintenance"]),
        (true, true, vec!["warning_with_only_passing", "weight_zero"]),
        (false, true, vec!["node_check_critical"]),
    ];
    assert_eq!(found, expect);
    let nameless = "x".repeat(64);
    register(ops, node("n8"), Some(service("n8", "h", &nameless, &[])), vec![]).await;
    let unasked = told(ops, why(&nameless)).await;
    assert_eq!((codes(&unasked[0]), unasked[0].in_dns), (vec!["not_dns_name"], false));

    let one = ServiceWhy { id: Some(service_id("a")), ..why("web") };
    let tagged = told(ops, ServiceWhy { tags: vec!["v9".into()], ..one.clone() }).await;
    assert_eq!(codes(&tagged[0]), ["tag_missing"]);
    let filtered = told(ops, ServiceWhy { filter: "Service.Port == 1".into(), ..one }).await;
    assert_eq!((codes(&filtered[0]), filtered[0].in_dns), (vec!["filter_excluded"], true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_explained_too() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    let misspelt = told(ops, why("wbe")).await;
    assert_eq!(codes(&misspelt[0]), ["not_registered"]);
    assert!(misspelt[0].reasons[0].1.contains("similar names: web"), "{misspelt:?}");
    assert!(!misspelt[0].in_dns && !misspelt[0].in_health);
    let other = told(ops, ServiceWhy { id: Some(service_id("z")), ..why("web") }).await;
    assert_eq!(other[0].reasons[0].1, "no instance of 'web' has the id 'z'; there are: a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaping_to_come_is_told() {
    let server = start().await;
    let ops = &server.operations;
    let web = service("n1", "a", "web", &[]);
    let definition = r#"{"DeregisterCriticalServiceAfter":"30m0s"}"#.to_owned();
    let about = CheckAbout { definition, ..CheckAbout::default() };
    let check = Check { about: Some(Box::new(about)), ..check("n1", "c", &web, CheckStatus::Critical) };
    register(ops, node("n1"), Some(web), vec![check]).await;
    let told = told(ops, why("web")).await;
    assert_eq!(codes(&told[0]), ["critical_check", "about_to_be_reaped"]);
    assert!(told[0].reasons[1].1.contains("29m"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_seen_is_told_to_operators_only() {
    fn operator(_: &konsul_operations::Context, needed: &Permission<'_>) -> bool {
        !matches!(needed, Permission::NodeRead("n2"))
    }
    fn plain(ctx: &konsul_operations::Context, needed: &Permission<'_>) -> bool {
        !matches!(needed, Permission::OperatorRead) && operator(ctx, needed)
    }
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "b", "web", CheckStatus::Passing).await;
    let as_who = |rule| {
        let agent = Arc::new(TestAgent { node: node_name("test-node") });
        let replica = Arc::clone(&server.replica);
        Local::with_authorizer(replica, agent, OperationLimits::default(), Authorizer::Rule(rule))
    };
    let seen = told(&as_who(plain), why("web")).await;
    assert_eq!(seen.len(), 1);
    let seen = told(&as_who(operator), why("web")).await;
    assert_eq!((codes(&seen[0]), codes(&seen[1])), (vec![], vec!["permission_denied"]));
}
