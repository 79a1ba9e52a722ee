"""`tap prove alarms` and `tap policy`, as a person types them; neither needs AWS."""

import json
import os
import sys
from pathlib import Path
from typing import get_args

import pytest

from tap.cli.policy import Role
from tap.policies.roles import ROLES
from tests.support import cloudformation
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.environment import terraform_environment
from tests.support.the_stack import ALARMS


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("proofs")
    toml = '[dev]\n[prod]\niam_policies_enabled = true\nallowed_account_ids = ["111122223333"]\n'
    environment = terraform_environment() | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder)}
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return checkout(folder, toml, environment)


def run(here: Checkout, *arguments: str) -> tuple[int, str]:
    done = here.run(*tap(*arguments))
    return done.returncode, done.stdout


class TestProve:
    def test_our_stack(self, here: Checkout) -> None:
        status, said = run(here, "prove", "alarms", "dev")
        assert status == 0, said
        assert f"dev: all {len(ALARMS)} alarms are proved." in said
        assert "\x1b" not in said

    def test_the_seeds_template(self, here: Checkout) -> None:
        (here.folder / "seed.json").write_text(json.dumps(cloudformation.template()))
        status, said = run(here, "prove", "alarms", "seed.json")
        assert status == 2
        assert f"{len(ALARMS)} of {len(ALARMS)} alarms not proved" in said
        status, said = run(here, "prove", "alarms", "seed.json", "--json")
        report = json.loads(said)
        assert status == 2
        assert {one["status"] for one in report["alarms"]} == {"fault"}

    def test_a_document_without_alarms_proves_nothing(self, here: Checkout) -> None:
        (here.folder / "none.json").write_text('{"resource": {"aws_sns_topic": {"t": {"name": "t"}}}}')
        status, said = run(here, "prove", "alarms", "none.json")
        assert (status, "declares no alarm" in said) == (2, True)

    @pytest.mark.parametrize(
        ("what", "sentence"),
        [
            ("nowhere.json", "nowhere.json can't be read: No such file or directory."),
            ("environments.toml.json", "environments.toml.json can't be read"),
            ("main.tf", "main.tf can't be read"),
            ("Prod", "'Prod' can't be an environment: its name must be 1 to 20 lower-case letters"),
            ("tfplan", "There is no file tfplan, and environments.toml has no [tfplan]."),
        ],
    )
    def test_a_mistake_is_one_sentence(self, here: Checkout, what: str, sentence: str) -> None:
        status, said = run(here, "prove", "alarms", what)
        assert status == 1
        assert said.startswith("Error: ")
        assert sentence in said
        assert "Traceback" not in said

    def test_without_the_engine_it_says_how_to_get_it(self, here: Checkout, tmp_path: Path) -> None:
        (tmp_path / "node").write_text(
            "#!/bin/sh\necho \"Error: Cannot find module '@cloud-copilot/iam-simulate'\" >&2\nexit 1\n"
        )
        (tmp_path / "node").chmod(0o755)
        assert here.run(sys.executable, "main.py").returncode == 0
        (here.folder / "cdk.tf.json").write_text((here.folder / "cdktf.out/stacks/TapStackdev/cdk.tf.json").read_text())
        without = Checkout(here.folder, here.environment | {"PATH": f"{tmp_path}:{here.environment['PATH']}"})
        status, said = run(without, "prove", "alarms", "cdk.tf.json")
        assert status == 1
        assert "There is no @cloud-copilot/iam-simulate" in said
        assert "make setup" in said


class TestPolicy:
    def test_the_roles_are_all_that_there_are(self) -> None:
        assert {role.replace("-", "_") for role in get_args(Role)} == set(ROLES)

    @pytest.mark.parametrize("role", ["planner", "stream-consumer"])
    def test_it_is_a_policy(self, here: Checkout, role: str) -> None:
        status, said = run(here, "policy", role, "dev", "--account", "444455556666")
        assert status == 0, said
        policy = json.loads(said)
        assert "table/tap-dev-turnaround-prompts" in said
        assert "111122223333" not in said
        assert policy["Version"] == "2012-10-17"

    def test_the_deployers_has_the_stacks_policies_and_the_only_account(self, here: Checkout) -> None:
        status, said = run(here, "policy", "deployer", "prod")
        assert status == 0, said
        assert "arn:aws:iam::111122223333:policy/tap-prod-us-east-1-worker" in said

    def test_an_unknown_environment_is_noted(self, here: Checkout) -> None:
        status, said = run(here, "policy", "worker", "pr-7", "--account", "111122223333")
        assert status == 0
        assert "Note: environments.toml has no [pr-7]" in said
        assert "table/tap-pr-7-turnaround-prompts" in said

    @pytest.mark.parametrize(
        ("arguments", "status", "sentence"),
        [
            (("worker", "dev", "--account", "1234"), 2, "'1234' is not a 12-digit account ID"),
            (("boss", "dev"), 2, "'boss' is not one of"),
            (("worker", "dev"), 1, "the AWS credentials do not work"),
            (("worker", "D", "--account", "111122223333"), 1, "must be"),
        ],
    )
    def test_a_mistake_is_one_sentence(
        self, here: Checkout, arguments: tuple[str, ...], status: int, sentence: str
    ) -> None:
        ended, said = run(here, "policy", *arguments)
        assert ended == status, said
        assert sentence in " ".join(said.replace("│", "").split())
        assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize(
    "arguments",
    [
        ("policy", "reader", "dev", "--account", "111122223333"),
        ("prove", "alarms", "dev"),
        ("prove", "alarms", "dev", "--json"),
        ("prove", "alarms", "nowhere.json", "--json"),
        ("--version",),
    ],
    ids=" ".join,
)
def test_a_full_disk_gets_a_sentence(here: Checkout, arguments: tuple[str, ...]) -> None:
    told = here.run("sh", "-c", '"$@" >/dev/full', "sh", *tap(*arguments))
    assert told.returncode == 1
    assert told.stdout.endswith("Error: Standard output can't be written: No space left on device.\n")
    assert "Traceback" not in told.stdout
    assert ("nowhere.json can't be read" in told.stdout) == ("nowhere.json" in arguments)
