"""Listing prompts: a scan that DynamoDB filters or, for what is pending, the claim index where there is one."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from typing import Any, Final

from tap.store.attributes import meaning
from tap.store.conditions import ALIVE, alive_at
from tap.store.entries import INDEX, LEASED, PENDING, STUCK
from tap.store.errors import UnreadablePrompt
from tap.store.items import Item, is_expired, read_prompt
from tap.store.models import DEFAULT_PRIORITY, PRIORITY, STATUS, Priority, Prompt, Status, checked_value
from tap.store.table import Table, check_count
from tap.store.values import check_text

_BATCH: Final = 100  # BatchGetItem's limit
_log = logging.getLogger("tap.store")


def list_prompts(
    table: Table, status: Status | None, task_type: str | None, priority: Priority | None, page_size: int | None
) -> Iterator[Prompt]:
    """See PromptStore.list."""
    if page_size is not None:
        check_count(page_size, "page_size")
    terms = [ALIVE]
    values: dict[str, Any] = alive_at(table.now())
    if status is not None:
        terms.append("#status = :status")
        values[":status"] = {"S": checked_value(STATUS, "status", status)}
    if task_type is not None:
        check_text(task_type, "task_type")
        terms.append("#task_type = :task_type")
        values[":task_type"] = {"S": task_type}
    if priority is not None:
        values[":priority"] = {"S": checked_value(PRIORITY, "priority", priority)}
        absent = ""
        if priority == DEFAULT_PRIORITY:
            absent = " OR NOT attribute_type(#priority, :string)"
            values[":string"] = {"S": "S"}
        terms.append(f"(#priority = :priority{absent})")
    scan: dict[str, Any] = {"FilterExpression": " AND ".join(terms), "ExpressionAttributeValues": values}
    if page_size is not None:
        scan["Limit"] = page_size
    return _prompts(table, _items(table, scan, status, task_type, priority, page_size))


def _items(
    table: Table,
    scan: dict[str, Any],
    status: str | None,
    task_type: str | None,
    priority: str | None,
    page_size: int | None,
) -> Iterator[Item]:
    pending = None
    if status == "pending":
        pending = table.claim_index.reading(_pending(table, min(page_size or _BATCH, _BATCH)))
    if pending is None:
        for reply in table.scan(**scan):
            yield from reply["Items"]
        return
    for item in pending:
        if task_type not in (None, item.get("task_type", {}).get("S")):
            continue
        if priority in (None, meaning("priority", item.get("priority")) or DEFAULT_PRIORITY):
            yield item


def _pending(table: Table, size: int) -> Iterator[Item]:
    """The pending prompts that have an entry, whichever: their order is that of the work, but for some at the end."""
    for queue in (PENDING, STUCK, LEASED):
        for page in table.query(INDEX, queue, size, size):
            # An older version that released a prompt left it among the leased.
            ids = [item["id"]["S"] for item in page if queue != LEASED or item.get("status") == {"S": "pending"}]
            yield from (item for item in _read(table, ids) if item.get("status") == {"S": "pending"})


def _read(table: Table, ids: list[str]) -> list[Item]:
    found: dict[str, Item] = {}
    for reply in table.read_all(ids, consistent=False) if ids else ():
        found |= {item["id"]["S"]: item for item in reply.items}
        if reply.left:
            time.sleep(random.uniform(0, 0.1))  # noqa: S311 -- jitter
    return [found[prompt_id] for prompt_id in ids if prompt_id in found]


def _prompts(table: Table, items: Iterator[Item]) -> Iterator[Prompt]:
    for item in items:
        if is_expired(item, table.now()):  # since the caller began to read
            continue
        try:
            prompt = read_prompt(item, table.table_name)
        except UnreadablePrompt as error:
            _log.warning("%s", error)
            continue
        yield prompt
