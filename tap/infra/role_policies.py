"""The policies of the programs that use the stack, as IAM policies that a team attaches to its roles."""

import json
from collections.abc import Mapping

from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from constructs import Construct

from tap.policies.roles import OF_PROGRAMS, Target


def role_policies(
    scope: Construct, target: Target, names: Mapping[str, str], *, tags: dict[str, str]
) -> dict[str, IamPolicy]:
    """A policy for each role in `names`, which are the policies' names, by its logical id such as `ReaderPolicy`."""
    return {
        logical_id(role): IamPolicy(
            scope,
            logical_id(role),
            name=name,
            description=" ".join((OF_PROGRAMS[role].__doc__ or "").split("\n")[0].replace("`", "").split()),
            policy=json.dumps(OF_PROGRAMS[role](target)),
            tags=tags,
        )
        for role, name in names.items()
    }


def logical_id(role: str) -> str:
    """A role's policy in the stack: `stream_consumer` has `StreamConsumerPolicy`."""
    return f"{role.title().replace('_', '')}Policy"
