//! The grammar as a table: `name -> what it asks for`.

use super::*;

/// A subject in one line.
fn show(subject: Option<Subject>) -> String {
    let place = |locality: &Locality| {
        let parts = [
            ("dc", &locality.datacenter),
            ("ns", &locality.namespace),
            ("ap", &locality.partition),
            ("peer", &locality.peer),
            ("sg", &locality.sameness_group),
        ];
        parts
            .iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| format!(" {key}={value}")))
            .collect::<String>()
    };
    match subject {
        None => "nothing".to_owned(),
        Some(Subject::Node { name, locality }) => format!("node {name:?}{}", place(&locality)),
        Some(Subject::Service { name, tag, kind, locality }) => {
            let kind = match kind {
                ServiceKind::Plain => "service",
                ServiceKind::Connect => "connect",
                ServiceKind::Ingress => "ingress",
            };
            let tag = tag.map(|tag| format!(" tag {tag:?}")).unwrap_or_default();
            format!("{kind} {name:?}{tag}{}", place(&locality))
        }
        Some(Subject::Virtual { name, locality }) => format!("virtual {name:?}{}", place(&locality)),
        Some(Subject::Query { name, datacenter }) => {
            let datacenter = datacenter.map(|name| format!(" dc={name}")).unwrap_or_default();
            format!("query {name:?}{datacenter}")
        }
        Some(Subject::Address(address)) => format!("address {address}"),
    }
}

#[track_caller]
fn check_as(name: &str, reading: Reading, expect: &str) {
    let labels: Vec<&[u8]> = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
    assert_eq!(show(read(&labels, reading)), expect, "{name}");
}

#[track_caller]
fn check_all(table: &[(&str, &str)]) {
    table.iter().for_each(|(name, expect)| check_as(name, Reading::default(), expect));
}

#[test]
fn services() {
    check_all(&[
        ("web.service", "service \"web\""),
        ("web.service.dc2", "service \"web\" dc=dc2"),
        ("v1.web.service", "service \"web\" tag \"v1\""),
        ("v1.2.web.service", "service \"web\" tag \"v1.2\""),
        ("_web._tcp.service", "service \"web\""),
        ("_web._udp.service", "service \"web\" tag \"udp\""),
        ("_web._v1.service.dc2", "service \"web\" tag \"v1\" dc=dc2"),
        ("_web._v1._x.service", "service \"_x\" tag \"_web._v1\""),
        ("_web.v1.service", "service \"v1\" tag \"_web\""),
        ("web.service.service", "service \"service\" tag \"web\""),
        ("service", "nothing"),
        ("_._tcp.service", "nothing"),
        ("_web._.service", "service \"web\""),
        ("", "nothing"),
        ("web", "nothing"),
        ("web.servicex", "nothing"),
    ]);
}

#[test]
fn characters() {
    check_all(&[
        ("my service.service", "service \"my service\""),
        ("dienst-größe.service", "service \"dienst-größe\""),
        ("サービス.service", "service \"サービス\""),
    ]);
    let with_dot = read(&[b"a.b", b"service"], Reading::default());
    assert_eq!(show(with_dot), "service \"a.b\"");
    assert_eq!(read(&[b"\xFF", b"service"], Reading::default()), None);
}

#[test]
fn srv_needs_no_kind() {
    let srv = Reading { is_srv: true, ..Reading::default() };
    check_as("_web._tcp", srv, "service \"web\"");
    check_as("_web._v1.dc2", srv, "service \"web\" tag \"v1\" dc=dc2");
    check_as("_web._tcp.service.dc2", srv, "service \"web\" dc=dc2");
    check_as("_web", srv, "service \"_web\"");
    check_as("_web._tcp", Reading::default(), "nothing");
}

#[test]
fn nodes() {
    check_all(&[
        ("n1.node", "node \"n1\""),
        ("n1.example.org.node.dc2", "node \"n1.example.org\" dc=dc2"),
        ("n1.node.default.ns.dc2.dc", "node \"n1\" dc=dc2 ns=default"),
        ("n1.node.team.ns", "nothing"),
        ("n1.node.east.peer", "node \"n1\" peer=east"),
        ("node", "nothing"),
    ]);
}

#[test]
fn mesh_kinds() {
    check_all(&[
        ("web.connect", "connect \"web\""),
        ("x.web.connect.dc2", "connect \"web\" dc=dc2"),
        ("web.connect.east.peer", "nothing"),
        ("web.ingress", "ingress \"web\""),
        ("web.ingress.east.peer", "nothing"),
        ("web.virtual", "virtual \"web\""),
        ("web.virtual.east", "virtual \"web\" peer=east"),
        ("web.virtual.team.ns", "virtual \"web\" ns=team"),
        ("web.virtual.dc2.dc", "nothing"),
        ("connect", "nothing"),
        ("virtual", "nothing"),
    ]);
}

#[test]
fn queries() {
    check_all(&[
        ("nearest.query", "query \"nearest\""),
        ("nearest.web.query.dc2", "query \"nearest.web\" dc=dc2"),
        ("_nearest._tcp.query", "query \"nearest\""),
        ("_near.web._udp.query", "query \"near.web\""),
        ("_nearest.query", "query \"_nearest\""),
        ("nearest.query.team.dc2", "nothing"),
        ("query", "nothing"),
        ("_._tcp.query", "nothing"),
    ]);
}

#[test]
fn addresses() {
    check_all(&[
        ("7f000001.addr", "address 127.0.0.1"),
        ("7F000001.addr.anything.at.all", "address 127.0.0.1"),
        ("20010db8000000000000000000000001.addr.dc1", "address 2001:db8::1"),
        ("x.7f000001.addr", "nothing"),
        ("7f00000.addr", "nothing"),
        ("+f000001.addr", "nothing"),
        ("7f00000g.addr", "nothing"),
        ("addr", "nothing"),
    ]);
}

#[test]
fn localities() {
    check_all(&[
        ("web.service.team.dc2", "service \"web\" dc=dc2 ns=team"),
        ("web.service.team.ns", "service \"web\" ns=team"),
        ("web.service.dc2.cluster", "service \"web\" dc=dc2"),
        ("web.service.part.ap", "service \"web\" ap=part"),
        ("web.service.group.sg", "service \"web\" sg=group"),
        ("web.service.dc2.dc.team.ns", "service \"web\" dc=dc2 ns=team"),
        ("web.service.team.ns.part.ap.dc2.dc", "service \"web\" dc=dc2 ns=team ap=part"),
        ("web.service.team.ns.part.ap.east.peer", "service \"web\" ns=team ap=part peer=east"),
        ("web.service.dc2.dc.east.peer", "nothing"),
        ("web.service.group.sg.dc2.dc", "nothing"),
        ("web.service.group.sg.east.peer", "nothing"),
        ("web.service.a.ns.b.ns", "nothing"),
        ("web.service.a.dc.b.cluster", "nothing"),
        ("web.service.a.ns.b.xx", "nothing"),
        ("web.service.a.b.c", "nothing"),
        ("web.service.a.ns.b.ap.c", "nothing"),
        ("web.service.a.ns.b.ap.c.dc.d.peer", "nothing"),
    ]);
    let prefer = Reading { prefer_namespace: true, ..Reading::default() };
    check_as("web.service.team", prefer, "service \"web\" ns=team");
}

#[test]
fn reverse_names() {
    let check = |name: &str, expect: Option<&str>| {
        let labels: Vec<&[u8]> = name.split('.').map(str::as_bytes).collect();
        assert_eq!(read_reverse(&labels), expect.map(|text| text.parse().unwrap()), "{name}");
    };
    check("1.0.0.127.in-addr", Some("127.0.0.1"));
    check("255.1.2.10.in-addr", Some("10.2.1.255"));
    check("256.0.0.127.in-addr", None);
    check("01.0.0.127.in-addr", None);
    check("+1.0.0.127.in-addr", None);
    check("0.127.in-addr", None);
    check("1.1.0.0.127.in-addr", None);
    let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    check(&format!("{v6}.ip6"), Some("2001:db8::1"));
    check(&format!("0.{v6}.ip6"), None);
    check(&format!("10{}.ip6", &v6[1..]), None);
    check("in-addr", None);
}
