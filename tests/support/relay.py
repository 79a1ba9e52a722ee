"""A relay on loopback before an endpoint: it tells each request's operation before and after it is carried out."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sent:
    """A request as it was sent."""

    method: str
    path: str
    headers: Message  # whose names are in any case: the SDK for JavaScript writes them small
    body: bytes

    @property
    def operation(self) -> str:
        """What it asks for: AWS's services say it in a header, a form or the path, S3 by its method."""
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        if found := re.search(rb"(?:^|&)Action=(\w+)", self.body):
            return found[1].decode()
        found_in_path = re.fullmatch(r"/service/\w+/operation/(\w+)", self.path)
        return found_in_path[1] if found_in_path else self.method


#: Told (request, whether the endpoint has carried it out); what it raises ends the request without an answer.
Observer = Callable[[Sent, bool], None]

#: Between two connections, or about them; the relay has its own.
_OWN = {"connection", "content-length", "transfer-encoding", "expect"}


class HangUpError(Exception):
    """The client is to get no answer."""


class GoneError(HangUpError):
    """Nobody is to get an answer from now on: connections are refused."""


@contextmanager
def relay(endpoint: str, observer: Observer) -> Iterator[str]:
    """The address of a relay to that endpoint."""
    target = urlsplit(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (HangUpError, OSError) as error:  # the latter: the client is dead
                self.close_connection = True
                if isinstance(error, GoneError):
                    server.socket.close()

        def _relayed(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = Sent(self.command, self.path, self.headers, body)
            observer(sent, False)
            upstream = http.client.HTTPConnection(target.hostname or "", target.port, timeout=120)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            upstream.request(self.command, self.path, body, headers)
            reply = upstream.getresponse()
            answer = reply.read()
            upstream.close()
            observer(sent, True)
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in (*_OWN, "date", "server"):
                    self.send_header(name, value)
            length = reply.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(answer))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _relayed

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that is gone is what we provoke."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
