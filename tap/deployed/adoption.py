"""Take what exists under a stack's names into its state: after a killed deploy, a lost state, or another tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tap.deployed import DeployedError
from tap.deployed.existing import KEY, Existing, look_up
from tap.deployed.gate import Verdict, judge
from tap.deployed.plan import Plan
from tap.deployed.root import Root
from tap.state.session import Session


@dataclass(frozen=True)
class Proposal:
    """What an adoption would do: the import blocks, the plan with them, and what is to be said about it."""

    imports: Mapping[str, str]
    existing: Existing
    plan: Plan
    verdict: Verdict

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.plan.is_empty and not self.imports


def propose(root: Root, session: Session) -> Proposal:
    """Look up what exists, compare it with the state, and plan the difference as imports.

    The import blocks stay beside the stack's JSON, where a deploy would heed them, unless the plan is refused.

    :raises DeployedError: when the state is about another key than the one that is in use, or Terraform fails.
    """
    root.write_imports({})  # an earlier run's: they would fail where the thing is gone
    session.require_usable()
    root.init()
    recorded = root.state()
    existing = look_up(root.document, email(root), session)
    _require_same_key(root, recorded, existing)
    imports = {address: id_ for address, id_ in existing.ids.items() if address not in recorded}
    root.write_imports(imports)
    try:
        plan = root.plan()
    except BaseException:
        root.write_imports({})
        raise
    verdict = judge(plan, existing, root.document)
    if verdict.refused:
        root.write_imports({})
    return Proposal(imports, existing, plan, verdict)


def apply(root: Root, session: Session, proposal: Proposal) -> None:
    """Apply exactly the plan of the proposal, and see that the table is the same and nothing is left to change.

    :raises DeployedError: when it is not; or when Terraform fails, and then running this again goes on from there.
    """
    try:
        root.apply()
    finally:
        root.forget_plan()
        root.write_imports({})
    after = look_up(root.document, email(root), session)
    before = _identity(proposal.existing.table)
    lost = [
        f"the {what} was {value} and is {_identity(after.table).get(what)}"
        for what, value in before.items()
        if value != _identity(after.table).get(what)
        and not (what == "stream ARN" and any("stream" in one for one in proposal.verdict.asked))
    ]
    if lost:
        raise DeployedError(f"The table is not the one that it was: {'; '.join(lost)}.")
    again = root.plan(lock=False)
    root.forget_plan()
    if not again.is_empty:
        changed = ", ".join([change.address for change in again.changes] or again.outputs)
        raise DeployedError(
            f"It was applied, and the next plan still has changes, of {changed}: look at them with"
            f" `npx cdktf diff {root.settings.stack_name}`."
        )


def email(root: Root) -> str:
    """Where this deployment sends alarms: the variable, which Terraform prefers, or the setting."""
    return root.variables.get("TF_VAR_alert_email", root.settings.alert_email)


def _identity(table: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if table is None:
        return {}
    return {"ARN": table["TableArn"], "id": table.get("TableId"), "stream ARN": table.get("LatestStreamArn")}


def _require_same_key(root: Root, recorded: Mapping[str, str], existing: Existing) -> None:
    """A deploy after a killed one makes a second key, and then the state has it while the first one is in use."""
    ours, real = recorded.get(KEY), existing.ids.get(KEY)
    if ours and real and ours != real and "aws_kms_alias.KMSKeyAlias" not in recorded:
        raise DeployedError(
            f"The state has the key {ours}, and the one in use under {root.settings.names.key_alias} is {real}: run"
            f" `{root.terraform} state rm {KEY}`, then this again. {ours} then encrypts nothing that this stack knows."
        )
