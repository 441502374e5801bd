//! Every slip in a definition, with its place and remedy.

mod loading;

use loading::{config, refuses, refuses_check, refuses_service};

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
        "3:13: service \"web\": `strategy`: expected one of random, round_robin, weighted, smooth_weighted, least_connections, least_load, nearest, consistent_hash, zone_aware, found \"fast\"",
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
