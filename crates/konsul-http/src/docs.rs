//! The documentation's page on `/v1`, made from the table of routes.

use std::fmt::Write as _;

use crate::v1::route::{ROUTES, Route};

/// The page, as Markdown.
pub fn page() -> String {
    let mut out = String::from(HEAD);
    out.push_str("\n## Routes that are answered\n\n| Route | Method | Operation | Notes |\n| --- | --- | --- | --- |\n");
    for (route, verb) in ROUTES.iter().flat_map(|route| route.verbs.iter().map(move |verb| (route, verb))) {
        if verb.is_built() {
            let Route { path, .. } = route;
            let _ = writeln!(out, "| `{path}` | {} | `{}` | {} |", verb.method, verb.operation, verb.note);
        }
    }
    out.push_str(LATER);
    for route in ROUTES.iter().filter(|route| route.verbs.iter().all(|verb| !verb.is_built())) {
        let methods: Vec<&str> = route.verbs.iter().map(|verb| verb.method).collect();
        let _ = writeln!(out, "| `{}` | {} |", route.path, methods.join(", "));
    }
    out
}

const HEAD: &str = "\
# HTTP API, version 1

This page is made from the server's table of routes; `UPDATE=1 cargo test -p konsul-http --test docs` writes it anew.

`/v1` is Consul's HTTP API. Clients of Consul work with it unmodified: paths, parameters, headers, bodies, statuses and
error texts are Consul's. What differs is listed here.

## Differences

- **Keys are literal.** What follows `/v1/kv/` is decoded once and is the key: `//`, `..` and encoded slashes are bytes of it.
  Consul answers such paths with a redirect, which turns a write of many clients into a read. There are no redirects here.
- **`?ttl=<duration>`** on `PUT /v1/kv/:key` gives the key a time to live, such as `30s`. A put without it makes the key stay.
- **Namespaces work**, by `?ns=`, the header `X-Consul-Namespace`, or the body's field where there is one. `Namespace` is
  printed only where it is not `default`. Partitions other than `default` are refused.
- **Bodies are bounded, chunked ones too.** Over the bound the answer is `413`, and nothing is stored.
- **Malformed JSON** is answered with Consul's text and, after it, what was met, what was expected, line and column.
- **Session ids that are no UUIDs** are unknown ids: `[]`, `true`, `404` or `invalid session`, as the route has it.
- **A transaction with members that can never work** (an unknown verb, a lock without a session) lists those members alone.
- **`/v1/operator/usage`** has Konsul's own field `Namespaces`: keys, bytes and sessions of each.
- **`X-Consul-Index` never goes back**, not over deletes, restarts and restores.
- **Empty maps of nodes and instances are `{}`**, where Consul has `null` for those that were never given.
- **A check's status is one of three words.** Consul stores any other as it is; here it is refused.
- **Definitions given to the agent** may say `DependsOn` and `Strategy`, which are Konsul's own.
- **`Connect.SidecarService`** in a definition is refused with `501`, and so is nothing else in it.
- **`?peer` and `?sg` are refused**: an empty list would be a lie about another cluster. **`?cached`** answers `X-Cache: MISS`,
  for no answer is older than its consistency says. **`?merge-central-config`** merges nothing, for there is nothing to merge.
- **`/v1/health/ingress` and `/v1/catalog/gateway-services`** are `[]`: which services a gateway stands for is told by
  configuration entries, and there are none yet.
- **A token in a query string** works, and is left out where a query is echoed in an error text.

## Statuses that Consul does not have

| Status | When |
| --- | --- |
| `408` | a body came too slowly |
| `409` | a repeated request is too old to tell whether it was applied; nothing was applied now |
| `413` | a value, a transaction, an event or another body is too large |
| `429` | too many connections of one source, too many sessions, or too much at once |
| `501` | the route is known to Consul but not built in Konsul yet |
| `503` | the server is stopping, or has as many connections as it may have |
| `504` | a deadline passed before anything happened: trying again is safe |
| `507` | the disk is full, or a namespace holds as much as it may |

A write whose outcome is unknown is answered `500`, with a text that begins `the outcome of the write is unknown`. It is not
`504`, because proxies repeat requests on `504`, and this one may have happened.

## What every route knows

| Parameter | Meaning |
| --- | --- |
| `dc` | another datacentre's name: `500`, `No path to datacenter`, while there is no other |
| `stale`, `consistent`, `leader`, `max_stale` | how fresh a read must be |
| `index`, `wait` | wait until the answer is newer than an index, for 5 minutes unless said otherwise, for 10 at most |
| `ns` | the namespace |
| `pretty` | indent by four spaces; always so with `-dev` |
| `token` | taken and not looked at yet, as are `X-Consul-Token` and `Authorization: Bearer` |
";

const LATER: &str = "
## Routes that are not built yet

They answer `501` and the text `<route> is known to Consul but not built in Konsul yet`.

| Route | Methods |
| --- | --- |
";
