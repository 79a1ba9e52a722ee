"""Drift: what is not as the last deploy left it, in so far as the next one would change it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tap.deployed.plan import Change
from tap.deployed.root import Root
from tap.state.session import Session


@dataclass(frozen=True)
class Drift:
    """`changed` by others: `old` is the state's value, `new` what AWS says. `undeployed` comes from the settings."""

    changed: tuple[Change, ...]
    undeployed: tuple[Change, ...]


def look(root: Root, session: Session) -> Drift:
    """Compare what AWS says with the state and with the settings; nothing is changed or locked.

    :raises DeployedError: when Terraform fails.
    """
    session.require_usable()
    root.init()
    plan = root.plan(lock=False)
    root.forget_plan()
    planned = {change.address: change for change in plan.changes}
    # AWS also changes what nobody set (a date, a count): only what a deploy would set back is drift.
    drifted = tuple(change for one in plan.drifted if (change := _set_back(one, planned.get(one.address))))
    known = {change.address for change in drifted}
    return Drift(drifted, tuple(change for address, change in planned.items() if address not in known))


def _set_back(drifted: Change, planned: Change | None) -> Change | None:
    if planned is None:
        return None
    if drifted.action == "gone" or planned.action != "update":
        return drifted
    attributes = {one.attribute for one in planned.differences}
    kept = tuple(one for one in drifted.differences if one.attribute in attributes)
    return replace(drifted, differences=kept) if kept else None
