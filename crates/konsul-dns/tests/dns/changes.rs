//! Ready answers: kept while they hold, and no longer.

use std::sync::atomic::Ordering::SeqCst;

use konsul_dns::{Limits, Settings, Status};

use crate::client::{addresses, ask, client};
use crate::directory::small;

#[test]
fn an_answer_is_made_once_while_nothing_changes() {
    let fake = small();
    let client = client(&fake, Settings::default());
    for name in ["web", "WEB", "Web"] {
        assert_eq!(client.get(&ask(&format!("{name}.service.consul A"))).answers.len(), 2);
    }
    assert_eq!(fake.asked.load(SeqCst), 1);
    assert_eq!(client.responder.figures().ready.load(SeqCst), 2);
}

#[test]
fn a_change_elsewhere_keeps_it() {
    let fake = small();
    let client = client(&fake, Settings::default());
    for _ in 0..3 {
        client.get(&ask("web.service.consul A"));
        fake.touch();
    }
    assert_eq!(fake.asked.load(SeqCst), 1);
}

#[test]
fn a_change_of_the_service_is_seen_by_the_next_question() {
    let fake = small();
    let client = client(&fake, Settings::default());
    for status in [Status::Critical, Status::Passing, Status::Critical] {
        fake.change(|catalogue| {
            catalogue.services.get_mut("web").unwrap()[0].0.status = status;
            *catalogue.versions.get_mut("web").unwrap() += 1;
        });
        let expect = if status == Status::Critical { 1 } else { 2 };
        assert_eq!(addresses(&client.get(&ask("web.service.consul A"))).len(), expect, "{status:?}");
    }
}

#[test]
fn a_node_is_asked_for_again_after_any_change() {
    let fake = small();
    let client = client(&fake, Settings::default());
    client.get(&ask("n2.node.consul A"));
    fake.add_node(crate::directory::node("n2", "10.0.0.22"));
    assert_eq!(addresses(&client.get(&ask("n2.node.consul A")))[0].to_string(), "10.0.0.22");
}

#[test]
fn a_cache_without_room_still_answers() {
    let fake = small();
    let limits = Limits { cache_bytes: 0, ..Limits::default() };
    let client = client(&fake, Settings { limits, ..Settings::default() });
    for _ in 0..3 {
        assert_eq!(client.get(&ask("web.service.consul A")).answers.len(), 2);
    }
    assert_eq!(fake.asked.load(SeqCst), 3);
}

/// What is asked for all the time stays, however much else is asked for once.
#[test]
fn an_answer_in_use_outlives_a_sweep_of_others() {
    let fake = small();
    for number in 0..200 {
        fake.add(&format!("other-{number}"), "n2", &[], |_| {});
    }
    // Room for some twenty of them.
    let limits = Limits { cache_bytes: 16 << 10, ..Limits::default() };
    let client = client(&fake, Settings { limits, ..Settings::default() });
    for number in 0..200 {
        client.get(&ask("web.service.consul A"));
        client.get(&ask(&format!("other-{number}.service.consul A")));
    }
    assert_eq!(fake.asked.load(SeqCst), 201);
    // And what was asked for once is forgotten: the bound holds.
    client.get(&ask("other-0.service.consul A"));
    assert_eq!(fake.asked.load(SeqCst), 202);
}
