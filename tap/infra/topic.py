"""Where the alarms' messages go: an encrypted topic, and an e-mail address if there is one."""

import json

from cdktf import TerraformVariable
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from tap.place import Place
from tap.policies.resources import topic_policy


def alert_topic(
    scope: Construct,
    *,
    name: str,
    key_arn: str,
    alert_email: TerraformVariable,
    place: Place,
    tags: dict[str, str],
) -> tuple[SnsTopic, SnsTopicPolicy, SnsTopicSubscription]:
    """SNSTopic, its SNSTopicPolicy and, unless `alert_email` is empty, AlertEmailSubscription."""
    topic = SnsTopic(scope, "SNSTopic", name=name, kms_master_key_id=key_arn, tags=tags)
    # The ARN in it is put together and not the topic's attribute: so a plan shows the policy before there is a topic.
    document = topic_policy(place, place.arn("sns", name))
    policy = SnsTopicPolicy(scope, "SNSTopicPolicy", arn=topic.arn, policy=json.dumps(document))
    subscription = SnsTopicSubscription(
        scope,
        "AlertEmailSubscription",
        topic_arn=topic.arn,
        protocol="email",
        endpoint=alert_email.string_value,
    )
    # An override, since `count` takes a number or a resource and the condition is an expression.
    subscription.add_override("count", f'${{{alert_email.fqn} == "" ? 0 : 1}}')
    return topic, policy, subscription
