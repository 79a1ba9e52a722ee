"""What the store costs: CPU per operation, import speed, memory. Ratios, medians, no absolute promises.

    python -m bench.store [--results FILE] [--quick]

CPU is the client process's own (time.process_time), in interleaved rounds against a stub endpoint
(bench/stub.py) that answers at once from another process: so it is the libraries that are compared. The
import runs against the same stub answering each request after 20 ms, many at a time (moto serves one
request at a time and would be the bottleneck). Memory is the peak RSS of a process of its own. PynamoDB
is one of the tools of the tests.
"""

# ruff: noqa: S101, T201 -- a script: it prints, and its assertions check the measurement itself
from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # its workers run this file by its name

from bench.measure import keep  # noqa: E402

os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}

TEXT = "Review code for security vulnerabilities"
PROMPT_ID = "0b8f7a52-8a6e-4a6e-9d55-0f1d2c3b4a59"
TARGETS = {"cpu": 1.15, "import": 8.0, "memory_mb": 20.0}


@contextmanager
def stub(*options: str) -> Iterator[str]:
    """A stub endpoint in a process of its own; yields its URL."""
    command = [sys.executable, str(ROOT / "bench" / "stub.py"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def contenders(url: str) -> dict[str, dict[str, Callable[[], object]]]:
    """create and get, each by the store, by boto3's low-level client, and by PynamoDB."""
    import boto3

    from tap.store import ClientSettings, PromptStore

    store = PromptStore("bench", ClientSettings(endpoint_url=url))
    bare = boto3.client("dynamodb", endpoint_url=url, region_name="us-east-1")

    def bare_create() -> None:
        now = datetime.now(UTC)
        item: Any = {
            "id": {"S": str(uuid.uuid4())},
            "prompt_text": {"S": TEXT},
            "task_type": {"S": "code_review"},
            "priority": {"S": "high"},
            "status": {"S": "pending"},
            "created_at": {"S": now.isoformat()},
            "ttl": {"N": str(int((now + timedelta(days=30)).timestamp()))},
        }
        bare.put_item(TableName="bench", Item=item)

    key: Any = {"id": {"S": PROMPT_ID}}
    found: dict[str, dict[str, Callable[[], object]]] = {
        "create": {"boto3": bare_create, "store": lambda: store.create(TEXT, "code_review", "high")},
        "get": {
            "boto3": lambda: bare.get_item(TableName="bench", Key=key, ConsistentRead=True),
            "store": lambda: store.get(PROMPT_ID),
        },
    }
    for operation, run in pynamodb(url).items():
        found[operation]["PynamoDB"] = run
    return found


def pynamodb(url: str) -> dict[str, Callable[[], object]]:
    """The same with PynamoDB's model."""
    from pynamodb.attributes import MapAttribute, NumberAttribute, UnicodeAttribute
    from pynamodb.models import Model

    class Item(Model):
        class Meta:
            table_name = "bench"
            host = url
            region = "us-east-1"

        id = UnicodeAttribute(hash_key=True)
        prompt_text = UnicodeAttribute()
        task_type = UnicodeAttribute()
        priority = UnicodeAttribute()
        status = UnicodeAttribute()
        result = MapAttribute(null=True)  # type: ignore[no-untyped-call, var-annotated]
        created_at = UnicodeAttribute()
        updated_at = UnicodeAttribute(null=True)
        ttl = NumberAttribute()

    def create() -> None:
        now = datetime.now(UTC)
        Item(
            str(uuid.uuid4()),
            prompt_text=TEXT,
            task_type="code_review",
            priority="high",
            status="pending",
            created_at=now.isoformat(),
            ttl=int((now + timedelta(days=30)).timestamp()),
        ).save(Item.id.does_not_exist())

    return {"create": create, "get": lambda: Item.get(PROMPT_ID, consistent_read=True)}


def cpu(rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """Median CPU microseconds per call; the contenders take turns within each round."""
    with stub("0") as url:
        operations = contenders(url)
        samples: dict[str, dict[str, list[float]]] = {
            operation: {name: [] for name in runs} for operation, runs in operations.items()
        }
        for warm in range(-1, rounds):
            for operation, runs in operations.items():
                for name, run in runs.items():
                    start = time.process_time()
                    for _ in range(calls):
                        run()
                    if warm >= 0:
                        samples[operation][name].append((time.process_time() - start) / calls * 1e6)
    return {
        operation: {name: statistics.median(values) for name, values in runs.items()}
        for operation, runs in samples.items()
    }


def prompts_file(folder: Path, count: int) -> Path:
    """An NDJSON file of so many prompts."""
    path = folder / f"{count}.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"prompt_text": f"{TEXT} {number}", "task_type": "code_review"}) + "\n")
    return path


def import_speed(count: int, rounds: int) -> dict[str, float]:
    """Median seconds for importing `count` prompts, 20 ms per reply: batch_writer and the store in turn."""
    import boto3

    from tap.store import ClientSettings, PromptStore

    took: dict[str, list[float]] = {"batch_writer": [], "store": []}
    with stub("0.02") as url, tempfile.TemporaryDirectory() as name:
        path = prompts_file(Path(name), count)
        for _ in range(rounds):
            start = time.perf_counter()
            table: Any = boto3.resource("dynamodb", endpoint_url=url, region_name="us-east-1").Table("bench")
            with table.batch_writer() as batch, path.open(encoding="utf-8") as file:
                for line in file:
                    fields = json.loads(line)
                    now = datetime.now(UTC)
                    fields |= {"id": str(uuid.uuid4()), "priority": "medium", "status": "pending"}
                    fields |= {"created_at": now.isoformat(), "ttl": int(now.timestamp()) + 30 * 86400}
                    batch.put_item(Item=fields)
            took["batch_writer"].append(time.perf_counter() - start)
            start = time.perf_counter()
            report = PromptStore("bench", ClientSettings(endpoint_url=url)).import_prompts(path, again=True)
            took["store"].append(time.perf_counter() - start)
            assert report.imported == count, report
    return {name: statistics.median(values) for name, values in took.items()}


def peak_memory(task: str, count: int) -> float:
    """The peak RSS in MB of a process that imports or exports so many prompts."""
    delay, items = ("0.002", "0") if task == "import" else ("0", str(count))
    with stub(delay, items) as url:
        command = [sys.executable, __file__, "--worker", task, str(count), url]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(run.stdout)


def worker(task: str, count: int, url: str) -> None:
    """What peak_memory's process does; prints its peak RSS in MB."""
    from tap.store import ClientSettings, PromptStore

    store = PromptStore("bench", ClientSettings(endpoint_url=url))
    with tempfile.TemporaryDirectory() as name:
        if task == "import":
            # Written by another process: this one's peak shall be the import's.
            code = "import sys, pathlib; sys.path[:0] = sys.argv[1:2]; import store; "
            code += "store.prompts_file(pathlib.Path(sys.argv[2]), int(sys.argv[3]))"
            here = str(Path(__file__).parent)
            subprocess.run([sys.executable, "-c", code, here, name, str(count)], check=True)
            assert store.import_prompts(Path(name) / f"{count}.ndjson").imported == count
        else:
            assert store.export_prompts(Path(name) / "out.ndjson").exported == count
    print(peak_mb())


def peak_mb() -> float:
    """This process's peak RSS."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: Linux's ru_maxrss starts at what the parent had when it forked.
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def show(results: dict[str, Any]) -> None:
    """The results as a table, each ratio with its target."""
    targets = {"boto3": f"   target ≤ {TARGETS['cpu']}", "pynamodb": "   target < 1"}
    print(f"{'CPU per call':<28}{'µs':>10}{'store ÷':>10}")
    for operation, names in results["cpu_us"].items():
        for name, value in names.items():
            ratio = "" if name == "store" else f"{names['store'] / value:.2f}"
            print(f"  {operation} by {name:<18}{value:>10.0f}{ratio:>10}{targets.get(name.lower(), '')}")
    speed = results["import_s"]
    print(f"\nImport of {results['prompts']:,}, 20 ms per reply (s)")
    for name, value in speed.items():
        print(f"  {name:<26}{value:>10.2f}")
    times = speed["batch_writer"] / speed["store"]
    print(f"  {'times as fast':<26}{times:>10.1f}   target ≥ {TARGETS['import']:.0f}")
    print("\nPeak memory (MB)")
    for task, sizes in results["memory_mb"].items():
        shown = ", ".join(f"{int(size):,}: {value:.0f}" for size, value in sizes.items())
        growth = max(sizes.values()) - min(sizes.values())
        print(f"  {task:<10}{shown}   growth {growth:.1f}, target ≤ {TARGETS['memory_mb']:.0f}")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "bench-results.json", help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for trying the bench itself")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker[0], int(options.worker[1]), options.worker[2])
    prompts, sizes = (2_000, (1_000, 5_000)) if options.quick else (20_000, (10_000, 200_000))
    results: dict[str, Any] = {"prompts": prompts}
    results["cpu_us"] = cpu(*((5, 50) if options.quick else (15, 150)))
    results["import_s"] = import_speed(prompts, 1 if options.quick else 3)
    results["memory_mb"] = {
        task: {str(size): peak_memory(task, size) for size in sizes} for task in ("import", "export")
    }
    show(results)
    keep("store", {**results, "targets": TARGETS}, options.results)
    return None


if __name__ == "__main__":
    main()
