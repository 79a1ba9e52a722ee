"""The table of turnaround prompts."""

from collections.abc import Sequence

from cdktf import IResolvable, ITerraformDependable
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
    DynamodbTableTtl,
)
from constructs import Construct


def prompt_table(
    scope: Construct,
    *,
    name: str,
    key_arn: str,
    deletion_protection: IResolvable,
    point_in_time_recovery: IResolvable,
    depends_on: Sequence[ITerraformDependable],
    tags: dict[str, str],
) -> DynamodbTable:
    """TurnAroundPromptTable: hash key `id`, on demand, streamed, encrypted, expiring by `ttl` (epoch seconds)."""
    return DynamodbTable(
        scope,
        "TurnAroundPromptTable",
        name=name,
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attribute=[DynamodbTableAttribute(name="id", type="S")],
        stream_enabled=True,
        stream_view_type="NEW_AND_OLD_IMAGES",
        ttl=DynamodbTableTtl(attribute_name="ttl", enabled=True),
        # The next two are written even when they are off: a block that is left out plans as "no change" where the real
        # table differs (hashicorp/terraform-provider-aws#29811).
        server_side_encryption=DynamodbTableServerSideEncryption(enabled=True, kms_key_arn=key_arn),
        point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=point_in_time_recovery),
        deletion_protection_enabled=deletion_protection,
        depends_on=depends_on,
        tags=tags,
    )
