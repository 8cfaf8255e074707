"""conftest.py -- the servers that the end-to-end tests share, or have for themselves.

SPDX-License-Identifier: Apache-2.0
"""
import pytest

from harness import Server


@pytest.fixture(scope="session")
def server():
    """One server with the shipped rules for all tests: each uses identifiers of its own."""
    s = Server()
    yield s
    s.stop()


@pytest.fixture(scope="session")
def port(server):
    return server.port


@pytest.fixture
def start_server():
    """Starts servers that live as long as the test: start_server(rules={...}, args=[...], env={...})."""
    started = []

    def start(*args, **kwargs):
        started.append(Server(*args, **kwargs))
        return started[-1]
    yield start
    for s in started:
        s.stop()


@pytest.fixture
def fresh_server(start_server):
    """A server with the shipped rules that nobody else has touched."""
    return start_server()
