"""`tap demo`: the whole stack on the embedded AWS, and a prompt's life in its table."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from tap import settings
from tap.cli import local
from tap.cli.console import err, fail, out, step
from tap.cli.outputs import show
from tap.cli.prompts_io import reporting, show_one
from tap.local import OUTPUTS, ROOT, WORK, LocalError, embedded, node, terraform
from tap.store import read_outputs
from tap.store.fields import prompt_fields

STACK = "TapStackdev"
_NEXT = {
    ". .venv/bin/activate": "have `tap`, with all it needs, in this shell",
    'eval "$(tap local env)"': "have cdktf, terraform, aws and boto3 use the embedded AWS",
    "tap prompts list": "what is in the table",
    'tap prompts create "Sum up" summary': "store another one",
    "tap prompts claim worker-1": "take it, as a worker does; this prints its ID and a TOKEN",
    "tap prompts complete ID --token TOKEN": "finish it",
    "npx cdktf diff TapStackdev": "after a change in environments.toml or tap/infra",
    "make down": "destroy and stop it all",
}
_LOG = WORK / "demo.log"
_SHOWN_LOG = f".tap/{_LOG.name}"
#: Seconds for a command, and for it to end after it is asked to: a deploy takes less than one minute.
_LONGEST = 600
_LAST_WORDS = 30
_ADVICE = {
    "Failed to query available provider packages": (
        f"Terraform found {terraform.PROVIDER} {terraform.PROVIDER_VERSION} neither here nor in its registry;"
        " connect to the internet, or name a folder that mirrors it in TF_PLUGIN_MIRROR."
    ),
    "S3 bucket": (
        "[dev] keeps its state in an S3 bucket that the embedded AWS does not have; make it there with"
        ' `aws s3 mb s3://BUCKET` after `eval "$(tap local env)"`, or take the backend out of [dev].'
    ),
    "Backend configuration changed": (
        f"The backend of [dev] has changed since cdktf.out was made; for the demo alone, remove"
        f" cdktf.out/stacks/{STACK}/.terraform, and see the README for moving the state of a real deployment."
    ),
}
#: What keeps cdktf from drawing over the terminal, and colour codes out of the log.
PLAIN = {
    "CI": "1",
    "FORCE_COLOR": "0",
    **{f"TF_CLI_ARGS_{command}": "-no-color" for command in ("init", "apply", "destroy")},
}
_CDKTF = ROOT / "node_modules/.bin/cdktf"


def demo(
    down: Annotated[
        bool, typer.Option("--down", help="Destroy what the demo deployed and stop the embedded AWS.", metavar="")
    ] = False,
) -> None:
    """Deploy TapStackdev to the embedded AWS, store and complete a prompt, show that nothing is left to change."""
    if down:
        _undo()
    else:
        _do()


def _do() -> None:
    start = time.monotonic()
    _LOG.unlink(missing_ok=True)
    _require_what_it_takes()
    if server := _running():
        out.print(f"[green]✓[/green] The embedded AWS is running at {server.url}")
    else:
        with step("Starting the embedded AWS"):
            _started()
    try:
        environment = _environment()
        with step(f"Deploying {STACK} with cdktf (what it says: {_SHOWN_LOG})"):
            _run([str(_CDKTF), "deploy", STACK, "--auto-approve", f"--outputs-file={OUTPUTS}"], environment)
    except (SystemExit, KeyboardInterrupt):
        if not server:  # a demo that fails leaves nothing of its own behind
            embedded.down()
        raise
    show(read_outputs(OUTPUTS, STACK))
    _prompt_life(environment)
    with step("Planning again"):
        plan = _run(
            [
                environment["TERRAFORM_BINARY_NAME"],
                f"-chdir=cdktf.out/stacks/{STACK}",
                "plan",
                "-no-color",
                "-input=false",
            ],
            environment,
        )
    verdict = next((line for line in plan.splitlines() if line.startswith(("No changes", "Plan:"))), "")
    if not verdict.startswith("No changes"):
        fail(f"the second plan is not empty: {verdict or plan}")
    out.print(f"  {verdict}")
    out.print(f"\nDone in {time.monotonic() - start:.0f} s. What next:")
    width = max(map(len, _NEXT))
    for command, what_for in _NEXT.items():
        out.print(f"  {command:{width}}   {what_for}", markup=False, soft_wrap=True)


def _undo() -> None:
    if not _running():
        embedded.down()  # a record or a state may be left of a server that somebody killed
        out.print("The embedded AWS is not running, so there is nothing to destroy.")
        return
    try:
        environment = _environment()
        with step(f"Destroying {STACK} with cdktf") as destroying:
            done = _logged([str(_CDKTF), "destroy", STACK, "--auto-approve"], environment)
            destroying.failed = done.status != 0
        if destroying.failed:
            # By deletion protection, say. That does no harm: all of it is in this server's memory.
            err.print("[yellow]The destroy was refused;[/yellow] what is left goes with the embedded AWS.")
    finally:
        embedded.down()
        out.print("[green]✓[/green] Stopped the embedded AWS.")
    shutil.rmtree(WORK)


def _require_what_it_takes() -> None:
    """Before anything is started, look at the checkout, the settings, Node and Terraform."""
    if not (ROOT / "main.py").is_file():
        fail(f"`tap demo` deploys this project's stack: run it in a checkout. There is no main.py in {ROOT}.")
    try:
        settings.load(ROOT / "environments.toml", os.environ)
        terraform.environment(os.environ)
        node.require(os.environ)
    except (LocalError, settings.SettingsError) as error:
        fail(error)


def _running() -> embedded.Server | None:
    try:
        return embedded.running()
    except LocalError as error:
        fail(error)


def _started() -> embedded.Server:
    try:
        return embedded.up()
    except LocalError as error:
        fail(error)


def _environment() -> dict[str, str]:
    ours, unset = local.environment()
    theirs = {name: value for name, value in os.environ.items() if name not in unset}
    # The suffix keeps the demo to the one stack it is about. A server on
    # this machine that fails five times will fail 25 times, which is the provider's default and takes minutes.
    return (
        theirs
        | ours
        | PLAIN
        | {
            # As for `npx cdktf`: a Node is there where the machine's own is none for cdktf-cli.
            "PATH": os.pathsep.join([str(_CDKTF.parent), os.environ["PATH"]]),
            "TAP_ENVIRONMENT_SUFFIX": "dev",
            "AWS_MAX_ATTEMPTS": "5",
        }
    )


class _Said(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    text: str


def _logged(command: list[str], environment: dict[str, str]) -> _Said:
    if not shutil.which(command[0]):
        fail(f"There is no {Path(command[0]).name} here: run `make setup`, which installs it.")
    with _LOG.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            process.wait(_LONGEST)
        except KeyboardInterrupt:
            # Terraform has had the Ctrl-C too: it writes down what it has made, and then ends.
            process.wait()
            raise
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_WORDS)
            process.kill()
            process.wait()
            minutes, program = _LONGEST // 60, Path(command[0]).name
            fail(f"`{program}` did not end within {minutes} minutes; what it said is in {_SHOWN_LOG}.")
    return _Said(process.returncode, _LOG.read_bytes()[before:].decode(errors="replace"))


def _run(command: list[str], environment: dict[str, str]) -> str:
    status, said = _logged(command, environment)
    if status:
        known = next((advice for symptom, advice in _ADVICE.items() if symptom in said), None)
        if known is None:
            err.print(said[-3000:], markup=False)
        fail(known or f"`{Path(command[0]).name}` failed; all it said is in {_SHOWN_LOG}.")
    return said


def _prompt_life(environment: dict[str, str]) -> None:
    """The CloudFormation template's example: create a prompt, complete it with a result, read it back."""
    from tap.store import PromptStore

    os.environ.update(
        {name: environment[name] for name in environment if name.upper().startswith(("AWS_", "NO_PROXY"))}
    )
    with step("Creating a prompt and completing it"), reporting():
        store = PromptStore.from_outputs(OUTPUTS)
        created = store.create("Review code for security vulnerabilities", "code_review", "high")
        store.update_status(created.id, "completed", {"score": 0.95})
        prompt = store.get(created.id)
    out.print("The prompt, read back:")
    show_one(prompt_fields(prompt), as_json=False)
