"""Whose server answers at a port: each embedded AWS tells, so that no other one is taken for it."""

import json
import urllib.request
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import urlsplit

#: Where the server tells whose it is: a pid alone may be some other process by now.
PATH = "/_tap/identity"
#: What the Terraform workspaces of embedded servers are called, before the server's id.
WORKSPACE_PREFIX = "embedded-"
_ANSWER_SECONDS = 15


class Identity(NamedTuple):
    """An embedded AWS: its id, its pid, and whether the checkout that it was started from is still there."""

    instance: str
    pid: int
    moved: bool


def of_server(port: int) -> Identity | None:
    """Which embedded AWS is at that port of 127.0.0.1; None if it is something else.

    :raises TimeoutError: when something takes the connection and does not answer.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{PATH}", timeout=_ANSWER_SECONDS) as reply:
            identity = json.load(reply)
            return Identity(identity["instance"], identity["pid"], identity.get("moved", False))
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:  # the second: no HTTP at all
        if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
            raise TimeoutError from error
        return None


def owns_workspace(url: str, workspace: str) -> bool:
    """Whether the server at that address is the embedded AWS to which the workspace belongs."""
    port = urlsplit(url).port
    try:
        identity = of_server(port) if port else None
    except TimeoutError:
        return False
    return identity is not None and f"{WORKSPACE_PREFIX}{identity.instance}" == workspace
