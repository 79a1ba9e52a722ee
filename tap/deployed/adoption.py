"""Take what exists under a stack's names into its state: after a killed deploy, a lost state, or another tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tap.deployed import DeployedError, cloudformation
from tap.deployed.existing import KEY, TABLE, Existing, addresses, look_up
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
    #: What exists, and the state takes for half made.
    half_made: tuple[str, ...] = ()
    stack: cloudformation.Stack | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.plan.is_empty and not self.imports and not self.to_retain

    @cached_property
    def to_retain(self) -> tuple[str, ...]:
        """The resources that would go with their CloudFormation stack, as it is."""
        return tuple(self.stack.not_retained()) if self.stack else ()


def propose(
    root: Root, session: Session, stack: cloudformation.Stack | None = None, *, is_meant: bool = False
) -> Proposal:
    """Look up what exists, compare it with the state, and plan the difference as imports.

    `stack` is the CloudFormation stack that it comes from. The import blocks stay beside the stack's JSON, where a
    deploy would heed them, unless the plan is refused. What the state takes for half made and exists would be destroyed
    and made anew: if the adoption `is_meant`, that mark is taken off first.

    :raises DeployedError: when the state is about another key than the one that is in use, or Terraform fails.
    """
    root.write_imports({})  # an earlier run's: they would fail where the thing is gone
    session.require_usable()
    root.init()
    recorded, tainted = root.state()
    existing = look_up(root.document, email(root), session)
    _require_same_key(root, recorded, existing)
    ids = {*existing.ids.values(), *recorded.values()}
    if stack and (others := cloudformation.not_among(ids, addresses(root.document), stack)):
        raise DeployedError(
            f"The stack {stack.name} also has {', '.join(others)}, which {root.settings.stack_name} has not under its"
            " names: correct `names` in the settings, or take it out of the stack first, with DeletionPolicy: Retain."
        )
    if not (root.is_known or existing.ids or recorded):
        name, stack_name = root.settings.environment_suffix, root.settings.stack_name
        raise DeployedError(
            f"environments.toml has no [{name}], and nothing exists under its names: check the name, or make the"
            f" environment with `TAP_ENVIRONMENT_SUFFIX={name} npx cdktf deploy {stack_name}`."
        )
    half_made = tuple(address for address in tainted if address in existing.ids)
    if is_meant:
        for address in half_made:
            root.untaint(address)
    imports = {address: id_ for address, id_ in existing.ids.items() if address not in recorded}
    root.write_imports(imports)
    try:
        plan = root.plan()
        verdict = judge(plan, existing, root.document, half_made=half_made, is_marked=not is_meant)
    except BaseException:
        root.write_imports({})
        root.forget_plan()
        raise
    if verdict.refused:
        root.write_imports({})
    return Proposal(imports, existing, plan, verdict, half_made, stack)


def apply(root: Root, session: Session, proposal: Proposal) -> None:
    """Apply exactly the plan of the proposal, and see that the table is the same and nothing is left to change.

    :raises DeployedError: when it is not; or when Terraform fails, and then running this again goes on from there.
    """
    try:
        if proposal.stack:
            cloudformation.retain(proposal.stack)
        root.apply()
    finally:
        root.forget_plan()
        root.write_imports({})
    after = look_up(root.document, email(root), session)
    is_new_stream = any(
        change.address == TABLE and not change.by_attribute.keys().isdisjoint(("stream_enabled", "stream_view_type"))
        for change in proposal.plan.changes
    )
    _require_same_table(proposal.existing.table, after.table, except_stream=is_new_stream)
    require_empty_plan(root, "It was applied")


def release(root: Root, session: Session, stack: cloudformation.Stack) -> int:
    """Delete the CloudFormation stack that this one was adopted from; how many resources it had.

    :raises DeployedError: unless each of its resources is in the state and set to Retain, and the plan is empty.
    """
    session.require_usable()
    root.write_imports({})
    root.init()
    recorded = root.state().ids
    if missing := cloudformation.not_among(set(recorded.values()), recorded, stack):
        raise DeployedError(
            f"The state of {root.settings.stack_name} lacks {', '.join(missing)} of the stack {stack.name}: first"
            f" `tap adopt {root.settings.environment_suffix} --from-cloudformation {stack.name} --apply`, with"
            " `--accept` for what that asks."
        )
    require_empty_plan(root, f"The stack {stack.name} stays")
    count = len(stack.resources)
    before = look_up(root.document, email(root), session)
    cloudformation.delete(stack)
    after = look_up(root.document, email(root), session)
    _require_same_table(before.table, after.table)
    require_empty_plan(root, f"The stack {stack.name} is deleted")
    return count


def require_empty_plan(root: Root, so_far: str) -> None:
    """Return if nothing is left to change.

    :raises DeployedError: when something is; `so_far` begins its sentence.
    """
    plan = root.plan(lock=False)
    root.forget_plan()
    if not plan.is_empty:
        changed = ", ".join([change.address for change in plan.changes] or plan.outputs)
        raise DeployedError(
            f"{so_far}, and the next plan has changes, of {changed}: look at them with"
            f" `npx cdktf diff {root.settings.stack_name}`."
        )


def email(root: Root) -> str:
    """Where this deployment sends alarms: the variable, which Terraform prefers, or the setting."""
    return root.variables.get("TF_VAR_alert_email", root.settings.alert_email)


def _require_same_table(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, except_stream: bool = False
) -> None:
    now = _identity(after)
    lost = [
        f"its {what} was {value} and is {now.get(what)}"
        for what, value in _identity(before).items()
        if value != now.get(what) and not (except_stream and what == "stream ARN")
    ]
    if lost:
        raise DeployedError(f"The table is not the one that it was: {'; '.join(lost)}.")


def _identity(table: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if table is None:
        return {}
    return {"ARN": table["TableArn"], "id": table.get("TableId"), "stream ARN": table.get("LatestStreamArn")}


def _require_same_key(root: Root, recorded: Mapping[str, str], existing: Existing) -> None:
    """A deploy after a killed one makes a second key, and then the state has it while the first one is in use."""
    ours, real = recorded.get(KEY), existing.ids.get(KEY)
    if ours and real and ours != real and "aws_kms_alias.KMSKeyAlias" not in recorded:
        raise DeployedError(
            f"The state has the key {ours}, and {root.settings.names.key_alias} is of {real}: run"
            f" `{root.state_rm(KEY)}`, then this again. {ours}"
            " then encrypts nothing that this stack knows."
        )
