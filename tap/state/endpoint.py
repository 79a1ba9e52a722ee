"""Ask an endpoint whether anybody answers there, before Terraform spends half a minute finding out."""

import socket
from collections.abc import Collection, Mapping
from itertools import chain
from urllib.parse import urlsplit

from tap.state import StateError
from tap.state.configured import Endpoint, endpoints, with_profile

_SECONDS = 5


def require_served(process_environment: Mapping[str, str], profiles: Collection[str] = ()) -> None:
    """Return if somebody answers at each endpoint that is configured, also by these profiles.

    :raises StateError: when nobody does: the provider alone retries for 25 s, the S3 backend for 20 s. And when the
        Terraform workspace is an embedded AWS's and the endpoint is not: what is deployed then would be forgotten
        with that server.
    """
    url = process_environment.get("AWS_ENDPOINT_URL")
    workspace = process_environment.get("TF_WORKSPACE", "")
    of_all = [endpoints(with_profile(process_environment, profile)) for profile in profiles or ("",)]
    for configured in dict.fromkeys(chain.from_iterable(of_all)):
        if not configured.is_aws:  # which may be behind a proxy, and is there
            _require_answer(configured)
    if workspace.startswith("embedded-"):
        from tap.state import identity  # late: no other synth needs urllib

        if not url or not identity.owns_workspace(url, workspace):
            raise StateError(
                f"TF_WORKSPACE is {workspace}, which belongs to an embedded AWS, but AWS_ENDPOINT_URL is"
                f" {f'{url}, another endpoint' if url else 'not set'}: {_NEW_SHELL}."
            )


_NEW_SHELL = 'open a new shell, or `eval "$(tap local env)"` for the embedded AWS that runs now'


def _require_answer(endpoint: Endpoint) -> None:
    url = endpoint.url
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
    except (KeyError, ValueError):
        raise StateError(f"{endpoint.source} is {url!r}, which is not an http:// or https:// address.") from None
    try:
        with socket.create_connection((parts.hostname, port), timeout=_SECONDS) as connection:
            if parts.scheme == "http":
                # An open port is not enough: Docker accepts connections before LocalStack is there.
                connection.sendall(f"GET / HTTP/1.0\r\nHost: {parts.hostname}\r\n\r\n".encode())
                if not connection.recv(1):
                    raise ConnectionResetError
    except (OSError, UnicodeError):  # the latter for what can't be a host name
        raise StateError(
            f"{endpoint.source} is {url}, where nobody answers: start that endpoint"
            f" (`tap local up`, `docker compose up`), {_NEW_SHELL}."
        ) from None
