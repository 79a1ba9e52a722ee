"""Which plans an adoption may apply: nothing that exists goes or is replaced, and some changes are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.deployed.existing import KEY, TABLE, Existing
from tap.deployed.plan import Change, Difference, Plan


@dataclass(frozen=True)
class Verdict:
    """What forbids a plan, and what in it has to be accepted; each a sentence."""

    refused: tuple[str, ...]
    asked: tuple[str, ...]


#: Attributes that change nothing about the data or about who may read it, or that only Terraform keeps.
_HARMLESS: Final[Mapping[str, frozenset[str]]] = {
    "aws_dynamodb_table": frozenset(
        {"tags", "tags_all", "timeouts", "restore_date_time", "restore_source_name", "stream_arn", "stream_label"}
    ),
    "aws_kms_key": frozenset(
        {
            *("tags", "tags_all", "description", "enable_key_rotation", "rotation_period_in_days"),
            *("deletion_window_in_days", "bypass_policy_lockout_safety_check"),
        }
    ),
}
#: What a change of each attribute means, for whoever has to accept it.
_MEANING: Final[Mapping[str, str]] = {
    "stream_enabled": "programs that read the table's stream lose their place: a stream that is switched on or changed"
    " is a new one, with another ARN",
    "stream_view_type": "programs that read the table's stream lose their place: the stream becomes a new one, with"
    " another ARN",
    "global_secondary_index": "an index that is not in the settings is deleted, and programs that query it fail",
    "local_secondary_index": "an index that is not in the settings is lost",
    "attribute": "the attributes are those of the indexes, which change",
    "ttl": "AWS deletes every item whose `ttl` is in the past",
    "point_in_time_recovery": "the table's backups of the last 35 days begin or are lost",
    "deletion_protection_enabled": "anybody may delete the table, or nobody may",
    "server_side_encryption": "the table is encrypted anew under another key; programs need the right to use that key,"
    " and backups keep the old one",
    "billing_mode": "the table is paid for in another way, and its capacity changes",
    "policy": "the key's policy is replaced: whoever may use the key by the old one only, can't any more",
    "target_key_id": "the alias points at another key, also for other programs that use it",
}
_OF_TOPIC: Final[Mapping[str, str]] = {
    "policy": "the topic's policy is replaced: whoever may publish by the old one only, can't any more",
    "kms_master_key_id": "the topic is encrypted with another key: who publishes needs the right to use that",
}
_KEY_IN_NAMES: Final = ' (to keep the key, name its alias in the settings: names.key_alias = "alias/…")'


def judge(
    plan: Plan,
    existing: Existing,
    document: Mapping[str, Any],
    *,
    half_made: Collection[str] = (),
    is_marked: bool = False,
) -> Verdict:
    """What an adoption must not do and what it has to ask for, of a plan with the import blocks in it.

    `half_made` is what an interrupted deploy left. While it `is_marked` so, the plan would make it anew, and all that
    refers to it would change: the adoption takes the mark off first, so there is nothing to ask yet.
    """
    refused = [*_other_shape(existing, document)]
    asked: list[str] = []
    for change in plan.changes:
        if is_marked and change.address in half_made:
            continue
        refused += _forbidden(change, existing)
        if not (is_marked and half_made):
            asked += _questions(
                change, existing, document, is_unfinished=change.imported or change.address in half_made
            )
    return Verdict(tuple(refused), tuple(asked))


def _other_shape(existing: Existing, document: Mapping[str, Any]) -> Iterator[str]:
    """Where the table's keys are others: the provider notices a changed key, but not the type of one."""
    if existing.table is None:
        return
    kind, _, logical_id = TABLE.partition(".")
    wanted = document["resource"][kind][logical_id]
    name = existing.table["TableName"]
    schema = {one["KeyType"]: one["AttributeName"] for one in existing.table["KeySchema"]}
    types = {one["AttributeName"]: one["AttributeType"] for one in existing.table["AttributeDefinitions"]}
    if schema.get("HASH") != wanted["hash_key"]:
        yield f"The hash key of {name} is {schema.get('HASH')}, and a table of prompts has {wanted['hash_key']}."
    if (range_key := schema.get("RANGE")) != wanted.get("range_key"):
        yield f"The table {name} has the range key {range_key}, and a table of prompts has none."
    for one in wanted["attribute"]:
        if (kind := types.get(one["name"], one["type"])) != one["type"]:
            yield f"The attribute {one['name']} of {name} is of type {kind}, and must be of type {one['type']}."


def _forbidden(change: Change, existing: Existing) -> Iterator[str]:
    if change.action in ("delete", "replace", "forget"):
        done = {"delete": "deleted", "replace": "replaced by a new one", "forget": "forgotten"}[change.action]
        why = f", since it can't change {' and '.join(change.forcing)}" if change.forcing else ""
        yield f"{change.address} would be {done}{why}."
    elif change.action == "create" and change.address in existing.ids:
        yield f"{change.address} would be made anew, and {existing.ids[change.address]} exists."


def _questions(
    change: Change, existing: Existing, document: Mapping[str, Any], *, is_unfinished: bool
) -> Iterator[str]:
    if change.action != "update":
        return
    for attribute, differences in change.by_attribute.items():
        if is_unfinished and _completes_a_deploy(change, attribute, differences, existing, document):
            continue
        if _asks(change, attribute, differences):
            meanings = _OF_TOPIC if change.type.startswith("aws_sns") else _MEANING
            meaning = meanings.get(attribute, "look at what it means for your programs")
            hint = _KEY_IN_NAMES if attribute == "server_side_encryption" else ""
            yield f"{change.address}: {attribute} changes: {meaning}{hint}."


def _asks(change: Change, attribute: str, differences: list[Difference]) -> bool:
    if change.address == "aws_kms_alias.KMSKeyAlias":
        return attribute == "target_key_id"
    if change.type == "aws_sns_topic" and attribute == "kms_master_key_id":
        # A key's id and its ARN are the same key.
        return not any(one.old and str(one.new).endswith(str(one.old)) for one in differences)
    if change.type == "aws_sns_topic_policy":
        return all(one.old != "__default_policy_ID" for one in differences)
    return change.address in (TABLE, KEY) and attribute not in _HARMLESS[change.type]


def _completes_a_deploy(
    change: Change, attribute: str, differences: list[Difference], existing: Existing, document: Mapping[str, Any]
) -> bool:
    """Whether Terraform made this table for this stack, and was killed before it switched these on."""
    if change.address != TABLE or attribute not in ("ttl", "point_in_time_recovery"):
        return False
    kind, _, logical_id = TABLE.partition(".")
    own = document["resource"][kind][logical_id]["tags"].items() <= existing.table_tags.items()
    return own and all(one.new is not False for one in differences)
