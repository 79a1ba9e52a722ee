"""A server that keeps Terraform states behind HTTP addresses, as GitLab does.

https://developer.hashicorp.com/terraform/language/backend/http
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def http_states() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The server's address, and the states by their paths."""
    states: dict[str, bytes] = {}
    locks: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def do_GET(self) -> None:
            state = states.get(self.path)
            self._answer(200 if state else 404, state or b"")

        def do_POST(self) -> None:
            states[self.path.partition("?")[0]] = self._body()
            self._answer(200)

        def do_LOCK(self) -> None:
            body = self._body()
            holder = locks.setdefault(self.path, body)
            self._answer(200 if holder == body else 423, holder)

        def do_UNLOCK(self) -> None:
            self._body()
            locks.pop(self.path, None)
            self._answer(200)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", states
    finally:
        server.shutdown()
        server.server_close()
