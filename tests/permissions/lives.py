"""A whole life cycle on an embedded AWS, every request recorded under the role and the command that sent it."""

from __future__ import annotations

import json
import re
import secrets
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tap import settings as config
from tap.deployed.access import target_in
from tap.local import ROOT
from tap.place import Place
from tap.policies.roles import Target, policy_names
from tests.permissions.requests import Asked, World, asked
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import REGION, Endpoint
from tests.support.relay import Sent, relay
from tests.support.servers import embedded_aws

_ON = """
deletion_protection_enabled = false
point_in_time_recovery_enabled = true
claim_index_enabled = true
iam_policies_enabled = true
alert_email = "ops@example.com"
tags = { CostCenter = "1234" }
"""
#: Tags go while all else is there: then each service is asked to take them off.
_WITHOUT_TAGS = _ON.replace('tags = { CostCenter = "1234" }', "")


#: What a recording has in place of a run's own names.
PROJECT, OWN_KEY, DEFAULT_KEY_ID = "tap", "of-the-stack", "of-dynamodb"


@dataclass(frozen=True)
class Recording:
    """What was asked, by role; and for each question the commands that asked it. Names are the same in each run."""

    asked: Mapping[str, Mapping[Asked, tuple[str, ...]]]

    @property
    def target(self) -> Target:
        """The stack that it is about."""
        backend = config.S3Backend(type="s3", bucket=f"{PROJECT}-states")
        settings = config.Settings(project_name=PROJECT, iam_policies_enabled=True, backend=backend)
        return target_in(Place("aws", REGION, "123456789012"), settings)

    def as_json(self) -> str:
        """The recording as a file: a line for each question."""
        lines = [
            json.dumps(
                {
                    "role": role,
                    "action": one.action,
                    "resource": one.resource,
                    "context": dict(one.context),
                    "by": list(by),
                }
            )
            for role, of_role in sorted(self.asked.items())
            for one, by in sorted(of_role.items(), key=lambda pair: (pair[0].action, pair[0].resource, pair[0].context))
        ]
        return "\n".join(lines) + "\n"

    @staticmethod
    def from_json(text: str) -> Recording:
        """The recording that a file holds."""
        found: dict[str, dict[Asked, tuple[str, ...]]] = defaultdict(dict)
        for one in map(json.loads, text.splitlines()):
            context = tuple(sorted(one["context"].items()))
            found[one["role"]][Asked(one["action"], one["resource"], context)] = tuple(one["by"])
        return Recording(found)


def _kept(questions: Mapping[str, Mapping[Asked, set[str]]], project: str) -> Recording:
    """Without what differs from run to run: the project's name, keys' ids, when the stream began."""
    found: dict[str, dict[Asked, set[str]]] = defaultdict(lambda: defaultdict(set))
    for role, of_role in questions.items():
        for one, by in of_role.items():
            context = tuple((name, value.replace(project, PROJECT)) for name, value in one.context)
            key = DEFAULT_KEY_ID if "kms:ResourceAliases" in dict(context) else OWN_KEY
            resource = re.sub(r":key/[0-9a-f-]{36}$", f":key/{key}", one.resource.replace(project, PROJECT))
            resource = re.sub(r"/stream/.*", "/stream/2026-01-01T00:00:00.000", resource)
            found[role][Asked(one.action, resource, context)] |= by
    return Recording({role: {one: tuple(sorted(by)) for one, by in of_role.items()} for role, of_role in found.items()})


class _Life:
    """A checkout whose AWS is behind a relay that records, and beside it the endpoint for what is not recorded."""

    def __init__(self, folder: Path, endpoint: Endpoint, project: str) -> None:
        self.project = project
        self.endpoint = endpoint
        account = "123456789012"
        self.place = Place("aws", REGION, account)
        self.world = World(endpoint, self.place)
        self.role = self.command = ""
        self.questions: dict[str, dict[Asked, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.faults: list[Exception] = []
        self.folder = folder
        self.here: Checkout | None = None

    def observe(self, sent: Sent, carried_out: bool) -> None:
        if carried_out or not self.role:
            return
        try:
            for one in asked(sent, self.world):
                self.questions[self.role][one].add(self.command)
        except Exception as error:  # noqa: BLE001 -- told at the end; here it would look like a broken endpoint
            self.faults.append(error)

    def configure(self, toml: str) -> None:
        backend = f'[dev.backend]\ntype = "s3"\nbucket = "{self.project}-states"\n'
        text = f'[dev]\nproject_name = "{self.project}"\n{toml}\n{backend}'
        if self.here is None:
            self.here = checkout(self.folder, text, self.environment)
        (self.folder / "environments.toml").write_text(text)

    environment: dict[str, str]

    @contextmanager
    def of(self, role: str, command: str) -> Iterator[None]:
        """What is sent in here is that role's."""
        self.role, self.command = role, command
        try:
            yield
        finally:
            self.role = ""

    def run(self, role: str, command: str, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
        """Run a command as that role; it must end with one of these statuses."""
        assert self.here is not None
        with self.of(role, command):
            done = self.here.run(*arguments)
        assert done.returncode in fine, f"{command}: {done.stdout[-3000:]}"
        return done.stdout

    def terraform(self, role: str, command: str, *arguments: str) -> str:
        assert self.here is not None
        binary = self.here.environment["TERRAFORM_BINARY_NAME"]
        return self.run(role, command, binary, "-chdir=cdktf.out/stacks/TapStackdev", *arguments)

    def synth(self, role: str, command: str) -> None:
        self.run(role, command, sys.executable, "main.py")

    def deploy(self, command: str, role: str = "deployer") -> None:
        self.synth(role, command)
        self.terraform(role, command, "init", "-input=false", "-no-color")
        self.terraform(role, command, "apply", "-auto-approve", "-input=false", "-no-color")

    def tap(self, role: str, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
        name = " ".join(("tap", *arguments[: 2 if arguments[0] in ("prompts", "alarms") else 1]))
        return self.run(role, name, *tap(*arguments), fine=fine)


def record(folder: Path) -> Recording:
    """Run a stack's whole life cycle and return what was asked of IAM."""
    project = f"p{secrets.token_hex(3)}"
    (folder / "server").mkdir()
    (folder / "checkout").mkdir()
    with embedded_aws(folder / "server") as server:
        endpoint = Endpoint(server.url, "embedded AWS")
        endpoint.s3.create_bucket(Bucket=f"{project}-states")
        life = _Life(folder / "checkout", endpoint, project)
        with relay(server.url, life.observe) as url:
            life.environment = Endpoint(url, "embedded AWS").attached
            _live(life)
    if life.faults:
        raise life.faults[0]
    return _kept(life.questions, project)


def _live(life: _Life) -> None:
    life.configure("")
    life.deploy("cdktf deploy")
    _programs(life)
    life.configure(_ON)
    life.deploy("cdktf deploy, everything on")
    _programs(life)
    _planner(life)
    life.tap("deployer", "alarms", "test", "dev")
    life.tap("deployer", "dashboard", "dev", str(life.folder / "dashboard.html"))
    _disturb(life)
    life.deploy("cdktf deploy, after drift")
    _lose_the_state(life)
    life.tap("deployer", "adopt", "dev", "--apply")
    life.configure(_WITHOUT_TAGS)
    life.deploy("cdktf deploy, tags removed")
    life.configure("")
    life.deploy("cdktf deploy, everything off")
    life.terraform("deployer", "cdktf destroy", "destroy", "-auto-approve", "-input=false", "-no-color")
    _undo_the_destruction_of_the_key(life)


def _planner(life: _Life) -> None:
    life.synth("planner", "cdktf diff")
    life.terraform("planner", "cdktf diff", "plan", "-input=false", "-no-color")
    life.tap("planner", "drift", "dev")
    life.tap("planner", "check", "dev")
    life.tap("planner", "dashboard", "dev", str(life.folder / "dashboard.html"))


def _disturb(life: _Life) -> None:
    """Somebody else changes what the next deploy sets back."""
    kms = life.endpoint.kms
    id_ = kms.describe_key(KeyId=f"alias/{life.project}-dev")["KeyMetadata"]["KeyId"]
    kms.update_key_description(KeyId=id_, Description="somebody else's")
    kms.disable_key_rotation(KeyId=id_)
    policy = json.loads(kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"])
    policy["Statement"] = policy["Statement"][:1]
    kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=json.dumps(policy))
    another = kms.create_key()["KeyMetadata"]["KeyId"]
    # It stays tagged, so that the deployer may take the alias away from it.
    kms.tag_resource(KeyId=another, Tags=kms.list_resource_tags(KeyId=id_)["Tags"])
    kms.update_alias(AliasName=f"alias/{life.project}-dev", TargetKeyId=another)
    kms.disable_key(KeyId=id_)
    arn = life.place.arn("iam", f"policy/{policy_names(life.project, 'dev', REGION)['reader']}", region="")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    life.endpoint.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)


def _lose_the_state(life: _Life) -> None:
    """And the alias, so that the key is looked for by its description and tags."""
    life.endpoint.s3.delete_object(Bucket=f"{life.project}-states", Key=f"{life.project}/dev/terraform.tfstate")
    life.endpoint.kms.delete_alias(AliasName=f"alias/{life.project}-dev")


def _undo_the_destruction_of_the_key(life: _Life) -> None:
    """What docs/when-something-goes-wrong.md says; by the AWS CLI there, by boto3 here."""
    (key,) = [
        one["KeyId"]
        for one in life.endpoint.kms.list_keys()["Keys"]
        if life.endpoint.kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    ]
    through = Endpoint(life.environment["AWS_ENDPOINT_URL"], "embedded AWS")
    with life.of("deployer", "aws kms cancel-key-deletion"):
        through.kms.cancel_key_deletion(KeyId=key)
    with life.of("deployer", "aws kms enable-key"):
        through.kms.enable_key(KeyId=key)


def _programs(life: _Life) -> None:
    """Each store command, as its role; twice in a life: without the claim index and with it."""
    assert life.here is not None
    table = ("--table", f"{life.project}-dev-turnaround-prompts")

    def prompts(role: str, *arguments: str, fine: tuple[int, ...] = (0,)) -> Mapping[str, str]:
        said = life.tap(role, "prompts", arguments[0], *table, *arguments[1:], fine=fine)
        first = said.strip().splitlines()[0] if said.strip().startswith("{") else "{}"
        found: dict[str, str] = json.loads(first)
        return found

    prompts("importer", "reindex", fine=(0, 2))  # of what was imported before the index was there
    made = [prompts("writer", "create", f"prompt {number}", "review")["id"] for number in range(4)]
    prompts("writer", "update", made[3], "failed")
    prompts("reader", "get", made[0])
    prompts("reader", "list")
    prompts("reader", "list", "--status", "pending")
    for finish in ("complete", "fail", "release"):
        claim = prompts("worker", "claim", "w1")
        prompts("worker", "extend", claim["id"], "--token", claim["token"])
        prompts("worker", finish, claim["id"], "--token", claim["token"])
    prompts("worker", "work", "w1", "--drain", "--", "true")
    lines = [{"prompt_text": "x", "task_type": "t"} | ({"id": f"i{n}"} if n % 2 else {}) for n in range(30)]
    (life.folder / "in.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    prompts("importer", "import", str(life.folder / "in.ndjson"), "--again")
    prompts("reader", "export", str(life.folder / f"out-{len(life.questions)}-{secrets.token_hex(2)}.ndjson"))
    for one in made:
        prompts("writer", "delete", one)
    _programs_in_typescript(life)
    _watch(life)


def _programs_in_typescript(life: _Life) -> None:
    """The same by the TypeScript store, as far as its example goes."""
    outputs = life.folder / "outputs.json"
    outputs.write_text(json.dumps({"TurnAroundPromptTableName": f"{life.project}-dev-turnaround-prompts"}))

    def prompts(role: str, *arguments: str) -> dict[str, str]:
        command = ("node", str(ROOT / "examples/typescript/dist/main.js"), str(outputs), *arguments)
        found: dict[str, str] = json.loads(life.run(role, f"main.js {arguments[0]}", *command))
        return found

    made = prompts("writer", "create", "a prompt", "review")["id"]
    prompts("reader", "get", made)
    claim = prompts("worker", "claim", "w1")
    prompts("worker", "complete", claim["id"], claim["claim_token"], "1")
    prompts("writer", "update", made, "failed")


def _watch(life: _Life) -> None:
    assert life.here is not None
    command = tap("prompts", "watch", "--table", f"{life.project}-dev-turnaround-prompts", "--from", "oldest")
    with life.of("stream_consumer", "tap prompts watch"):
        watching = life.here.start(*command)
        assert watching.stdout is not None
        line = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    assert line.startswith("{"), line
