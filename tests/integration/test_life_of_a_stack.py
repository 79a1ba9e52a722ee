"""From apply to destroy, on a real endpoint: what AWS says of each resource, through boto3.

The tests run in the order they stand in: they follow two environments side by side through their life.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tap.infra.alarms import TABLE_OPERATIONS
from tap.settings import Settings
from tests.support.endpoints import REGION, Endpoint
from tests.support.stacks import Change, Stack, stacks
from tests.support.the_stack import ADDRESSES, ALARMS, SUBSCRIPTION, Alarm

MAILS = f"{SUBSCRIPTION}[0]"
RESOURCES = ADDRESSES - {SUBSCRIPTION}


@pytest.fixture(scope="module")
def pair(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stack]]:
    """Two environments in one account; destroyed at the end, whatever happened."""
    environments = [
        Settings(environment_suffix="dev", project_name=project),
        Settings(environment_suffix="prod", project_name=project, alert_email="ops@example.com"),
    ]
    made = stacks(environments, tmp_path_factory.mktemp("checkout"), endpoint)
    try:
        yield made
    finally:
        for stack in made:
            if stack.destroy(check=False).returncode:  # protected, when a test failed in the middle
                stack.terraform("apply", "-auto-approve", check=False)
                stack.destroy(check=False)


@pytest.fixture(scope="module")
def dev(pair: list[Stack]) -> Stack:
    return pair[0]


@pytest.fixture(scope="module")
def prod(pair: list[Stack]) -> Stack:
    return pair[1]


@pytest.fixture(scope="module")
def outputs(dev: Stack) -> dict[str, str]:
    return dev.outputs()


@pytest.fixture(scope="module")
def table(dev: Stack, endpoint: Endpoint) -> dict[str, Any]:
    described: dict[str, Any] = endpoint.dynamodb.describe_table(TableName=dev.settings.names.table)["Table"]  # type: ignore[assignment]
    return described


@pytest.fixture(scope="module")
def key(outputs: dict[str, str], endpoint: Endpoint) -> dict[str, Any]:
    described: dict[str, Any] = endpoint.kms.describe_key(KeyId=outputs["KMSKeyId"])["KeyMetadata"]  # type: ignore[assignment]
    return described


@pytest.fixture(scope="module")
def topic(outputs: dict[str, str], endpoint: Endpoint) -> dict[str, str]:
    return endpoint.sns.get_topic_attributes(TopicArn=outputs["SNSTopicArn"])["Attributes"]


@pytest.fixture(scope="module")
def alarms(dev: Stack, endpoint: Endpoint) -> dict[str, Any]:
    names = dev.settings.names.model_dump()
    by_name = {
        alarm["AlarmName"]: alarm
        for alarm in endpoint.cloudwatch.describe_alarms(
            AlarmNamePrefix=f"{dev.settings.project_name}-{dev.settings.environment_suffix}-"
        )["MetricAlarms"]
    }
    return {alarm.logical_id: by_name[names[alarm.setting]] for alarm in ALARMS}


# --- made ---


def test_apply_creates_every_resource(dev: Stack) -> None:
    assert {change.address for change in dev.apply() if change.action == "create"} == RESOURCES
    assert dev.addresses() == RESOURCES


def test_second_plan_is_empty(dev: Stack) -> None:
    assert dev.plan() == []


def test_second_environment_lives_beside_the_first(dev: Stack, prod: Stack) -> None:
    assert {change.action for change in prod.apply()} == {"create"}
    assert prod.addresses() == RESOURCES | {MAILS}
    assert prod.plan() == []
    assert dev.plan() == []


# --- what AWS says of it ---


def test_table_is_on_demand_with_hash_key_id(table: dict[str, Any]) -> None:
    assert table["TableStatus"] == "ACTIVE"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]


def test_table_is_encrypted_with_this_stacks_key(table: dict[str, Any], key: dict[str, Any]) -> None:
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["SSEDescription"]["SSEType"] == "KMS"
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key["Arn"]


def test_table_streams_new_and_old_images(table: dict[str, Any]) -> None:
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_table_expires_items_by_ttl(dev: Stack, endpoint: Endpoint) -> None:
    described = endpoint.dynamodb.describe_time_to_live(TableName=dev.settings.names.table)["TimeToLiveDescription"]
    assert described == {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLED"}


def test_protection_and_backups_are_off_by_default(dev: Stack, table: dict[str, Any], endpoint: Endpoint) -> None:
    assert table["DeletionProtectionEnabled"] is False
    assert _recovery(endpoint, dev) == "DISABLED"


def test_key_rotates_and_belongs_to_the_customer(key: dict[str, Any], endpoint: Endpoint) -> None:
    assert key["KeyManager"] == "CUSTOMER"
    assert key["KeyState"] == "Enabled"
    assert endpoint.kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True


def test_alias_points_at_the_key(dev: Stack, key: dict[str, Any], endpoint: Endpoint) -> None:
    pages = endpoint.kms.get_paginator("list_aliases").paginate()
    targets = {alias["AliasName"]: alias.get("TargetKeyId") for page in pages for alias in page["Aliases"]}
    assert targets[dev.settings.names.key_alias] == key["KeyId"]


def test_key_policy_lets_this_accounts_alarms_reach_the_topic(key: dict[str, Any], endpoint: Endpoint) -> None:
    account = key["Arn"].split(":")[4]
    policy = json.loads(endpoint.kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    by_principal = {json.dumps(statement["Principal"]): statement for statement in policy["Statement"]}
    assert json.dumps({"AWS": f"arn:aws:iam::{account}:root"}) in by_principal
    cloudwatch = by_principal[json.dumps({"Service": "cloudwatch.amazonaws.com"})]
    assert set(cloudwatch["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    _assert_only_alarms_of(account, cloudwatch)


def test_topic_is_encrypted_with_this_stacks_key(topic: dict[str, str], key: dict[str, Any]) -> None:
    assert topic["KmsMasterKeyId"] == key["Arn"]


def test_topic_policy_lets_this_accounts_alarms_publish_and_nobody_without_tls(
    topic: dict[str, str], key: dict[str, Any]
) -> None:
    allowed, denied = json.loads(topic["Policy"])["Statement"]
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    assert allowed["Resource"] == topic["TopicArn"]
    _assert_only_alarms_of(key["Arn"].split(":")[4], allowed)
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_only_the_environment_with_an_address_has_a_subscription(dev: Stack, prod: Stack, endpoint: Endpoint) -> None:
    def subscribed(stack: Stack) -> list[tuple[str, str]]:
        found = endpoint.sns.list_subscriptions_by_topic(TopicArn=stack.outputs()["SNSTopicArn"])["Subscriptions"]
        return [(one["Protocol"], one["Endpoint"]) for one in found]

    assert subscribed(prod) == [("email", "ops@example.com")]
    assert subscribed(dev) == []


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.logical_id)
def test_alarm_tells_the_topic_both_ways_and_takes_silence_for_good(
    alarm: Alarm, alarms: dict[str, Any], topic: dict[str, str]
) -> None:
    made = alarms[alarm.logical_id]
    assert made["ActionsEnabled"] is True
    assert made["AlarmActions"] == [topic["TopicArn"]]
    assert made["OKActions"] == [topic["TopicArn"]]
    assert made["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(
    "alarm", [alarm for alarm in ALARMS if alarm.per != "operation"], ids=lambda alarm: alarm.logical_id
)
def test_alarm_watches_a_metric_that_aws_emits(alarm: Alarm, alarms: dict[str, Any], table: dict[str, Any]) -> None:
    made = alarms[alarm.logical_id]
    assert (made["Namespace"], made["MetricName"], made["Statistic"]) == ("AWS/DynamoDB", alarm.metric, "Sum")
    per_table = [{"Name": "TableName", "Value": table["TableName"]}]
    assert made["Dimensions"] == (per_table if alarm.per == "table" else [])


@pytest.mark.parametrize(
    "alarm", [alarm for alarm in ALARMS if alarm.per == "operation"], ids=lambda alarm: alarm.logical_id
)
def test_alarm_sums_over_the_operations(alarm: Alarm, alarms: dict[str, Any], table: dict[str, Any]) -> None:
    queries = {query["Id"]: query for query in alarms[alarm.logical_id]["Metrics"]}
    (total,) = [query for query in queries.values() if "Expression" in query]
    parts = {name: query for name, query in queries.items() if query is not total}
    watched = set()
    for name, part in parts.items():
        assert f"FILL({name}, 0)" in total["Expression"]
        dimensions = {one["Name"]: one["Value"] for one in part["MetricStat"]["Metric"]["Dimensions"]}
        assert part["MetricStat"]["Metric"]["MetricName"] == alarm.metric
        assert dimensions.pop("TableName") == table["TableName"]
        watched.add(dimensions.pop("Operation"))
        assert not dimensions
    assert watched == set(TABLE_OPERATIONS)


def test_dashboard_shows_this_table_and_these_alarms(
    dev: Stack, alarms: dict[str, Any], table: dict[str, Any], endpoint: Endpoint
) -> None:
    stored = endpoint.cloudwatch.get_dashboard(DashboardName=dev.settings.names.dashboard)["DashboardBody"]
    widgets = json.loads(stored)["widgets"]
    (states,) = [widget for widget in widgets if widget["type"] == "alarm"]
    assert set(states["properties"]["alarms"]) == {alarm["AlarmArn"] for alarm in alarms.values()}
    named = {
        metric[metric.index("TableName") + 1]
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
        if "TableName" in metric
    }
    assert named == {table["TableName"]}


@pytest.mark.parametrize("what", ["table", "key", "topic", *(alarm.logical_id for alarm in ALARMS)])
def test_tags_say_whose_it_is(
    what: str,
    dev: Stack,
    table: dict[str, Any],
    key: dict[str, Any],
    topic: dict[str, str],
    alarms: dict[str, Any],
    endpoint: Endpoint,
) -> None:
    if what == "table":
        tags = _tags(endpoint.dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])
    elif what == "key":
        tags = _tags(endpoint.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"])
    elif what == "topic":
        tags = _tags(endpoint.sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"])
    else:
        tags = _tags(endpoint.cloudwatch.list_tags_for_resource(ResourceARN=alarms[what]["AlarmArn"])["Tags"])
    assert tags == {"Environment": "dev", "Project": dev.settings.project_name, "ManagedBy": "cdktf"}


def test_outputs_are_the_real_things(
    dev: Stack, outputs: dict[str, str], table: dict[str, Any], key: dict[str, Any], topic: dict[str, str]
) -> None:
    names = dev.settings.names
    assert outputs == {
        "TurnAroundPromptTableName": table["TableName"],
        "TurnAroundPromptTableArn": table["TableArn"],
        "TurnAroundPromptTableStreamArn": table["LatestStreamArn"],
        "KMSKeyId": key["KeyId"],
        "KMSKeyArn": key["Arn"],
        "SNSTopicArn": topic["TopicArn"],
        "DashboardURL": f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
        f"#dashboards:name={names.dashboard}",
        "StackName": "TapStackdev",
        "EnvironmentSuffix": "dev",
    }


# --- a prompt's life ---


def test_every_change_of_an_item_is_in_the_stream(table: dict[str, Any], endpoint: Endpoint) -> None:
    name = table["TableName"]
    item = {"id": {"S": "p1"}, "status": {"S": "pending"}, "ttl": {"N": str(int(time.time()) + 3600)}}
    endpoint.dynamodb.put_item(TableName=name, Item=item)
    endpoint.dynamodb.put_item(TableName=name, Item=item | {"status": {"S": "completed"}})
    endpoint.dynamodb.delete_item(TableName=name, Key={"id": {"S": "p1"}})
    records = _stream_records(endpoint, table["LatestStreamArn"], wanted=3)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    changed = records[1]["dynamodb"]
    assert changed["OldImage"]["status"] == {"S": "pending"}
    assert changed["NewImage"]["status"] == {"S": "completed"}


# --- an alarm's message ---


@pytest.fixture(scope="module")
def queue(topic: dict[str, str], project: str, endpoint: Endpoint) -> Iterator[str]:
    """A queue that gets what the topic sends."""
    if not endpoint.evaluates_alarms:
        pytest.skip(f"{endpoint.name} keeps alarms without evaluating them; `make test-localstack` shows delivery")
    url = endpoint.sqs.create_queue(QueueName=f"{project}-alerts")["QueueUrl"]
    arn = endpoint.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = endpoint.sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    yield url
    endpoint.sns.unsubscribe(SubscriptionArn=subscription)
    endpoint.sqs.delete_queue(QueueUrl=url)


def test_breached_metric_arrives_as_a_message(
    dev: Stack, queue: str, alarms: dict[str, Any], table: dict[str, Any], endpoint: Endpoint
) -> None:
    # More throttled writes than the alarm lets pass, said to CloudWatch as DynamoDB would.
    dimensions = [{"Name": "TableName", "Value": table["TableName"]}]
    metric = {"MetricName": "WriteThrottleEvents", "Dimensions": dimensions, "Value": 50}
    endpoint.cloudwatch.put_metric_data(Namespace="AWS/DynamoDB", MetricData=[metric])  # type: ignore[list-item]
    # LocalStack looks at an alarm when it is made and then once in its period, five minutes: so it is made anew.
    address = "aws_cloudwatch_metric_alarm.DynamoDBWriteThrottleAlarm"
    dev.terraform("apply", "-auto-approve", "-input=false", "-no-color", f"-replace={address}")
    message = _message(endpoint, queue, alarms["DynamoDBWriteThrottleAlarm"]["AlarmName"], "ALARM")
    assert message["Trigger"]["MetricName"] == "WriteThrottleEvents"


@pytest.mark.parametrize("state", ["ALARM", "OK"])
def test_metric_math_alarm_tells_both_ways(state: str, queue: str, alarms: dict[str, Any], endpoint: Endpoint) -> None:
    # LocalStack stores an alarm on an expression and never evaluates it: the state is set by hand.
    name = alarms["DynamoDBSystemErrorAlarm"]["AlarmName"]
    endpoint.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")  # type: ignore[arg-type]
    _message(endpoint, queue, name, state)


# --- the three conditions, there and back ---

TABLE = "aws_dynamodb_table.TurnAroundPromptTable"
#: Each condition's value, and what it changes where nothing else is set. Terraform plans each resource for itself, so
#: the three go together: each apply and each plan costs seconds.
CONDITIONS = {
    "deletion_protection_enabled": ("true", Change(TABLE, "update")),
    "point_in_time_recovery_enabled": ("true", Change(TABLE, "update")),
    "alert_email": ("oncall@example.com", Change(MAILS, "create")),
}


ALL_ON = {name: value for name, (value, _) in CONDITIONS.items()}


def test_conditions_are_switched_on_in_place(dev: Stack) -> None:
    assert set(dev.apply(**ALL_ON)) == {change for _, change in CONDITIONS.values()}
    assert dev.plan(**ALL_ON) == []


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_is_on(condition: str, dev: Stack, endpoint: Endpoint) -> None:
    assert _condition(condition, endpoint, dev) is True


def test_destroy_of_a_protected_table_is_refused_and_takes_nothing(dev: Stack, endpoint: Endpoint) -> None:
    refused = dev.destroy(check=False)
    assert refused.returncode == 1
    # AWS writes "deletion protection", moto "DeletionProtectionEnabled", LocalStack "protected against deletion".
    said = (refused.stdout + refused.stderr).lower().replace(" ", "")
    assert "deletionprotection" in said or "protectedagainstdeletion" in said
    assert endpoint.dynamodb.describe_table(TableName=dev.settings.names.table)["Table"]["TableStatus"] == "ACTIVE"
    # The table goes first, so nothing else is gone either: no table is left without its alarms. (Only the outputs have
    # left the state; this puts them back.)
    assert dev.apply(**ALL_ON) == []


def test_conditions_are_switched_back_in_place(dev: Stack, outputs: dict[str, str]) -> None:
    assert {(change.address, change.action) for change in dev.apply()} == {(TABLE, "update"), (MAILS, "delete")}
    assert dev.plan() == []
    assert dev.outputs() == outputs


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_is_off_again(condition: str, dev: Stack, endpoint: Endpoint) -> None:
    if condition == "alert_email" and _subscription(endpoint, dev) == "pending":
        return  # Nobody can remove a subscription that was never confirmed, not on AWS either: it goes after 48 hours.
    assert _condition(condition, endpoint, dev) is False


# --- gone ---


def test_destroying_one_environment_leaves_the_other_untouched(dev: Stack, prod: Stack, endpoint: Endpoint) -> None:
    dev.destroy()
    assert dev.addresses() == set()
    assert _leftovers(dev, endpoint) == []
    assert prod.plan() == []


def test_nothing_is_left_in_the_end(prod: Stack, endpoint: Endpoint) -> None:
    prod.destroy()
    assert prod.addresses() == set()
    assert _leftovers(prod, endpoint) == []


def _condition(variable: str, endpoint: Endpoint, stack: Stack) -> bool:
    if variable == "alert_email":
        return _subscription(endpoint, stack) in ("confirmed", "pending")
    if variable == "point_in_time_recovery_enabled":
        return _recovery(endpoint, stack) == "ENABLED"
    return endpoint.dynamodb.describe_table(TableName=stack.settings.names.table)["Table"]["DeletionProtectionEnabled"]


def _subscription(endpoint: Endpoint, stack: Stack) -> str:
    listed = endpoint.sns.list_subscriptions_by_topic(TopicArn=stack.outputs()["SNSTopicArn"])["Subscriptions"]
    mails = [one["SubscriptionArn"] for one in listed if one["Protocol"] == "email"]
    if not mails:
        return "none"
    if mails == ["PendingConfirmation"]:
        return "pending"
    attributes = endpoint.sns.get_subscription_attributes(SubscriptionArn=mails[0])["Attributes"]
    return "pending" if attributes.get("PendingConfirmation") == "true" else "confirmed"


def _recovery(endpoint: Endpoint, stack: Stack) -> str:
    backups = endpoint.dynamodb.describe_continuous_backups(TableName=stack.settings.names.table)
    return backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]


def _assert_only_alarms_of(account: str, statement: dict[str, Any]) -> None:
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": account}
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{account}:alarm:*"}


def _tags(tags: Any) -> dict[str, str]:
    return {tag.get("Key") or tag["TagKey"]: tag.get("Value") or tag["TagValue"] for tag in tags}


def _stream_records(endpoint: Endpoint, arn: str, wanted: int) -> list[Any]:
    records: list[Any] = []
    deadline = time.monotonic() + 30
    while len(records) < wanted and time.monotonic() < deadline:
        records = []
        for shard in endpoint.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = endpoint.streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            records += endpoint.streams.get_records(ShardIterator=iterator)["Records"]
        time.sleep(0.1)
    return records


_received: list[dict[str, Any]] = []


def _message(endpoint: Endpoint, queue: str, alarm: str, state: str) -> dict[str, Any]:
    """The message of that alarm and state; those of others are kept for whoever asks for them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for message in _received:
            if (message["AlarmName"], message["NewStateValue"]) == (alarm, state):
                return message
        for one in endpoint.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
            endpoint.sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
            _received.append(json.loads(json.loads(one["Body"])["Message"]))
    raise AssertionError(f"no message of {alarm} in {state} came from the topic, only {_received}")


def _leftovers(stack: Stack, endpoint: Endpoint) -> list[str]:
    """What of the stack an account still holds; a key in its deletion window is on its way out."""
    prefix = f"{stack.settings.project_name}-{stack.settings.environment_suffix}"
    tables = endpoint.dynamodb.list_tables()["TableNames"]
    topics = [topic["TopicArn"].rsplit(":", 1)[1] for topic in endpoint.sns.list_topics()["Topics"]]
    found = endpoint.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    dashboards = endpoint.cloudwatch.list_dashboards(DashboardNamePrefix=prefix)["DashboardEntries"]
    aliases = [alias["AliasName"] for alias in endpoint.kms.list_aliases(Limit=100)["Aliases"]]
    keys = [
        key["KeyId"]
        for key in endpoint.kms.list_keys(Limit=1000)["Keys"]
        if (described := endpoint.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"])["KeyState"] == "Enabled"
        and stack.settings.stack_name in described.get("Description", "")
        and _tags(endpoint.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]).get("Project")
        == stack.settings.project_name
    ]
    return [
        *(name for name in [*tables, *topics, *aliases] if prefix in name),
        *(alarm["AlarmName"] for alarm in found),
        *(dashboard["DashboardName"] for dashboard in dashboards),
        *keys,
    ]
