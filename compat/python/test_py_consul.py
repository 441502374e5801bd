"""py-consul, unmodified."""

import base64
import threading

import consul
import pytest
from consul.exceptions import ClientError


def test_put_get_delete(client, prefix):
    key = prefix + "k"
    assert client.kv.put(key, b"\x00\xff<&", flags=2**64 - 1) is True
    index, entry = client.kv.get(key)
    assert entry["Key"] == key
    assert entry["Value"] == b"\x00\xff<&"
    assert entry["Flags"] == 2**64 - 1
    assert entry["LockIndex"] == 0
    assert int(index) == entry["ModifyIndex"] == entry["CreateIndex"]
    assert client.kv.delete(key) is True
    index_after, entry = client.kv.get(key)
    assert entry is None
    assert int(index_after) > int(index)


def test_a_key_without_value(client, prefix):
    assert client.kv.put(prefix + "folder/", None) is True
    assert client.kv.get(prefix + "folder/")[1]["Value"] is None


def test_recurse_keys_separator(client, prefix):
    for name in ["b/1", "a", "b/2"]:
        client.kv.put(prefix + name, name)
    _, entries = client.kv.get(prefix, recurse=True)
    assert [entry["Value"] for entry in entries] == [b"a", b"b/1", b"b/2"]
    assert client.kv.get(prefix, keys=True)[1] == [prefix + "a", prefix + "b/1", prefix + "b/2"]
    assert client.kv.get(prefix, keys=True, separator="/")[1] == [prefix + "a", prefix + "b/"]
    assert client.kv.get(prefix + "none", recurse=True)[1] is None


def test_compare_and_set(client, prefix):
    key = prefix + "k"
    assert client.kv.put(key, "1", cas=0) is True
    assert client.kv.put(key, "2", cas=0) is False
    index = client.kv.get(key)[1]["ModifyIndex"]
    assert client.kv.put(key, "2", cas=index) is True
    assert client.kv.delete(key, cas=index) is False
    assert client.kv.delete(key, cas=client.kv.get(key)[1]["ModifyIndex"]) is True


@pytest.mark.parametrize("mode", ["default", "consistent", "stale"])
def test_consistency(client, prefix, mode):
    client.kv.put(prefix + "k", "v")
    assert client.kv.get(prefix + "k", consistency=mode)[1]["Value"] == b"v"


def test_a_blocking_read_wakes(client, prefix):
    key = prefix + "k"
    client.kv.put(key, "old")
    index, _ = client.kv.get(key)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(client.kv.get(key, index=index, wait="20s")[1]["Value"]))
    reader.start()
    client.kv.put(key, "new")
    reader.join(30)
    assert seen == [b"new"]


def test_a_blocking_read_of_a_missing_key_wakes(client, prefix):
    key = prefix + "k"
    index, _ = client.kv.get(key)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(client.kv.get(key, index=index, wait="20s")[1]["Value"]))
    reader.start()
    client.kv.put(key, "there")
    reader.join(30)
    assert seen == [b"there"]


def test_sessions_and_locks(client, prefix):
    key = prefix + "lock"
    mine = client.session.create(name="mine", ttl=30, lock_delay=0, behavior="delete")
    other = client.session.create()
    try:
        assert client.kv.put(key, "mine", acquire=mine) is True
        assert client.kv.put(key, "other", acquire=other) is False
        assert client.kv.get(key)[1]["Session"] == mine
        assert client.session.renew(mine)["ID"] == mine
        assert client.session.info(mine)[1]["Behavior"] == "delete"
        node = client.session.info(mine)[1]["Node"]
        assert mine in [session["ID"] for session in client.session.list()[1]]
        assert mine in [session["ID"] for session in client.session.node(node)[1]]
        assert client.session.destroy(mine) is True
        assert client.kv.get(key)[1] is None
        assert client.kv.put(key, "other", acquire=other) is True
        with pytest.raises(consul.NotFound):
            client.session.renew(mine)
    finally:
        client.session.destroy(mine)
        client.session.destroy(other)


def test_transactions(client, prefix):
    value = base64.b64encode(b"1").decode()
    done = client.txn.put(
        [
            {"KV": {"Verb": "set", "Key": prefix + "k", "Value": value}},
            {"KV": {"Verb": "get", "Key": prefix + "k"}},
        ]
    )
    assert done["Errors"] is None
    assert done["Results"][1]["KV"]["Value"] == value
    with pytest.raises(ClientError, match="409"):
        client.txn.put([{"KV": {"Verb": "check-not-exists", "Key": prefix + "k"}}])


def test_events(client):
    assert client.event.fire("compat-python", "payload")["Name"] == "compat-python"
    index, events = client.event.list("compat-python")
    assert events[-1]["Payload"] == b"payload"
    assert int(index) > 0


def test_status_agent_operator(client):
    leader = client.status.leader()
    assert client.status.peers() == [leader]
    assert client.agent.self()["Config"]["Datacenter"] == "dc1"
    servers = client.operator.raft_config()["Servers"]
    assert [server["Leader"] for server in servers] == [True]


def test_snapshot(client, prefix):
    client.kv.put(prefix + "k", "before")
    archive = client.snapshot.save()
    client.kv.put(prefix + "k", "after")
    assert client.snapshot.restore(archive) is True
    assert client.kv.get(prefix + "k")[1]["Value"] == b"before"


def test_another_datacenter(client, prefix):
    with pytest.raises(consul.ConsulException, match="No path to datacenter"):
        client.kv.get(prefix + "k", dc="elsewhere")
