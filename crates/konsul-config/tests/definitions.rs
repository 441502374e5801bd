//! Services and checks in files: what they mean, and every slip with its place and remedy.

use konsul_config::{Config, Definitions, Loaded, MemoryFiles, ReloadPlan, as_text};
use konsul_types::{CheckKind, CheckStatus, ServiceKind};

fn load(files: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let args: Vec<String> = std::iter::once("-dev".to_owned())
        .chain(files.iter().map(|(name, _)| format!("-config-file={name}")))
        .collect();
    let files = MemoryFiles::new(files.iter().map(|(name, text)| (*name, *text)));
    Config::load(&args, &[], &files).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn config(text: &str) -> Config {
    load(&[("a.hcl", text)]).unwrap_or_else(|errors| panic!("{text}: {errors:#?}")).config
}

#[track_caller]
fn refuses(text: &str, expect: &[&str]) {
    let name = if text.starts_with('{') { "a.json" } else { "a.hcl" };
    assert_eq!(load(&[(name, text)]).expect_err(text), expect, "{text}");
}

/// A service with these keys, in one line of HCL.
#[track_caller]
fn refuses_service(keys: &str, expect: &str) {
    refuses(&format!("service {{\n name = \"web\"\n {keys}\n}}"), &[&format!("a.hcl:{expect}")]);
}

/// A check with these keys, which run something unless they say what.
#[track_caller]
fn refuses_check(keys: &str, expect: &str) {
    refuses(&format!("check {{\n name = \"c\"\n {keys}\n}}"), &[&format!("a.hcl:{expect}")]);
}

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

#[test]
fn every_key_arrives_where_it_belongs() {
    let config = config(WHOLE);
    let [web, proxy, sock] = &config.services[..] else { panic!("three services") };
    assert_eq!(web.origin.to_string(), "a.hcl:2:1");
    let (ids, places): (Vec<_>, Vec<_>) = web.checks().map(|(id, _, at)| (id, at.to_string())).unzip();
    assert_eq!(ids, ["alive", "service:web-1:2", "service:web-1:3"]);
    assert_eq!(places, ["a.hcl:17:9", "a.hcl:21:13", "a.hcl:21:30"]);
    insta::assert_debug_snapshot!("web", web.definition);
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
    let read = WHOLE.replace("enable_local_script_checks = true\n", "");
    let first = Definitions::read("a.hcl", read.as_bytes()).expect("good definitions");
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
fn shapes_that_are_none_are_refused() {
    refuses("service = 5", &["a.hcl:1:1: `services`: expected blocks, found the number 5"]);
    refuses("services = [5]", &["a.hcl:1:13: `services`: expected a block, found the number 5"]);
    refuses("check = [[]]", &["a.hcl:1:10: `checks`: expected a block, found a list"]);
    refuses("service {}", &["a.hcl:1:1: service: Missing service name: expected a `name`"]);
    refuses("service { name = \"\" }", &["a.hcl:1:1: service: Missing service name: expected a `name`"]);
    refuses(
        "services = [{}, { name = \"a\" }, {}]",
        &[
            "a.hcl:1:13: service: Missing service name: expected a `name`",
            "a.hcl:1:33: service: Missing service name: expected a `name`",
        ],
    );
    refuses(
        "service \"web\" { port = 80 }",
        &["a.hcl:1:9: service: unknown key `web`; a block has no label here: put `name = \"web\"` into it"],
    );
    refuses(
        "{\"service\": {\"name\": \"a\", \"check\": 5}}",
        &["a.json:1:36: service \"a\": `check`: expected a block, found the number 5"],
    );
    refuses("srvice { name = \"a\" }", &["a.hcl:1:1: unknown key `srvice`; did you mean `service`?"]);
}

#[test]
fn slips_in_a_service_are_named() {
    refuses_service("prot = 80", "3:2: service \"web\": unknown key `prot`; did you mean `port`?");
    refuses_service(
        "weigths { passing = 1 }",
        "3:2: service \"web\": unknown key `weigths`; did you mean `weights`?",
    );
    refuses_service(
        "port = \"80\"",
        "3:9: service \"web\": `port`: expected a whole number from 0 to 65535 (without quotes), found the text \"80\"",
    );
    refuses_service(
        "port = 70000",
        "3:9: service \"web\": `port`: expected a whole number from 0 to 65535 (without quotes), found the number 70000",
    );
    refuses_service(
        "port = -1",
        "3:9: service \"web\": `port`: expected a whole number from 0 to 65535 (without quotes), found the number -1",
    );
    refuses_service(
        "port = 1 port = 2",
        "3:11: service \"web\": `port` stands here before, at 3:2; leave one out",
    );
    refuses_service(
        "tags = \"a\"",
        "3:9: service \"web\": `tags`: expected a list of texts, found the text \"a\"",
    );
    refuses_service(
        "tags = [1]",
        "3:9: service \"web\": `tags`: expected a text in quotes as an element, found the number 1",
    );
    refuses_service(
        "meta { a = 1 }",
        "3:13: service \"web\": `meta.a`: expected a text in quotes, found the number 1",
    );
    refuses_service(
        "meta { a = \"1\" a = \"2\" }",
        "3:17: service \"web\": `meta`: \"a\" stands here twice; leave one out",
    );
    refuses_service("meta = \"x\"", "3:9: service \"web\": `meta`: expected a block, found the text \"x\"");
    refuses_service(
        "enable_tag_override = \"true\"",
        "3:24: service \"web\": `enable_tag_override`: expected true or false (without quotes), found the text \"true\"",
    );
    refuses_service(
        "kind = \"sidecar\"",
        "3:9: service \"web\": `kind`: expected one of connect-proxy, mesh-gateway, terminating-gateway, ingress-gateway, api-gateway, found \"sidecar\"",
    );
    refuses_service(
        "strategy = \"fast\"",
        "3:13: service \"web\": `strategy`: expected one of random, round_robin, weighted, least_connections, least_load, nearest, consistent_hash, zone_aware, found \"fast\"",
    );
    refuses_service(
        "weights { passing = 0 }",
        "1:1: service \"web\": Invalid Weights: Passing must be greater than 0",
    );
    refuses_service(
        "weights { passng = 1 }",
        "3:12: service \"web\": unknown key `weights.passng`; did you mean `weights.passing`?",
    );
    refuses_service(
        "weights { warning = 65536 }",
        "3:22: service \"web\": `weights.warning`: expected a whole number from 0 to 65535 (without quotes), found the number 65536",
    );
    refuses_service(
        "namespace = \"Team A\"",
        "3:14: service \"web\": `namespace`: namespace \"Team A\" may hold only a-z, 0-9 and -, and must begin and end with a letter or digit",
    );
    refuses_service(
        "partition = \"p\"",
        "3:14: service \"web\": `partition`: there is one partition, `default`, and not \"p\"; use `namespace`",
    );
    refuses_service(
        "id = \"a\\nb\"",
        "3:7: service \"web\": `id`: service id has the control character '\\n' at byte 1",
    );
    refuses_service("address = \"0.0.0.0\"", "1:1: service \"web\": Invalid service address");
    refuses_service(
        "socket_path = \"/s\" port = 1",
        "1:1: service \"web\": SocketPath cannot be set together with Address or Port",
    );
    refuses_service(
        "tagged_addresses { wan = \"x\" }",
        "3:27: service \"web\": `tagged_addresses.wan`: expected a block, found the text \"x\"",
    );
    refuses_service(
        "tagged_addresses { wan { port = 1 } }",
        "3:21: service \"web\": `tagged_addresses.wan` needs an `address`",
    );
    refuses_service(
        "locality { zone = \"a\" }",
        "3:11: service \"web\": `locality`: a zone needs its `region`",
    );
    refuses_service(
        "depends_on = [\"web\"]",
        "1:1: service \"web\": `depends_on`: a service cannot need itself",
    );
    refuses_service(
        "depends_on = [\"a\", \"A\"]",
        "1:1: service \"web\": `depends_on`: \"a\" stands there twice",
    );
    refuses_service(
        "depends_on = [5]",
        "3:16: service \"web\": `depends_on`: expected a name in quotes, or a block, found the number 5",
    );
    refuses_service(
        "depends_on = [{ required = true }]",
        "3:16: service \"web\": `depends_on`: a dependency needs the name of a `service`",
    );
    refuses_service(
        "depends_on = [{ service = \"a\", requird = true }]",
        "3:33: service \"web\": unknown key `depends_on.requird`; did you mean `depends_on.required`?",
    );
    refuses_service(
        "meta { \"a b\" = \"x\" }",
        "1:1: service \"web\": Invalid Service Meta: Couldn't load metadata pair ('a b', 'x'): Key contains invalid characters",
    );
    refuses_service(
        "kind = \"mesh-gateway\"",
        "1:1: service \"web\": Port must be non-zero for a mesh-gateway",
    );
}

#[test]
fn what_is_to_come_is_refused_by_name_and_its_secret_not_told() {
    refuses_service(
        "token = \"s3cret\"",
        "3:10: service \"web\": `token`: known to Consul, not built yet in Konsul: there is no access control that would ask for it; leave it out, and everything that it could do is allowed",
    );
    refuses_service("token = 5", "3:10: service \"web\": `token`: expected a text in quotes");
    refuses_service(
        "connect { sidecar_service {} }",
        "3:28: service \"web\": `connect.sidecar_service`: known to Consul, not built yet in Konsul: it comes with the mesh; leave it out",
    );
    refuses_service("ports = []", "3:10: service \"web\": `ports`: known to Consul, not built yet in Konsul");
    refuses_check(
        "ttl = \"5s\" script = \"true\"",
        "3:22: check \"c\": `script`: known to Consul, not built yet in Konsul",
    );
    config(
        "service { name = \"a\" token = \"\" partition = \"default\" connect {} check { ttl = \"5s\" token = \"\" partition = \"\" } }",
    );
}

#[test]
fn slips_in_a_check_are_named() {
    refuses_check(
        "intervall = \"10s\" ttl = \"1s\"",
        "3:2: check \"c\": unknown key `intervall`; did you mean `interval`?",
    );
    refuses_check(
        "interval = 10",
        "3:13: check \"c\": `interval`: expected a duration in quotes, such as \"10s\" or \"1h30m\", found the number 10",
    );
    refuses_check(
        "interval = \"10\"",
        "3:13: check \"c\": `interval`: time: missing unit in duration \"10\"",
    );
    refuses_check(
        "interval = \"-10s\"",
        "3:13: check \"c\": `interval`: a duration may not be negative, found -10s",
    );
    refuses_check(
        "status = \"good\"",
        "3:11: check \"c\": `status`: expected one of passing, warning, critical, found \"good\"",
    );
    refuses_check("", "1:1: check \"c\": TTL must be > 0 for TTL checks");
    refuses_check(
        "http = \"http://h\"",
        "1:1: check \"c\": Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
    );
    refuses_check(
        "ttl = \"5s\" interval = \"5s\"",
        "1:1: check \"c\": Interval and TTL cannot both be specified",
    );
    refuses_check(
        "alias_service = \"s\" interval = \"5s\"",
        "1:1: check \"c\": Interval cannot be set for Alias checks",
    );
    refuses_check(
        "alias_service = \"s\" ttl = \"5s\"",
        "1:1: check \"c\": TTL must be not be set for Alias checks",
    );
    refuses_check(
        "ttl = \"5s\" failures_before_warning = 3",
        "1:1: check \"c\": FailuresBeforeWarning can't be higher than FailuresBeforeCritical",
    );
    refuses_check(
        "http = \"h:80\" interval = \"1s\"",
        "3:2: check \"c\": `http`: expected a URL such as http://127.0.0.1:8080/health",
    );
    refuses_check(
        "http = \"http://\" interval = \"1s\"",
        "3:2: check \"c\": `http`: expected a URL such as http://127.0.0.1:8080/health",
    );
    refuses_check(
        "http = \"http://h x\" interval = \"1s\"",
        "3:2: check \"c\": `http`: expected a URL such as http://127.0.0.1:8080/health",
    );
    for (key, bad) in [
        ("tcp", "h"),
        ("udp", "h:"),
        ("h2ping", "::1:80"),
        ("grpc", "h:0"),
        ("tcp", "h:99999"),
        ("tcp", "a b:1"),
    ] {
        let shown =
            format!("`{key}`: expected host:port such as 127.0.0.1:8080 or [::1]:8080, found {bad:?}");
        refuses_check(&format!("{key} = \"{bad}\" interval = \"1s\""), &format!("3:2: check \"c\": {shown}"));
    }
    refuses_check(
        "grpc = \"/svc\" interval = \"1s\"",
        "3:2: check \"c\": `grpc`: expected host:port such as 127.0.0.1:8080 or [::1]:8080, found \"\"",
    );
    refuses_check(
        "http = \"http://h\" method = \"GE T\" interval = \"1s\"",
        "3:20: check \"c\": `method`: expected one such as GET, found \"GE T\"",
    );
    refuses_check(
        "http = \"http://h\" header { A = 5 } interval = \"1s\"",
        "3:33: check \"c\": `header`: expected the header \"A\" to have a list of texts, without line ends",
    );
    refuses_check(
        "http = \"http://h\" header { A = [\"s3cret\\n\"] } interval = \"1s\"",
        "3:33: check \"c\": `header`: expected the header \"A\" to have a list of texts, without line ends",
    );
    refuses_check(
        "http = \"http://h\" header { \"A B\" = [\"\"] } interval = \"1s\"",
        "3:37: check \"c\": `header`: \"A B\" is no name of a header",
    );
    refuses_check(
        "docker_container_id = \"x\" ttl = \"1s\"",
        "1:1: check \"c\": `docker_container_id` and `shell` need `args`, the program to run",
    );
    refuses_check(
        "args = [] shell = \"/bin/sh\" ttl = \"1s\"",
        "3:2: check \"c\": `docker_container_id` and `shell` need `args`, the program to run",
    );
    refuses(
        "enable_script_checks = true check { name = \"c\" args = [\"\"] interval = \"1s\" }",
        &["a.hcl:1:48: check \"c\": `args`: the first is the program, and cannot be empty"],
    );
    refuses_check(
        "ttl = \"1s\" success_before_passing = -1",
        "3:38: check \"c\": `success_before_passing`: expected a whole number from 0 to 4294967295 (without quotes), found the number -1",
    );
    refuses_check(
        "ttl = \"1s\" output_max_size = 4294967296",
        "3:31: check \"c\": `output_max_size`: expected a whole number from 0 to 4294967295 (without quotes), found the number 4294967296",
    );
    refuses_check(
        "ttl = \"1s\" id = \"serfHealth\"",
        "3:13: check \"c\": the id \"serfHealth\" is kept for the agent",
    );
    refuses("check { ttl = \"1s\" }", &["a.hcl:1:1: check: Missing check name"]);
    refuses(
        "check { name = \"_node_maintenance\" ttl = \"1s\" }",
        &["a.hcl:1:1: check \"_node_maintenance\": the id \"_node_maintenance\" is kept for the agent"],
    );
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
fn slips_in_a_proxy_are_named() {
    let proxy = |keys: &str| {
        format!("kind = \"connect-proxy\" port = 1 proxy {{ destination_service_name = \"a\" {keys} }}")
    };
    let slips = [
        ("mod = \"direct\"", "3:73: service \"web\": unknown key `proxy.mod`; did you mean `proxy.mode`?"),
        (
            "mode = \"indirect\"",
            "3:80: service \"web\": `proxy.mode`: expected one of direct, transparent, found \"indirect\"",
        ),
        (
            "upstreams { destination_nam = \"x\" }",
            "3:85: service \"web\": unknown key `proxy.upstreams.destination_nam`; did you mean `proxy.upstreams.destination_name`?",
        ),
        ("upstreams = 5", "3:85: service \"web\": `proxy.upstreams`: expected a block, found the number 5"),
        (
            "local_service_port = 99999",
            "3:94: service \"web\": `proxy.local_service_port`: expected a whole number from 0 to 65535 (without quotes), found the number 99999",
        ),
        (
            "mode = \"direct\" Mode = \"direct\"",
            "3:89: service \"web\": `proxy.mode` stands here twice; leave one out",
        ),
        (
            "config { a = 1 a = 2 }",
            "3:88: service \"web\": `proxy.config.a` stands here twice; leave one out",
        ),
    ];
    for (keys, expect) in slips {
        refuses_service(&proxy(keys), expect);
    }
    refuses_service(
        "kind = \"connect-proxy\" port = 1",
        "1:1: service \"web\": Proxy.DestinationServiceName must be non-empty for Connect proxy services",
    );
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
