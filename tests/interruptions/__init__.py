"""`cdktf deploy`, killed with -9 at one of eight points, and the documented steps after it.

`python -m tests.interruptions` tries all of them and prints a table; tests/integration takes some.
"""

import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import Endpoint
from tests.support.relay import HangUpError, Sent, relay


@dataclass(frozen=True)
class Point:
    """When to kill: around the first request for that operation, which the endpoint has or hasn't carried out.

    `in_s3` is the operation where the state is in S3, if it is another one.
    """

    name: str
    operation: str
    carried_out: bool
    in_s3: str = ""


POINTS = (
    # In S3 the account is asked for before the lock is there, which an HTTP PUT makes.
    Point("while it plans", "GetCallerIdentity", carried_out=True, in_s3="PUT"),
    Point("before the key", "CreateKey", carried_out=False),
    Point("the key is made, and its id not told", "CreateKey", carried_out=True),
    Point("the alias and the key, and the topic asked for", "CreateTopic", carried_out=True),
    Point("before the table", "CreateTable", carried_out=False),
    Point("the table is made, and nobody told", "CreateTable", carried_out=True),
    Point("the table is made, without TTL and backups", "UpdateTimeToLive", carried_out=False),
    Point("near the end, the backups on", "UpdateContinuousBackups", carried_out=True),
)
STATES = ("local", "s3")
ITEM = {"id": {"S": "kept"}, "status": {"S": "pending"}}


@dataclass(frozen=True)
class Outcome:
    """What the documented steps came to: which they were, and what is wrong in the end (nothing, if all is well)."""

    killed: bool
    steps: tuple[str, ...]
    faults: tuple[str, ...]


def try_point(point: Point, state: str, endpoint: Endpoint, project: str, folder: Path) -> Outcome:
    """Deploy, kill, follow the documented steps, and look at what is there; everything is destroyed at the end.

    For `s3` the bucket `<project>-states` must exist.
    """
    toml = f'[dev]\nproject_name = "{project}"\npoint_in_time_recovery_enabled = true\n'
    if state == "s3":
        toml += f'[dev.backend]\ntype = "s3"\nbucket = "{project}-states"\nkey = "{folder.name}/terraform.tfstate"\n'
    # A local state of another endpoint than AWS's own needs a workspace; one in that endpoint's S3 does not.
    here = checkout(folder, toml, endpoint.environment | ({"TF_WORKSPACE": "localstack"} if state == "local" else {}))
    table = f"{project}-dev-turnaround-prompts"
    try:
        operation = (state == "s3" and point.in_s3) or point.operation
        killed = _deploy_and_kill(here, operation, point.carried_out, endpoint)
        tables = endpoint.dynamodb.list_tables()["TableNames"]
        if table in tables:
            endpoint.dynamodb.put_item(TableName=table, Item=ITEM)
        steps, faults = _documented_steps(here)
        if not faults:
            faults = _faults(here, endpoint, project, table, kept=table in tables)
        return Outcome(killed, tuple(steps), tuple(faults))
    finally:
        here.cdktf("destroy", "TapStackdev", "--auto-approve")


def _deploy_and_kill(here: Checkout, last: str, last_carried_out: bool, endpoint: Endpoint) -> bool:
    reached = threading.Event()
    process: subprocess.Popen[str] | None = None

    def observe(sent: Sent, carried_out: bool) -> None:
        if reached.is_set():
            raise HangUpError  # whoever still asks is being killed
        if (sent.operation, carried_out) == (last, last_carried_out):
            reached.set()
            if process is not None:
                _kill(process.pid)
            raise HangUpError

    with relay(endpoint.url, observe) as url:
        # main.py asks for the account as well, where a local state has something in it: here it has not.
        through = Checkout(here.folder, here.environment | {"AWS_ENDPOINT_URL": url})
        process = through.start(*through.cdktf_command("deploy", "TapStackdev", "--auto-approve"))
        process.communicate(timeout=300)
    return reached.is_set()


def _kill(pid: int) -> None:
    """SIGKILL for the process and all its descendants: cdktf's Terraform has a session of its own."""
    pids = [pid]
    for parent in pids:
        for thread in Path(f"/proc/{parent}/task").glob("*/children"):
            pids += map(int, thread.read_text().split())
    for one in pids:
        os.kill(one, signal.SIGSTOP)  # or one of them tells the others in time
    for one in pids:
        os.kill(one, signal.SIGKILL)


def _documented_steps(here: Checkout) -> tuple[list[str], list[str]]:
    """At most the unlocking that `tap adopt` names, and `tap adopt dev --apply`."""
    steps = []
    for _ in range(2):
        steps.append("adopt --apply")
        adopted = here.run(*tap("adopt", "dev", "--apply"))
        if adopted.returncode == 0:
            return steps, []
        unlock = re.search(r"`(terraform .*force-unlock -force \S+)`", adopted.stdout)
        if not unlock:
            break
        steps.append("force-unlock")
        words = shlex.split(unlock[1])
        unlocked = here.run(here.environment["TERRAFORM_BINARY_NAME"], *words[1:])
        if unlocked.returncode:
            return steps, [f"{unlock[1]}: {unlocked.stdout[-300:]}"]
    return steps, [adopted.stdout[-600:]]


def _faults(here: Checkout, endpoint: Endpoint, project: str, table: str, *, kept: bool) -> list[str]:
    faults = []
    again = here.run(*tap("adopt", "dev"))
    if again.returncode or "nothing to do" not in again.stdout:
        faults.append(f"the next plan is not empty: {again.stdout[-600:]}")
    if keys := _keys(endpoint, project)[1:]:
        faults.append(f"{len(keys)} keys too many")
    tables = [name for name in endpoint.dynamodb.list_tables()["TableNames"] if project in name]
    if tables != [table]:
        faults.append(f"the tables are {tables}")
    elif kept and endpoint.dynamodb.get_item(TableName=table, Key={"id": ITEM["id"]}).get("Item") != ITEM:
        faults.append("the item is lost")
    return faults


def _keys(endpoint: Endpoint, project: str) -> list[str]:
    """The living keys that carry the project's tag."""
    found = []
    for key in endpoint.kms.list_keys(Limit=1000)["Keys"]:
        if endpoint.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled":
            tags = endpoint.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            if {"TagKey": "Project", "TagValue": project} in tags:
                found.append(key["KeyId"])
    return found


def described(point: Point, state: str, outcome: Outcome) -> Mapping[str, str]:
    """A row of the table."""
    verdict = "; ".join(outcome.faults) or ("ok" if outcome.killed else "never came so far")
    return {"state": state, "killed": point.name, "steps": ", ".join(outcome.steps), "in the end": verdict}
