"""The client, and a key prefix for each test, against the node that CONSUL_HTTP_ADDR names."""

import os
from urllib.parse import urlparse

import consul
import pytest


@pytest.fixture(scope="session")
def address():
    value = os.environ.get("CONSUL_HTTP_ADDR")
    if not value:
        pytest.exit("CONSUL_HTTP_ADDR is not set: run compat/run.sh, which starts a node", 2)
    return urlparse(value)


@pytest.fixture
def client(address):
    return consul.Consul(host=address.hostname, port=address.port)


@pytest.fixture
def prefix(client, request):
    prefix = f"compat-python/{request.node.name}/"
    client.kv.delete(prefix, recurse=True)
    yield prefix
    client.kv.delete(prefix, recurse=True)
