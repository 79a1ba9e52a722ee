"""The commands as people type them, in a copy of the checkout: the embedded AWS, the demo, and what goes wrong."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.local import ROOT, embedded
from tests.support.checkouts import Checkout
from tests.support.environment import process_environment

PROJECT_FILES = ("main.py", "cdktf.json", "environments.toml")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Checkout]:
    """A copy of the checkout, whose embedded AWS and states are its own."""
    for name in PROJECT_FILES:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tap", tmp_path / "tap")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    checkout = Checkout(tmp_path, process_environment())
    try:
        yield checkout
    finally:
        _tap(checkout, "local", "down")


def test_up_status_env_and_down_tell_one_story(here: Checkout) -> None:
    assert _tap(here, "local", "up").returncode == 0
    server = _server(here)
    assert (here.folder / ".tap").stat().st_mode & 0o077 == 0  # outputs and logs are nobody else's
    assert server.url in _tap(here, "local", "status").stdout
    variables = here.run(*_with_env("env")).stdout.splitlines()
    assert f"AWS_ENDPOINT_URL={server.url}" in variables
    assert f"TF_WORKSPACE={server.workspace}" in variables
    assert server.url in _tap(here, "local", "down").stdout
    assert not (here.folder / ".tap/embedded.json").exists()
    assert not _listens(server.port)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    assert _tap(here, "local", "status").returncode == 1


def test_env_takes_a_real_accounts_profile_away(here: Checkout) -> None:
    _tap(here, "local", "up")
    here.environment["AWS_PROFILE"] = "production"
    after = here.run(*_with_env("env")).stdout
    assert "AWS_PROFILE" not in after
    assert "AWS_ACCESS_KEY_ID=test\n" in after


def test_up_twice_is_refused_and_names_the_first(here: Checkout) -> None:
    _tap(here, "local", "up")
    server = _server(here)
    _assert_refused(_tap(here, "local", "up"), "already running", server.url)
    assert _server(here) == server


def test_up_on_a_taken_port_is_refused(here: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        _assert_refused(_tap(here, "local", "up", "--port", port), f"Port {port}", "Address already in use")
    assert not (here.folder / ".tap/embedded.json").exists()


def test_up_after_kill_9_starts_with_a_workspace_of_its_own(here: Checkout) -> None:
    _tap(here, "local", "up")
    first = _server(here)
    stale = here.folder / f"terraform.TapStackdev.tfstate.d/{first.workspace}"
    stale.mkdir(parents=True)
    os.kill(first.pid, signal.SIGKILL)
    assert _tap(here, "local", "status").returncode == 1
    assert _tap(here, "local", "up").returncode == 0
    assert _server(here).workspace != first.workspace
    assert not stale.exists()


def test_down_never_ends_a_process_that_only_has_the_servers_pid(here: Checkout) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        record = here.folder / ".tap/embedded.json"
        record.parent.mkdir()
        record.write_text(json.dumps({"pid": bystander.pid, "port": 9, "instance": "gone"}))
        assert "was not running" in _tap(here, "local", "down").stdout
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("home", [None, "/dev/null", "/nonexistent"])
def test_env_brings_a_home_that_can_be_written(home: str | None, here: Checkout) -> None:
    _tap(here, "local", "up")
    here.environment.pop("HOME")
    if home:
        here.environment["HOME"] = home
    assert f"export HOME={here.folder}/.home\n" in _tap(here, "local", "env").stdout


def test_env_without_a_server_is_refused_and_keeps_the_shell_from_a_real_account(here: Checkout) -> None:
    _assert_refused(_tap(here, "local", "env"), "not running", "local up")
    after = here.run("bash", "-c", f'eval "$({sys.executable} -m tap local env)" || echo "refused, $AWS_ENDPOINT_URL"')
    assert "refused, http://127.0.0.1:1\n" in after.stdout


def test_env_serves_a_bare_boto3_client_whatever_was_set_before(here: Checkout) -> None:
    _tap(here, "local", "up")
    here.environment.update(
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:9",
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
        TF_AWS_DYNAMODB_ENDPOINT="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
        no_proxy="corp.example",
    )
    ask = "import boto3; c = boto3.client('dynamodb'); print(c.list_tables()['TableNames'], c.meta.region_name)"
    done = here.run(*_with_env(f'{sys.executable} -c "{ask}"'))
    assert done.stdout == "[] us-east-1\n"
    assert "TF_AWS_DYNAMODB_ENDPOINT" not in here.run(*_with_env("env")).stdout


def test_silent_client_holds_nobody_up(here: Checkout) -> None:
    _tap(here, "local", "up")
    server = _server(here)
    with socket.create_connection(("127.0.0.1", server.port)):
        assert server.url in _tap(here, "local", "status").stdout
        assert server.url in _tap(here, "local", "down").stdout


def test_server_that_hangs_is_not_forgotten(here: Checkout) -> None:
    _tap(here, "local", "up")
    server = _server(here)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        _assert_refused(_tap(here, "local", "down"), "does not answer", str(server.port))
        assert _server(here) == server
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_another_service_on_the_port_of_a_server_that_died_is_not_taken_for_it(here: Checkout) -> None:
    record = here.folder / ".tap/embedded.json"
    record.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        record.write_text(json.dumps({"pid": 1, "port": listener.getsockname()[1], "instance": "gone"}))
        process = here.start(sys.executable, "-m", "tap", "local", "status")
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "The embedded AWS is not running; `tap local up` starts it.\n")


def test_server_of_a_checkout_that_was_moved_is_ended(here: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    _tap(here, "local", "up")
    first = _server(here)
    moved = Checkout(here.folder.rename(tmp_path_factory.mktemp("moved") / "here"), here.environment)
    try:
        assert _tap(moved, "local", "status").returncode == 1
        assert not _listens(first.port)
        assert _tap(moved, "local", "up").returncode == 0
        assert _server(moved).instance != first.instance
    finally:
        _tap(moved, "local", "down")
        here.folder.mkdir()


def test_two_ups_at_once_start_one_server(here: Checkout) -> None:
    both = [here.start(sys.executable, "-m", "tap", "local", "up") for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)
    assert sorted(process.returncode for process in both) == [0, 1]
    port = _server(here).port
    _tap(here, "local", "down")
    assert not _listens(port)


def test_another_servers_states_are_left_alone(here: Checkout) -> None:
    other = here.folder / "terraform.TapStackdev.tfstate.d/embedded-another"
    other.mkdir(parents=True)
    _tap(here, "local", "up")
    _tap(here, "local", "down")
    assert other.exists()


def test_mirror_that_holds_no_provider_is_refused(here: Checkout, tmp_path: Path) -> None:
    _tap(here, "local", "up")
    here.environment["TF_PLUGIN_MIRROR"] = str(tmp_path / "empty")
    _assert_refused(_tap(here, "local", "env"), "TF_PLUGIN_MIRROR", str(tmp_path / "empty"), "5.100.0")


def test_endpoint_that_is_no_address_is_named(here: Checkout) -> None:
    here.environment["AWS_ENDPOINT_URL"] = "localhost"
    done = here.run(sys.executable, "main.py")
    assert done.returncode == 1
    assert done.stdout == "AWS_ENDPOINT_URL is 'localhost', which is not an http:// or https:// address.\n"


def test_endpoint_that_takes_connections_and_never_answers_is_named(here: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        here.environment["AWS_ENDPOINT_URL"] = url
        done = here.run(sys.executable, "main.py")
    assert done.returncode == 1
    assert done.stdout.startswith(f"AWS_ENDPOINT_URL is {url}, where nobody answers")


@pytest.mark.parametrize("other", ["none", "another"])
def test_embedded_servers_workspace_at_another_endpoint_is_refused(other: str, here: Checkout) -> None:
    _tap(here, "local", "up")
    if other == "another":
        here.environment["AWS_ENDPOINT_URL"] = _server(here).url
    here.environment["TF_WORKSPACE"] = "embedded-gone"
    done = here.run(sys.executable, "main.py")
    assert done.returncode == 1
    assert done.stdout.startswith("TF_WORKSPACE is embedded-gone, which belongs to an embedded AWS")
    assert not (here.folder / "cdktf.out").exists()


def test_python_without_the_packages_says_what_to_do(here: Checkout) -> None:
    done = here.run(str(Path(sys.executable).resolve()), "-S", "-m", "tap", "local", "status")
    assert done.returncode == 1
    assert "make setup" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("command", ["deploy", "diff", "destroy"])
def test_endpoint_that_nobody_serves_is_named_at_once(command: str, here: Checkout) -> None:
    here.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    done = here.run("node_modules/.bin/cdktf", command, "TapStackdev")
    assert done.returncode != 0
    assert "AWS_ENDPOINT_URL is http://127.0.0.1:9, where nobody answers" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (here.folder / "cdktf.out/stacks").exists()


def test_demo_without_provider_and_registry_says_what_to_do(here: Checkout, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    configuration = tmp_path / "user.terraformrc"
    configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{tmp_path}/mirror" }}\n}}\n')
    here.environment["TF_CLI_CONFIG_FILE"] = str(configuration)
    here.environment.pop("TF_PLUGIN_MIRROR", None)
    done = _tap(here, "demo")
    _assert_refused(done, "hashicorp/aws 5.100.0", "TF_PLUGIN_MIRROR")
    assert not (here.folder / ".tap/embedded.json").exists()
    assert not list(here.folder.glob("terraform.*"))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [("TAP_REGION", "mars", ["TAP_REGION", '"mars"']), ("JSII_NODE", "no-node", ["There is no no-node on PATH"])],
)
def test_demo_on_a_machine_that_is_not_ready_starts_nothing(
    variable: str, value: str, words: list[str], here: Checkout
) -> None:
    here.environment[variable] = value
    _assert_refused(_tap(here, "demo"), *words)
    assert not (here.folder / ".tap/embedded.json").exists()


def test_down_stops_the_server_whatever_the_settings_say(here: Checkout) -> None:
    _tap(here, "local", "up")
    port = _server(here).port
    (here.folder / "environments.toml").write_text("[dev")
    _assert_refused(_tap(here, "demo", "--down"), "not valid TOML")
    assert not _listens(port)


def test_down_stops_the_server_also_when_the_destroy_is_refused(here: Checkout) -> None:
    _tap(here, "local", "up")
    port = _server(here).port
    here.environment["JSII_NODE"] = "no-node"  # as quick a refusal as any: deletion protection needs a deploy first
    gone = _tap(here, "demo", "--down")
    assert gone.returncode == 0, gone.stdout
    assert "The destroy was refused; what is left goes with the embedded AWS." in gone.stdout
    assert "✗ Destroying TapStackdev" in gone.stdout
    assert "✓ Destroying" not in gone.stdout
    assert not _listens(port)
    assert not (here.folder / ".tap").exists()


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("node", "There is no node on PATH"),
        ("npm", "There is no npm on PATH"),
        ("python3", "There is no python3 on PATH"),
    ],
)
def test_setup_without_a_tool_says_which(missing: str, sentence: str, tmp_path: Path) -> None:
    for tool in {"sh", "python3", "node", "npm"} - {missing}:
        real = Path(sys.executable).resolve() if tool == "python3" else shutil.which(tool)
        (tmp_path / tool).symlink_to(real or pytest.fail(f"this machine has no {tool}"))
    done = subprocess.run(
        [tmp_path / "sh", ROOT / "tools/check.sh", "python3"],
        env={"PATH": str(tmp_path), "HOME": os.environ["HOME"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(f"Error: {sentence}")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("place", "python", "origin", "node", "removed"),
    [
        ("", "", "file", "", set()),
        ("moved", "", "file", "", {".venv-pipenv/bin/pipenv"}),
        ("", "another", "file", "", set()),  # `make PYTHON=another setup`, and then `make test`
        ("", "another", "command line", "", {".venv-pipenv/bin/pipenv"}),
        ("", "", "file", "9", {"node_modules/.ready"}),
    ],
)
def test_setup_is_done_again_for_another_place_or_python_or_node(
    place: str, python: str, origin: str, node: str, removed: set[str], tmp_path: Path
) -> None:
    stamps = {".venv-pipenv/bin/pipenv", "node_modules/.ready"}
    for stamp in stamps:
        (tmp_path / stamp).parent.mkdir(parents=True)
        (tmp_path / stamp).touch()
    major = node or subprocess.check_output(["node", "-p", "process.versions.node"], text=True).split(".")[0]
    (tmp_path / "node_modules/.ready").write_text(major)
    venv.create(tmp_path / ".venv")
    configuration = tmp_path / ".venv/pyvenv.cfg"
    text = configuration.read_text().replace(str(tmp_path), str(tmp_path / place))
    # What `python -m venv` writes as its command in addition.
    text = re.sub(r"(?m)^command = .*", f"command = python3 -m venv --clear {tmp_path / place}/.venv", text)
    configuration.write_text(re.sub(r"(?m)^executable = .*", "executable = /another", text) if python else text)
    subprocess.run(["sh", ROOT / "tools/stale.sh", sys.executable, origin], cwd=tmp_path, check=True)
    assert {stamp for stamp in stamps if not (tmp_path / stamp).exists()} == removed


def test_setup_names_a_terraform_that_is_only_a_shim(tmp_path: Path) -> None:
    done = _check_with_terraform(tmp_path, "echo 'No version is set for command terraform' >&2; exit 126")
    assert done.returncode == 1
    assert done.stdout.startswith("Error: The terraform on PATH doesn't tell its version")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(("version", "status"), [("1.10.5", 1), ("0.15.5", 1), ("1.11.0", 0), ("2.0.0", 0)])
def test_setup_looks_at_the_terraform_that_is_there(version: str, status: int, tmp_path: Path) -> None:
    done = _check_with_terraform(tmp_path, f"echo '{json.dumps({'terraform_version': version})}'")
    assert done.returncode == status
    assert done.stdout.startswith(f"Error: terraform is version {version}; TAP needs Terraform 1.11" if status else "")


def _check_with_terraform(folder: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """What set-up says of a machine whose terraform does that."""
    terraform = folder / "terraform"
    terraform.write_text(f"#!/bin/sh\n{script}\n")
    terraform.chmod(0o755)
    return subprocess.run(
        ["sh", ROOT / "tools/check.sh", sys.executable],
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _tap(here: Checkout, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return here.run(sys.executable, "-m", "tap", *arguments)


def _with_env(command: str) -> list[str]:
    return ["bash", "-c", f'eval "$({sys.executable} -m tap local env)" && {command}']


def _server(here: Checkout) -> embedded.Server:
    return embedded.Server.model_validate_json((here.folder / ".tap/embedded.json").read_bytes())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _assert_refused(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    (sentence,) = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
    for word in words:
        assert word in sentence
