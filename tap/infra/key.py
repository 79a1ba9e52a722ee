"""The customer-managed key that encrypts the table and the topic, and its alias."""

import json

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from tap.place import Place
from tap.policies.resources import key_policy


def encryption_key(
    scope: Construct, *, alias: str, description: str, place: Place, prevent_destroy: bool, tags: dict[str, str]
) -> tuple[KmsKey, KmsAlias]:
    """KMSKey and its KMSKeyAlias."""
    key = KmsKey(
        scope,
        "KMSKey",
        description=description,
        enable_key_rotation=True,
        # The shortest window AWS allows: an environment stays deletable, a mistake can be undone for a week.
        deletion_window_in_days=7,
        policy=json.dumps(key_policy(place)),
        lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None,
        tags=tags,
    )
    return key, KmsAlias(scope, "KMSKeyAlias", name=alias, target_key_id=key.key_id)
