"""Giving every unfinished prompt the entry in the claim index that is due, and every other one none.

A table that just got its index has prompts without entries. Workers find them by themselves, a few at a time; this
finds all at once. It may be killed and run again, beside workers: an entry is only written where the item is still as
it was read, and what has been done is not done twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from tap.store.bulk.checkpoint import targets
from tap.store.bulk.files import naming, save_json
from tap.store.candidates.index import mend
from tap.store.conditions import A_PROMPT, unfinished_at
from tap.store.entries import due_entry, entry_of
from tap.store.errors import CheckpointRefused, StoreError, StoreMisconfigured, is_refused
from tap.store.items import Item
from tap.store.table import Table, check_count

PAGE: Final = 500
_TRIES: Final = 5
_FILTER: Final = f"{A_PROMPT} AND (#status = :pending OR #status = :in_progress OR attribute_exists(#claim_queue))"
_FIELDS: Final = (
    "#id, #status, #priority, #created_at, #ttl, #lease_until, #attempts, #max_attempts, #claim_queue, #claim_order"
)


@dataclass(frozen=True)
class ReindexReport:
    """How far a reindex came: items read, entries mended, prompts that have no room for an entry.

    `resumed_at` says after how many items it went on where an earlier run had stopped; the counts include that run's.
    """

    items: int = 0
    mended: int = 0
    refused: int = 0
    resumed_at: int = 0


Progress = Callable[[ReindexReport], object]


def reindex(table: Table, checkpoint: Path | None, workers: int, on_progress: Progress | None) -> ReindexReport:
    """See PromptStore.reindex."""
    check_count(workers, "workers")
    if not table.claim_index.is_kept:
        raise StoreMisconfigured(
            f"Table {table.table_name!r} has no claim index: set claim_index_enabled = true and deploy.",
            table=table.table_name,
        )
    known = [] if checkpoint is None else targets(table)
    report, start = (ReindexReport(), None) if checkpoint is None else _resumed(known, checkpoint)
    request: dict[str, Any] = {
        "FilterExpression": _FILTER,
        "ExpressionAttributeValues": unfinished_at(table.now()),
        "ProjectionExpression": _FIELDS,
        "ConsistentRead": True,
        "Limit": PAGE,
    }
    if start is not None:
        request["ExclusiveStartKey"] = start
    with ThreadPoolExecutor(workers, "tap-reindex") as pool:
        for reply in table.scan(**request):
            outcomes = list(pool.map(lambda item: _set_right(table, item), reply["Items"]))
            report = replace(
                report,
                items=report.items + reply["ScannedCount"],
                mended=report.mended + outcomes.count("mended"),
                refused=report.refused + outcomes.count("refused"),
            )
            if checkpoint is not None and "LastEvaluatedKey" in reply:
                how_far = {"target": known[-1], "start": reply["LastEvaluatedKey"], "report": asdict(report)}
                save_json(checkpoint, how_far)
            if on_progress is not None:
                on_progress(report)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return report


def _set_right(table: Table, item: Item) -> str:
    """What was done about an item: "mended", "refused" for want of room, or "right" for nothing."""
    for _ in range(_TRIES):
        # What its rank is made of may have been changed by another program.
        seen = {name: value for name, value in item.items() if name != "claim_rank"}
        if due_entry(seen, table.now()) == entry_of(seen):
            return "right"
        try:
            now_there = mend(table, seen)
        except StoreError as error:
            if not is_refused(error.__cause__):
                raise
            return "refused"
        if now_there is None:
            return "mended"
        item = now_there
    return "right"  # others are at work on it without pause, and each of their writes sets it right


def _resumed(known: list[str], checkpoint: Path) -> tuple[ReindexReport, Item | None]:
    try:
        with naming(checkpoint):
            found = json.loads(checkpoint.read_bytes())
        report = ReindexReport(**{**found["report"], "resumed_at": found["report"]["items"]})
        target, start = found["target"], found["start"]
    except FileNotFoundError:
        return ReindexReport(), None
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointRefused(
            f"{checkpoint} is not how far a reindex came; name another file, or remove it."
        ) from error
    if target not in known:
        raise CheckpointRefused(f"{checkpoint} is of a reindex of another table: name another file.")
    return report, start
