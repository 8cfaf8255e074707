"""test_connections.py -- many connections at once.

SPDX-License-Identifier: Apache-2.0
"""
import resource
import socket

from harness import SLOW


def test_a_shell_that_gives_few_descriptors_does_not_cap_connections(start_server):
    """A login shell gives 1,024 descriptors: the server hung up on everybody past that, long before http.connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        server = start_server(args=["--http.connections", "400"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=5 * SLOW) for _ in range(300)]
    for s in held:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert all(s.recv(4096).startswith(b"HTTP/1.1 200 ") for s in held)
    for s in held:
        s.close()
