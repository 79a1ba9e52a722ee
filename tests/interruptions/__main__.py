"""`python -m tests.interruptions [endpoint …]`: the table of killed deploys.

Each point with a local state and with one in S3, on an embedded AWS and on the endpoints that are named. Two at a time;
about ten minutes for each endpoint.
"""

import secrets
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.interruptions import POINTS, STATES, Outcome, Point, described, try_point
from tests.support.endpoints import Endpoint, recognised
from tests.support.servers import embedded_aws

AT_ONCE = 2


def main() -> None:
    table = Table("endpoint", "state", "killed", "documented steps", "in the end")
    held = total = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tap-interruptions-")))
        own = stack.enter_context(embedded_aws(folder))
        endpoints = [Endpoint(own.url, "embedded AWS"), *map(recognised, sys.argv[1:])]
        cases: list[tuple[Endpoint, str, Point]] = [
            (endpoint, state, point) for endpoint in endpoints for state in STATES for point in POINTS
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = [pool.submit(_one, *case, folder) for case in cases]
            for (endpoint, state, point), future in zip(cases, running, strict=True):
                outcome = future.result()
                total += 1
                held += outcome.killed and not outcome.faults
                row = described(point, state, outcome)
                table.add_row(endpoint.name, *row.values())
                print(endpoint.name, *row.values(), sep=" | ", file=sys.stderr, flush=True)  # noqa: T201
    Console(width=None if sys.stdout.isatty() else 160).print(table, f"{held} of {total}")
    sys.exit(held != total)


def _one(endpoint: Endpoint, state: str, point: Point, folder: Path) -> Outcome:
    project = f"k{secrets.token_hex(4)}"
    place = folder / project
    place.mkdir()
    if state == "s3":
        endpoint.s3.create_bucket(Bucket=f"{project}-states")
    return try_point(point, state, endpoint, project, place)


if __name__ == "__main__":
    main()
