"""BIND's dig, unmodified, against the DNS port of the node that CONSUL_HTTP_ADDR and KONSUL_DNS_PORT name."""

import os
import re
import subprocess

import pytest
from beside import request


class Answer:
    """What dig printed, by section; a record is its fields without the class, a TTL among them."""

    def __init__(self, text):
        self.text = text
        status = re.search(r"status: (\w+)", text)
        self.status = status and status[1]
        flags = re.search(r"^;; flags: ([a-z ]*);", text, re.M)
        self.flags = flags[1].split() if flags else []
        self.sections = {}
        section = None
        for line in text.splitlines():
            if line.startswith(";; ") and line.endswith(" SECTION:"):
                section = self.sections.setdefault(line[3:-9], [])
            elif line and not line.startswith(";") and section is not None:
                owner, ttl, _, kind, *rest = line.split()
                section.append((owner, int(ttl), kind, " ".join(rest)))

    def records(self, section="ANSWER"):
        return sorted((owner, kind, data) for owner, _, kind, data in self.sections.get(section, []))

    def data(self, section="ANSWER"):
        return sorted(data for _, _, _, data in self.sections.get(section, []))

    def soa(self):
        return [kind for _, _, kind, _ in self.sections.get("AUTHORITY", [])] == ["SOA"]


def dig(*words):
    command = ["dig", "@127.0.0.1", "-p", os.environ["KONSUL_DNS_PORT"], "+tries=1", "+time=5", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    return Answer(done.stdout)


def instance(node, address, service, **more):
    status = more.pop("status", "passing")
    meta = more.pop("node_meta", None)
    check = {"CheckID": f"{node}-check", "Name": "up", "Status": status, "ServiceID": f"{service}-{node}"}
    body = {"Node": node, "Address": address, "NodeMeta": meta, "Check": check}
    request("PUT", "/v1/catalog/register", {**body, "Service": {"ID": f"{service}-{node}", "Service": service, **more}})
    return node


@pytest.fixture(scope="module", autouse=True)
def catalogue():
    nodes = [
        instance("dig1", "192.0.2.1", "dig-web", Tags=["v1", "a.b"], Port=8001, node_meta={"k": "v", "rfc1035-x": "bare"}),
        instance("dig2", "192.0.2.2", "dig-web", Tags=["v2"], Port=8002, Address="192.0.2.22", status="warning", Weights={"Passing": 10, "Warning": 3}),
        instance("dig3", "192.0.2.3", "dig-web", Tags=["v1"], Port=8003, status="critical"),
        instance("dig4", "2001:db8::4", "dig-six", Port=8004),
        instance("dig5", "192.0.2.5", "dig-named", Port=8005, Address="host.example"),
        instance("dig6", "192.0.2.6", "dig-ill", Port=8006, status="critical"),
        instance("dig8", "192.0.2.8", "dig.dot", Port=8008),
        instance("dig9", "192.0.2.9", "dig space", Port=8009),
        instance("dig10", "192.0.2.10", "größe", Port=8010),
        instance("dig11", "192.0.2.11", "d" * 63, Port=8011),
        instance("dig12", "192.0.2.12", "d" * 300, Port=8012),
    ]
    for number in range(60):
        nodes.append(instance(f"crowd{number}", f"198.51.100.{number}", "dig-crowd", Port=number + 1))
    made = request("POST", "/v1/query", {"Name": "dig-find", "Service": {"Service": "dig-web", "Tags": ["v1"]}, "DNS": {"TTL": "7s"}})
    yield
    request("DELETE", f"/v1/query/{made['ID']}")
    for node in nodes:
        request("PUT", "/v1/catalog/deregister", {"Node": node})


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("dig-web.service.consul", ["192.0.2.1", "192.0.2.22"]),
        ("dig-web.service.dc1.consul", ["192.0.2.1", "192.0.2.22"]),
        ("dig-web.service.dc1.dc.consul", ["192.0.2.1", "192.0.2.22"]),
        ("DIG-Web.Service.Consul", ["192.0.2.1", "192.0.2.22"]),
        ("v1.dig-web.service.consul", ["192.0.2.1"]),
        ("a.b.dig-web.service.consul", ["192.0.2.1"]),
        ("_dig-web._v2.service.consul", ["192.0.2.22"]),
        ("_dig-web._tcp.service.consul", ["192.0.2.1", "192.0.2.22"]),
        ("dig3.node.consul", ["192.0.2.3"]),
        ("dig1.node.dc1.consul", ["192.0.2.1"]),
        ("c0000209.addr.consul", ["192.0.2.9"]),
        ("dig-find.query.consul", ["192.0.2.1"]),
        ("dig-named.service.consul", ["host.example."]),
    ],
)
def test_addresses(name, wanted):
    answer = dig(name, "A")
    assert (answer.status, answer.data()) == ("NOERROR", wanted), answer.text
    assert "aa" in answer.flags and "ra" not in answer.flags
    # The case of the question is kept.
    assert {record[0] for record in answer.records()} == {f"{name}."}


@pytest.mark.parametrize(
    "name",
    [
        "dig-nobody.service.consul",
        "dig-ill.service.consul",
        "v9.dig-web.service.consul",
        "dig-nobody.node.consul",
        "dig1.node.elsewhere.consul",
        "dig-nobody.query.consul",
        "zz.addr.consul",
        "nonsense.consul",
        "service.consul",
    ],
)
def test_a_name_that_is_not_there(name):
    answer = dig(name, "A")
    assert (answer.status, answer.data(), answer.soa()) == ("NXDOMAIN", [], True), answer.text


@pytest.mark.parametrize("name, kind", [("dig-six.service.consul", "A"), ("dig-web.service.consul", "AAAA"), ("dig-web.service.consul", "MX")])
def test_a_name_without_that_type(name, kind):
    answer = dig(name, kind)
    assert (answer.status, answer.data(), answer.soa()) == ("NOERROR", [], True), answer.text


def test_ipv6():
    assert dig("dig-six.service.consul", "AAAA").data() == ["2001:db8::4"]
    assert dig("dig-six.service.consul", "ANY").data() == ["2001:db8::4"]
    assert dig("20010db8000000000000000000000004.addr.consul", "AAAA").data() == ["2001:db8::4"]


def test_srv_with_weights_and_addresses():
    answer = dig("dig-web.service.consul", "SRV")
    assert answer.data() == ["1 1 8001 dig1.node.dc1.consul.", "1 3 8002 c0000216.addr.dc1.consul."], answer.text
    glue = answer.records("ADDITIONAL")
    assert ("dig1.node.dc1.consul.", "A", "192.0.2.1") in glue
    assert ("c0000216.addr.dc1.consul.", "A", "192.0.2.22") in glue
    assert dig("dig-named.service.consul", "SRV").data() == ["1 1 8005 host.example."]
    assert dig("dig-find.query.consul", "SRV").data() == ["1 1 8001 dig1.node.dc1.consul."]


def test_ttl_of_a_query_is_its_own():
    assert {ttl for _, ttl, _, _ in dig("dig-find.query.consul", "A").sections["ANSWER"]} == {7}
    assert {ttl for _, ttl, _, _ in dig("dig-web.service.consul", "A").sections["ANSWER"]} == {0}


def test_metadata_of_a_node():
    assert dig("dig1.node.consul", "TXT").data() == ['"bare"', '"k=v"']
    assert dig("dig1.node.consul", "ANY").data() == ['"bare"', '"k=v"', "192.0.2.1"]


def test_reverse():
    assert dig("-x", "192.0.2.2").data() == ["dig2.node.dc1.consul."]
    assert dig("-x", "192.0.2.22").data() == ["dig-web.service.dc1.consul."]
    assert dig("-x", "2001:db8::4").data() == ["dig4.node.dc1.consul."]
    assert dig("-x", "192.0.2.99").status == "NXDOMAIN"


def test_the_zone():
    soa = dig("consul", "SOA")
    assert re.fullmatch(r"ns\.consul\. hostmaster\.consul\. \d+ 3600 600 86400 0", soa.data()[0]), soa.text
    servers = dig("consul", "NS")
    assert [kind for _, _, kind, _ in servers.sections["ANSWER"]] == ["NS"]
    target = servers.data()[0]
    assert (target, "A", "127.0.0.1") in servers.records("ADDITIONAL"), servers.text


@pytest.mark.parametrize(
    "name, wanted",
    [
        # A dot and a space within a label, and UTF-8 as the bytes that it is.
        (r"dig\.dot.service.consul", "192.0.2.8"),
        (r"dig\032space.service.consul", "192.0.2.9"),
        (r"gr\195\182\195\159e.service.consul", "192.0.2.10"),
        ("d" * 63 + ".service.consul", "192.0.2.11"),
    ],
)
def test_names_with_unusual_characters(name, wanted):
    answer = dig("+noidnin", name, "A")
    assert (answer.status, answer.data()) == ("NOERROR", [wanted]), answer.text
    # Without its escape the dot parts a tag from a service.
    assert dig("dig.dot.service.consul", "A").status == "NXDOMAIN"


def test_a_name_that_no_label_holds_is_in_http_alone():
    assert [entry["Service"]["Port"] for entry in request("GET", "/v1/health/service/" + "d" * 300)] == [8012]
    assert "is not a legal name" in dig("d" * 64 + ".service.consul", "A").text


def test_foreign_names_are_refused():
    assert dig("example.com", "A").status == "REFUSED"
    assert "Transfer failed" in dig("consul", "AXFR").text


def test_truncation_and_tcp():
    whole = [f"198.51.100.{number}" for number in range(60)]
    # Without EDNS an answer over UDP has three addresses at most, in 512 bytes.
    small = dig("dig-crowd.service.consul", "A", "+noedns", "+ignore")
    assert len(small.data()) == 3 and set(small.data()) < set(whole), small.text
    cut = dig("dig-crowd.service.consul", "SRV", "+bufsize=1232", "+ignore")
    assert len(cut.data()) < 60
    big = dig("dig-crowd.service.consul", "A", "+tcp")
    assert (big.data(), "tc" in big.flags) == (sorted(whole), False)
    assert len(dig("dig-crowd.service.consul", "SRV", "+tcp").data()) == 60


def test_the_order_is_shuffled():
    firsts = {dig("dig-crowd.service.consul", "A", "+tcp").sections["ANSWER"][0][3] for _ in range(8)}
    assert len(firsts) > 1


def test_a_change_of_health_is_in_the_next_answer():
    instance("dig7", "192.0.2.7", "dig-turn", Port=1)
    for status, wanted in [("critical", []), ("passing", ["192.0.2.7"]), ("critical", [])]:
        instance("dig7", "192.0.2.7", "dig-turn", Port=1, status=status)
        assert dig("dig-turn.service.consul", "A").data() == wanted
    request("PUT", "/v1/catalog/deregister", {"Node": "dig7"})
