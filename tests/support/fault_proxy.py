"""A proxy on loopback that spoils chosen replies between the store and its endpoint.

It reads whole HTTP requests and forwards them one to one. For each request `decide` (operation, running
number) names a fault or None. "After" faults forward first: the endpoint has carried the request out.
"""

from __future__ import annotations

import http.client
import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

FAULTS = {
    "lost reply": "carried out, then the connection is closed without an answer",
    "cut reply": "carried out, then the answer ends in the middle",
    "late reply": "carried out, but the answer comes after the client's time-out",
    "500 after": "carried out, but the answer is an InternalServerError",
    "500": "not carried out, InternalServerError",
    "throttle": "not carried out, ProvisionedThroughputExceededException",
    "broken JSON": "carried out, and the answer says 200 with damaged JSON",
    "wrong CRC": "carried out, and the answer's checksum does not match",
    "refused": "not carried out, the connection is closed at once",
}

# The last one: the embedded AWS would know a request again that is sent twice, which AWS does not.
_OWN = {"connection", "content-length", "amz-sdk-invocation-id"}

Decide = Callable[[str, int], str | None]


class FaultProxy:
    """`url` is where the store connects, `faulted` counts the replies that were spoilt."""

    def __init__(self, endpoint: str) -> None:
        target = urlsplit(endpoint)
        self.target = (target.hostname or "127.0.0.1", target.port or 80)
        self.decide: Decide = lambda _operation, _number: None
        self.faulted = 0
        self.requests = 0
        self.release = threading.Event()  # lets late replies go
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, decide: Decide) -> None:
        """Start counting anew, with these faults."""
        with self._lock:
            self.decide, self.faulted, self.requests = decide, 0, 0
            self.release.set()
            self.release = threading.Event()

    def next_fault(self, operation: str) -> str | None:
        if operation == "DescribeTable":  # an import's question which table it is: neither spoilt nor counted
            return None
        with self._lock:
            fault = self.decide(operation, self.requests)
            self.requests += 1
            self.faulted += fault is not None
            return fault

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    block_on_close = False

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away after its time-out is what we provoke."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        fault = self.server.proxy.next_fault(operation)
        self.close_connection = fault is not None
        if fault == "refused":
            return
        if fault == "500":
            self._answer(500, _error("InternalServerError"))
        elif fault == "throttle":
            self._answer(400, _error("ProvisionedThroughputExceededException"))
        elif fault == "unprocessed":
            self._answer(200, self._forward_half(body))
        else:
            self._spoil(fault, *self._forward(body))

    def _spoil(self, fault: str | None, status: int, answer: bytes) -> None:
        if fault is None:
            self._answer(status, answer)
        elif fault == "500 after":
            self._answer(500, _error("InternalServerError"))
        elif fault == "broken JSON":
            self._answer(status, answer[: len(answer) // 2] + b'"' if len(answer) > 2 else b'{"')
        elif fault == "wrong CRC":
            self._answer(status, answer.replace(b"S", b"s"), {"x-amz-crc32": "1"})
        elif fault == "cut reply":
            self._answer(status, answer[: len(answer) // 2], {"Content-Length": str(len(answer) + 5)})
        elif fault == "late reply":
            self.server.proxy.release.wait(30)
            self._answer(status, answer)

    def _forward_half(self, body: bytes) -> bytes:
        """Carry out half of a BatchWriteItem and return the rest as not processed."""
        ((table, puts),) = json.loads(body)["RequestItems"].items()
        half = len(puts) // 2
        self._forward(json.dumps({"RequestItems": {table: puts[:half]}}).encode())
        return json.dumps({"UnprocessedItems": {table: puts[half:]}}).encode()

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        upstream = http.client.HTTPConnection(*self.server.proxy.target, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        upstream.request("POST", self.path, body, headers)
        reply = upstream.getresponse()
        answer = reply.read()
        upstream.close()
        return reply.status, answer

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fields = {"Content-Type": "application/x-amz-json-1.0", "Content-Length": str(len(body))}
        for name, value in (fields | (headers or {})).items():
            self.send_header(name, value)
        if self.close_connection:
            # Said, so that the client's next try doesn't spend itself on a connection that is closing.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _error(kind: str) -> bytes:
    return json.dumps(
        {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "provoked by the test"}
    ).encode()
