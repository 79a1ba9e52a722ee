"""Whether the table has the claim index: asked of AWS now and then, since it can be switched on and off any time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from tap.store.entries import INDEX, PENDING
from tap.store.errors import AccessDenied, Calling, StoreError, StoreUnavailable, TableNotFound, is_refused

if TYPE_CHECKING:
    from tap.store.table import Table

State = Literal["none", "building", "ready"]
_Read = TypeVar("_Read")

#: Seconds for which an answer holds; a new index takes minutes to be built.
_HOLDS: Final[dict[State, float]] = {"none": 300.0, "building": 10.0, "ready": 300.0}
#: Where DescribeTable is not allowed a query tells, and a refused one counts as an error of the account's (UserErrors).
_HOLDS_A_REFUSAL: Final = 3600.0
_HOLDS_UNANSWERED: Final = 5.0
_log = logging.getLogger("tap.store")


def cannot_read(error: StoreError) -> bool:
    """Whether a query's error says that there is no index, or none for this program: a scan may do.

    AWS says so by a ValidationException, moto by a ResourceNotFoundException.
    """
    return isinstance(error, AccessDenied | TableNotFound) or is_refused(error.__cause__)


class ClaimIndex:
    """The table's claim index, or that it has none."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._state: State = "none"
        self._ask_at = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether writes have to keep entries right: the table has the index, or will have it soon."""
        return self._known() != "none"

    @property
    def is_ready(self) -> bool:
        """Whether it can be read."""
        return self._known() == "ready"

    def reading(self, begun: Iterator[_Read]) -> Iterator[_Read] | None:
        """What is read by the index, unless there is none, or none for this program: then a scan has to do.

        The first step of `begun` shows it: the index may have been switched off since. Asked again in a while.
        """
        if not self.is_ready:
            return None
        try:
            return chain(list(islice(begun, 1)), begun)
        except StoreError as error:
            if not cannot_read(error):
                raise
            _log.info("The claim index can't be read, so the table is scanned: %s", error)
        self._state, self._ask_at = "building", time.monotonic() + _HOLDS["none"]
        return None

    def _known(self) -> State:
        if time.monotonic() >= self._ask_at:
            try:
                self._state, holds = self._ask()
            except StoreUnavailable as error:  # the request that follows says so, if it lasts
                _log.debug("%s", error)
                holds = _HOLDS_UNANSWERED
            self._ask_at = time.monotonic() + holds
        return self._state

    def _ask(self) -> tuple[State, float]:
        try:
            with Calling(self._table.table_name):
                described: Any = self._table.client.describe_table(TableName=self._table.table_name)["Table"]
        except AccessDenied as denied:
            _log.debug("%s", denied)
            return self._ask_by_query()
        found = [one for one in described.get("GlobalSecondaryIndexes", []) if one["IndexName"] == INDEX]
        if not found or found[0].get("IndexStatus") == "DELETING":
            return "none", _HOLDS["none"]
        state: State = "building" if found[0].get("IndexStatus") == "CREATING" else "ready"
        return state, _HOLDS[state]

    def _ask_by_query(self) -> tuple[State, float]:
        try:
            next(self._table.query(INDEX, PENDING, 1, 1))
        except StoreError as error:
            if not cannot_read(error):
                raise
            return "none", _HOLDS_A_REFUSAL
        return "ready", _HOLDS["ready"]
