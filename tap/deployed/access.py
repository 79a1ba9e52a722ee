"""The target of a role's policy, from an environment's settings and what is deployed of it."""

from __future__ import annotations

from tap.deployed.existing import own_key_arn
from tap.place import Place
from tap.policies.roles import OF_PROGRAMS, StateBucket, Target, policy_names
from tap.settings import S3Backend, Settings
from tap.state.session import Session


def target(settings: Settings, role: str, session: Session, account: str = "") -> Target:
    """The target for a role's policy; nothing is asked of AWS if the `account` is given.

    A program's policy names the key by its ARN if AWS is asked and the key exists, otherwise by its tags. A deployer
    makes the key, so it and the planner know it by its tags.

    :raises StateError: without working credentials; :raises DeployedError: when AWS doesn't let us ask for the key.
    """
    if not account and len(settings.allowed_account_ids) == 1 and role not in OF_PROGRAMS:
        account = settings.allowed_account_ids[0]
    if not account:
        session.require_allowed()
    place = Place(session.partition, settings.region, account) if account else session.place
    is_asked = not account and role in OF_PROGRAMS
    return target_in(place, settings, own_key_arn(settings.names.key_alias, session) if is_asked else None)


def target_in(place: Place, settings: Settings, key_arn: str | None = None) -> Target:
    """The target in a place, from the settings alone."""
    names, backend = settings.names.model_dump(), settings.backend
    is_with_these_credentials = isinstance(backend, S3Backend) and not (backend.profile or backend.assume_role)
    return Target(
        place=place,
        project=settings.project_name,
        environment=settings.environment_suffix,
        table=names["table"],
        topic=names["topic"],
        key_alias=names["key_alias"],
        dashboard=names["dashboard"],
        alarms=tuple(names[alarm] for alarm in settings.thresholds.model_dump()),
        # Also where they are switched off: what was deployed before must go.
        policies=tuple(policy_names(settings.project_name, settings.environment_suffix, place.region).values()),
        key_arn=key_arn,
        state=StateBucket(backend.bucket, settings.state_key(backend))
        if isinstance(backend, S3Backend) and is_with_these_credentials
        else None,
    )
