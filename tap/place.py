"""Where something is deployed: what an ARN is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A partition, region and account; each may be a Terraform expression."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this place; `region=""` for what is not in a region."""
        return f"arn:{self.partition}:{service}:{self.region if region is None else region}:{self.account}:{resource}"
