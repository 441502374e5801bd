//! Services and checks in files: what they mean, and every slip with its place and remedy.

mod loading;

use konsul_config::{Config, Definitions, MemoryFiles, ReloadPlan, as_text};
use konsul_types::{CheckKind, CheckStatus, ServiceKind};

use loading::{config, load, refuses, refuses_service};

const WHOLE: &str = r#"
service {
  name = "web"
  id = "web-1"
  namespace = "team-a"
  tags = ["v1", "primary"]
  address = "10.0.0.1"
  port = 80
  tagged_addresses { wan { address = "203.0.113.1" port = 8080 } lan = { address = "10.0.0.1" } }
  meta { version = "1" }
  weights { passing = 5 warning = 2 }
  enable_tag_override = true
  connect { native = true }
  locality { region = "eu" zone = "a" }
  depends_on = ["db", { service = "cache", required = false }]
  strategy = "nearest"
  check { check_id = "alive" http = "https://u:p@h:1/x?y" method = "POST" header { A = ["s3cret"] B = "b" } body = "s3cret"
    interval = "10s" timeout = "1s500ms" disable_redirects = true tls_server_name = "n" tls_skip_verify = true
    success_before_passing = 2 failures_before_warning = 1 failures_before_critical = 3
    deregister_critical_service_after = "90m" output_max_size = 100 status = "passing" notes = "n" }
  checks = [{ ttl = "15s" }, { tcp = "[::1]:80" tcp_use_tls = true interval = "1s" }]
}
services = [
  { name = "p", kind = "connect-proxy", port = 1, proxy { destination_service_name = "web"
    local_service_port = 80 mode = "transparent"
    upstreams { destination_name = "db" local_bind_port = 5432 config { a = 1.5 } } upstreams { destination_name = "q" }
    expose { checks = true paths = [{ path = "/x" }] } config { "weird Key" = [1, { b = "x" }] } } },
  { name = "sock", socket_path = "/run/s" },
]
check { id = "node" args = ["/bin/true"] interval = "30s" }
check { name = "a" service_id = "web-1" namespace = "team-a" alias_service = "other" alias_node = "n" }
checks = [{ name = "g" grpc = "h:1/svc" grpc_use_tls = true interval = "5s" },
  { name = "h" h2ping = "h:1" h2ping_use_tls = false interval = "5s" }, { name = "u" udp = ":1" interval = "5s" },
  { name = "o" os_service = "ssh" interval = "5s" },
  { name = "d" docker_container_id = "x" args = ["/bin/sh"] shell = "/bin/bash" interval = "5s" }]
enable_local_script_checks = true
"#;

/// What a file of definitions may hold of [`WHOLE`].
fn definitions_alone() -> Definitions {
    let text = WHOLE.replace("enable_local_script_checks = true\n", "");
    Definitions::read("a.hcl", text.as_bytes()).expect("good definitions")
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let config = config(WHOLE);
    let [web, proxy, sock] = &config.services[..] else { panic!("three services") };
    assert_eq!(web.origin.to_string(), "a.hcl:2:1");
    let (ids, places): (Vec<_>, Vec<_>) = web.checks().map(|(id, _, at)| (id, at.to_string())).unzip();
    assert_eq!(ids, ["alive", "service:web-1:2", "service:web-1:3"]);
    assert_eq!(places, ["a.hcl:17:9", "a.hcl:21:13", "a.hcl:21:30"]);
    // As JSON, which Debug of a check would not do: it shows no header, body or credential.
    insta::assert_snapshot!("web", format!("{:#}", definitions_alone().to_json()["services"][0]));
    insta::assert_debug_snapshot!("proxy", proxy.definition.proxy);
    assert_eq!(
        (proxy.definition.kind, sock.definition.socket_path.as_str()),
        (ServiceKind::ConnectProxy, "/run/s")
    );
    let kinds: Vec<_> =
        config.checks.iter().map(|check| check.definition.kind().map(CheckKind::name)).collect();
    let expect = ["script", "alias", "grpc", "h2ping", "udp", "os_service", "docker"].map(Some);
    assert_eq!(kinds, expect);
    assert_eq!(config.checks[0].definition.name, "node");
    assert_eq!(
        config.checks[1].definition.service.as_ref().map(konsul_types::ServiceId::as_str),
        Some("web-1")
    );
}

#[test]
fn what_was_read_is_written_and_read_alike() {
    let first = definitions_alone();
    let text = first.to_json().to_string();
    let again =
        Definitions::read("a.json", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?} in {text}"));
    let definitions = |read: &Definitions| {
        let services: Vec<_> = read.services.iter().map(|placed| placed.definition.clone()).collect();
        let checks: Vec<_> = read.checks.iter().map(|placed| placed.definition.clone()).collect();
        (services, checks)
    };
    assert_eq!(definitions(&first), definitions(&again));
}

#[test]
fn the_three_languages_and_all_spellings_say_the_same() {
    let hcl = config(
        "service { name = \"w\" enable_tag_override = true check { http = \"http://h\" interval = \"1s\" tls_skip_verify = true deregister_critical_service_after = \"1m\" } }",
    );
    for (name, text) in [
        (
            "a.json",
            r#"{"Service": {"Name": "w", "EnableTagOverride": true, "Checks": [{"HTTP": "http://h", "Interval": "1s", "TLSSkipVerify": true, "DeregisterCriticalServiceAfter": "1m"}]}}"#,
        ),
        (
            "a.json",
            r#"{"services": [{"name": "w", "id": null, "enabletagoverride": true, "check": {"http": "http://h", "interval": "1s", "tlsskipverify": true, "deregistercriticalserviceafter": "60s"}}]}"#,
        ),
        (
            "a.toml",
            "[[services]]\nname = \"w\"\nenable_tag_override = true\n[[services.checks]]\nhttp = \"http://h\"\ninterval = \"1s\"\ntls_skip_verify = true\nderegister_critical_service_after = \"1m\"",
        ),
        (
            "a.toml",
            "[service]\nname = \"w\"\nenable_tag_override = true\n[service.check]\nhttp = \"http://h\"\ninterval = \"1s\"\ntls_skip_verify = true\nderegister_critical_service_after = \"1m\"",
        ),
    ] {
        let loaded = load(&[(name, text)]).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert_eq!(loaded.config.services[0].definition, hcl.services[0].definition, "{text}");
    }
    let old = config(
        "enable_script_checks = true check { name = \"x\" scriptargs = [\"a\"] serviceid = \"s\" interval = \"1s\" }",
    );
    assert_eq!(old.checks[0].definition.script_args, ["a"]);
    assert_eq!(old.checks[0].definition.service.as_ref().map(konsul_types::ServiceId::as_str), Some("s"));
}

#[test]
fn files_are_joined_and_flags_and_variables_define_too() {
    let args = ["-dev", "-config-file=a.hcl", "-config-file=b.json", "-services={\"name\":\"flag\"}"]
        .map(str::to_owned);
    let files = [
        ("a.hcl", "service { name = \"a\" }\nservice { name = \"b\" }"),
        ("b.json", "{\"services\":[{\"name\":\"c\"}]}"),
    ];
    let variables = [("KONSUL_CHECKS".to_owned(), "[{\"name\":\"v\",\"ttl\":\"5s\"}]".to_owned())];
    let loaded = Config::load(&args, &variables, &MemoryFiles::new(files)).expect("good definitions");
    let services: Vec<_> = loaded
        .config
        .services
        .iter()
        .map(|s| (s.definition.name.to_string(), s.origin.to_string()))
        .collect();
    let expect = [("flag", "-services"), ("a", "a.hcl:1:1"), ("b", "a.hcl:2:1"), ("c", "b.json:1:14")];
    assert_eq!(services, expect.map(|(name, at)| (name.to_owned(), at.to_owned())));
    assert_eq!(loaded.config.checks[0].origin.to_string(), "KONSUL_CHECKS");
}

#[test]
fn checks_in_a_service_are_of_that_service() {
    refuses_service(
        "check {\n name = \"c\"\n htpp = \"x\" }",
        "5:2: service \"web\": check \"c\": unknown key `htpp`; did you mean `http`?",
    );
    refuses_service(
        "checks = [{ ttl = \"5s\" },\n{ interval = \"5s\" }]",
        "4:1: service \"web\": check: TTL must be > 0 for TTL checks",
    );
    refuses_service(
        "check { ttl = \"5s\" service_id = \"other\" }",
        "3:8: service \"web\": `service_id`: a check in a service is of that service, \"web\", and not of \"other\"",
    );
    refuses_service(
        "check { ttl = \"5s\" namespace = \"other\" }",
        "3:8: service \"web\": `namespace`: a check in a service is in the namespace of that service",
    );
    let same = config(
        "service { name = \"web\" check { ttl = \"5s\" service_id = \"web\" namespace = \"default\" } }",
    );
    assert_eq!(same.services[0].definition.checks[0].service, None);
}

#[test]
fn all_slips_of_a_file_are_told_at_once_in_its_order() {
    refuses(
        "service {\n name = \"a\"\n prot = 1\n port = true\n check { htpp = \"x\" }\n}\ncheck { name = \"c\" }\nservice { name = \"b\" id = 5 }",
        &[
            "a.hcl:3:2: service \"a\": unknown key `prot`; did you mean `port`?",
            "a.hcl:4:9: service \"a\": `port`: expected a whole number from 0 to 65535 (without quotes), found true",
            "a.hcl:5:10: service \"a\": check: unknown key `htpp`; did you mean `http`?",
            "a.hcl:7:1: check \"c\": TTL must be > 0 for TTL checks",
            "a.hcl:8:27: service \"b\": `id`: expected an id in quotes, found the number 5",
        ],
    );
}

#[test]
fn an_id_that_is_defined_twice_is_refused_with_both_places() {
    let told = load(&[
        ("a.hcl", "service { name = \"web\" }"),
        ("b.json", "{\"services\": [\n{\"name\": \"x\", \"id\": \"web\"}]}"),
    ]);
    assert_eq!(
        told.expect_err("one id"),
        [
            "b.json:2:1: service \"web\": the id is taken: it is defined at a.hcl:1:1 too; give one of them another `id`"
        ]
    );
    let told = load(&[(
        "a.hcl",
        "service { name = \"web\" check { ttl = \"1s\" } }\ncheck { name = \"service:web\" ttl = \"1s\" }\ncheck { id = \"x\" ttl = \"1s\" }\ncheck { name = \"x\" ttl = \"1s\" }",
    )]);
    assert_eq!(
        told.expect_err("two ids"),
        [
            "a.hcl:2:1: check \"service:web\": the id is taken: it is defined at a.hcl:1:30 too; give one of them another `id`",
            "a.hcl:4:1: check \"x\": the id is taken: it is defined at a.hcl:3:1 too; give one of them another `id`",
        ]
    );
    let told = load(&[(
        "a.hcl",
        "service { name = \"a\" namespace = \"t\" }\nservice { name = \"a\" namespace = \"t\" }\nservice { name = \"a\" }",
    )]);
    assert_eq!(
        told.expect_err("one id in a namespace"),
        [
            "a.hcl:2:1: service \"a\": the id is taken in namespace t: it is defined at a.hcl:1:1 too; give one of them another `id`"
        ]
    );
}

#[test]
fn a_program_needs_leave() {
    let reason = "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true";
    let text = "check { name = \"c\" args = [\"/bin/true\"] interval = \"1s\" }\nservice { name = \"w\"\n check { args = [\"x\"] interval = \"1s\" } }";
    refuses(
        text,
        &[&format!("a.hcl:1:1: check \"c\": {reason}"), &format!("a.hcl:3:8: check \"service:w\": {reason}")],
    );
    for leave in ["enable_script_checks = true\n", "enable_local_script_checks = true\n"] {
        let config = config(&format!("{leave}{text}"));
        assert!(config.allows_script_checks(true));
        assert_eq!(config.allows_script_checks(false), leave.starts_with("enable_script"));
    }
}

#[test]
fn what_works_and_was_hardly_meant_is_warned_of() {
    let warnings = |text: &str| -> Vec<String> {
        load(&[("a.hcl", text)]).expect(text).warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warnings("service { name = \"a b\" }"),
        [
            "a.hcl:1:1: service name \"a b\" will not be discoverable via DNS: it may have 63 letters, digits and dashes"
        ]
    );
    assert_eq!(
        warnings("service { name = \"a\" tags = [\"x.y\"] }"),
        [
            "a.hcl:1:1: tag \"x.y\" of service \"a\" will not be discoverable via DNS: it may have 63 letters, digits and dashes"
        ]
    );
    assert_eq!(
        warnings("check { name = \"c\" tcp = \"h:1\" http = \"http://h\" interval = \"1s\" }"),
        ["a.hcl:1:1: check \"c\" is a check of kind http; tcp has no effect"]
    );
}

#[test]
fn a_reload_sees_what_changed_in_a_definition_and_not_how_it_is_written() {
    let plan = |before: &str, after: &str| -> Vec<String> {
        let plan = ReloadPlan::between(&config(before), &config(after));
        assert_eq!(plan.needs_restart().count(), 0);
        plan.live().map(|change| change.option.key.to_owned()).collect()
    };
    let same = "\n\nservices = [{ Name = \"a\", id = \"a\", check { ttl = \"60s\" } }]";
    assert_eq!(plan("service { name = \"a\" checks { ttl = \"1m\" } }", same), [""; 0]);
    for (before, after) in [
        ("service { name = \"a\" }", "service { name = \"a\" port = 1 }"),
        (
            "service { name = \"a\" check { http = \"http://h\" interval = \"1s\" header { A = [\"1\"] } } }",
            "service { name = \"a\" check { http = \"http://h\" interval = \"1s\" header { A = [\"2\"] } } }",
        ),
        ("service { name = \"a\" }", ""),
    ] {
        assert_eq!(plan(before, after), ["services"], "{after}");
    }
    assert_eq!(
        plan("check { name = \"a\" ttl = \"1s\" }", "check { name = \"a\" ttl = \"2s\" }"),
        ["checks"]
    );
}

#[test]
fn secrets_are_not_shown() {
    let loaded = load(&[("a.hcl", WHOLE)]).expect("good definitions");
    let shown = [
        as_text(&loaded, false),
        serde_json::to_string(&loaded.config).expect("plain data"),
        serde_json::to_string(&loaded.config.shown()).expect("plain data"),
    ];
    for text in shown {
        assert!(!text.contains("s3cret") && !text.contains("u:p@"), "{text}");
        assert!(text.contains("https://hidden@h:1/x?y") && text.contains("\"A\":[\"hidden\"]"), "{text}");
    }
    let told = load(&[("a.hcl", "check { name = \"c\" http = \"ftp://u:s3cret@h\" interval = \"1s\" }")]);
    assert!(!told.expect_err("no URL")[0].contains("s3cret"));
}

#[test]
fn definitions_can_be_read_alone() {
    let read = Definitions::read(
        "d.hcl",
        b"service { name = \"a\" }\ncheck { name = \"c\" ttl = \"1s\" status = \"warning\" }",
    )
    .expect("good ones");
    assert_eq!((read.services.len(), read.checks[0].definition.status), (1, Some(CheckStatus::Warning)));
    let told = |text: &str| -> Vec<String> {
        Definitions::read("d.hcl", text.as_bytes()).expect_err(text).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told("server = true"),
        ["d.hcl:1:1: `server`: expected services and checks, and nothing else"]
    );
    assert_eq!(
        told("service { name = \"a\" }\nservice { name = \"a\" }"),
        [
            "d.hcl:2:1: service \"a\": the id is taken: it is defined at d.hcl:1:1 too; give one of them another `id`"
        ]
    );
    assert_eq!(
        told("service {"),
        ["d.hcl:1:10: expected a key, or the `}` that closes the block of line 1, found the end of the file"]
    );
}

#[test]
fn a_thousand_services_are_compared_by_what_they_say() {
    let text: String =
        (0..1000).map(|n| format!("service {{ name = \"s{n}\" check {{ ttl = \"5s\" }} }}\n")).collect();
    assert_eq!(config(&text).services.len(), 1000);
}

#[test]
fn long_names_are_refused_in_few_words() {
    for text in [
        format!("service {{ name = \"{}\" }}", "x".repeat(100_000)),
        format!("service {{ name = \"a\" {} = 1 }}", "x".repeat(100_000)),
        format!("service {{ name = \"a\" kind = \"{}\" }}", "x".repeat(100_000)),
        format!("service {{ name = \"a\" meta {{ a = \"{}\" }} }}", "x".repeat(100_000)),
        format!("check {{ name = \"a\" interval = \"1s\" tcp = \"{}\" }}", "x".repeat(100_000)),
    ] {
        let told = load(&[("a.hcl", &text)]).expect_err("far too long");
        assert!(told.iter().all(|line| line.len() < 500), "{} bytes", told[0].len());
    }
}
