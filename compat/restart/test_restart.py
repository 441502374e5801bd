"""An agent of its own, its registrations and their checks: what a check says, and what kill -9 leaves."""

import contextlib
import os
import signal
import subprocess

import pytest
from beside import PATIENCE, Backend, fetch, free_port, program, request, until

# Seconds between two runs of a check, and how long its result may take to reach every answer after that.
INTERVAL, WITHIN = 1, 1


class Agent:
    def __init__(self, folder):
        self._folder, self.http, self.dns = folder, free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.http}"

    @contextlib.contextmanager
    def running(self):
        words = ["-server", "-bootstrap-expect=1", "-bind=127.0.0.1", f"-data-dir={self._folder}/data"]
        command = [os.environ["KONSUL_BIN"], "agent", *words, f"-http-port={self.http}", f"-dns-port={self.dns}"]
        with program(command, self._folder / "log") as running:
            until(True, lambda: fetch(f"{self.base}/health/ready") != "")
            yield running

    def ask(self, method, path, body=None):
        return request(method, path, body, self.base)

    def passing(self, service):
        return sorted(entry["Service"]["ID"] for entry in self.ask("GET", f"/v1/health/service/{service}?passing"))

    def resolved(self, service):
        dig = ["dig", "@127.0.0.1", "-p", str(self.dns), "+short", "+tries=1", "+time=5", f"{service}.service.consul", "SRV"]
        said = subprocess.run(dig, stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout
        return sorted(int(line.split()[2]) for line in said.splitlines())


@pytest.fixture
def agent(tmp_path):
    return Agent(tmp_path)


@pytest.fixture
def backend():
    made = Backend("well\n")
    yield made
    made.close()


def web(backend):
    check = {"CheckID": "web-up", "HTTP": backend.url, "Interval": f"{INTERVAL}s", "Timeout": "500ms"}
    return {"ID": "web-1", "Name": "web", "Tags": ["t"], "Address": "127.0.0.1", "Port": backend.port, "Check": check}


def test_a_check_steers_health_and_dns_together(agent, backend):
    with agent.running():
        agent.ask("PUT", "/v1/agent/service/register", web(backend))
        until(["web-1"], lambda: agent.passing("web"))
        for well in (False, True, False, True):
            backend.well = well
            instances, ports = (["web-1"], [backend.port]) if well else ([], [])
            took = until(instances, lambda: agent.passing("web"))
            assert took < INTERVAL + WITHIN, f"{took:.2f} seconds until health?passing said so"
            assert until(ports, lambda: agent.resolved("web")) < WITHIN
        [check] = agent.ask("GET", "/v1/health/checks/web")
        assert (check["Status"], check["Type"]) == ("passing", "http")
        assert "well" in check["Output"]


def test_a_killed_agent_keeps_its_registrations(agent, backend):
    with agent.running() as killed:
        agent.ask("PUT", "/v1/agent/service/register", web(backend))
        beat = {"Name": "beat", "Meta": {"k": "v"}, "Check": {"CheckID": "beat-ttl", "TTL": "300s"}}
        agent.ask("PUT", "/v1/agent/service/register", beat)
        agent.ask("PUT", "/v1/agent/check/pass/beat-ttl?note=said")
        agent.ask("PUT", "/v1/agent/check/register", {"ID": "alone", "Name": "alone", "TTL": "300s", "Status": "passing"})
        agent.ask("PUT", "/v1/agent/service/register", {"Name": "gone"})
        agent.ask("PUT", "/v1/agent/service/deregister/gone")
        until((["web-1"], ["beat"]), lambda: (agent.passing("web"), agent.passing("beat")))
        services = agent.ask("GET", "/v1/agent/services")
        killed.send_signal(signal.SIGKILL)
        killed.wait(PATIENCE)
    # What became of the server meanwhile is for its check to tell.
    backend.well = False
    with agent.running():
        assert agent.ask("GET", "/v1/agent/services") == services
        assert sorted(services) == ["beat", "web-1"]
        assert sorted(agent.ask("GET", "/v1/agent/checks")) == ["alone", "beat-ttl", "web-up"]
        # A TTL that was renewed in time is still good, with what it said.
        until(["beat"], lambda: agent.passing("beat"))
        assert agent.ask("GET", "/v1/agent/checks")["beat-ttl"]["Output"] == "said"
        assert until([], lambda: agent.passing("web")) < INTERVAL + WITHIN
        backend.well = True
        assert until(["web-1"], lambda: agent.passing("web")) < INTERVAL + WITHIN
        assert "gone" not in agent.ask("GET", "/v1/catalog/services")


def test_what_others_removed_or_changed_is_put_right(agent, backend):
    with agent.running():
        agent.ask("PUT", "/v1/agent/service/register", web(backend))
        until(["web-1"], lambda: agent.passing("web"))
        node = agent.ask("GET", "/v1/agent/self")["Config"]["NodeName"]
        other = {"Node": "elsewhere", "Address": "192.0.2.1", "Service": {"Service": "direct", "Port": 1}}
        agent.ask("PUT", "/v1/catalog/register", other)
        agent.ask("PUT", "/v1/catalog/deregister", {"Node": node, "ServiceID": "web-1"})
        until(["web-1"], lambda: agent.passing("web"), patience=90)
        assert agent.passing("direct") == ["direct"]
