"""A stack that CloudFormation deployed: what it is made of, its resources kept, and its end.

At each step until `delete` CloudFormation is the way back. Retain is set by a change set, which shows that it changes
nothing else; https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tap.declared.yaml_templates import parsed
from tap.deployed import DeployedError
from tap.settings import Settings
from tap.state.session import Session, one_line

_RETAIN: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_ATTRIBUTES: Final = frozenset(_RETAIN)
#: What CloudFormation takes without a bucket to put the template in.
_LONGEST_TEMPLATE: Final = 51_200
_STEADY: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
#: The template's parameters, by the setting that each became.
PARAMETERS: Final[Mapping[str, str]] = {
    "project_name": "ProjectName",
    "alert_email": "AlertEmail",
    "deletion_protection_enabled": "DeletionProtectionEnabled",
    "point_in_time_recovery_enabled": "PointInTimeRecoveryEnabled",
}
#: The template's logical ids, by the name in the settings. An ARN's last part is the name.
_NAMED: Final[Mapping[str, str]] = {
    "table": "TurnAroundPromptTable",
    "key_alias": "KMSKeyAlias",
    "topic": "SNSTopic",
    "dashboard": "CloudWatchDashboard",
    "throttle_alarm": "DynamoDBThrottleAlarm",
    "system_error_alarm": "DynamoDBSystemErrorAlarm",
    "read_throttle_alarm": "DynamoDBReadThrottleAlarm",
    "write_throttle_alarm": "DynamoDBWriteThrottleAlarm",
}
#: Kinds whose physical id need not be Terraform's: an unconfirmed subscription has none.
_BY_LOGICAL_ID: Final = ("AWS::CloudWatch::Dashboard", "AWS::SNS::Subscription")


@dataclass(frozen=True)
class Resource:
    """One resource of a stack."""

    logical_id: str
    physical_id: str
    type: str


@dataclass(frozen=True)
class Stack:
    """A living stack, as DescribeStacks tells it."""

    client: Any
    described: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """By which a deleted stack is still found."""
        return str(self.described["StackId"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.described["StackName"])

    @property
    def parameters(self) -> Mapping[str, str]:
        """Its parameters' values."""
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in self.described.get("Parameters", [])}

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """What it has made."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.arn)
        return tuple(
            Resource(one["LogicalResourceId"], one.get("PhysicalResourceId", ""), one["ResourceType"])
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        )

    def template(self) -> dict[str, Any]:
        """The template that it was deployed with."""
        body = self.client.get_template(StackName=self.arn, TemplateStage="Original")["TemplateBody"]
        return parsed(body) if isinstance(body, str) else dict(body)

    def not_retained(self) -> list[str]:
        """The resources that would go with the stack."""
        resources = self.template()["Resources"]
        return [
            one.logical_id
            for one in self.resources
            if resources.get(one.logical_id, {}).get("DeletionPolicy") != "Retain"
        ]


def where(name: str, settings: Settings) -> Settings:
    """The settings with the region that a stack's ARN names; as they are for a stack's name."""
    found = re.match(r"arn:aws[a-z-]*:cloudformation:([a-z0-9-]+):", name)
    return settings.model_copy(update={"region": found[1]}) if found else settings


def find(name: str, session: Session) -> Stack:
    """The stack of that name or ARN.

    :raises DeployedError: when there is none, or it is in the middle of something.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = session.client("cloudformation")
    try:
        (described,) = client.describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError, ValueError) as error:
        is_absent = isinstance(error, ClientError) and error.response["Error"]["Code"] == "ValidationError"
        what = "There is no CloudFormation stack" if is_absent else "CloudFormation can't be asked for the stack"
        raise DeployedError(f"{what} {name}: {one_line(error)}.") from error
    if described["StackStatus"] not in _STEADY:
        raise DeployedError(
            f"The stack {described['StackName']} is {described['StackStatus']}, and must be {' or '.join(_STEADY)}."
        )
    return Stack(client, described)


def settings_of(stack: Stack) -> dict[str, Any]:
    """The settings by which the stack's own resources are found, and stay as they are; `names` is a table."""
    found: dict[str, Any] = {}
    for setting, parameter in PARAMETERS.items():
        if (value := stack.parameters.get(parameter)) is not None:
            is_toggle = Settings.model_fields[setting].annotation is bool
            found[setting] = value.lower() == "true" if is_toggle else value
    by_id = {one.logical_id: one for one in stack.resources}
    names = {
        name: by_id[logical_id].physical_id.rpartition(":")[2]
        for name, logical_id in _NAMED.items()
        if logical_id in by_id and by_id[logical_id].physical_id not in ("", "unknown")
    }
    return found | {"names": names, "region": stack.arn.split(":")[3]}


def retain(stack: Stack) -> None:
    """Have CloudFormation keep every resource when the stack is deleted, by a change set that does only that.

    :raises DeployedError: when the change set would do more; it is not executed then.
    """
    if not stack.not_retained():
        return
    template = stack.template()
    for resource in template["Resources"].values():
        resource |= _RETAIN
    body = json.dumps(template, separators=(",", ":"))
    if len(body.encode()) > _LONGEST_TEMPLATE:
        raise DeployedError(
            f"The template of {stack.name} is longer than {_LONGEST_TEMPLATE} bytes: set DeletionPolicy and"
            " UpdateReplacePolicy to Retain on each resource yourself, then run this again."
        )
    name = f"tap-retain-{secrets.token_hex(4)}"
    stack.client.create_change_set(
        StackName=stack.arn,
        ChangeSetName=name,
        ChangeSetType="UPDATE",
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in stack.parameters],
        Capabilities=stack.described.get("Capabilities", []),
    )
    change_set = {"StackName": stack.arn, "ChangeSetName": name}
    _wait(stack, "change_set_create_complete", **change_set)
    described = stack.client.describe_change_set(**change_set)
    if more := list(_more_than_retain(described["Changes"])):
        stack.client.delete_change_set(**change_set)
        raise DeployedError(
            f"Setting Retain on {stack.name} would also change {', '.join(more)}: bring the stack up to date with its"
            " template first (its change set was removed)."
        )
    stack.client.execute_change_set(**change_set)
    _wait(stack, "stack_update_complete", StackName=stack.arn)
    if left := stack.not_retained():
        raise DeployedError(f"CloudFormation has not set Retain on {', '.join(left)} of {stack.name}.")


def not_among(ids: Collection[str], addresses: Iterable[str], stack: Stack) -> list[str]:
    """The stack's resources that are neither among these physical ids nor, where those differ, these addresses."""
    logical_ids = {address.partition(".")[2].partition("[")[0] for address in addresses}
    return [
        f"{one.logical_id} ({one.physical_id})"
        for one in stack.resources
        if one.physical_id not in ids and not (one.type in _BY_LOGICAL_ID and one.logical_id in logical_ids)
    ]


def delete(stack: Stack) -> None:
    """Delete the stack and keep its resources.

    :raises DeployedError: when one of them would go with it, or CloudFormation refuses.
    """
    from botocore.exceptions import ClientError

    if left := stack.not_retained():
        raise DeployedError(f"Deleting {stack.name} would delete {', '.join(left)}, which are not set to Retain.")
    try:
        stack.client.delete_stack(StackName=stack.arn)
    except ClientError as error:
        raise DeployedError(f"CloudFormation does not delete {stack.name}: {one_line(error)}.") from error
    _wait(stack, "stack_delete_complete", StackName=stack.arn)


def _wait(stack: Stack, what: str, **parameters: str) -> None:
    from botocore.exceptions import WaiterError

    try:
        stack.client.get_waiter(what).wait(**parameters, WaiterConfig={"Delay": 2, "MaxAttempts": 300})
    except WaiterError as error:
        raise DeployedError(f"CloudFormation failed on {stack.name}: {one_line(error)}.") from error


def _more_than_retain(changes: list[Mapping[str, Any]]) -> Iterator[str]:
    for change in changes:
        resource = change["ResourceChange"]
        if resource["Action"] != "Modify" or not set(resource.get("Scope", [])) <= _ATTRIBUTES:
            yield f"{resource['LogicalResourceId']} ({', '.join([resource['Action'], *resource.get('Scope', [])])})"
