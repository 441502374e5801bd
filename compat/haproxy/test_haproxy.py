"""Debian's HAProxy, unmodified: the servers of a backend follow SRV answers of the node's DNS, up and down."""

import os
import socket

import pytest
from beside import Backend, fetch, free_port, program, request, until

SLOTS = 4
# The bit of a server's administrative state that says that its name does not resolve.
UNRESOLVED = 0x20
CONFIGURATION = """
global
  stats socket {socket} mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
resolvers konsul
  nameserver node 127.0.0.1:{dns}
  accepted_payload_size 8192
  resolve_retries 3
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold obsolete 0s
  hold nx 0s
frontend front
  bind 127.0.0.1:{port}
  default_backend web
backend web
  balance roundrobin
  server-template web {slots} _ha-web._tcp.service.consul resolvers konsul resolve-prefer ipv4 init-addr none check inter 1s
"""


class HAProxy:
    def __init__(self, port, stats):
        self.url = f"http://127.0.0.1:{port}/"
        self._stats = stats

    def reached(self):
        """Who answers through it, over two rounds."""
        return {fetch(self.url) for _ in range(2 * SLOTS)}

    def ports(self):
        """The ports of the servers that have an address, and are not in maintenance for want of one."""
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(5)
            stats.connect(str(self._stats))
            stats.sendall(b"show servers state web\n")
            said = b"".join(iter(lambda: stats.recv(65536), b"")).decode()
        rows = [line.split() for line in said.splitlines()[2:] if line]
        # The fifth field is the address, the seventh the administrative state, the nineteenth the port.
        return {int(row[18]) for row in rows if row[4] != "-" and not int(row[6]) & UNRESOLVED}


@pytest.fixture
def haproxy(tmp_path):
    port, stats = free_port(), tmp_path / "s"
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(CONFIGURATION.format(socket=stats, dns=os.environ["KONSUL_DNS_PORT"], port=port, slots=SLOTS))
    with program(["haproxy", "-db", "-f", str(configuration)], tmp_path / "log"):
        until(True, stats.exists)
        yield HAProxy(port, stats)


@pytest.fixture
def backends():
    made = [Backend(f"backend {number}", f"127.0.0.{number + 1}") for number in range(3)]
    yield made
    for number, backend in enumerate(made):
        if f"ha-{number}" in request("GET", "/v1/agent/services"):
            request("PUT", f"/v1/agent/service/deregister/ha-{number}")
        backend.close()


@pytest.fixture
def neighbours():
    """Several on one address, with ports of their own."""
    made = [Backend(f"neighbour {number}") for number in range(3)]
    yield made
    for number, backend in enumerate(made):
        request("PUT", f"/v1/agent/service/deregister/ha-{number}")
        backend.close()


def register(number, backend):
    service = {"ID": f"ha-{number}", "Name": "ha-web", "Address": backend.host, "Port": backend.port}
    request("PUT", "/v1/agent/service/register", {**service, "Check": {"HTTP": backend.url, "Interval": "1s", "Status": "passing"}})


def test_servers_follow_scale_up_and_down(haproxy, backends):
    ports = [backend.port for backend in backends]
    register(0, backends[0])
    until({"backend 0"}, haproxy.reached)
    register(1, backends[1])
    register(2, backends[2])
    until(set(ports), haproxy.ports)
    until({"backend 0", "backend 1", "backend 2"}, haproxy.reached)
    request("PUT", "/v1/agent/service/deregister/ha-1")
    until({ports[0], ports[2]}, haproxy.ports)
    assert haproxy.reached() == {"backend 0", "backend 2"}
    # Maintenance takes an instance out of DNS while its server is well, and gives it back.
    request("PUT", "/v1/agent/service/maintenance/ha-2?enable=true")
    until({ports[0]}, haproxy.ports)
    assert haproxy.reached() == {"backend 0"}
    request("PUT", "/v1/agent/service/maintenance/ha-2?enable=false")
    until({"backend 0", "backend 2"}, haproxy.reached)


@pytest.mark.parametrize("address", ["own", "of the node"])
def test_instances_on_one_address_are_all_servers(haproxy, neighbours, address):
    for number, backend in enumerate(neighbours):
        service = {"ID": f"ha-{number}", "Name": "ha-web", "Port": backend.port}
        request("PUT", "/v1/agent/service/register", service if address == "of the node" else {**service, "Address": backend.host})
    until({backend.port for backend in neighbours}, haproxy.ports)
    until({"neighbour 0", "neighbour 1", "neighbour 2"}, haproxy.reached)
