"""The dashboard, and the roles' policies where the stack has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tap.checks.lines import NOT_THERE, Deployed, Line, policy, tags
from tap.declared.resources import Resource
from tap.deployed.existing import asked


def dashboard(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """That the dashboard shows what the code says."""
    client, name = deployed.session.client("cloudwatch"), resource.values["dashboard_name"]
    absent = ("ResourceNotFound", "DashboardNotFoundError", "ResourceNotFoundException")
    answer = asked(client, "get_dashboard", *absent, DashboardName=name)
    if answer is None:
        yield Line(resource.address, "exists", name, NOT_THERE)
        return
    promised, found = json.loads(resource.values["dashboard_body"]), json.loads(answer["DashboardBody"])
    same = "as in the code"
    yield Line(resource.address, "shows", same, same if promised == found else _differing(promised, found))


def role_policy(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a role's policy."""
    client, arn = deployed.session.client("iam"), resource.attributes["arn"]
    answer = asked(client, "get_policy", "NoSuchEntity", PolicyArn=arn)
    if answer is None:
        yield Line(resource.address, "exists", resource.values["name"], NOT_THERE)
        return
    version = answer["Policy"]["DefaultVersionId"]
    document = asked(client, "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    yield from policy(resource, "policy", resource.values["policy"], json.dumps(document))
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in answer["Policy"].get("Tags", [])})


def _differing(promised: Any, found: Any) -> str:
    ours, theirs = promised.get("widgets", []), found.get("widgets", [])
    titles = [one.get("properties", {}).get("title", one.get("type", "a widget")) for one in ours if one not in theirs]
    more = sum(one not in ours for one in theirs)
    return f"lacks or differs in: {', '.join(titles) or 'nothing'}; {more} widgets are not the code's"
