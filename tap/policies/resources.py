"""The policies of the key and of the topic: who reaches them, apart from the account's own people."""

from typing import Any

from tap.place import Place


def _only_alarms_of(place: Place) -> dict[str, Any]:
    """The condition that keeps another account's alarms out (the confused deputy)."""
    return {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("cloudwatch", "alarm:*")},
    }


def key_policy(place: Place) -> dict[str, Any]:
    """Who may use the key: the account by its IAM policies, and CloudWatch to reach the encrypted topic.

    Without the second statement CloudWatch drops every alarm message silently:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministersKey",
                "Effect": "Allow",
                "Principal": {"AWS": place.arn("iam", "root", region="")},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "AlarmsPublishToEncryptedTopic",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": _only_alarms_of(place),
            },
        ],
    }


def topic_policy(place: Place, topic_arn: str) -> dict[str, Any]:
    """Who may publish to the topic: this account's alarms, and nobody without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AlarmsPublish",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": _only_alarms_of(place),
            },
            {
                "Sid": "NobodyPublishesWithoutTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
