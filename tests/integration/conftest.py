"""The endpoint of the integration tests: what TAP_TEST_ENDPOINT names, or an embedded AWS of their own."""

import os
import secrets
from collections.abc import Callable, Iterator

import pytest

from tap.state import endpoint as endpoints_of_this_machine
from tests.support.endpoints import Endpoint, recognised
from tests.support.servers import embedded_aws


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    if url := os.environ.get("TAP_TEST_ENDPOINT"):
        endpoints_of_this_machine.require_served({"AWS_ENDPOINT_URL": url})
        yield recognised(url)
        return
    with embedded_aws(tmp_path_factory.mktemp("embedded")) as server:
        yield Endpoint(server.url, "embedded AWS")


@pytest.fixture(autouse=True)
def _tell_the_summary(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    if "endpoint" in request.fixturenames:
        record_property("endpoint", request.getfixturevalue("endpoint").name)


@pytest.fixture(scope="session")
def project() -> str:
    """A project name of this run's own: an endpoint that outlives the run may hold an earlier run's leftovers."""
    return f"t{secrets.token_hex(3)}"
