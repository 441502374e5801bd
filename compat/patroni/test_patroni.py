"""Debian's Patroni, unmodified, with Konsul for its store: a leader, replicas, a planned change and a failover."""

import os
import signal
import subprocess
import time

import pytest
from beside import PATIENCE, request, until
from cluster import LOOP, SCOPE, TTL, three_nodes

# Seconds that PostgreSQL may take to be made, to copy a leader's data, or to be promoted on a busy machine.
WORK = 45


class Cluster:
    def __init__(self, nodes, running, stack):
        self.nodes, self._running, self._stack = nodes, running, stack

    def named(self, name):
        return next(node for node in self.nodes if node.name == name)

    def roles(self):
        """Who leads and who follows, of those that run; a replica that does not stream yet is not one."""
        rows = self.nodes[0].listed()
        leaders = [name for name, (role, state) in rows.items() if (role, state) == ("Leader", "running")]
        return leaders, sorted(name for name, row in rows.items() if row in (("Replica", "streaming"), ("Replica", "running")))

    def leader(self):
        [leader] = self.roles()[0]
        return self.named(leader)

    def replicas(self):
        leader = self.leader()
        return [node for node in self.nodes if node is not leader]

    def kill(self, node):
        """Patroni first, so that it cannot give its place back."""
        patroni = self._running[node.name]
        patroni.send_signal(signal.SIGKILL)
        patroni.wait(PATIENCE)
        node.kill_server()

    def start(self, node):
        self._running[node.name] = self._stack.enter_context(node.running())


@pytest.fixture(scope="module")
def cluster():
    with three_nodes() as (nodes, running, stack):
        made = Cluster(nodes, running, stack)
        until((1, 2), lambda: tuple(map(len, made.roles())), patience=2 * WORK)
        yield made
    request("DELETE", f"/v1/kv/service/{SCOPE}/?recurse")
    for ident in [ident for ident in request("GET", "/v1/agent/services") if ident.startswith(f"{SCOPE}/")]:
        request("PUT", f"/v1/agent/service/deregister/{ident}")


def passing(tag):
    """The ports of the servers that health answers name for a role."""
    return sorted(entry["Service"]["Port"] for entry in request("GET", f"/v1/health/service/{SCOPE}?passing&tag={tag}"))


def resolved(tag):
    command = ["dig", "@127.0.0.1", "-p", os.environ["KONSUL_DNS_PORT"], "+short", "+tries=1", "+time=5"]
    said = subprocess.run([*command, f"{tag}.{SCOPE}.service.consul", "SRV"], stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    return sorted(int(line.split()[2]) for line in said.stdout.splitlines())


def answers_agree(cluster, gone=()):
    """Health answers and DNS name the leader as such, and the others that live as replicas."""
    leader = [cluster.leader().port]
    replicas = sorted(node.port for node in cluster.replicas() if node not in gone)
    until((leader, leader, replicas), lambda: (passing("master"), passing("primary"), passing("replica")))
    until((leader, replicas), lambda: (resolved("primary"), resolved("replica")))


def replicated(cluster, row):
    """Writes a row where the leader is; it must be read on each replica."""
    assert cluster.leader().sql(f"INSERT INTO seen VALUES ('{row}')") is not None
    for node in cluster.replicas():
        until("1", lambda node=node: node.sql(f"SELECT count(*) FROM seen WHERE name = '{row}'"), patience=WORK)


def test_a_row_of_the_leader_is_read_on_replicas(cluster):
    assert cluster.leader().sql("CREATE TABLE seen (name text PRIMARY KEY)") is not None
    replicated(cluster, "first")
    # A replica takes no rows.
    assert cluster.replicas()[0].sql("INSERT INTO seen VALUES ('lost')") is None
    answers_agree(cluster)


def test_a_planned_change_of_leader(cluster):
    old, new = cluster.leader(), cluster.replicas()[0]
    new.patronictl("switchover", "--leader", old.name, "--candidate", new.name, "--force")
    others = sorted(node.name for node in cluster.nodes if node is not new)
    until(([new.name], others), cluster.roles, patience=WORK)
    replicated(cluster, "after a planned change")
    answers_agree(cluster)


def test_another_is_promoted_when_the_leader_is_killed(cluster):
    replicated(cluster, "before the failover")
    old = cluster.leader()
    others = {node.name for node in cluster.replicas()}
    cluster.kill(old)
    killed = time.monotonic()
    until(True, lambda: bool(set(cluster.roles()[0]) & others), patience=TTL + LOOP + WORK)
    # The store must let go of the leader within its time to live; what is above that is PostgreSQL's promotion.
    took = time.monotonic() - killed
    assert took < TTL + 10, f"another led after {took:.1f} seconds"
    new = cluster.leader()
    assert new.name in others
    assert new.sql("SELECT count(*) FROM seen WHERE name = 'before the failover'") == "1"
    answers_agree(cluster, gone=[old])

    cluster.start(old)
    until(([new.name], sorted(node.name for node in cluster.nodes if node is not new)), cluster.roles, patience=2 * WORK)
    replicated(cluster, "after the failover")
    assert cluster.leader() is new
    answers_agree(cluster)
