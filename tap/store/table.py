"""One table, reached by boto3's low-level client: the requests that the store is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from tap.store.attributes import meaning
from tap.store.client import ClientSettings, make_client
from tap.store.entries import with_entry
from tap.store.errors import Calling, InvalidPrompt, PromptNotFound, StoreMisconfigured
from tap.store.index import ClaimIndex
from tap.store.items import Item, is_expired
from tap.store.models import DEFAULT_PRIORITY, PROMPT_ID, checked_value
from tap.store.times import epoch_s, utc_now
from tap.store.values import check_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Clock = Callable[[], datetime]

# A stored prompt that is equal in these is the one that the caller meant to create.
IDENTITY: Final = ("prompt_text", "task_type", "priority", "max_attempts")


@dataclass(frozen=True)
class Outcome:
    """What a conditional write did: `item` is the new item, or the old one that refused (None: no item)."""

    applied: bool
    item: Item | None


@dataclass(frozen=True)
class BatchReply:
    """What one BatchGetItem brought, and how many it did not get to."""

    items: list[Item]
    left: int


class Table:
    """The table's name, its client (made at the first request), whether it has the claim index, and the clock."""

    def __init__(self, table_name: str, client: ClientSettings | None = None, clock: Clock = utc_now) -> None:
        if not table_name:
            raise StoreMisconfigured("The table's name is empty.")
        self.table_name = table_name
        self.settings = client or ClientSettings()
        self.claim_index = ClaimIndex(self)
        self._clock = clock
        self._client: DynamoDBClient | None = None
        self._lock = Lock()

    @property
    def client(self) -> DynamoDBClient:
        """The store's boto3 client; it may be shared by threads."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = make_client(self.settings, self.table_name)
        return self._client

    def close(self) -> None:
        """Close the connections; the store opens new ones when it is used again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def now(self) -> datetime:
        """The clock's time; a clock without a zone is a programming error, not a time."""
        moment = self._clock()
        if moment.tzinfo is None:
            raise InvalidPrompt("The store's clock returned a time without a zone.")
        return moment

    def entered(self, item: Item) -> Item:
        """A new item, with its entry where the table has the claim index."""
        return with_entry(item, self.now()) if self.claim_index.is_kept else item

    def put_of(self, item: Item) -> dict[str, dict[str, Any]]:
        """Writing the item unless a living one has its id, as a part of a transaction."""
        return {
            "Put": {
                "TableName": self.table_name,
                "Item": self.entered(item),
                "ConditionExpression": "attribute_not_exists(id) OR #ttl <= :now_s",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":now_s": {"N": str(epoch_s(self.now()))}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def put_new(self, item: Item) -> Outcome:
        """Write the item unless a living one has its id (an expired one is replaced)."""
        client = self.client
        with Calling(self.table_name, item["id"]["S"]):
            try:
                client.put_item(**self.put_of(item)["Put"])
            except client.exceptions.ConditionalCheckFailedException as refusal:
                return Outcome(applied=False, item=refusal.response.get("Item"))  # type: ignore[arg-type]
        return Outcome(applied=True, item=item)

    def update_of(
        self, prompt_id: str, changes: str, condition: str, values: Mapping[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """The same update as a part of a transaction."""
        return {
            "Update": {
                "TableName": self.table_name,
                "Key": {"id": {"S": prompt_id}},
                "UpdateExpression": changes,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names_in(changes, condition),
                "ExpressionAttributeValues": {name: values[name] for name in _used(f"{changes} {condition}")},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def update(self, prompt_id: str, changes: str, condition: str, values: Mapping[str, Any]) -> Outcome:
        """One conditional UpdateItem; names in the expressions are written #name, values :name.

        Values that the expressions don't use are left out, since DynamoDB refuses them.
        """
        check_id(prompt_id)
        client = self.client
        with Calling(self.table_name, prompt_id):
            try:
                reply = client.update_item(
                    **self.update_of(prompt_id, changes, condition, values)["Update"], ReturnValues="ALL_NEW"
                )
            except client.exceptions.ConditionalCheckFailedException as refusal:
                return Outcome(applied=False, item=refusal.response.get("Item"))  # type: ignore[arg-type]
        return Outcome(applied=True, item=reply["Attributes"])  # type: ignore[arg-type]

    def scan(self, grow_to: int = 0, **request: Any) -> Iterator[dict[str, Any]]:
        """The replies of a Scan, one request at a time, each for twice as many items up to `grow_to`."""
        request["ExpressionAttributeNames"] = names_in(
            request.get("FilterExpression", ""), request.get("ProjectionExpression", "")
        )
        if "ExpressionAttributeValues" in request:
            used = _used(request["FilterExpression"])
            request["ExpressionAttributeValues"] = {name: request["ExpressionAttributeValues"][name] for name in used}
        while True:
            with Calling(self.table_name):
                reply = self.client.scan(TableName=self.table_name, **request)
            yield reply  # type: ignore[misc]
            if "LastEvaluatedKey" not in reply:
                return
            request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
            if request.get("Limit", grow_to) < grow_to:
                request["Limit"] *= 2

    def query(self, index: str, queue: str, limit: int, grow_to: int) -> Iterator[list[Item]]:
        """Pages of a queue of the claim index, in its order: `limit` items, then `grow_to` on each page."""
        request: dict[str, Any] = {
            "IndexName": index,
            "KeyConditionExpression": "#claim_queue = :queue",
            "ExpressionAttributeNames": {"#claim_queue": "claim_queue"},
            "ExpressionAttributeValues": {":queue": {"S": queue}},
            "Limit": limit,
        }
        while True:
            with Calling(self.table_name):
                reply: Any = self.client.query(TableName=self.table_name, **request)
            yield reply["Items"]
            if "LastEvaluatedKey" not in reply:
                return
            request |= {"ExclusiveStartKey": reply["LastEvaluatedKey"], "Limit": grow_to}

    def read_all(self, ids: list[str], fields: tuple[str, ...] = (), *, consistent: bool) -> Iterator[BatchReply]:
        """The items with these ids (100 at most), or `fields` of them, as BatchGetItem gives them: perhaps in parts."""
        request: Any = {"Keys": [{"id": {"S": prompt_id}} for prompt_id in ids], "ConsistentRead": consistent}
        if fields:
            request["ProjectionExpression"] = ", ".join(f"#{name}" for name in fields)
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in fields}
        while request:
            with Calling(self.table_name):
                reply: Any = self.client.batch_get_item(RequestItems={self.table_name: request})
            rest = reply.get("UnprocessedKeys", {}).get(self.table_name, {})
            yield BatchReply(reply.get("Responses", {}).get(self.table_name, []), len(rest.get("Keys", [])))
            request = rest

    def living(self, outcome: Outcome, prompt_id: str, now: datetime) -> Item:
        """The old item that refused a write; PromptNotFound if there is none or it has expired."""
        if outcome.item is None or is_expired(outcome.item, now):
            raise self.not_found(prompt_id, expired=outcome.item is not None)
        return outcome.item

    def not_found(self, prompt_id: str, *, expired: bool) -> PromptNotFound:
        """The error for a prompt that isn't there (any more)."""
        said = f"Prompt {prompt_id!r} has expired." if expired else f"There is no prompt {prompt_id!r}."
        return PromptNotFound(said, table=self.table_name, prompt_id=prompt_id)


def check_id(prompt_id: str) -> None:
    """Raise InvalidPrompt for what can't be a key."""
    if not (isinstance(prompt_id, str) and 0 < len(prompt_id) <= 512):
        checked_value(PROMPT_ID, "id", prompt_id)
    check_text(prompt_id, "id")


def check_count(value: object, name: str) -> None:
    """Raise InvalidPrompt unless it is a whole number, 1 or more: segments, workers, items of a page."""
    if type(value) is not int or value < 1:
        raise InvalidPrompt(f"{name} must be a whole number, 1 or more (got {value!r}).")


def same_prompt(stored: Item, meant: Item) -> bool:
    """Whether a stored item is the prompt that a caller meant to create, whatever happened to it since."""
    return _identity(stored) == _identity(meant)


def _identity(item: Item) -> list[object]:
    priority = meaning("priority", item.get("priority"))  # other programs may leave it out
    said = [item.get("prompt_text"), item.get("task_type"), meaning("max_attempts", item.get("max_attempts"))]
    return [*said, DEFAULT_PRIORITY if priority is None else priority]


@lru_cache(maxsize=256)
def _names(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"#{name}", name) for name in sorted(set(re.findall(r"#(\w+)", text))))


@lru_cache(maxsize=256)
def _used(text: str) -> tuple[str, ...]:
    return tuple(sorted(set(re.findall(r":\w+", text))))


def names_in(*texts: str) -> dict[str, str]:
    """ExpressionAttributeNames for the #names that the expressions use: many of ours are reserved words."""
    return dict(_names(" ".join(texts)))
