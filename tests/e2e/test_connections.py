"""test_connections.py -- many connections at once.

SPDX-License-Identifier: Apache-2.0
"""
import resource
import socket
import threading

from harness import PATIENCE, new_id, page_view


def test_a_shell_that_gives_few_descriptors_does_not_cap_connections(start_server):
    """A login shell gives 1,024 descriptors: the server hung up on everybody past that, long before http.connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        server = start_server(args=["--http.connections", "400"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(300)]
    for s in held:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert all(s.recv(4096).startswith(b"HTTP/1.1 200 ") for s in held)
    for s in held:
        s.close()


def test_too_many_batches_at_once_are_asked_to_come_again(start_server):
    """One batch may be under way, four fronts take them in: what is over is a 503, never counted, and never a status that makes
    a tracker drop its events."""
    server = start_server(args=["--api.batches", "1", "--fronts", "4"])
    duid, lock, answers = new_id(), threading.Lock(), []

    def hammer():
        for _ in range(400):
            with lock:
                if len(answers) > 40 and 503 in [a.status for a in answers]:
                    return
            answer = server.post("/api/v1/events", [page_view(duid) for _ in range(1000)])
            with lock:
                answers.append(answer)

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    refused = [a for a in answers if a.status == 503]
    taken = [a for a in answers if a.status == 200]
    assert refused and taken and len(refused) + len(taken) == len(answers), {a.status for a in answers}
    assert all(int(a.headers["Retry-After"]) > 0 for a in refused)
    read = server.post("/api/v1/get-online-attributes", {"attributes": ["prospect_scoring_tutorial_v1:num_page_views_l7d"],
                                                         "attribute_keys": {"domain_userid": [duid]}})
    # past 4,096 entries the oldest fold into summaries, but inside the window each still counts
    assert read.json()["num_page_views_l7d"] == [1000 * len(taken)]
