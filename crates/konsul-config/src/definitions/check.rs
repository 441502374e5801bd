//! Checks: the keys of a `check` block, and what makes one whole.

use konsul_types::{CheckDefinition, CheckKind};
use serde_json::{Map, Value as Json, json};

use super::keys::{Key, empty_key, key, read_block, schema_of_block, show_block};
use super::part::{Coming, NoToken, OnePartition, Part};
use crate::kind::cut;
use crate::reading::block;
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Node, Position, Value};

type Check = CheckDefinition;

/// The keys of a check.
pub(crate) static KEYS: &[Key<Check>] = &[
    key!(
        Check,
        id,
        "Its id, unique on the node. Default: its name; in a service `service:ID`, with `:1`, `:2` if there are several."
    )
    .also(&["check_id"]),
    key!(Check, name, "A name for people. A check outside of a service needs one, or an id that serves as one."),
    key!(Check, notes, "Free text for people."),
    key!(Check, "service_id", service, "The instance that it is of. Default: the node, or the service around it."),
    key!(Check, status, "How it stands until it has run. Default: `critical`."),
    key!(Check, "interval", interval_ms, "How often it runs; at least a second. Every check that runs needs it."),
    key!(
        Check,
        "timeout",
        timeout_ms,
        "How long a run may take. Default: 10s, and 30s for programs and units of the system."
    ),
    key!(Check, "ttl", ttl_ms, "A check that runs nothing: it is critical so long after its last report."),
    key!(Check, http, "URL to fetch: passing on 2xx, warning on 429, else critical."),
    key!(Check, method, "Method of that request. Default: `GET`."),
    key!(Check, header, "Headers of that request. `Host` sets the host that is asked for.").secret(),
    key!(Check, body, "Body of that request.").secret(),
    key!(
        Check,
        disable_redirects,
        "Takes a redirect for the answer. Otherwise `check_config.allow_redirects` decides. Default: `false`."
    ),
    key!(Check, tcp, "`host:port` to connect to."),
    key!(Check, tcp_use_tls, "Makes a TLS handshake on that connection. Default: `false`."),
    key!(Check, udp, "`host:port` to send a datagram to: critical if it is refused."),
    key!(Check, grpc, "`host:port`, or `host:port/service`, to ask by gRPC's health protocol."),
    key!(Check, grpc_use_tls, "Asks over TLS. Default: `false`."),
    key!(Check, h2ping, "`host:port` to send a ping of HTTP/2 to."),
    key!(Check, h2ping_use_tls, "Sends it over TLS. Default: `true`."),
    key!(Check, tls_server_name, "The name that the certificate must have. Default: that of the host."),
    key!(Check, tls_skip_verify, "Believes any certificate. Default: `false`."),
    key!(
        Check,
        "args",
        script_args,
        "A program and its arguments, which no shell sees: passing on 0, warning on 1, else critical. Needs \
         `enable_local_script_checks`."
    )
    .also(&["script_args"]),
    key!(Check, docker_container_id, "The container in which that program runs."),
    key!(Check, shell, "A shell that gets the arguments, joined by spaces, as `-c`."),
    key!(Check, os_service, "A unit of systemd that must run."),
    key!(Check, alias_service, "The id of an instance whose health this check repeats."),
    key!(Check, alias_node, "The node whose health it repeats, or on which that instance is. Default: this one."),
    key!(Check, success_before_passing, "So many good results in a row before it passes. Default: 0, at once."),
    key!(
        Check,
        failures_before_warning,
        "So many bad results in a row before it warns. Default: `failures_before_critical`."
    ),
    key!(Check, failures_before_critical, "So many bad results in a row before it is critical. Default: 0, at once."),
    key!(
        Check,
        "deregister_critical_service_after",
        deregister_after_ms,
        "Removes its service after so long in critical; at least a minute. Default: never."
    ),
    key!(Check, "output_max_size", output_max, "How many bytes of output are kept. Default: `check_output_max_size`."),
    key!(Check, namespace, "Where its instance is. Default: `default`, or where the service around it is."),
    empty_key!(Check, "partition", OnePartition, "Only `default`."),
    empty_key!(Check, "token", NoToken, "Refused unless empty, until there is access control."),
    empty_key!(Check, "script", Coming, "Consul dropped it too: write `args`, with a shell as the program if one is needed."),
];

/// Reads a check. `inside` says that it stands in a service.
pub(super) fn read(node: &Node, inside: bool) -> Result<Check, Refusals> {
    let mut check = Check::default();
    read_block(KEYS, node, "", &mut check)?;
    if check.name.is_empty() && !inside {
        check.name = check.id.as_ref().map(ToString::to_string).unwrap_or_default();
    }
    let faults: Vec<Refusal> =
        faults(&check, inside).into_iter().map(|(key, why)| Refusal::at(place_of(node, key), why)).collect();
    if faults.is_empty() { Ok(check) } else { Err(faults) }
}

/// Where a key of a block stands; else the block.
fn place_of(node: &Node, key: &str) -> Position {
    let items = block(&node.value).unwrap_or_default();
    items.iter().find(|item| item.key.eq_ignore_ascii_case(key)).map_or(node.at, |item| item.at)
}

/// How a check is called in a message before it is known to be whole.
pub(super) fn title(node: &Node) -> String {
    let items = block(&node.value).unwrap_or_default();
    let text = |name: &str| {
        items.iter().find(|item| item.key.eq_ignore_ascii_case(name)).and_then(|item| {
            match &item.node.value {
                Value::Text(text) if !text.is_empty() => Some(text.clone()),
                _ => None,
            }
        })
    };
    let name = text("name").or_else(|| text("id"));
    name.map_or_else(|| "check".to_owned(), |name| format!("check {:?}", cut(&name)))
}

/// Ids that the agent gives to checks of its own.
fn is_kept(id: &str) -> bool {
    id == "serfHealth" || id == "_node_maintenance" || id.starts_with("_service_maintenance:")
}

/// What is wrong with a check as a whole, each with the key that it is about.
fn faults(check: &Check, inside: bool) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if !inside && check.name.is_empty() {
        faults.push(("name", "Missing check name".to_owned()));
    }
    let id = check.id.as_ref().map_or(check.name.as_str(), |id| id.as_str());
    if (check.id.is_some() || !inside) && is_kept(id) {
        faults.push(("id", format!("the id {id:?} is kept for the agent")));
    }
    if !inside && check.id.is_none() && konsul_types::CheckId::new(id).is_err() && !id.is_empty() {
        faults.push((
            "name",
            "the name cannot be an id: it has more than 512 bytes or control characters; give an `id`"
                .to_owned(),
        ));
    }
    if let Err(why) = check.validate() {
        faults.push(("", why.to_owned()));
    }
    faults.extend(targets(check));
    if check.script_args.first().is_some_and(String::is_empty) {
        faults.push(("args", "`args`: the first is the program, and cannot be empty".to_owned()));
    }
    if check.script_args.is_empty() && (!check.docker_container_id.is_empty() || !check.shell.is_empty()) {
        faults.push(("args", "`docker_container_id` and `shell` need `args`, the program to run".to_owned()));
    }
    faults
}

/// Whether what is to be reached can be reached at all.
fn targets(check: &Check) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if !check.http.is_empty() && !is_url(&check.http) {
        faults.push(("http", "`http`: expected a URL such as http://127.0.0.1:8080/health".to_owned()));
    }
    let grpc = check.grpc.split('/').next().unwrap_or_default();
    for (key, address) in
        [("tcp", check.tcp.as_str()), ("udp", &check.udp), ("h2ping", &check.h2ping), ("grpc", grpc)]
    {
        let given = match key {
            "grpc" => !check.grpc.is_empty(),
            _ => !address.is_empty(),
        };
        if given && !is_host_and_port(address) {
            let reason = format!(
                "`{key}`: expected host:port such as 127.0.0.1:8080 or [::1]:8080, found {:?}",
                cut(address)
            );
            faults.push((key, reason));
        }
    }
    if !check.method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        faults
            .push(("method", format!("`method`: expected one such as GET, found {:?}", cut(&check.method))));
    }
    faults
}

fn is_url(text: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    });
    let good = |byte: u8| byte.is_ascii_graphic() || byte >= 0x80;
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']) && text.bytes().all(good))
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let host_ok = match bare {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok() || inner.contains('%'),
        None => {
            !host.contains(|c: char| c == ':' || c == '[' || c == ']' || c.is_whitespace() || c.is_control())
        }
    };
    host_ok
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The check as a file would have it.
pub(super) fn show(check: &Check, hide: bool) -> Json {
    let mut block: Map<String, Json> = show_block(KEYS, check, hide);
    // The rest of a URL is no secret, and tells one check from another.
    if hide && !check.http.is_empty() {
        block.insert("http".to_owned(), json!(without_password(&check.http)));
    }
    Json::Object(block)
}

/// A URL without what stands before the `@` of its host.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://hidden{}", &rest[at..]),
        None => url.to_owned(),
    }
}

pub(super) fn schema() -> Json {
    schema_of_block(KEYS)
}

/// The things that a check says it runs, in the order in which one is chosen; more than one is a slip.
pub(super) fn kinds(check: &Check) -> Vec<CheckKind> {
    let set = |text: &String| !text.is_empty();
    let script = if set(&check.docker_container_id) { CheckKind::Docker } else { CheckKind::Script };
    let all = [
        (set(&check.grpc), CheckKind::Grpc),
        (set(&check.http), CheckKind::Http),
        (check.ttl_ms > 0, CheckKind::Ttl),
        (set(&check.tcp), CheckKind::Tcp),
        (set(&check.udp), CheckKind::Udp),
        (set(&check.alias_node) || set(&check.alias_service), CheckKind::Alias),
        (!check.script_args.is_empty(), script),
        (set(&check.h2ping), CheckKind::H2ping),
        (set(&check.os_service), CheckKind::OsService),
    ];
    all.into_iter().filter_map(|(given, kind)| given.then_some(kind)).collect()
}

/// Checks with their places, as the key `check` or `checks` of a service has them.
#[derive(Default)]
pub(super) struct Checks(pub(super) Vec<(Check, Position)>);

impl Part for Checks {
    const SHAPE: &'static str = "blocks, see below";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let nodes: Vec<&Node> = match &node.value {
            Value::List(nodes) => nodes.iter().collect(),
            _ => vec![node],
        };
        let mut checks = Checks::default();
        let mut faults = Refusals::new();
        for node in nodes {
            if !matches!(node.value, Value::Object(_)) {
                let found = crate::kind::describe(&node.value);
                faults.push(Refusal::at(node.at, format!("`{path}`: expected a block, found {found}")));
                continue;
            }
            match read(node, true) {
                Ok(check) => checks.0.push((check, node.at)),
                Err(more) => {
                    let title = title(node);
                    faults.extend(more.into_iter().map(|fault| Refusal {
                        reason: format!("{title}: {}", fault.reason),
                        ..fault.or_at(node.at)
                    }));
                }
            }
        }
        if faults.is_empty() { Ok(checks) } else { Err(faults) }
    }

    fn show(&self) -> Option<Json> {
        let shown: Vec<Json> = self.0.iter().map(|(check, _)| show(check, false)).collect();
        (!shown.is_empty()).then_some(Json::Array(shown))
    }

    fn schema() -> Json {
        let check = json!({ "$ref": "#/$defs/check" });
        json!({ "anyOf": [check, { "type": "array", "items": check }] })
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
