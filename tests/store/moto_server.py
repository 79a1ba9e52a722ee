"""moto on a free loopback port, one request at a time: its threaded server loses concurrent updates.

`python -m tests.store.moto_server` prints the port and serves until it is terminated or its parent is gone.
"""

import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=False)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _end_with_parent() -> None:
    """The parent holds our standard input open; its end is ours, also after a kill -9."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
