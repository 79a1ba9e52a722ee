"""Workers, a clock and lost replies in any order, against a model that knows what must be true.

The model is a plain account of who holds what until when. Hypothesis looks for a sequence of steps after
which the store says otherwise: two owners at once, an attempt not counted, a finished prompt that moves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tap.store import AllLeased, Claim, LeaseLost, NothingPending, PromptConflict, StoreUnavailable
from tap.store.entries import due_entry, entry_of
from tests.store.fault_matrix import Bench, hurried

LEASE = timedelta(seconds=60)
SKEW = timedelta(seconds=2)
LIMIT = 3
WORKERS = st.sampled_from(["ann", "bob", "cy"])
LOST = st.sampled_from(["none", "none", "first", "all"])
EXAMPLES = int(os.environ.get("TAP_STATEFUL_EXAMPLES", "12"))


@dataclass
class Account:
    """What must be true of one prompt. `token` None: taken by a claim whose answer never came."""

    status: str = "pending"
    attempts: int = 0
    token: str | None = None
    until: datetime | None = None
    result: object = None
    tokens: list[str] = field(default_factory=list)


class Workers(RuleBasedStateMachine):
    """Every step goes through the store, over real HTTP, with the faults that its `lost` names."""

    bench: Bench
    index: bool
    claims: Bundle[Claim] = Bundle("claims")

    @initialize()
    def start(self) -> None:
        # Whether a retry is left may not depend on the examples before, or the same steps go differently.
        self.bench.renew(cells_per_client=1)
        self.accounts: dict[str, Account] = {}

    def sent(self, lost: str, step: Callable[[], object]) -> object:
        """The step's answer; StoreUnavailable as a value. The replies are lost, the requests are not."""
        writes = 0

        def decide(operation: str, _: int) -> str | None:
            nonlocal writes
            if operation in {"Scan", "Query"} or lost == "none":
                return None
            writes += 1
            return "lost reply" if lost == "all" or writes == 1 else None

        self.bench.proxy.plan(decide)
        try:
            return step()
        except (StoreUnavailable, PromptConflict) as error:
            return error
        finally:
            self.bench.proxy.plan(lambda _operation, _number: None)

    @rule(lost=LOST, number=st.integers(0, 3))
    def create(self, lost: str, number: int) -> None:
        prompt_id = f"p{number}"
        self.sent(
            lost,
            lambda: self.bench.spoilt.create("text", "type", prompt_id=prompt_id, max_attempts=LIMIT, expires_in=None),
        )
        self.accounts.setdefault(prompt_id, Account())

    @rule(target=claims, worker=WORKERS, lost=LOST)
    def claim(self, worker: str, lost: str) -> Claim | MultipleResults[Claim]:
        now = self.bench.clock()
        free = {prompt_id for prompt_id, account in self.accounts.items() if self.free(account, now)}
        answer = self.sent(lost, lambda: self.bench.spoilt.claim(worker, lease=LEASE))
        if isinstance(answer, Claim):
            account = self.accounts[answer.id]
            assert answer.id in free, "handed out although another holds it"
            assert answer.attempt == account.attempts + 1 <= LIMIT
            assert answer.token not in account.tokens
            account.status, account.token, account.until = "in_progress", answer.token, now + LEASE
            account.attempts += 1
            account.tokens.append(answer.token)
            self.retire_exhausted(free - {answer.id})
            return answer
        if isinstance(answer, StoreUnavailable):
            self.settle_unanswered(free, now)
            return multiple()
        self.retire_exhausted(free)
        leased = [a.until + SKEW for a in self.accounts.values() if a.status == "in_progress" and a.until]
        assert not [a for a in self.accounts.values() if self.free(a, now)], "a free prompt was not found"
        assert answer == (AllLeased(min(leased)) if leased else NothingPending())
        return multiple()

    def free(self, account: Account, now: datetime) -> bool:
        ripe = account.until is not None and account.until < now - SKEW
        return account.status == "pending" or (account.status == "in_progress" and ripe)

    def retire_exhausted(self, free: set[str]) -> None:
        """Free prompts whose attempts are used up may have been failed on the way."""
        for prompt_id in free:
            account = self.accounts[prompt_id]
            found = self.bench.straight.get(prompt_id)
            assert found.attempts == account.attempts
            if found.status != account.status:
                assert (found.status, account.attempts) == ("failed", LIMIT)
                account.status, account.token = "failed", None

    def settle_unanswered(self, free: set[str], now: datetime) -> None:
        """A claim without an answer: it took at most one prompt, and only a free one."""
        taken = []
        for prompt_id, account in self.accounts.items():
            found = self.bench.straight.get(prompt_id)
            if (found.attempts, found.status) == (account.attempts, account.status):
                continue
            assert prompt_id in free
            if found.status == "failed":
                assert found.attempts == account.attempts == LIMIT
            else:
                assert (found.status, found.attempts) == ("in_progress", account.attempts + 1)
                assert found.attempts <= LIMIT
                taken.append(prompt_id)
            account.attempts, account.status, account.token = found.attempts, found.status, None
            account.until = now + LEASE
        assert len(taken) <= 1

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 63.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @rule(claim=claims, lost=LOST, lease=st.sampled_from([LEASE, LEASE / 4, LEASE * 2]))
    def extend(self, claim: Claim, lost: str, lease: timedelta) -> None:
        account = self.accounts[claim.id]
        answer = self.sent(lost, lambda: self.bench.spoilt.extend(claim, lease=lease))
        if self.holds(account, claim):
            assert not isinstance(answer, PromptConflict)
            assert account.until is not None
            account.until = max(account.until, self.bench.clock() + lease)
            assert answer == account.until or isinstance(answer, StoreUnavailable)
        else:
            assert isinstance(answer, LeaseLost | StoreUnavailable)

    @rule(claim=claims, lost=LOST)
    def release(self, claim: Claim, lost: str) -> None:
        account = self.accounts[claim.id]
        again = account.status == "pending" and account.token == claim.token
        answer = self.sent(lost, lambda: self.bench.spoilt.release(claim))
        if self.holds(account, claim):
            assert not isinstance(answer, PromptConflict)
            account.status, account.until = "pending", None
        else:
            assert isinstance(answer, LeaseLost | StoreUnavailable) != again or isinstance(answer, StoreUnavailable)

    @rule(claim=claims, lost=LOST, result=st.sampled_from([1, 1.0, {"score": 0.95}]), good=st.booleans())
    def finish(self, claim: Claim, lost: str, result: object, good: bool) -> None:
        account = self.accounts[claim.id]
        status = "completed" if good else "failed"
        step = self.bench.spoilt.complete if good else self.bench.spoilt.fail
        answer = self.sent(lost, lambda: step(claim, result))
        if self.holds(account, claim):
            assert not isinstance(answer, PromptConflict)
            account.status, account.result, account.until = status, result, None
        elif account.status in {"completed", "failed"} and account.token == claim.token:
            same = (account.status, repr(account.result)) == (status, repr(result))
            assert isinstance(answer, StoreUnavailable) or isinstance(answer, PromptConflict) != same
            assert not isinstance(answer, LeaseLost)
        else:
            assert isinstance(answer, LeaseLost | StoreUnavailable)

    @rule(claim=consumes(claims))
    def a_worker_dies(self, claim: Claim) -> None:
        """It never comes back; its prompt has to."""

    def holds(self, account: Account, claim: Claim) -> bool:
        return account.status == "in_progress" and account.token == claim.token

    @invariant()
    def the_table_says_the_same(self) -> None:
        if not hasattr(self, "accounts"):
            return
        found = {
            prompt.id: (prompt.status, prompt.attempts, repr(prompt.result)) for prompt in self.bench.straight.list()
        }
        assert found == {
            prompt_id: (account.status, account.attempts, repr(account.result))
            for prompt_id, account in self.accounts.items()
        }

    @invariant()
    def the_claim_index_says_the_same(self) -> None:
        if not hasattr(self, "accounts"):
            return
        now = self.bench.clock()
        items: Any = self.bench.client.scan(TableName=self.bench.table, ConsistentRead=True)["Items"]
        for item in items:
            assert entry_of(item) == (due_entry(item, now) if self.index else None)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("index", [False, True], ids=["scan", "index"])
def test_no_sequence_of_steps_breaks_the_account(endpoint: str, *, index: bool) -> None:
    Workers.bench = Bench(endpoint, "lost reply", index=index)
    Workers.index = index
    try:
        with hurried():
            run_state_machine_as_test(
                Workers,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        Workers.bench.close()
