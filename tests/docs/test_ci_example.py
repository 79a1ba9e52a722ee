"""The workflow in docs/continuous-integration.md: its jobs' commands, each job in a clone of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap.local import ROOT
from tests.docs.copies import copy_of_checkout, run
from tests.docs.pages import blocks
from tests.support.endpoints import Endpoint
from tests.support.servers import embedded_aws

pytestmark = pytest.mark.long

PAGE = ROOT / "docs/continuous-integration.md"
NUMBER = "7"
ACCOUNT = "123456789012"


def block(language: str) -> str:
    (code,) = [one.code for one in blocks(PAGE) if one.language == language]
    return code


WORKFLOW: dict[Any, Any] = yaml.safe_load(block("yaml"))


@dataclass(frozen=True)
class Runner:
    """What runs a job: a machine of its own each time, with the endpoint as its AWS."""

    endpoint: Endpoint
    folder: Path

    def job(self, name: str) -> tuple[int, str]:
        """Run a job's commands in a fresh clone with the page's settings."""
        clone = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        clone.mkdir()
        copy_of_checkout(clone)
        # The account of the example is nobody's.
        (clone / "environments.toml").write_text(block("toml").replace("111122223333", ACCOUNT))
        job = WORKFLOW["jobs"][name]
        variables = {key: filled(value) for key, value in (WORKFLOW["env"] | job.get("env", {})).items()}
        commands = [filled(step["run"]) for step in job["steps"] if "run" in step]
        assert len(commands) >= 2
        done = run(clone, "\n".join(commands), self.environment | variables)
        return done.returncode, done.stdout

    @property
    def environment(self) -> dict[str, str]:
        ours = self.endpoint.attached
        return {name: value for name, value in ours.items() if name not in ("TF_WORKSPACE", "TF_INPUT")}


def filled(text: str) -> str:
    """A text of the workflow as GitHub fills it in."""
    text = text.replace("${{ github.event.number }}", NUMBER)
    assert "${{" not in text
    return text


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("ci")
    with embedded_aws(folder) as server:
        endpoint = Endpoint(server.url, "embedded AWS")
        endpoint.s3.create_bucket(Bucket="my-company-terraform-states")
        (folder / "jobs").mkdir()
        yield Runner(endpoint, folder / "jobs")


def test_a_merge_deploys_and_the_night_finds_drift(runner: Runner) -> None:
    status, said = runner.job("deploy")
    assert status == 0, said
    status, said = runner.job("plan")
    assert (status, "No changes" in said) == (0, True), said
    status, said = runner.job("drift")
    assert (status, "no drift" in said) == (0, True), said
    runner.endpoint.cloudwatch.disable_alarm_actions(AlarmNames=["tap-prod-dynamodb-throttle"])
    status, said = runner.job("drift")
    assert (status, "actions_enabled" in said) == (2, True), said


def test_a_pull_request_has_an_environment_until_it_is_closed(runner: Runner) -> None:
    status, said = runner.job("try")
    assert status == 0, said
    table = f"tap-pr-{NUMBER}-turnaround-prompts"
    assert runner.endpoint.dynamodb.scan(TableName=table)["Count"] == 1
    status, said = runner.job("tidy")  # on another machine: the state is in the bucket
    assert status == 0, said
    assert table not in runner.endpoint.dynamodb.list_tables()["TableNames"]
    status, said = runner.job("tidy")
    assert status == 0, said


def test_each_job_runs_for_its_event_alone() -> None:
    """The conditions, read as far as their shape allows: every event that starts the workflow has a job, and no two
    jobs that change something run for one event of a pull request."""
    conditions = {name: job["if"] for name, job in WORKFLOW["jobs"].items()}
    started = set(WORKFLOW[True])  # YAML 1.1 takes `on` for true
    assert {event for text in conditions.values() for event in re.findall(r"event_name == '(\w+)'", text)} == started
    assert "action == 'closed'" in conditions["tidy"]
    assert "action != 'closed'" in conditions["try"]
    assert "labels.*.name, 'try'" in conditions["try"]
    assert WORKFLOW["permissions"]["id-token"] == "write"
