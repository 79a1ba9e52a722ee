"""`tap check`: green on a fresh deployment, and each promise red once somebody breaks it through AWS's interfaces."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tap.checks import Line, check
from tap.declared import files
from tap.proofs.alarms import prove
from tap.settings import Settings, load
from tap.state.session import Session
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import REGION, Endpoint
from tests.support.stacks import stacks
from tests.support.the_stack import ADDRESSES, ALARMS, NAMED, POLICIES, SUBSCRIPTION

TOML = """[dev]
project_name = "{project}c"
alert_email = "ops@example.com"
deletion_protection_enabled = false
point_in_time_recovery_enabled = true
claim_index_enabled = true
iam_policies_enabled = true
"""
READS, WRITES, SYSTEM, USER = (
    f"aws_cloudwatch_metric_alarm.DynamoDB{one}Alarm"
    for one in ("ReadThrottle", "WriteThrottle", "SystemError", "Throttle")
)
TABLE, ALIAS, DASHBOARD, TOPIC = (NAMED[one][0] for one in ("table", "key_alias", "dashboard", "topic"))
KEY, TOPIC_POLICY = "aws_kms_key.KMSKey", "aws_sns_topic_policy.SNSTopicPolicy"
READER, WORKER = (f"aws_iam_policy.{POLICIES[role]}" for role in ("reader", "worker"))


@dataclass
class World:
    """The deployed stack, and what it takes to change it."""

    here: Checkout
    endpoint: Endpoint
    settings: Settings
    #: What was found after the last change.
    last: list[Line] | None = None

    @cached_property
    def document(self) -> dict[str, Any]:
        file = self.here.folder / "cdktf.out/stacks/TapStackdev/cdk.tf.json"
        return json.loads(file.read_text())  # type: ignore[no-any-return]

    @cached_property
    def session(self) -> Session:
        return Session(self.settings, self.here.environment)

    def lines(self) -> list[Line]:
        return check(self.document, {}, self.session)

    def red(self) -> set[tuple[str, str]]:
        return {(one.address, one.what) for one in self.lines() if not one.holds}

    @property
    def table(self) -> str:
        return self.settings.names.table

    @cached_property
    def topic(self) -> str:
        listed = self.endpoint.sns.get_paginator("list_topics").paginate()
        name = f":{self.settings.names.topic}"
        return next(one["TopicArn"] for page in listed for one in page["Topics"] if one["TopicArn"].endswith(name))

    @cached_property
    def key(self) -> str:
        return self.endpoint.kms.describe_key(KeyId=self.settings.names.key_alias)["KeyMetadata"]["KeyId"]

    @cached_property
    def another_key(self) -> str:
        return self.endpoint.kms.create_key()["KeyMetadata"]["Arn"]

    def alarm_arn(self, address: str) -> str:
        setting = next(one.setting for one in ALARMS if one.address == address)
        name = getattr(self.settings.names, setting)
        return self.endpoint.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]

    def policy_arn(self, role: str) -> str:
        account = self.topic.split(":")[4]
        return f"arn:aws:iam::{account}:policy/{self.settings.policy_names[role]}"

    def alarm(self, address: str, **changes: Any) -> None:
        """Put the alarm again, with something else."""
        setting = next(one.setting for one in ALARMS if one.address == address)
        name = getattr(self.settings.names, setting)
        (found,) = self.endpoint.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        kept = (
            *("AlarmName", "AlarmDescription", "OKActions", "AlarmActions", "MetricName", "Namespace", "Statistic"),
            *("Dimensions", "Period", "EvaluationPeriods", "ComparisonOperator", "TreatMissingData", "ActionsEnabled"),
            *("Threshold", "Metrics"),
        )
        given = {one: found[one] for one in kept if found.get(one) not in (None, [])}  # type: ignore[literal-required]
        if "Metrics" in given:
            given = {one: value for one, value in given.items() if one not in ("Period", "Statistic", "Dimensions")}
        self.endpoint.cloudwatch.put_metric_alarm(**given | changes)

    def key_policy(self, change: Callable[[list[Any]], list[Any]]) -> None:
        policy = json.loads(self.endpoint.kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"])
        policy["Statement"] = change(policy["Statement"])
        self.endpoint.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(policy))

    def topic_policy(self, change: Callable[[list[Any]], list[Any]]) -> None:
        policy = json.loads(self.endpoint.sns.get_topic_attributes(TopicArn=self.topic)["Attributes"]["Policy"])
        policy["Statement"] = change(policy["Statement"])
        self.topic_attribute("Policy", json.dumps(policy))

    def topic_attribute(self, name: str, value: str) -> None:
        self.endpoint.sns.set_topic_attributes(TopicArn=self.topic, AttributeName=name, AttributeValue=value)

    def role_policy(self, role: str) -> None:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.endpoint.iam.create_policy_version(
            PolicyArn=self.policy_arn(role), PolicyDocument=json.dumps(document), SetAsDefault=True
        )

    def unsubscribe(self) -> None:
        for one in self.endpoint.sns.list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"]:
            self.endpoint.sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


def _doubled(statements: list[Any]) -> list[Any]:
    return [{**statements[0], "Principal": {"AWS": "*"}, "Action": "sns:*"}, *statements]


def _ttl(world: World) -> None:
    off = {"Enabled": False, "AttributeName": "ttl"}
    world.endpoint.dynamodb.update_time_to_live(TableName=world.table, TimeToLiveSpecification=off)  # type: ignore[arg-type]


def _recovery(world: World) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    world.endpoint.dynamodb.update_continuous_backups(TableName=world.table, PointInTimeRecoverySpecification=off)  # type: ignore[arg-type]


def _index(world: World) -> None:
    world.endpoint.dynamodb.update_table(
        TableName=world.table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "claims"}}]
    )
    # LocalStack takes up to a second; until then the line is red too, and says DELETING.
    deadline = time.monotonic() + 60
    while world.endpoint.dynamodb.describe_table(TableName=world.table)["Table"].get("GlobalSecondaryIndexes"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _dashboard(world: World) -> None:
    name = world.settings.names.dashboard
    body = json.loads(world.endpoint.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    body["widgets"][2]["properties"]["title"] = "Nothing to see"
    world.endpoint.cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps(body))


def _provisioned(world: World) -> None:
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    world.endpoint.dynamodb.update_table(
        TableName=world.table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=capacity,  # type: ignore[arg-type]
    )


def _untag_table(world: World) -> None:
    arn = world.endpoint.dynamodb.describe_table(TableName=world.table)["Table"]["TableArn"]
    world.endpoint.dynamodb.untag_resource(ResourceArn=arn, TagKeys=["Environment"])


def _another_table(world: World, attribute: str = "id") -> None:
    """Deleted and made again: the embedded AWS takes another key for a table, and goes on with the first."""
    dynamodb = world.endpoint.dynamodb
    dynamodb.update_table(TableName=world.table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=world.table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=world.table, WaiterConfig={"Delay": 1})
    dynamodb.create_table(
        TableName=world.table,
        KeySchema=[{"AttributeName": attribute, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": world.another_key},
    )


def _watch_per_table(world: World) -> None:
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "UserErrors"}
    dimensions = [{"Name": "TableName", "Value": world.table}]
    world.alarm(USER, **metric, Dimensions=dimensions)


#: What is done, by AWS's interfaces; the promise that it breaks, and what is said of it.
CHANGES: dict[str, tuple[Callable[[World], object], tuple[str, str], str]] = {
    "another threshold": (lambda w: w.alarm(USER, Threshold=99), (USER, "fires"), "Threshold 99, 1 of 1"),
    "another description": (
        lambda w: w.alarm(USER, AlarmDescription="mine", Threshold=99),
        (USER, "description"),
        "mine",
    ),
    "another unit": (
        lambda w: w.alarm(USER, AlarmDescription="mine", Threshold=99, Unit="Bytes"),
        (USER, "watches"),
        "per 300 s in Bytes",
    ),
    "a metric that AWS never emits": (_watch_per_table, (USER, "watches"), "UserErrors{TableName="),
    "silence ignored": (
        lambda w: w.alarm(USER, TreatMissingData="ignore", Threshold=99),
        (USER, "missing data"),
        "ignore",
    ),
    "ALARM tells nobody": (
        lambda w: w.alarm(SYSTEM, AlarmActions=[]),
        (SYSTEM, "ALARM actions"),
        "[]",
    ),
    "OK tells nobody": (lambda w: w.alarm(SYSTEM, OKActions=[], AlarmActions=[]), (SYSTEM, "OK actions"), "[]"),
    "actions switched off": (
        lambda w: w.endpoint.cloudwatch.disable_alarm_actions(AlarmNames=[w.settings.names.write_throttle_alarm]),
        (WRITES, "actions enabled"),
        "off",
    ),
    "a deleted alarm": (
        lambda w: w.endpoint.cloudwatch.delete_alarms(AlarmNames=[w.settings.names.read_throttle_alarm]),
        (READS, "exists"),
        "not there",
    ),
    "the end of data tells somebody": (
        lambda w: w.alarm(WRITES, InsufficientDataActions=[w.topic]),
        (WRITES, "INSUFFICIENT_DATA actions"),
        ":sns:",
    ),
    "a tag of an alarm removed": (
        lambda w: w.endpoint.cloudwatch.untag_resource(ResourceARN=w.alarm_arn(WRITES), TagKeys=["Project"]),
        (WRITES, "tags"),
        "{'Environment': 'dev', 'ManagedBy': 'cdktf'}",
    ),
    "a dashboard changed": (_dashboard, (DASHBOARD, "shows"), "Errors"),
    "a dashboard deleted": (
        lambda w: w.endpoint.cloudwatch.delete_dashboards(DashboardNames=[w.settings.names.dashboard]),
        (DASHBOARD, "exists"),
        "not there",
    ),
    "the stream off": (
        lambda w: w.endpoint.dynamodb.update_table(TableName=w.table, StreamSpecification={"StreamEnabled": False}),
        (TABLE, "stream"),
        "no stream",
    ),
    "TTL off": (_ttl, (TABLE, "TTL"), "off"),
    "backups off": (_recovery, (TABLE, "point-in-time recovery"), "False"),
    "protection on": (
        lambda w: w.endpoint.dynamodb.update_table(TableName=w.table, DeletionProtectionEnabled=True),
        (TABLE, "deletion protection"),
        "True",
    ),
    "the claim index deleted": (_index, (TABLE, "indexes"), "[]"),
    "a tag of the table removed": (_untag_table, (TABLE, "tags"), "{'ManagedBy': 'cdktf', 'Project'"),
    "the table under another key": (_another_table, (TABLE, "encrypted by"), ":key/"),
    "a table by another attribute": (lambda w: _another_table(w, "pk"), (TABLE, "key"), "pk"),
    "provisioned capacity": (_provisioned, (TABLE, "billing mode"), "PROVISIONED"),
    "a table deleted": (
        lambda w: w.endpoint.dynamodb.delete_table(TableName=w.table),
        (TABLE, "exists"),
        "",  # not there, or DELETING
    ),
    "the topic under no key": (
        lambda w: w.topic_attribute("KmsMasterKeyId", ""),
        (TOPIC, "encrypted by"),
        "nothing",
    ),
    "a tag of the topic changed": (
        lambda w: w.endpoint.sns.tag_resource(ResourceArn=w.topic, Tags=[{"Key": "Project", "Value": "mine"}]),
        (TOPIC, "tags"),
        "'Project': 'mine'",
    ),
    "a statement more, under a name that is there": (
        lambda w: w.topic_policy(_doubled),
        (TOPIC_POLICY, "policy"),
        "also has AlarmsPublish",
    ),
    "publishing without TLS": (
        lambda w: w.topic_policy(lambda listed: listed[:1]),
        (TOPIC_POLICY, "policy"),
        "lacks NobodyPublishesWithoutTls",
    ),
    "nobody subscribed": (
        lambda w: w.unsubscribe(),
        (SUBSCRIPTION, "subscription of ops@example.com"),
        "not subscribed",
    ),
    "a wider policy of a role": (lambda w: w.role_policy("reader"), (READER, "policy"), "lacks ReadPrompts"),
    "a tag of a role's policy removed": (
        lambda w: w.endpoint.iam.untag_policy(PolicyArn=w.policy_arn("worker"), TagKeys=["Project"]),
        (WORKER, "tags"),
        "{'Environment': 'dev', 'ManagedBy': 'cdktf'}",
    ),
    "a deleted policy of a role": (
        lambda w: w.endpoint.iam.delete_policy(PolicyArn=w.policy_arn("worker")),
        (WORKER, "exists"),
        "not there",
    ),
    "rotation off": (lambda w: w.endpoint.kms.disable_key_rotation(KeyId=w.key), (KEY, "rotation"), "False"),
    "a key policy without CloudWatch": (
        lambda w: w.key_policy(lambda listed: listed[:1]),
        (KEY, "policy"),
        "lacks AlarmsPublishToEncryptedTopic",
    ),
    "a tag of the key removed": (
        lambda w: w.endpoint.kms.untag_resource(KeyId=w.key, TagKeys=["ManagedBy"]),
        (KEY, "tags"),
        "{'Environment': 'dev', 'Project'",
    ),
    "another description of the key": (
        lambda w: w.endpoint.kms.update_key_description(KeyId=w.key, Description="mine"),
        (KEY, "description"),
        "mine",
    ),
    "a disabled key": (lambda w: w.endpoint.kms.disable_key(KeyId=w.key), (KEY, "state"), "Disabled"),
}
#: What no change above breaks: it is red where the stack is not deployed.
NOT_DEPLOYED = {(KEY, "exists"), (TOPIC, "exists"), (ALIAS, "points at")}


@pytest.fixture(scope="module")
def world(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    environment = endpoint.attached | {"TF_WORKSPACE": "localstack", "AWS_REGION": REGION}
    here = checkout(tmp_path_factory.mktemp("check"), TOML.format(project=project), environment)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        (settings,) = load(here.folder / "environments.toml", {})
        made = World(here, endpoint, settings)
        deployed = here.run(*tap("adopt", "dev", "--apply"))  # on a green field it is a deploy
        assert deployed.returncode == 0, deployed.stdout
        try:
            yield made
        finally:
            if made.table in endpoint.dynamodb.list_tables()["TableNames"]:  # a test failed in the middle
                endpoint.dynamodb.update_table(TableName=made.table, DeletionProtectionEnabled=False)
            here.run(sys.executable, "main.py")
            terraform = here.environment["TERRAFORM_BINARY_NAME"]
            here.run(terraform, "-chdir=cdktf.out/stacks/TapStackdev", "destroy", "-auto-approve")


def told(here: Checkout, *options: str) -> tuple[int, str]:
    done = here.run(*tap("check", "dev", *options))
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def fresh(world: World) -> list[Line]:
    return world.lines()


def test_a_fresh_deployment_is_green(world: World, fresh: list[Line]) -> None:
    pending = {
        (SUBSCRIPTION, "subscription of ops@example.com")
    }  # where the endpoint waits for the confirmation, as AWS does
    assert {(one.address, one.what) for one in fresh if not one.holds} - pending == set()
    assert {one.address for one in fresh} == ADDRESSES | {f"aws_iam_policy.{one}" for one in POLICIES.values()}
    status, said = told(world.here, "--json")
    report = json.loads(said)
    assert (status, report["status"]) == ((2, "red") if world.red() else (0, "green"))
    assert {one["status"] for one in report["lines"] if one["address"] != SUBSCRIPTION} == {"green"}


def test_each_alarm_of_a_plan_is_proved(world: World, tmp_path: Path) -> None:
    """`tap prove alarms` reads a plan of what is deployed, where every value is known, and the state."""
    binary, chdir = world.here.environment["TERRAFORM_BINARY_NAME"], "-chdir=cdktf.out/stacks/TapStackdev"
    planned = world.here.run(binary, chdir, "plan", "-input=false", "-no-color", f"-out={tmp_path}/plan")
    assert "No changes" in planned.stdout, planned.stdout
    for name, arguments in (("plan.json", [f"{tmp_path}/plan"]), ("state.json", [])):
        file = tmp_path / name
        file.write_text(world.here.run(binary, chdir, "show", "-json", *arguments).stdout)
        proved = world.here.run(*tap("prove", "alarms", str(file)))
        assert proved.returncode == 0, proved.stdout
        assert f"all {len(ALARMS)} alarms are proved" in proved.stdout


def test_each_alarm_of_a_first_plan_is_proved(endpoint: Endpoint, project: str, tmp_path: Path) -> None:
    """Before anything is there, the plan knows the policies, and which topic and key will be meant."""
    (stack,) = stacks([Settings(project_name=f"{project}p")], tmp_path, endpoint)
    stack.terraform("plan", "-input=false", f"-out={tmp_path}/plan")
    (tmp_path / "plan.json").write_text(stack.terraform("show", "-json", f"{tmp_path}/plan").stdout)
    proofs = prove(files.read(tmp_path / "plan.json"))
    assert [one.status for one in proofs] == ["proved"] * len(ALARMS)


@pytest.mark.parametrize("role", ["reader", "stream-consumer"])
def test_a_programs_policy_names_the_deployed_key(role: str, world: World) -> None:
    made = world.here.run(*tap("policy", role, "dev"))
    assert made.returncode == 0, made.stdout
    (statement,) = [one for one in json.loads(made.stdout)["Statement"] if "kms:Decrypt" in one["Action"]]
    assert statement["Resource"] == world.endpoint.kms.describe_key(KeyId=world.key)["KeyMetadata"]["Arn"]
    assert set(statement["Condition"]) == {"StringLike"}
    # The same as the one in the stack.
    version = world.endpoint.iam.get_policy_version(PolicyArn=world.policy_arn(role.replace("-", "_")), VersionId="v1")[
        "PolicyVersion"
    ]["Document"]
    assert json.loads(made.stdout) == version


def test_alarms_are_tried_and_left_as_they_were(world: World) -> None:
    cloudwatch, names = world.endpoint.cloudwatch, [getattr(world.settings.names, one.setting) for one in ALARMS]
    busy = names[0]
    cloudwatch.set_alarm_state(AlarmName=busy, StateValue="ALARM", StateReason="real trouble")
    before = {
        one["AlarmName"]: one["StateValue"] for one in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    }
    tried = world.here.run(*tap("alarms", "test", "dev", "--json"))
    report = json.loads(tried.stdout)
    assert report["alarms"] == {
        name: "left alone: it is in ALARM" if name == busy else "tested" for name in sorted(names)
    }
    ((state, to),) = {(one["status"], one["endpoint"]) for one in report["subscribers"]}
    assert to == "ops@example.com"
    assert tried.returncode == (0 if state == "confirmed" else 2)
    after = {
        one["AlarmName"]: one["StateValue"] for one in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    }
    assert after == before
    cloudwatch.set_alarm_state(AlarmName=busy, StateValue="OK", StateReason="over")


def test_each_tried_alarm_arrives_in_a_queue(world: World, project: str) -> None:
    """From the stack as deployed: the alarm's action, the topic's policy, and the key that encrypts it."""
    if not world.endpoint.evaluates_alarms:
        pytest.skip(f"{world.endpoint.name} sends no alarm's message; `make test-localstack` shows delivery")
    sqs, sns = world.endpoint.sqs, world.endpoint.sns
    url = sqs.create_queue(QueueName=f"{project}-tried")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=world.topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    try:
        tried = world.here.run(*tap("alarms", "test", "dev"))
        assert tried.returncode == 0, tried.stdout
        assert f"sqs {arn}: confirmed." in tried.stdout
        names = {getattr(world.settings.names, one.setting) for one in ALARMS}
        arrived: set[str] = set()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and arrived != names:
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10).get(
                "Messages", []
            ):
                told = json.loads(json.loads(message["Body"])["Message"])
                arrived |= {told["AlarmName"]} if told["NewStateValue"] == "ALARM" else set()
        assert arrived == names
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)


def test_the_dashboard_has_the_alarms_states(world: World, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    drawn = world.here.run(*tap("dashboard", "dev", str(page)))
    assert drawn.returncode == 0, drawn.stdout
    text = page.read_text()
    assert world.settings.names.write_throttle_alarm in text
    assert "Not deployed" not in text


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_red(what: str, world: World) -> None:
    change, promise, found = CHANGES[what]
    earlier = world.last or world.lines()
    before = {(one.address, one.what) for one in earlier if not one.holds}
    # A second change of the same promise is told in other words.
    assert promise not in before or found not in next(
        str(one.found) for one in earlier if (one.address, one.what) == promise
    )
    change(world)
    lines = world.last = world.lines()
    after = {(one.address, one.what) for one in lines if not one.holds}
    assert promise in after
    # Nothing else but what can't be asked of a thing that is gone.
    assert {one for one in after - before if one[0] != promise[0]} == set()
    assert found in next(str(one.found) for one in lines if (one.address, one.what) == promise)


def test_an_alias_that_points_elsewhere_is_red(world: World) -> None:
    """The key is still found: the topic, or the table, is encrypted by it."""
    world.topic_attribute("KmsMasterKeyId", world.key)
    world.endpoint.kms.enable_key(KeyId=world.key)
    description = f"Encrypts the prompts and alerts of {world.settings.stack_name}"
    world.endpoint.kms.update_key_description(KeyId=world.key, Description=description)
    world.endpoint.kms.tag_resource(KeyId=world.key, Tags=[{"TagKey": "ManagedBy", "TagValue": "cdktf"}])
    another = world.another_key.rpartition("/")[2]
    world.endpoint.kms.update_alias(AliasName=world.settings.names.key_alias, TargetKeyId=another)
    (line,) = [one for one in world.lines() if one.address == ALIAS]
    assert line.promised.endswith(world.key)
    assert line.found == world.another_key
    world.endpoint.kms.update_alias(AliasName=world.settings.names.key_alias, TargetKeyId=world.key)


def test_what_is_red_is_told_to_people_and_to_programs(world: World) -> None:
    status, said = told(world.here)
    assert status == 2
    assert "\x1b" not in said
    for part in ("Check of TapStackdev", "not there", "lacks NobodyPublishesWithoutTls", "promises do not hold"):
        assert part in said
    tried = json.loads(world.here.run(*tap("alarms", "test", "dev", "--json")).stdout)
    outcomes = [tried["alarms"][getattr(world.settings.names, one.setting)] for one in ALARMS]
    no_topic = "notifies nobody: the topic is not among its ALARM actions"
    assert outcomes == ["tested", no_topic, "not there", "notifies nobody: its actions are off"]
    status, said = told(world.here, "--json")
    report = json.loads(said)
    assert (status, report["status"]) == (2, "red")
    red = {(one["address"], one["what"]) for one in report["lines"] if one["status"] == "red"}
    assert red == world.red()


def test_what_fails_has_a_status_of_its_own(world: World) -> None:
    nowhere = Checkout(world.here.folder, world.here.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    status, said = told(nowhere, "--json")
    assert status == 1
    sentence = json.loads(said[said.index("{") :])["error"]
    assert "where nobody answers" in sentence
    assert f"Error: {sentence}" in said


def test_a_stack_that_is_not_deployed_is_red_all_over(world: World) -> None:
    missing = world.here.run(*tap("check", "nothing", "--json"))
    assert missing.returncode == 2
    note, _, said = missing.stdout.partition("{")
    assert "Note: environments.toml has no [nothing]" in note
    report = json.loads("{" + said)
    assert {(one["address"], one["what"]) for one in report["lines"] if one["status"] == "red"} >= NOT_DEPLOYED
    tried = world.here.run(*tap("alarms", "test", "nothing", "--json"))
    assert tried.returncode == 2
    report = json.loads(tried.stdout[tried.stdout.index("{") :])
    assert set(report["alarms"].values()) == {"not there"}
    assert report["subscribers"] == []


def test_each_line_can_be_made_red(fresh: list[Line]) -> None:
    """A new promise needs a change in CHANGES that breaks it."""
    promised = {(one.address.partition(".")[0], one.what) for one in fresh}
    broken = {promise for _, promise, _ in CHANGES.values()} | NOT_DEPLOYED
    assert promised - {(address.partition(".")[0], what) for address, what in broken} == set()
