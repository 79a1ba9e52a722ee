"""checkov's opinion of both stacks, and of a third that is broken on purpose, to see that it looks.

Of each it gets the JSON as it is, and the resources as a plan has them: in the JSON it can neither follow a variable
nor read a policy, and what it cannot read it lets pass.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tap.settings import Settings
from tests.support.documents import Document
from tests.support.synthesis import DEFAULTS, WITH_POLICIES, stack_json

CHECKOV = Path(__file__).parents[2] / ".venv-checkov" / "bin" / "checkov"

#: What checkov finds and we leave as it is, each with the reason. A finding that is not here fails the test, and so
#: does one that is here and is not found any more.
ACCEPTED: dict[str, dict[tuple[str, str], str]] = {
    "defaults.tf.json": {},
    "everything-on.tf.json": {},
    "defaults.plan.json": {
        ("CKV_AWS_28", "TurnAroundPromptTable"): (
            "Point-in-time recovery is off by default, as in the seed: it costs money in every throw-away environment."
            " `point_in_time_recovery_enabled = true` switches it on, as the stack with everything on shows."
        )
    },
    "everything-on.plan.json": {},
}
LOOKED_AT = {"KMSKey", "TurnAroundPromptTable", "SNSTopic", "DynamoDBThrottleAlarm", "DynamoDBSystemErrorAlarm"}

#: What somebody might do, and the check that must see it.
BROKEN = {
    "CKV_AWS_33": "everybody may use the key",
    "CKV_AWS_7": "the key does not rotate",
    "CKV_AWS_26": "the topic is not encrypted",
    "CKV_AWS_28": "the table is not recoverable",
    "CKV_AWS_119": "the table is under DynamoDB's own key",
    "CKV_AWS_169": "everybody may publish to the topic",
    "CKV_AWS_319": "an alarm's actions are off",
}


def planned(settings: Settings) -> Document:
    """The resources as a plan has them: checkov takes an expression for "unknown", and lets it pass."""
    document = stack_json(settings)
    known = {f"${{var.{name}}}": variable["default"] for name, variable in document["variable"].items()}
    place = {
        "${data.aws_partition.partition.partition}": "aws",
        "${data.aws_caller_identity.account.account_id}": "123456789012",
    }

    def value_of(one: Any) -> Any:
        if isinstance(one, dict):
            return {key: value_of(inner) for key, inner in one.items() if key != "//"}
        if isinstance(one, list):
            return [value_of(inner) for inner in one]
        if isinstance(one, str) and one not in known:
            for expression, value in place.items():
                one = one.replace(expression, value)
            return one
        return known.get(one, one)

    found: Document = value_of(document["resource"])
    return found


def as_plan(made: Document) -> Document:
    """What `terraform show -json` makes of these resources, as far as checkov reads it."""
    maps = ("tags", "dimensions")
    planned = [
        {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "values": {
                key: [value] if isinstance(value, dict) and key not in maps else value
                for key, value in arguments.items()
            },
        }
        for kind, named in made.items()
        for name, arguments in named.items()
    ]
    changes = [
        {**one, "change": {"actions": ["create"], "before": None, "after": one["values"], "after_unknown": {}}}
        for one in planned
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": [{**one, "expressions": {}} for one in planned]}},
    }


def broken() -> Document:
    made = planned(WITH_POLICIES)
    key, policy = made["aws_kms_key"]["KMSKey"], made["aws_sns_topic_policy"]["SNSTopicPolicy"]
    for one in (key, policy):
        document = json.loads(one["policy"])
        document["Statement"][0] |= {"Principal": {"AWS": "*"}}
        document["Statement"][0].pop("Condition", None)
        one["policy"] = json.dumps(document)
    key["enable_key_rotation"] = False
    made["aws_dynamodb_table"]["TurnAroundPromptTable"]["point_in_time_recovery"]["enabled"] = False
    del made["aws_dynamodb_table"]["TurnAroundPromptTable"]["server_side_encryption"]
    del made["aws_sns_topic"]["SNSTopic"]["kms_master_key_id"]
    made["aws_cloudwatch_metric_alarm"]["DynamoDBThrottleAlarm"]["actions_enabled"] = False
    return made


Findings = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Findings]:
    """By file and outcome: which check said so of which resource. One run of checkov for all files."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: run `make test`, which puts it into .venv-checkov")
    root = tmp_path_factory.mktemp("checkov")
    files = {
        "defaults.tf.json": stack_json(DEFAULTS),
        "everything-on.tf.json": stack_json(WITH_POLICIES),
        "defaults.plan.json": as_plan(planned(DEFAULTS)),
        "everything-on.plan.json": as_plan(planned(WITH_POLICIES)),
        "broken.plan.json": as_plan(broken()),
    }
    for name, document in files.items():
        (root / name).write_text(json.dumps(document))
    done = subprocess.run(
        [str(CHECKOV), "--framework", "terraform_json", "terraform_plan", "--skip-download", "--output", "json"]
        + [argument for name in files for argument in ("--file", name)],
        cwd=root,
        env=os.environ | {"LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    outcomes = ("passed", "failed", "skipped")
    found: dict[tuple[str, str], Findings] = {(name, outcome): {} for name in files for outcome in outcomes}
    for framework in json.loads(done.stdout):
        assert framework["summary"]["parsing_errors"] == 0
        for outcome in outcomes:
            for one in framework["results"][f"{outcome}_checks"]:
                logical_id = one["resource"].rsplit(".", 1)[-1]
                found[Path(one["file_path"]).name, outcome][one["check_id"], logical_id] = one["check_name"]
    return found


@pytest.mark.parametrize("file", ACCEPTED)
def test_finds_only_what_we_accept_for_a_reason(results: dict[tuple[str, str], Findings], file: str) -> None:
    findings = results[file, "failed"]
    assert {one: text for one, text in findings.items() if one not in ACCEPTED[file]} == {}
    assert {one: reason for one, reason in ACCEPTED[file].items() if one not in findings} == {}
    assert results[file, "skipped"] == {}


@pytest.mark.parametrize("file", ACCEPTED)
def test_looked_at_every_resource_it_knows(results: dict[tuple[str, str], Findings], file: str) -> None:
    assert {logical_id for _, logical_id in results[file, "passed"]} >= LOOKED_AT


@pytest.mark.parametrize("check", BROKEN, ids=[f"{check}-{what.replace(' ', '-')}" for check, what in BROKEN.items()])
def test_would_find(results: dict[tuple[str, str], Findings], check: str) -> None:
    assert check in {one for one, _ in results["broken.plan.json", "failed"]}
    assert check not in {one for one, _ in results["everything-on.plan.json", "failed"]}
