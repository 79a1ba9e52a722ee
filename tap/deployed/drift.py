"""Drift: what is not as the last deploy left it, in so far as the next one would change it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tap.deployed import DeployedError
from tap.deployed.plan import Change
from tap.deployed.root import Root
from tap.state.session import Session


@dataclass(frozen=True)
class Drift:
    """`changed` by others: `old` is the state's value, `new` what AWS says.

    `undeployed` is what else a deploy would do, and `half_made` what it would destroy and make anew.
    """

    changed: tuple[Change, ...]
    undeployed: tuple[Change, ...]
    half_made: tuple[str, ...]


def look(root: Root, session: Session) -> Drift:
    """Compare what AWS says with the state and with the settings; nothing is changed or locked.

    :raises DeployedError: when the state has nothing in it, or Terraform fails.
    """
    session.require_usable()
    root.init()
    ids, tainted = root.state()
    if not ids:
        raise DeployedError(
            f"The state of {root.settings.stack_name} has nothing in it: it is not deployed, or its state is elsewhere"
            f" or lost. `tap adopt {root.settings.environment_suffix}` shows what exists."
        )
    with root.without_imports():
        plan = root.plan(lock=False)
    root.forget_plan()
    planned = {change.address: change for change in plan.changes}
    # AWS also changes what nobody set (a date, a count): only what a deploy would set back is drift.
    drifted = tuple(change for one in plan.drifted if (change := _set_back(one, planned.get(one.address))))
    known = {change.address for change in drifted}
    rest = tuple(change for address, change in planned.items() if address not in known)
    return Drift(drifted, rest, tainted)


def _set_back(drifted: Change, planned: Change | None) -> Change | None:
    if planned is None:
        return None
    if drifted.action == "gone" or planned.action != "update":
        return drifted
    attributes = {one.attribute for one in planned.differences}
    kept = tuple(one for one in drifted.differences if one.attribute in attributes)
    return replace(drifted, differences=kept) if kept else None
