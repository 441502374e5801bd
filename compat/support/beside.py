"""What the suites in Python share: requests to the node that CONSUL_HTTP_ADDR names, waiting, servers and programs."""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

# The longest wait, in seconds, for something that must happen.
PATIENCE = 20


def request(method, path, body=None, base=None):
    """Asks a node; answers the body as JSON. An error status raises HTTPError."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request((base or os.environ["CONSUL_HTTP_ADDR"]) + path, data=data, method=method)
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return json.loads(answer.read() or b"null")


def until(wanted, seen, patience=PATIENCE):
    """Asks again until `seen()` is `wanted`; answers how many seconds that took."""
    begun = time.monotonic()
    while True:
        last = seen()
        took = time.monotonic() - begun
        if last == wanted:
            return took
        assert took < patience, f"wanted {wanted!r}, saw {last!r} after {took:.1f} seconds"
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Backend:
    """A real HTTP server on a port of its own that says `body`, or 503 while it is not well."""

    def __init__(self, body, host="127.0.0.1"):
        self.well = True
        self.host = host
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                said = body.encode() if backend.well else b"not well\n"
                self.send_response(200 if backend.well else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def program(command, log, **how):
    """Runs a program while the block lasts; its output goes to the file `log`, `how` to Popen."""
    with open(log, "ab") as output:
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **how)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def fetch(url):
    """A body as text; the empty text when nobody answers, or with an error."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""
