"""The embedded AWS's process: moto's server on a socket that the parent opened.

Run by tap.local.embedded as `python -m tap.local.moto_server FD INSTANCE`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from tap.state import identity


def with_identity(app: Callable[..., Iterable[bytes]], instance: str) -> Callable[..., Iterable[bytes]]:
    """The app, which also tells whose server this is."""
    body = json.dumps({"instance": instance, "pid": os.getpid()}).encode()

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != identity.PATH:
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return serve


class Handler(WSGIRequestHandler):
    """Gives up on a client that connects and says nothing: everybody else waits for it."""

    timeout = 3


def main(descriptor: int, instance: str) -> None:
    """Serve one request at a time: moto's own threaded server loses concurrent updates."""
    app = with_identity(DomainDispatcherApplication(create_backend_app), instance)
    make_server("127.0.0.1", 0, app, fd=descriptor, threaded=False, request_handler=Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
