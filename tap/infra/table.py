"""The table of turnaround prompts."""

from collections.abc import Sequence

from cdktf import IResolvable, ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
    DynamodbTableTtl,
)
from constructs import Construct

#: The index's name and what it holds beside its keys; tap.store writes and reads it, under the same names.
CLAIM_INDEX = "claims"
_CLAIM_KEYS = ("claim_queue", "claim_order")
_CLAIM_ATTRIBUTES = ("status", "task_type", "ttl", "lease_until", "attempts", "max_attempts", "claim_rank")


def prompt_table(
    scope: Construct,
    *,
    name: str,
    key_arn: str,
    deletion_protection: IResolvable,
    point_in_time_recovery: IResolvable,
    claim_index: bool,
    prevent_destroy: bool,
    depends_on: Sequence[ITerraformDependable],
    tags: dict[str, str],
) -> DynamodbTable:
    """TurnAroundPromptTable: hash key `id`, on demand, streamed, encrypted, expiring by `ttl` (epoch seconds)."""
    keys = _CLAIM_KEYS if claim_index else ()
    return DynamodbTable(
        scope,
        "TurnAroundPromptTable",
        name=name,
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attribute=[DynamodbTableAttribute(name=name, type="S") for name in ("id", *keys)],
        global_secondary_index=[
            DynamodbTableGlobalSecondaryIndex(
                name=CLAIM_INDEX,
                hash_key=keys[0],
                range_key=keys[1],
                projection_type="INCLUDE",
                non_key_attributes=list(_CLAIM_ATTRIBUTES),
            )
        ]
        if keys
        else None,
        stream_enabled=True,
        stream_view_type="NEW_AND_OLD_IMAGES",
        ttl=DynamodbTableTtl(attribute_name="ttl", enabled=True),
        # The next two are written even when they are off: a block that is left out plans as "no change" where the real
        # table differs (hashicorp/terraform-provider-aws#29811).
        server_side_encryption=DynamodbTableServerSideEncryption(enabled=True, kms_key_arn=key_arn),
        point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=point_in_time_recovery),
        deletion_protection_enabled=deletion_protection,
        depends_on=depends_on,
        lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None,
        tags=tags,
    )
