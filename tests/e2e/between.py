"""between.py -- stands between a client and the server, and does to their talk what networks do.

SPDX-License-Identifier: Apache-2.0
"""
import http.client
import http.server
import threading
import time

from harness import PATIENCE


class Between:
    """Passes requests on to a server. what(n, method, path, body), n counting from 1, says what becomes of one:
    None: it is passed on; "lost": it is dropped and the connection closed; "answer lost": the server has it, and nobody hears
    the answer; (status, headers, body): answered here. seen: (seconds, method, path, headers, body) of each."""

    def __init__(self, server=None, what=lambda n, method, path, body: None):
        between = self
        self.server, self.what, self.seen = server, what, []
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    between.seen.append((time.monotonic(), self.command, self.path, self.headers, body))
                    n = len(between.seen)
                what = between.what(n, self.command, self.path, body)
                if what in (None, "answer lost"):
                    answer = between.forward(self.command, self.path, self.headers, body)
                    what = what or answer
                if isinstance(what, str):
                    self.close_connection = True
                    return
                status, headers, body = what
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = any

            def log_message(self, *args):
                pass
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def forward(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            kept = {k: v for k, v in headers.items() if k.lower() in ("content-type", "authorization", "accept")}
            connection.request(method, path, body or None, kept)
            answer = connection.getresponse()
            return answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read()
        finally:
            connection.close()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def problem(status, detail, **headers):
    """An answer as the server gives it when something is wrong; Retry_After=1 becomes a header."""
    text = f'{{"type":"about:blank","title":"x","status":{status},"detail":"{detail}"}}'
    return status, {"Content-Type": "application/problem+json",
                    **{k.replace("_", "-"): str(v) for k, v in headers.items()}}, text.encode()
