"""The dashboard, and the roles' policies where the stack has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tap.checks.lines import NOT_THERE, Deployed, Line, policy, tags
from tap.declared.resources import Resource
from tap.deployed import lookups
from tap.deployed.lookups import asked


def dashboard(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """That the dashboard shows what the code says."""
    client, name = deployed.session.client("cloudwatch"), resource.values["dashboard_name"]
    body = lookups.dashboard(client, name)
    if body is None:
        yield Line(resource.address, "exists", name, NOT_THERE)
        return
    promised, found = json.loads(resource.values["dashboard_body"]), json.loads(body)
    same = "as in the code"
    yield Line(resource.address, "shows", same, same if promised == found else _differing(promised, found))


def role_policy(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a role's policy."""
    client, arn = deployed.session.client("iam"), resource.attributes["arn"]
    found = lookups.policy(client, arn)
    if found is None:
        yield Line(resource.address, "exists", resource.values["name"], NOT_THERE)
        return
    version = found["DefaultVersionId"]
    document = asked(client, "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    yield from policy(resource, "policy", resource.values["policy"], json.dumps(document))
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])})


def _differing(promised: Any, found: Any) -> str:
    ours, theirs = promised.get("widgets", []), found.get("widgets", [])
    titles = [one.get("properties", {}).get("title", one.get("type", "a widget")) for one in ours if one not in theirs]
    more = sum(one not in ours for one in theirs)
    told = [f"missing or changed: {', '.join(titles)}"] if titles else []
    told += [f"{more} widget{'' if more == 1 else 's'} not in the code"] if more else []
    return "; ".join(told) or "its order or its general settings differ"
