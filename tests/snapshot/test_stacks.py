"""The two stacks as they were when somebody last looked at them: what a change does to them is seen in its review."""

import difflib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tap.settings import Settings
from tests.snapshot.readable import cleaned, readable
from tests.support.synthesis import DEFAULTS, EVERYTHING_ON, stack_json
from tests.support.the_stack import ALARMS

RENEW = "If that is what you wanted, renew it and commit it with your change:  make snapshots"


def assert_as_kept(settings: Settings, kept: SnapshotAssertion) -> None:
    now = readable(stack_json(settings))
    if kept == now:
        return
    (comparison,) = kept.executions.values()
    before = str(comparison.recalled_data or "")
    file = os.path.relpath(comparison.snapshot_location, Path(__file__).parents[2])
    diff = difflib.unified_diff(before.splitlines(), now.splitlines(), f"{file} (kept)", f"{file} (now)", lineterm="")
    pytest.fail("\n".join([f"{settings.stack_name} is not what it was:", *diff, "", RENEW]), pytrace=False)


def test_defaults(kept: SnapshotAssertion) -> None:
    assert_as_kept(DEFAULTS, kept)


def test_everything_on(kept: SnapshotAssertion) -> None:
    assert_as_kept(EVERYTHING_ON, kept)


# --- the two differ where their settings do, and nowhere else ---

#: Where, and what it is in the one and in the other.
SWITCHED = {
    ("variable", "alert_email", "default"): ("", "ops@example.com"),
    ("variable", "deletion_protection_enabled", "default"): (False, True),
    ("variable", "point_in_time_recovery_enabled", "default"): (False, True),
}


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value of a document by where it stands."""
    if isinstance(value, dict):
        return {where: leaf for key, one in value.items() for where, leaf in leaves(one, (*path, key)).items()}
    if isinstance(value, list):
        return {
            where: leaf for index, one in enumerate(value) for where, leaf in leaves(one, (*path, str(index))).items()
        }
    return {path: value}


WITHOUT_INDEX = EVERYTHING_ON.model_copy(update={"claim_index_enabled": False})


def of_both() -> tuple[dict[tuple[str, ...], Any], dict[tuple[str, ...], Any]]:
    off, on = (leaves(cleaned(stack_json(settings))) for settings in (DEFAULTS, WITHOUT_INDEX))
    assert len(off) > 200
    return off, on


def test_every_difference_is_a_settings() -> None:
    off, on = of_both()
    switched = {where: (off[where], on[where]) for where in off if where in on and where[0] == "variable"}
    assert {where: pair for where, pair in switched.items() if pair[0] != pair[1]} == SWITCHED

    def as_dev(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        return (
            text.replace("tap-prod", "tap-dev").replace("TapStackprod", "TapStackdev").replace("TAP, prod", "TAP, dev")
        )

    own_name = {("output", "EnvironmentSuffix", "value"): ("dev", "prod")}
    tags = {
        (*where, "tags", "Environment"): ("dev", "prod")
        for where in {where[: where.index("tags")] for where in off if "tags" in where}
    }
    expected = SWITCHED | own_name | tags
    assert {where: (off[where], on.get(where)) for where in off if off[where] != as_dev(on.get(where))} == expected


def test_the_project_is_the_same_in_both() -> None:
    off, on = of_both()
    assert {on[where] for where in on if where[-2:] == ("tags", "Project")} == {"tap"}
    of_tags = {(*where[:-1], "CostCenter") for where in off if where[-2:] == ("tags", "Project")}
    protected = (("aws_dynamodb_table", "TurnAroundPromptTable"), ("aws_kms_key", "KMSKey"))
    of_protection = {("resource", *one, "lifecycle", "prevent_destroy") for one in protected}
    assert {where for where in on if where not in off} == of_tags | of_protection


def test_the_claim_index_changes_the_table_and_what_watches_it() -> None:
    off, on = (leaves(cleaned(stack_json(settings))) for settings in (WITHOUT_INDEX, EVERYTHING_ON))
    changed = {where[1:3] for where in off.keys() | on.keys() if off.get(where) != on.get(where)}
    throttles = {(alarm.address.split(".")[0], alarm.logical_id) for alarm in ALARMS if alarm.per == "table"}
    dashboard = ("aws_cloudwatch_dashboard", "CloudWatchDashboard")
    assert changed == {("aws_dynamodb_table", "TurnAroundPromptTable"), dashboard, *throttles}


# --- a change is readable without opening the JSON ---


def test_only_metadata_is_left_out() -> None:
    document = stack_json(DEFAULTS)
    text = readable(document)
    kept = leaves(json.loads(text))
    assert set(kept) == set(leaves(cleaned(document)))
    # Each widget's place is one entry instead of four; nothing else is put together.
    raw = leaves({key: value for key, value in document.items() if key != "//"})
    assert {where[:3] for where in raw if "//" not in where} == {where[:3] for where in kept}
    assert '"//"' not in text
    assert '\\"Statement\\"' not in text


def test_a_review_is_short() -> None:
    document = stack_json(EVERYTHING_ON)
    assert len(readable(document).splitlines()) < len(json.dumps(cleaned(document), indent=2).splitlines()) / 2


def test_one_changed_dimension_is_one_changed_line() -> None:
    document = stack_json(DEFAULTS)
    before = readable(document)
    alarm = document["resource"]["aws_cloudwatch_metric_alarm"]["DynamoDBSystemErrorAlarm"]
    alarm["metric_query"][3]["metric"]["dimensions"]["Operation"] = "GetRecords"
    diff = difflib.unified_diff(before.splitlines(), readable(document).splitlines(), n=0, lineterm="")
    changed = [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) == 2
    assert '"Operation": "Query"' in changed[0]
    assert '"Operation": "GetRecords"' in changed[1]
