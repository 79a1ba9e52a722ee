"""The synthesized JSON: what the seed's fourteen template tests looked at, and what they forgot."""

import json
import re
from typing import Any

import pytest

from tap.local import terraform
from tap.settings import AssumeRole, CloudBackend, HttpBackend, RemoteBackend, S3Backend, Settings
from tap.settings.backends import Endpoints
from tap.store.attributes import ENTRY
from tap.store.candidates.sweep import FIELDS as SWEPT
from tap.store.entries import INDEX
from tests.support import the_stack
from tests.support.documents import (
    Document,
    listed,
    of_kind,
    policies,
    references,
    resources,
    strings,
    the_only,
)
from tests.support.dynamodb_metrics import never_emitted
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, WITH_POLICIES, stack_json
from tests.support.the_stack import ADDRESSES, ALARMS, NAMED, TAGGED

STACKS = {"defaults": DEFAULTS, "everything-on": EVERYTHING_ON, "adopted": ADOPTED}
TOPIC_ARN = "${aws_sns_topic.SNSTopic.arn}"

#: The seed's nine outputs and what each must be, as a reference to the real thing where there is one.
OUTPUTS = {
    "TurnAroundPromptTableName": "${aws_dynamodb_table.TurnAroundPromptTable.name}",
    "TurnAroundPromptTableArn": "${aws_dynamodb_table.TurnAroundPromptTable.arn}",
    "TurnAroundPromptTableStreamArn": "${aws_dynamodb_table.TurnAroundPromptTable.stream_arn}",
    "KMSKeyId": "${aws_kms_key.KMSKey.key_id}",
    "KMSKeyArn": "${aws_kms_key.KMSKey.arn}",
    "SNSTopicArn": TOPIC_ARN,
}


@pytest.fixture(params=STACKS.values(), ids=list(STACKS))
def settings(request: pytest.FixtureRequest) -> Settings:
    found = request.param
    assert isinstance(found, Settings)
    return found


@pytest.fixture
def document(settings: Settings) -> Document:
    return stack_json(settings)


@pytest.fixture
def defaults() -> Document:
    return stack_json(DEFAULTS)


class TestWhole:
    def test_addresses_are_the_seeds_logical_ids(self, document: Document) -> None:
        assert set(resources(document)) == ADDRESSES

    def test_every_expression_names_something_that_exists(self, document: Document) -> None:
        declared = (
            set(resources(document))
            | {f"data.{kind}.{name}" for kind, named in document["data"].items() for name in named}
            | {f"var.{name}" for name in document["variable"]}
        )
        named = references(document)
        assert len(named) >= 10
        assert {one.address for one in named} - declared == set()

    def test_everything_declared_is_used(self, document: Document) -> None:
        used = {one.address for one in references(document)}
        assert {f"var.{name}" for name in document["variable"]} <= used
        assert {f"data.{kind}.{name}" for kind, named in document["data"].items() for name in named} <= used

    def test_the_provider_is_the_one_we_test_with(self, document: Document) -> None:
        assert document["terraform"]["required_providers"] == {
            "aws": {"source": "hashicorp/aws", "version": terraform.PROVIDER_VERSION}
        }
        # checkov 3.3.30 can't parse a document with it; `make setup` looks at the version instead.
        assert "required_version" not in document["terraform"]

    def test_the_region_is_all_that_the_provider_is_told(self, document: Document, settings: Settings) -> None:
        assert document["provider"] == {"aws": [{"region": settings.region}]}

    def test_the_provider_is_told_which_accounts_it_may_deploy_to(self) -> None:
        told = stack_json(DEFAULTS.model_copy(update={"allowed_account_ids": ["111122223333"]}))["provider"]["aws"]
        assert told == [{"region": DEFAULTS.region, "allowed_account_ids": ["111122223333"]}]

    def test_nothing_of_this_machine_or_account_is_in_it(self, document: Document) -> None:
        text = "\n".join(strings(document, keys=True))
        forbidden = {
            "account id": r"(?<!\d)\d{12}(?!\d)",
            "absolute path": r"(?m)(^|[\s\"'=])/[A-Za-z]",
            "local endpoint": r"localhost|127\.0\.0\.1|0\.0\.0\.0|http://|:4566|:5000",
            "endpoint or credential argument": r"(?m)^(endpoints?_url|access_key|secret_key|token|profile|skip_\w+)$",
            "credential": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
            "partition by name": r"arn:aws[:-]",
        }
        assert {what: found[0] for what, one in forbidden.items() if (found := re.search(one, text))} == {}

    def test_all_of_it_can_be_deleted_again_unless_it_is_protected(
        self, document: Document, settings: Settings
    ) -> None:
        kept = [the_only(document, kind).get("lifecycle") for kind in ("aws_dynamodb_table", "aws_kms_key")]
        assert kept == [{"prevent_destroy": True} if settings.deletion_protection_enabled else None] * 2
        assert the_only(document, "aws_kms_key")["deletion_window_in_days"] == 7

    def test_nothing_is_protected_unless_somebody_asks(self, defaults: Document) -> None:
        assert defaults["variable"]["deletion_protection_enabled"]["default"] is False


class TestVariables:
    def test_none_is_required(self, document: Document) -> None:
        assert set(document["variable"]) == {
            "alert_email",
            "deletion_protection_enabled",
            "point_in_time_recovery_enabled",
        }
        for variable in document["variable"].values():
            assert "default" in variable
            assert variable["default"] is not None
            assert variable["nullable"] is False
            assert variable["description"]

    def test_types(self, document: Document) -> None:
        assert {name: variable["type"] for name, variable in document["variable"].items()} == {
            "alert_email": "string",
            "deletion_protection_enabled": "bool",
            "point_in_time_recovery_enabled": "bool",
        }

    def test_defaults_are_the_settings(self, document: Document, settings: Settings) -> None:
        for name, variable in document["variable"].items():
            assert variable["default"] == getattr(settings, name)

    def test_conditions_are_decided_at_deploy(self, document: Document) -> None:
        table = the_only(document, "aws_dynamodb_table")
        subscription = the_only(document, "aws_sns_topic_subscription")
        assert table["deletion_protection_enabled"] == "${var.deletion_protection_enabled}"
        assert table["point_in_time_recovery"]["enabled"] == "${var.point_in_time_recovery_enabled}"
        assert {one.address for one in references(subscription["count"])} == {"var.alert_email"}
        assert subscription["endpoint"] == "${var.alert_email}"


class TestOutputs:
    def test_are_exactly_the_nine(self, document: Document) -> None:
        assert set(document["output"]) == the_stack.OUTPUTS

    @pytest.mark.parametrize("name", OUTPUTS)
    def test_is_the_real_thing(self, defaults: Document, name: str) -> None:
        assert defaults["output"][name]["value"] == OUTPUTS[name]

    def test_names_of_stack_and_environment(self, document: Document, settings: Settings) -> None:
        assert document["output"]["StackName"]["value"] == f"TapStack{settings.environment_suffix}"
        assert document["output"]["EnvironmentSuffix"]["value"] == settings.environment_suffix

    def test_the_dashboards_address_is_of_this_dashboard(self, document: Document, settings: Settings) -> None:
        address = document["output"]["DashboardURL"]["value"]
        name = the_only(document, "aws_cloudwatch_dashboard")["dashboard_name"]
        assert address.startswith(f"https://{settings.region}.")
        assert address.endswith(f"/cloudwatch/home?region={settings.region}#dashboards:name={name}")

    def test_each_says_what_it_is(self, document: Document) -> None:
        descriptions = [output["description"] for output in document["output"].values()]
        assert all(descriptions)
        assert not any(output.get("sensitive") for output in document["output"].values())


class TestTags:
    def test_are_the_settings(self, document: Document, settings: Settings) -> None:
        tagged = {address: one["tags"] for address, one in resources(document).items() if "tags" in one}
        expected = settings.tags | {
            "Environment": settings.environment_suffix,
            "Project": settings.project_name,
            "ManagedBy": "cdktf",
        }
        assert tagged == dict.fromkeys(tagged, expected)
        assert set(tagged) == TAGGED

    def test_are_not_the_providers(self, document: Document) -> None:
        assert "default_tags" not in document["provider"]["aws"][0]


class TestKey:
    def test_rotates(self, document: Document) -> None:
        assert the_only(document, "aws_kms_key")["enable_key_rotation"] is True

    def test_has_its_alias(self, document: Document, settings: Settings) -> None:
        assert the_only(document, "aws_kms_alias") == {
            "name": settings.names.key_alias,
            "target_key_id": "${aws_kms_key.KMSKey.key_id}",
        }

    def test_encrypts_table_and_topic(self, document: Document) -> None:
        key = "${aws_kms_key.KMSKey.arn}"
        assert the_only(document, "aws_dynamodb_table")["server_side_encryption"] == {
            "enabled": True,
            "kms_key_arn": key,
        }
        assert the_only(document, "aws_sns_topic")["kms_master_key_id"] == key

    def test_lets_cloudwatch_reach_the_topic(self, document: Document) -> None:
        # Which requests the statement allows is in tests/unit/test_policies.py; here: that it is on the key.
        statements = policies(document)["aws_kms_key.KMSKey"]["Statement"]
        actions = [listed(one["Action"]) for one in statements if "Service" in one["Principal"]]
        assert actions == [["kms:Decrypt", "kms:GenerateDataKey*"]]

    def test_safety_check_of_its_policy_is_on(self, document: Document) -> None:
        assert not the_only(document, "aws_kms_key").get("bypass_policy_lockout_safety_check")


class TestTable:
    def test_hash_key(self, document: Document, settings: Settings) -> None:
        table = the_only(document, "aws_dynamodb_table")
        assert table["hash_key"] == "id"
        indexes = table.get("global_secondary_index", [])
        of_indexes = [one[key] for one in indexes for key in ("hash_key", "range_key")]
        assert table["attribute"] == [{"name": name, "type": "S"} for name in ["id", *of_indexes]]
        assert "range_key" not in table
        assert bool(indexes) == settings.claim_index_enabled

    def test_the_claim_index_is_the_one_that_the_store_reads(self) -> None:
        (index,) = the_only(stack_json(EVERYTHING_ON), "aws_dynamodb_table")["global_secondary_index"]
        assert index["name"] == INDEX
        assert {index["hash_key"], index["range_key"]} == set(ENTRY) - {"claim_rank"}
        # What is to be known of a prompt before it is claimed: a sweep reads the same from the table itself, but for
        # the rank, which is made of two of them.
        needed = set(re.findall(r"#(\w+)", SWEPT)) - {"id", "priority", "created_at"} | {"claim_rank"}
        assert set(index["non_key_attributes"]) == needed

    def test_is_made_last_and_so_destroyed_first(self, document: Document) -> None:
        # A protected table then stops a destroy before it has taken anything else.
        waits_for: set[str] = set()
        waiting = {"aws_dynamodb_table.TurnAroundPromptTable"}
        while waiting:
            arguments = resources(document)[waiting.pop()]
            named = {*arguments.get("depends_on", []), *(one.address for one in references(arguments))} & set(ADDRESSES)
            waiting |= named - waits_for
            waits_for |= named
        assert waits_for == set(ADDRESSES) - {"aws_dynamodb_table.TurnAroundPromptTable"}

    def test_on_demand(self, document: Document) -> None:
        table = the_only(document, "aws_dynamodb_table")
        assert table["billing_mode"] == "PAY_PER_REQUEST"
        assert not {"read_capacity", "write_capacity"} & set(table)

    def test_streams_both_images(self, document: Document) -> None:
        table = the_only(document, "aws_dynamodb_table")
        assert (table["stream_enabled"], table["stream_view_type"]) == (True, "NEW_AND_OLD_IMAGES")

    def test_expires_by_ttl(self, document: Document) -> None:
        assert the_only(document, "aws_dynamodb_table")["ttl"] == {"attribute_name": "ttl", "enabled": True}

    @pytest.mark.parametrize("block", ["point_in_time_recovery", "server_side_encryption"])
    def test_writes_the_block_also_when_off(self, defaults: Document, block: str) -> None:
        # A block left out plans as "no change" where the real table differs (hashicorp/terraform-provider-aws#29811).
        assert "enabled" in the_only(defaults, "aws_dynamodb_table")[block]


class TestTopic:
    def test_policy_is_on_this_topic(self, document: Document, settings: Settings) -> None:
        assert the_only(document, "aws_sns_topic_policy")["arn"] == TOPIC_ARN
        statements = policies(document)["aws_sns_topic_policy.SNSTopicPolicy"]["Statement"]
        # Put together and not referred to, so that a plan shows the policy before there is a topic.
        account = (
            "${data.aws_partition.partition.partition}:sns:us-east-1:${data.aws_caller_identity.account.account_id}"
        )
        assert {one["Resource"] for one in statements} == {f"arn:{account}:{settings.names.topic}"}
        assert [one["Effect"] for one in statements] == ["Allow", "Deny"]

    def test_mail_is_of_this_topic(self, document: Document) -> None:
        subscription = the_only(document, "aws_sns_topic_subscription")
        assert (subscription["topic_arn"], subscription["protocol"]) == (TOPIC_ARN, "email")


class TestPolicies:
    def test_no_allow_for_everybody(self, document: Document) -> None:
        statements = [one for policy in policies(document).values() for one in policy["Statement"]]
        allows = [one for one in statements if one["Effect"] == "Allow"]
        assert len(allows) == 3
        assert not any("*" in str(one["Principal"]) for one in allows)

    def test_account_and_partition_are_asked_not_known(self, document: Document) -> None:
        account, partition = (
            "${data.aws_caller_identity.account.account_id}",
            "${data.aws_partition.partition.partition}",
        )
        for policy in policies(document).values():
            for arn in (text for text in strings(policy) if text.startswith("arn:")):
                assert arn.startswith(f"arn:{partition}:")
                assert account in arn


@pytest.mark.parametrize("name", [alarm.logical_id for alarm in ALARMS])
class TestAlarms:
    def test_tells_the_topic_of_trouble_and_of_its_end(self, defaults: Document, name: str) -> None:
        alarm = of_kind(defaults, "aws_cloudwatch_metric_alarm")[name]
        assert alarm["alarm_actions"] == [TOPIC_ARN]
        assert alarm["ok_actions"] == [TOPIC_ARN]
        assert alarm.get("actions_enabled", True) is True

    def test_watches_what_aws_emits(self, document: Document, settings: Settings, name: str) -> None:
        alarm = of_kind(document, "aws_cloudwatch_metric_alarm")[name]
        metrics = [one["metric"] for one in alarm.get("metric_query", []) if "metric" in one] or [alarm]
        for metric in metrics:
            dimensions = metric.get("dimensions", {})
            assert never_emitted(metric["namespace"], metric["metric_name"], dimensions) is None
            # Not a reference, so that the table can be the last to be made and the first to be destroyed.
            assert dimensions.get("TableName", settings.names.table) == settings.names.table
            assert metric.get("stat", metric.get("statistic")) == "Sum"
            assert metric["period"] == 300

    def test_goes_off_at_the_threshold_and_not_in_silence(self, defaults: Document, name: str) -> None:
        alarm = of_kind(defaults, "aws_cloudwatch_metric_alarm")[name]
        assert alarm["comparison_operator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["treat_missing_data"] == "notBreaching"
        assert alarm["evaluation_periods"] == 1
        assert alarm["threshold"] > 1

    def test_is_an_alarm_on_a_metric_or_on_an_expression(self, defaults: Document, name: str) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        alarm = of_kind(defaults, "aws_cloudwatch_metric_alarm")[name]
        of_a_metric = {"namespace", "metric_name", "statistic", "period", "dimensions"} & set(alarm)
        assert bool(of_a_metric) != ("metric_query" in alarm)


class TestSumOfSystemErrors:
    @pytest.fixture
    def queries(self, defaults: Document) -> dict[str, dict[str, Any]]:
        alarm = of_kind(defaults, "aws_cloudwatch_metric_alarm")["DynamoDBSystemErrorAlarm"]
        return {query["id"]: query for query in alarm["metric_query"]}

    def test_one_expression_is_returned(self, queries: dict[str, dict[str, Any]]) -> None:
        assert [name for name, query in queries.items() if query.get("return_data")] == ["total"]
        assert len(queries) == len({json.dumps(query.get("metric")) for query in queries.values()})

    def test_each_metric_is_in_it_once_and_filled(self, queries: dict[str, dict[str, Any]]) -> None:
        # Without FILL one operation without a data point makes the sum empty.
        metrics = [name for name, query in queries.items() if "metric" in query]
        assert queries["total"]["expression"].split(" + ") == [f"FILL({name}, 0)" for name in metrics]
        assert 1 < len(metrics) <= 10

    def test_search_is_not_used(self, queries: dict[str, dict[str, Any]]) -> None:
        assert "SEARCH" not in queries["total"]["expression"]


class TestDashboard:
    def test_shows_each_alarm_by_its_own_arn(self, document: Document) -> None:
        body = json.loads(the_only(document, "aws_cloudwatch_dashboard")["dashboard_body"])
        (shown,) = [widget["properties"]["alarms"] for widget in body["widgets"] if widget["type"] == "alarm"]
        assert set(shown) == {f"${{{alarm.address}.arn}}" for alarm in ALARMS}

    def test_says_which_environment(self, document: Document, settings: Settings) -> None:
        body = json.loads(the_only(document, "aws_cloudwatch_dashboard")["dashboard_body"])
        assert settings.environment_suffix in body["widgets"][0]["properties"]["markdown"]

    def test_is_as_small_as_aws_takes(self, document: Document) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html: 1 MB
        assert len(the_only(document, "aws_cloudwatch_dashboard")["dashboard_body"]) < 100_000


class TestNames:
    def test_each_resource_has_the_settings_name(self, document: Document, settings: Settings) -> None:
        made = resources(document)
        assert {
            kind: made[address][argument] for kind, (address, argument) in NAMED.items()
        } == settings.names.model_dump()

    def test_nothing_has_a_default_name_where_the_settings_have_another(self) -> None:
        assert set(ADOPTED.names.model_dump().values()).isdisjoint(DEFAULTS.names.model_dump().values())
        here, there = (json.dumps(stack_json(one)) for one in (DEFAULTS, ADOPTED))
        assert here.count("tap-dev") >= 10
        assert "tap-dev" not in there
        # Wherever the one table's name stands the other's does.
        assert there.count(ADOPTED.names.table) == here.count(DEFAULTS.names.table)

    def test_two_environments_share_nothing(self) -> None:
        def real_names(settings: Settings) -> set[str]:
            made = resources(stack_json(settings))
            return {made[address][argument] for address, argument in NAMED.values()}

        assert len(real_names(DEFAULTS)) == len(NAMED)
        assert not real_names(DEFAULTS) & real_names(EVERYTHING_ON)


class TestRegion:
    def test_is_the_settings_everywhere(self) -> None:
        here, there = (json.dumps(stack_json(Settings(region=region))) for region in ("us-east-1", "eu-west-1"))
        assert there.count("eu-west-1") >= 10
        assert "us-east-1" not in there
        assert there.replace("eu-west-1", "us-east-1") == here


class TestBackend:
    IN_S3 = Settings(region="eu-west-1", backend=S3Backend(type="s3", bucket="states"))
    ELSEWHERE = Settings(backend=S3Backend(type="s3", bucket="states", key="a/b.tfstate", region="eu-central-1"))

    def test_local_state_stands_beside_main(self, document: Document, settings: Settings) -> None:
        # Terraform runs in cdktf.out/stacks/<stack>.
        path = f"../../../terraform.{settings.stack_name}.tfstate"
        assert document["terraform"]["backend"] == {"local": {"path": path, "workspace_dir": f"{path}.d"}}

    def test_in_s3_it_is_encrypted_and_locked(self) -> None:
        assert stack_json(self.IN_S3)["terraform"]["backend"] == {
            "s3": {
                "bucket": "states",
                "key": "tap/dev/terraform.tfstate",
                "region": "eu-west-1",
                "encrypt": True,
                "use_lockfile": True,
            }
        }

    def test_in_s3_with_a_place_of_ones_own(self) -> None:
        s3 = stack_json(self.ELSEWHERE)["terraform"]["backend"]["s3"]
        assert (s3["key"], s3["region"]) == ("a/b.tfstate", "eu-central-1")

    def test_it_is_all_that_differs(self) -> None:
        there, here = stack_json(self.ELSEWHERE), stack_json(DEFAULTS)
        for one in (there, here):
            del one["terraform"]["backend"]
            del one["//"]["metadata"]["backend"]
            one["//"]["metadata"]["overrides"].pop("stack", None)
        assert there == here

    def test_in_s3_with_all_that_shops_need(self) -> None:
        role = AssumeRole(role_arn="arn:aws:iam::111122223333:role/state", external_id="x-1")
        backend = S3Backend(
            type="s3",
            bucket="states",
            kms_key_id="alias/states",
            profile="states",
            assume_role=role,
            workspace_key_prefix="by-workspace",
            use_path_style=True,
            endpoints=Endpoints(s3="https://minio.example:9000"),
        )
        assert stack_json(Settings(backend=backend))["terraform"]["backend"]["s3"] == {
            "bucket": "states",
            "key": "tap/dev/terraform.tfstate",
            "region": "us-east-1",
            "encrypt": True,
            "use_lockfile": True,
            "kms_key_id": "alias/states",
            "profile": "states",
            "assume_role": {"role_arn": "arn:aws:iam::111122223333:role/state", "external_id": "x-1"},
            "workspace_key_prefix": "by-workspace",
            "use_path_style": True,
            "endpoints": {"s3": "https://minio.example:9000"},
        }

    def test_behind_an_http_address_each_environment_has_its_own(self) -> None:
        address = "https://gitlab.example.com/api/v4/projects/7/terraform/state/tap-{environment}"
        backend = HttpBackend(type="http", address=address, lock_address=f"{address}/lock", lock_method="POST")
        assert stack_json(Settings(environment_suffix="pr-7", backend=backend))["terraform"]["backend"] == {
            "http": {
                "address": address.replace("{environment}", "pr-7"),
                "lock_address": address.replace("{environment}", "pr-7") + "/lock",
                "unlock_address": address.replace("{environment}", "pr-7") + "/lock",
                "lock_method": "POST",
            }
        }

    def test_in_hcp_terraform_each_environment_has_its_own(self) -> None:
        cloud = CloudBackend(type="cloud", organization="acme")
        remote = RemoteBackend(type="remote", organization="acme", hostname="tfe.example.com", workspace="w")
        assert stack_json(Settings(backend=cloud))["terraform"]["cloud"] == {
            "organization": "acme",
            "workspaces": {"name": "tap-dev"},
        }
        assert stack_json(Settings(backend=remote))["terraform"]["backend"] == {
            "remote": {"organization": "acme", "hostname": "tfe.example.com", "workspaces": {"name": "w"}}
        }


def test_the_provider_gets_credentials_and_default_tags() -> None:
    role = AssumeRole(role_arn="arn:aws:iam::111122223333:role/deploy", session_name="tap", external_id="x-1")
    settings = Settings(profile="prod", assume_role=role, default_tags={"Team": "a"})
    assert stack_json(settings)["provider"] == {
        "aws": [
            {
                "region": "us-east-1",
                "profile": "prod",
                "assume_role": [role.model_dump()],
                "default_tags": [{"tags": {"Team": "a"}}],
            }
        ]
    }


class TestRolePolicies:
    """An IAM policy for each role of programs: only where it is wanted, and nothing else changes."""

    def test_they_are_added_with_an_output_each(self) -> None:
        without, document = stack_json(EVERYTHING_ON), stack_json(WITH_POLICIES)
        added = document["resource"].pop("aws_iam_policy")
        assert set(added) == set(the_stack.POLICIES.values())
        outputs = {f"{name}Arn": f"${{aws_iam_policy.{name}.arn}}" for name in added}
        assert {name: document["output"].pop(name)["value"] for name in outputs} == outputs
        assert document["resource"] == without["resource"]
        assert document["output"] == without["output"]

    @pytest.mark.parametrize(("role", "name"), the_stack.POLICIES.items())
    def test_each_is_about_this_stack(self, role: str, name: str) -> None:
        body = stack_json(WITH_POLICIES)["resource"]["aws_iam_policy"][name]
        assert body["name"] == f"tap-prod-us-east-1-{role.replace('_', '-')}"
        assert body["tags"] == resources(stack_json(WITH_POLICIES))["aws_kms_key.KMSKey"]["tags"]
        arns = [one for statement in json.loads(body["policy"])["Statement"] for one in listed(statement["Resource"])]
        table = "table/tap-prod-turnaround-prompts"
        assert all(table in one or one == "${aws_kms_key.KMSKey.arn}" for one in arns)
        assert "${aws_kms_key.KMSKey.arn}" in arns
