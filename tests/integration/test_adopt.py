"""`tap adopt` on tables that somebody made by hand, as a person runs it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import Endpoint
from tests.support.the_stack import ADDRESSES, SUBSCRIPTION

pytestmark = pytest.mark.long

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
ID = {"AttributeName": "id", "AttributeType": "S"}


@dataclass(frozen=True)
class ByHand:
    """A table that is there before the stack: how it differs from a table of prompts, and what adopt says then."""

    differs: dict[str, Any]
    says: list[str]
    status: int
    of_this_key: bool = True
    attributes: list[dict[str, str]] = field(default_factory=list)
    keys: list[dict[str, str]] = field(default_factory=list)


INDEX = {
    "IndexName": "by_status",
    "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
TABLES = {
    "keys": ByHand(
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
        ["stream_view_type changes: programs that read the table's stream lose their place", "--apply --accept"],
        2,
    ),
    "other": ByHand(
        {"StreamSpecification": STREAM},
        ["server_side_encryption changes: the table is encrypted anew under another key", "names.key_alias"],
        2,
        of_this_key=False,
    ),
    "index": ByHand(
        {"StreamSpecification": STREAM, "GlobalSecondaryIndexes": [INDEX]},
        ["an index that is not in the settings is deleted", "by_status", "--apply --accept"],
        2,
        attributes=[{"AttributeName": "status", "AttributeType": "S"}],
    ),
    "range": ByHand(
        {"StreamSpecification": STREAM},
        ["has the range key at, and a table of prompts has none", "nothing has been changed"],
        1,
        attributes=[{"AttributeName": "at", "AttributeType": "S"}],
        keys=[{"AttributeName": "at", "KeyType": "RANGE"}],
    ),
    "number": ByHand(
        {"StreamSpecification": STREAM, "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]},
        ["The attribute id of", "is of type N, and must be of type S", "nothing has been changed"],
        1,
    ),
}
#: The same shape, which is adopted; it comes last, since the others share its key.
SAME = "same"


@pytest.fixture(scope="module")
def key(endpoint: Endpoint, project: str) -> str:
    """The ARN of a key made by hand, with an alias."""
    made = endpoint.kms.create_key(Description="by hand", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    endpoint.kms.create_alias(AliasName=f"alias/{project}/hand", TargetKeyId=made["KeyId"])
    return made["Arn"]


@pytest.fixture(scope="module")
def here(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    toml = f'[default]\nproject_name = "{project}"\n'
    for name in (*TABLES, SAME):
        toml += f'[{name}.names]\ntable = "{project}.{name}"\n'
        if name not in TABLES or TABLES[name].of_this_key:
            # One alias for all of them is refused for one app; each is looked at alone.
            toml += f'key_alias = "alias/{project}/hand"\n'
    environment = endpoint.attached | {"TF_WORKSPACE": "localstack"}
    folder = tmp_path_factory.mktemp("by-hand")
    yield checkout(folder, toml, environment)
    for name in (*TABLES, SAME):
        endpoint.dynamodb.delete_table(TableName=f"{project}.{name}")


def made(endpoint: Endpoint, name: str, table: ByHand, key: str) -> None:
    """Make it, with an item in it."""
    parameters: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, *table.keys],
        "AttributeDefinitions": [ID, *table.attributes],
        "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        **table.differs,
    }
    endpoint.dynamodb.create_table(**parameters)
    endpoint.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def adopted(here: Checkout, name: str, *options: str) -> tuple[int, str]:
    """The exit status of `tap adopt`, and what it said."""
    alone = Checkout(here.folder, here.environment | {"TAP_ENVIRONMENT_SUFFIX": name})
    done = alone.run(*tap("adopt", name, *options))
    return done.returncode, " ".join(done.stdout.split())


def imports(here: Checkout, name: str) -> Path:
    return here.folder / f"cdktf.out/stacks/TapStack{name}/imports.tf.json"


@pytest.mark.parametrize("name", TABLES)
def test_another_kind_of_table_is_asked_for_or_refused(
    name: str, here: Checkout, endpoint: Endpoint, project: str, key: str
) -> None:
    table = TABLES[name]
    made(endpoint, f"{project}.{name}", table, key)
    status, said = adopted(here, name)
    assert status == table.status, said
    assert [part for part in table.says if part not in said] == [], said
    assert imports(here, name).exists() is (table.status == 2)
    before = endpoint.dynamodb.describe_table(TableName=f"{project}.{name}")["Table"]
    status, said = adopted(here, name, "--apply")  # without --accept nothing is done either
    assert status == 1, said
    assert endpoint.dynamodb.describe_table(TableName=f"{project}.{name}")["Table"] == before


def test_a_table_of_the_same_shape_and_its_key_are_adopted(
    here: Checkout, endpoint: Endpoint, project: str, key: str
) -> None:
    name = f"{project}.{SAME}"
    made(endpoint, name, ByHand({"StreamSpecification": STREAM}, [], 0), key)
    endpoint.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    items = [{"id": {"S": f"{number}"}} for number in range(20)]
    for item in items:
        endpoint.dynamodb.put_item(TableName=name, Item=item)
    before = endpoint.dynamodb.describe_table(TableName=name)["Table"]

    status, said = adopted(here, SAME)
    assert status == 2, said
    assert "the key's policy is replaced" in said
    assert "server_side_encryption" not in said
    status, said = adopted(here, SAME, "--apply", "--accept", "--json")
    assert status == 0, said
    report = json.loads(said)
    assert report["status"] == "applied"
    found = {"aws_dynamodb_table.TurnAroundPromptTable", "aws_kms_key.KMSKey", "aws_kms_alias.KMSKeyAlias"}
    assert set(report["imports"]) == found
    assert report["imports"]["aws_kms_key.KMSKey"] == key.rpartition("/")[2]
    assert {change["address"] for change in report["changes"]} == ADDRESSES - {SUBSCRIPTION}
    after = endpoint.dynamodb.describe_table(TableName=name)["Table"]
    for kept in ("TableArn", "TableId", "LatestStreamArn", "KeySchema", "SSEDescription"):
        assert after.get(kept) == before.get(kept), kept
    assert sorted(endpoint.dynamodb.scan(TableName=name)["Items"], key=str) == sorted(items, key=str)
    assert not imports(here, SAME).exists()

    status, said = adopted(here, SAME)
    assert (status, said) == (
        0,
        f"TapStack{SAME}: nothing to do. All that exists is in the state, and the plan is empty.",
    )


def test_a_state_that_is_lost_is_found_again(here: Checkout) -> None:
    for state in here.folder.glob(f"terraform.TapStack{SAME}.tfstate.d/localstack/*"):
        state.unlink()
    status, said = adopted(here, SAME, "--json")
    assert status == 2, said
    report = json.loads(said)
    assert set(report["imports"]) == ADDRESSES - {SUBSCRIPTION}
    assert (report["to_accept"], report["refused"]) == ([], [])
    assert adopted(here, SAME, "--apply")[0] == 0
    assert adopted(here, SAME)[0] == 0


def test_a_table_that_the_state_takes_for_half_made_is_kept(here: Checkout, endpoint: Endpoint, project: str) -> None:
    """What an apply leaves that failed, or was stopped, after it had made the table."""
    terraform = [here.environment["TERRAFORM_BINARY_NAME"], f"-chdir=cdktf.out/stacks/TapStack{SAME}"]
    table = "aws_dynamodb_table.TurnAroundPromptTable"
    done = here.run(*terraform, "taint", "-backup=before", table)
    assert done.returncode == 0, done.stdout
    before = endpoint.dynamodb.describe_table(TableName=f"{project}.{SAME}")["Table"]
    status, said = adopted(here, SAME)
    assert status == 2, said
    assert f"The state takes {table} for half made" in said
    assert "Refused" not in said
    status, said = adopted(here, SAME, "--apply")
    assert status == 0, said
    assert endpoint.dynamodb.describe_table(TableName=f"{project}.{SAME}")["Table"] == before
    assert adopted(here, SAME)[0] == 0


def test_a_second_key_in_the_state_is_named(here: Checkout, endpoint: Endpoint, key: str) -> None:
    """What a deploy leaves that came between a killed one and the adoption."""
    terraform = [here.environment["TERRAFORM_BINARY_NAME"], f"-chdir=cdktf.out/stacks/TapStack{SAME}"]
    second = endpoint.kms.create_key(Description="second", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    for command in (
        ["state", "rm", "-backup=before", "aws_kms_key.KMSKey", "aws_kms_alias.KMSKeyAlias"],
        ["import", "-input=false", "-backup=before", "aws_kms_key.KMSKey", second],
    ):
        done = here.run(*terraform, *command)
        assert done.returncode == 0, done.stdout
    status, said = adopted(here, SAME, "--apply")
    assert status == 1
    advice = f"terraform -chdir=cdktf.out/stacks/TapStack{SAME} state rm -backup=before.tfstate aws_kms_key.KMSKey"
    assert f"`{advice}`" in said
    done = here.run(*terraform, *advice.split()[2:])
    assert done.returncode == 0, done.stdout
    status, said = adopted(here, SAME, "--apply", "--json")
    assert status == 0, said
    assert json.loads(said)["imports"]["aws_kms_key.KMSKey"] == key.rpartition("/")[2]


def test_a_key_on_its_way_out_is_named(here: Checkout, endpoint: Endpoint, key: str) -> None:
    endpoint.kms.schedule_key_deletion(KeyId=key.rpartition("/")[2], PendingWindowInDays=7)
    status, said = adopted(here, SAME, "--apply")
    endpoint.kms.cancel_key_deletion(KeyId=key.rpartition("/")[2])
    endpoint.kms.enable_key(KeyId=key.rpartition("/")[2])
    assert status == 1
    assert "is PendingDeletion: what it encrypts is lost with it. `aws kms cancel-key-deletion" in said


def test_an_environment_that_the_variable_excludes(here: Checkout) -> None:
    done = Checkout(here.folder, here.environment | {"TAP_ENVIRONMENT_SUFFIX": "x"}).run(*tap("adopt", "y"))
    assert done.returncode == 1
    assert "TAP_ENVIRONMENT_SUFFIX is x, and this is about y: unset it." in done.stdout
