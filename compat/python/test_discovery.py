"""py-consul's catalogue, health and agent, unmodified."""

import threading
import time

import consul
import pytest

PATIENCE = 20


@pytest.fixture
def node(client):
    """A node with a service and its check in the catalogue, past every agent."""
    name = "py-node"
    service = {"ID": "py-web-1", "Service": "py-web", "Tags": ["blue"], "Port": 8080, "Address": "192.0.2.20"}
    check = {"Name": "up", "CheckID": "py-web-check", "Status": "passing", "ServiceID": "py-web-1", "Node": name}
    assert client.catalog.register(name, "192.0.2.10", service=service, check=check) is True
    yield name
    assert client.catalog.deregister(name) is True


def passing(client, service, count):
    """Waits until that many instances pass; answers how long it took."""
    begun = time.monotonic()
    index = None
    while time.monotonic() - begun < PATIENCE:
        index, entries = client.health.service(service, passing=True, index=index, wait="1s")
        if len(entries) == count:
            return time.monotonic() - begun
    pytest.fail(f"{service} has {len(entries)} instances that pass, not {count}")


def test_catalogue(client, node):
    assert client.catalog.datacenters() == ["dc1"]
    assert client.catalog.services()[1]["py-web"] == ["blue"]
    assert node in [entry["Node"] for entry in client.catalog.nodes()[1]]
    # This client's `node_meta` only ever filters, in a registration as well.
    assert client.catalog.nodes(node_meta={"rack": "p1"})[1] == []
    assert client.catalog.node(node)[1]["Services"]["py-web-1"]["Port"] == 8080
    assert client.catalog.node("py-nobody")[1] is None
    found = client.catalog.service("py-web", tag="blue")[1]
    assert [(one["Node"], one["ServiceAddress"], one["ServicePort"]) for one in found] == [(node, "192.0.2.20", 8080)]
    assert client.catalog.service("py-web", tag="green")[1] == []


def test_health(client, node):
    index, entries = client.health.service("py-web", passing=True, tag="blue")
    assert [entry["Service"]["ID"] for entry in entries] == ["py-web-1"]
    assert [check["CheckID"] for check in client.health.checks("py-web")[1]] == ["py-web-check"]
    assert [check["CheckID"] for check in client.health.node(node)[1]] == ["py-web-check"]
    assert "py-web-check" in [check["CheckID"] for check in client.health.state("passing")[1]]
    seen = []
    reader = threading.Thread(target=lambda: seen.append(client.health.service("py-web", passing=True, index=index, wait="20s")))
    reader.start()
    check = {"Name": "up", "CheckID": "py-web-check", "Status": "critical", "ServiceID": "py-web-1", "Node": node}
    client.catalog.register(node, "192.0.2.10", check=check)
    reader.join(PATIENCE)
    assert seen and seen[0][1] == [] and int(seen[0][0]) > int(index)


def test_an_agent_service_with_a_ttl(client):
    agent = client.agent
    assert agent.service.register("py-beat", service_id="py-beat-1", port=9, tags=["t"], check=consul.Check.ttl("60s")) is True
    try:
        assert agent.services()["py-beat-1"]["Service"] == "py-beat"
        assert agent.checks()["service:py-beat-1"]["Status"] == "critical"
        passing(client, "py-beat", 0)
        for status, count in [("pass", 1), ("warn", 0), ("pass", 1), ("fail", 0)]:
            assert getattr(agent.check, f"ttl_{status}")("service:py-beat-1", notes="said") is True
            assert passing(client, "py-beat", count) < 1
        assert agent.check.ttl_pass("service:py-beat-1") is True
        assert agent.service.maintenance("py-beat-1", "true", reason="broken") is True
        passing(client, "py-beat", 0)
        assert agent.service.maintenance("py-beat-1", "false") is True
        passing(client, "py-beat", 1)
    finally:
        assert agent.service.deregister("py-beat-1") is True
    assert "py-beat-1" not in agent.services()


def test_a_check_of_its_own(client):
    assert client.agent.check.register("py-alone", check=consul.Check.ttl("60s"), notes="noted") is True
    assert client.agent.checks()["py-alone"]["Notes"] == "noted"
    assert client.agent.check.deregister("py-alone") is True
    # This client takes a 404 for a plain "no".
    assert client.agent.check.deregister("py-alone") is False


def test_prepared_queries(client, node):
    made = client.query.create("py-web", name="py-find", onlypassing=True, ttl="5s")
    try:
        assert [one["ID"] for one in client.query.list()] == [made["ID"]]
        assert client.query.get(made["ID"])[0]["Name"] == "py-find"
        found = client.query.execute("py-find")
        assert [one["Node"]["Node"] for one in found["Nodes"]] == [node]
        assert client.query.explain("py-find")["Query"]["Service"]["Service"] == "py-web"
    finally:
        assert client.query.delete(made["ID"]) is True


def test_members_and_coordinates(client):
    assert [member["Name"] for member in client.agent.members()] == [client.agent.self()["Config"]["NodeName"]]
    assert isinstance(client.coordinate.nodes()[1], list)
