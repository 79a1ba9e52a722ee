"""Workers in a process of their own: `python -m tests.store.worker ENDPOINT TABLE NAME LEASE_S THREADS [LEAST]`.

Each thread claims and completes until nothing is pending, but LEAST prompts at least. The process tells the id of each
claim before it is completed, one per line, and in the end `lost N`: how often another was quicker. With 0 threads it
tells its first claim and then waits for ever, to be killed.
"""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from tap.store import AllLeased, Claim, ClientSettings, NothingPending, PromptStore

lost = 0


def count_lost(parsed: dict[str, Any], **_: object) -> None:
    global lost
    lost += parsed.get("Error", {}).get("Code") == "ConditionalCheckFailedException"


def work(endpoint: str, table: str, name: str, lease_s: str, least: int = 0, *, stall: bool) -> None:
    lease = timedelta(seconds=float(lease_s))
    # A busy moto serves sixteen workers one request at a time: patience instead of time-outs.
    settings = ClientSettings("us-east-1", endpoint, read_timeout=60)
    with PromptStore(table, settings, skew=timedelta(milliseconds=100)) as store:
        store.client.meta.events.register("after-call.dynamodb.UpdateItem", count_lost)
        while True:
            answer = store.claim(name, lease=lease)
            if isinstance(answer, NothingPending):
                if least <= 0:
                    return
                sleep(0.1)
                continue
            if isinstance(answer, AllLeased):
                # The one wait there is: for another's lease to end, or its holder to finish long before.
                sleep(min(1.0, max(0.0, (answer.until - datetime.now(UTC)).total_seconds()) + 0.01))
                continue
            tell(answer)
            if stall:
                signal.pause()
            store.complete(answer, {"by": name})
            least -= 1


def tell(claim: Claim) -> None:
    sys.stdout.write(f"{claim.id}\n")
    sys.stdout.flush()


def main(endpoint: str, table: str, name: str, lease_s: str, *, threads: int, least: int) -> None:
    if not threads:
        work(endpoint, table, name, lease_s, stall=True)
    with ThreadPoolExecutor(threads) as pool:
        names = [f"{name}-{number}" for number in range(threads)]
        for done in [pool.submit(work, endpoint, table, each, lease_s, least, stall=False) for each in names]:
            done.result()
    sys.stdout.write(f"lost {lost}\n")


if __name__ == "__main__":
    main(*sys.argv[1:5], threads=int(sys.argv[5]), least=int((*sys.argv, "0")[6]))
