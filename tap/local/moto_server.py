"""The embedded AWS's process: moto's server on a socket that the parent opened.

Run by tap.local.embedded as `python -m tap.local.moto_server FD INSTANCE`.
"""

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from tap.state import identity

WSGIApplication = Callable[..., Iterable[bytes]]
#: Answers kept for requests that are sent again, which comes within seconds.
_REMEMBERED = 256


def with_identity(app: WSGIApplication, instance: str) -> WSGIApplication:
    """The app, which also tells whose server this is."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != identity.PATH:
            return app(environ, start_response)
        moved = not Path(__file__).exists()  # moto loads a service's code when it is first asked for
        body = json.dumps({"instance": instance, "pid": os.getpid(), "moved": moved}).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return serve


def with_memory(app: WSGIApplication) -> WSGIApplication:
    """The app, which answers a request that is sent again as it answered the first time.

    On a busy machine an answer sometimes gets lost on its way to Terraform's provider, about one in three hundred.
    An SDK then sends the request once more, under the same invocation id: carried out again, a creation would end in
    "already exists" and a deletion in "not found".
    """
    answers: OrderedDict[str, tuple[str, list[tuple[str, str]], bytes]] = OrderedDict()

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if not invocation or environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return app(environ, start_response)
        if invocation not in answers:
            body, status, headers = run_wsgi_app(app, environ, buffered=True)
            answers[invocation] = status, list(headers), b"".join(body)
            while len(answers) > _REMEMBERED:
                answers.popitem(last=False)
        status, headers_, text = answers[invocation]
        if status.startswith("5"):  # what failed may succeed
            del answers[invocation]
        start_response(status, headers_)
        return [text]

    return serve


def forget_attributes_with_their_index() -> None:
    """Have moto drop the definition of an attribute that is no key any more, as AWS does when an index is deleted.

    Terraform would otherwise plan the deletion again and again.
    """
    update = DynamoDBBackend.update_table_global_indexes

    def update_and_forget(self: DynamoDBBackend, table: Table, global_index_updates: list[dict[str, Any]]) -> None:
        update(self, table, global_index_updates)
        schemas = [table.schema, *(index.schema for index in table.all_indexes())]
        keys = {key["AttributeName"] for schema in schemas for key in schema}
        table.attr = [one for one in table.attr if one["AttributeName"] in keys]

    DynamoDBBackend.update_table_global_indexes = update_and_forget  # type: ignore[method-assign]


class Handler(WSGIRequestHandler):
    """Gives up on a client that connects and says nothing: everybody else waits for it."""

    timeout = 3


def main(descriptor: int, instance: str) -> None:
    """Serve one request at a time: moto's own threaded server loses concurrent updates."""
    forget_attributes_with_their_index()
    app = with_identity(with_memory(DomainDispatcherApplication(create_backend_app)), instance)
    make_server("127.0.0.1", 0, app, fd=descriptor, threaded=False, request_handler=Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
