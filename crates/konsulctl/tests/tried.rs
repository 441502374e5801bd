//! Checks that are run here and now, and questions to DNS that are explained.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use support::{Node, Shell};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// A server of HTTP that answers everybody with this status, for as long as the test runs.
fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // One read is enough for what a check sends.
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nbusy");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// A shell whose server does not exist.
fn nobody() -> Shell {
    Shell::on("127.0.0.1:1")
}

#[test]
fn a_check_is_run_and_explained_without_a_server() {
    let shell = nobody();
    let (good, slow, bad) = (answering("200 OK"), answering("429 Too Many"), answering("500 No"));
    let http =
        |at: &str| shell.run(&["check", "run", "--http", &format!("http://me:secret@{at}/h"), "-o", "json"]);
    let one = |done: &support::Done| json(&done.out)[0].clone();
    let passed = http(&good);
    assert_eq!((passed.code, &one(&passed)["status"]), (Some(0), &"passing".into()), "{passed:?}");
    assert!(one(&passed)["output"].as_str().unwrap().contains("200 OK Output: busy"), "{passed:?}");
    assert_eq!(one(&passed)["asks"], format!("GET http://me:***@{good}/h"));
    assert!(!passed.out.contains("secret"), "{passed:?}");
    let warned = http(&slow);
    assert_eq!((warned.code, &one(&warned)["status"]), (Some(0), &"warning".into()), "{warned:?}");
    let failed = http(&bad);
    assert_eq!((failed.code, &one(&failed)["status"]), (Some(1), &"critical".into()), "{failed:?}");
    assert!(failed.err.contains("critical: http"), "{failed:?}");
    let refused = shell.run(&["check", "run", "--tcp", "127.0.0.1:1"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("connection refused"), "{refused:?}");
}

#[test]
fn a_file_with_thresholds_says_what_they_would_do() {
    let shell = nobody();
    let bad = answering("500 No");
    let text = format!(
        "check {{\n id = \"api\"\n name = \"api\"\n http = \"http://{bad}/\"\n interval = \"1s\"\n timeout = \"9s\"\n \
         failures_before_warning = 2\n failures_before_critical = 4\n}}\n\
         service {{\n name = \"web\"\n check {{\n ttl = \"30s\"\n }}\n}}\n"
    );
    std::fs::write(shell.path("all.hcl"), &text).unwrap();
    let done = shell.run(&["check", "run", "all.hcl", "-o", "json"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let all = json(&done.out);
    let api = all.as_array().unwrap().iter().find(|one| one["id"] == "api").unwrap();
    assert_eq!(
        api["then"],
        serde_json::json!([{ "results": 2, "status": "warning" }, { "results": 4, "status": "critical" }])
    );
    assert!(api["notes"][0].as_str().unwrap().contains("time-out 9s"), "{api}");
    let ttl = all.as_array().unwrap().iter().find(|one| one["id"] == "service:web").unwrap();
    assert_eq!((&ttl["status"], &ttl["kind"]), (&serde_json::Value::Null, &"ttl".into()));
    // Alone it has nothing to run, and one that is not there is named.
    let alone = shell.run(&["check", "run", "all.hcl", "--id", "service:web"]);
    assert_eq!(alone.code, Some(2), "{alone:?}");
    assert_eq!(shell.run(&["check", "run", "all.hcl", "--id", "none"]).code, Some(3));
    let fed = shell.fed(&["check", "run", "-"], text.as_bytes());
    assert_eq!(fed.code, Some(1), "{fed:?}");
    let wrong = shell.fed(&["check", "run", "-"], b"check {\n name = \"x\"\n http = \"nowhere\"\n}\n");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("nothing was run") && wrong.err.contains("3:"), "{wrong:?}");
}

#[test]
fn programs_run_only_where_it_is_said_and_are_cut_at_their_time() {
    let shell = nobody();
    let barred = shell.run(&["check", "run", "--", "touch", "was-here"]);
    assert_eq!(barred.code, Some(2), "{barred:?}");
    assert!(barred.err.contains("--enable-script-checks") && !shell.path("was-here").exists(), "{barred:?}");
    let run = |words: &[&str]| {
        let before = ["check", "run", "--enable-script-checks", "-o", "json", "--run-timeout", "1s", "--"];
        shell.run(&[&before[..], words].concat())
    };
    let warned = run(&["sh", "-c", "echo half; exit 1"]);
    assert_eq!((warned.code, &json(&warned.out)[0]["status"]), (Some(0), &"warning".into()), "{warned:?}");
    assert_eq!(json(&warned.out)[0]["output"], "half\n");
    let patient =
        ["check", "run", "--enable-script-checks", "-o", "json", "--run-timeout", "1m", "--", "true"];
    assert_eq!(json(&shell.ok(&patient))[0]["timeout"], "1m0s");
    let late = run(&["sh", "-c", "trap '' TERM; sleep 60"]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(json(&late.out)[0]["output"].as_str().unwrap().starts_with("Timed out (1s)"), "{late:?}");
}

#[test]
fn dns_is_asked_and_each_record_explained() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    for (id, at, port) in [("web-1", "10.0.0.1", "81"), ("web-2", "10.0.0.2", "82")] {
        let words = ["service", "register", "--name", "web", "--id", id, "--port", port, "--on-node", id];
        shell.ok(&[&words[..], &["--node-address", at, "--address", at, "--tag", id]].concat());
    }
    let dns =
        |words: &[&str]| shell.run(&[&["dns", "--dns-server", &node.dns, "-o", "json"][..], words].concat());
    let found = dns(&["web.service.consul", "srv"]);
    assert_eq!(found.code, Some(0), "{found:?}");
    let answer = json(&found.out);
    assert_eq!((&answer["code"], &answer["transport"]), (&"NOERROR".into(), &"udp".into()));
    let srv: Vec<_> =
        answer["records"].as_array().unwrap().iter().filter(|one| one["section"] == "answer").collect();
    let mut ids: Vec<&str> = srv.iter().map(|one| one["instances"][0]["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["web-1", "web-2"], "{answer}");
    for one in &srv {
        assert!(one["says"].as_str().unwrap().contains("weight 1 is its weight while it passes"), "{one}");
        assert_eq!(one["ttl_from"], "dns_config.service_ttl, else dns_config.node_ttl");
    }
    let tagged = json(&dns(&["web-2.web.service.consul", "--tcp"]).out);
    assert_eq!(tagged["transport"], "tcp");
    let records = tagged["records"].as_array().unwrap();
    assert_eq!((records.len(), &records[0]["data"]), (1, &"10.0.0.2".into()));
    assert_eq!(records[0]["says"], "web-2 on web-2, passing");
    let none = dns(&["none.service.consul"]);
    assert_eq!(none.code, Some(3), "{none:?}");
    assert_eq!(json(&none.out)["code"], "NXDOMAIN");
    assert!(!json(&none.out)["why"].as_array().unwrap().is_empty(), "{none:?}");
    let no_data = dns(&["web.service.consul", "AAAA"]);
    assert_eq!(no_data.code, Some(3), "{no_data:?}");
    assert!(no_data.out.contains("2 instances are in DNS, with addresses of another kind"), "{no_data:?}");
    assert_eq!(dns(&["web.service.consul", "FOO"]).code, Some(2));
    let turned = json(&dns(&["10.0.0.1", "PTR"]).out);
    assert_eq!(turned["name"], "1.0.0.10.in-addr.arpa.");
    assert_eq!(turned["records"][0]["data"], "web-1.node.dc1.consul.", "{turned}");
    // Nobody has reported for its check yet, so that DNS leaves it out.
    let silent = "service {\n name = \"web\"\n id = \"web-3\"\n port = 83\n check {\n ttl = \"1h\"\n }\n}\n";
    std::fs::write(shell.path("silent.hcl"), silent).unwrap();
    shell.ok(&["service", "register", "silent.hcl"]);
    let answer = json(&dns(&["web.service.consul", "SRV"]).out);
    let left: Vec<_> = answer["left_out"].as_array().unwrap().iter().collect();
    assert_eq!((left.len(), &left[0]["id"], &left[0]["status"]), (1, &"web-3".into(), &"critical".into()));
    let told = shell.ok(&["dns", "--dns-server", &node.dns, "web.service.consul", "SRV", "-o", "table"]);
    assert!(told.contains("left out: web-3 on ") && told.matches("TTL 0").count() == 1, "{told}");
    let other = dns(&["example.com"]);
    assert!(other.code == Some(1) && other.err.contains("recursors"), "{other:?}");
    let silent = shell.run(&["dns", "--dns-server", "127.0.0.1:1", "web.service.consul"]);
    assert_eq!(silent.code, Some(5), "{silent:?}");
}

#[test]
fn an_answer_that_is_too_large_for_a_datagram_comes_over_tcp() {
    // Without it a server cuts in silence, as Consul does.
    let node = Node::with(&["-hcl=dns_config { enable_truncate = true }"]);
    let shell = Shell::on(&node.address);
    let block = |n: usize| {
        format!(
            "service {{\n name = \"web\"\n id = \"web-{n}\"\n port = {}\n address = \"10.0.1.{n}\"\n}}\n",
            8000 + n
        )
    };
    std::fs::write(shell.path("many.hcl"), (1..=100).map(block).collect::<String>()).unwrap();
    // They go in one request, and each is told of.
    let told = shell.ok(&["service", "register", "many.hcl"]);
    assert_eq!(told.lines().count(), 100, "{told}");
    let found = shell.ok(&["dns", "--dns-server", &node.dns, "web.service.consul", "SRV", "-o", "json"]);
    let answer = json(&found);
    assert_eq!((&answer["transport"], &answer["truncated"]), (&"tcp after udp".into(), &false.into()));
    let answers = answer["records"].as_array().unwrap().iter().filter(|one| one["section"] == "answer");
    assert_eq!(answers.filter(|one| one["instances"][0]["service"] == "web").count(), 100, "{answer}");
}

#[test]
fn the_past_of_a_service_is_told_and_distances_are_estimated() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    let hcl =
        "service {\n name = \"web\"\n check {\n id = \"beat\"\n name = \"beat\"\n ttl = \"1h\"\n }\n}\n";
    std::fs::write(shell.path("web.hcl"), hcl).unwrap();
    shell.ok(&["service", "register", "web.hcl"]);
    shell.ok(&["check", "pass", "beat", "42 jobs"]);
    shell.ok(&["check", "fail", "beat", "no worker"]);
    let past = json(&shell.ok(&["service", "timeline", "web", "-o", "json"]));
    let beat: Vec<_> = past.as_array().unwrap().iter().filter(|one| one["check_id"] == "beat").collect();
    assert_eq!((&beat[0]["to"], &beat[0]["output"]), (&"critical".into(), &"no worker".into()), "{past}");
    assert_eq!((&beat[1]["to"], &beat[1]["service_id"]), (&"passing".into(), &"web".into()), "{past}");
    assert_eq!(shell.ok(&["service", "timeline", "web", "--limit", "1", "-o", "plain"]).lines().count(), 1);
    assert_eq!(shell.run(&["service", "timeline", "none"]).code, Some(3));

    for (name, x) in [("a", 0.0), ("b", 0.25)] {
        let words = ["service", "register", "--name", "n", "--on-node", name, "--node-address", "10.0.0.1"];
        shell.ok(&words);
        let body = format!(
            r#"{{"Node":"{name}","Coord":{{"Vec":[{x},0,0,0,0,0,0,0],"Error":1,"Adjustment":0,"Height":0.001}}}}"#
        );
        let put = shell.sh(&format!("curl -fsS -X PUT -d '{body}' {}/v1/coordinate/update", node.address));
        assert_eq!(put.code, Some(0), "{put:?}");
    }
    let rtt = json(&shell.ok(&["node", "rtt", "a", "b", "-o", "json"]));
    assert!((rtt["rtt_seconds"].as_f64().unwrap() - 0.252).abs() < 1e-9, "{rtt}");
    let listed = shell.ok(&["node", "rtt", "-o", "plain"]);
    assert_eq!(listed.lines().filter(|line| line.starts_with("a\t") || line.starts_with("b\t")).count(), 2);
    shell.ok(&["service", "register", "--name", "n", "--on-node", "c", "--node-address", "10.0.0.1"]);
    let nowhere = shell.run(&["node", "rtt", "a", "c"]);
    assert!(nowhere.code == Some(3) && nowhere.err.contains("no coordinate of c"), "{nowhere:?}");
    let gone = shell.run(&["node", "rtt", "a", "none"]);
    assert!(gone.code == Some(3) && gone.err.contains("there is no node none\n"), "{gone:?}");
}
