"""The embedded AWS: moto's server on 127.0.0.1, found again by later commands.

All it holds is in memory. Each start gets an instance id, and its state is kept in a Terraform workspace of that id, so
it is never mistaken for the state of another server, or of a stack on real AWS.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tap.local import ROOT, WORK, LocalError
from tap.state import identity
from tap.state.configured import TERRAFORMS_OWN

LOG = WORK / "embedded.log"
_RECORD = WORK / "embedded.json"
_START_SECONDS = 60
_STOP_SECONDS = 10


class Server(BaseModel):
    """A running embedded AWS."""

    pid: int
    port: int
    instance: str

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def workspace(self) -> str:
        """The Terraform workspace that holds the state of what was deployed to this very server."""
        return f"{identity.WORKSPACE_PREFIX}{self.instance}"


def variables_in_the_way(process_environment: Mapping[str, str]) -> list[str]:
    """Variables of a real account, or of another endpoint, that would win over those of `client_environment`."""
    names = {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
    }
    others = {variable for before, after in TERRAFORMS_OWN.values() for variable in (*before, *after)}
    return sorted(
        names | {name for name in process_environment if name.startswith("AWS_ENDPOINT_URL_") or name in others}
    )


def client_environment(server: Server, region: str, process_environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that make Terraform, the AWS CLI and boto3 use this server."""
    # Python reads the lower-case name first, Go the other one.
    exceptions = [process_environment.get(name) for name in ("NO_PROXY", "no_proxy")]
    no_proxy = ",".join(dict.fromkeys(filter(None, ["127.0.0.1", "localhost", *exceptions])))
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,  # the one that boto3 reads
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # Without it a client that misses its credentials asks the network for them, for 11 to 24 s.
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "TF_WORKSPACE": server.workspace,
    }


def running(record: Path = _RECORD) -> Server | None:
    """The server that an earlier `up` started, if it still runs.

    A server whose checkout was moved is ended: it can't load the code of what it has not been asked for yet.

    :raises LocalError: when something holds its port and does not answer.
    """
    try:
        server = Server.model_validate_json(record.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    answers = _identity(server.port)
    if answers is None or (answers.instance, answers.pid) != (server.instance, server.pid):
        return None
    if answers.moved:
        _stop(server.pid)
        return None
    return server


def up(port: int = 0, record: Path = _RECORD, log: Path = LOG) -> Server:
    """Start a server on that port, or on a free one, and return when it answers.

    :raises LocalError: when one is running already, the port is taken, or it does not start.
    """
    with _alone(record):
        return _up(port, record, log)


def _up(port: int, record: Path, log: Path) -> Server:
    if server := running(record):
        raise LocalError(
            f"The embedded AWS is already running at {server.url} (pid {server.pid});"
            ' `eval "$(tap local env)"` has this shell use it, `tap local down` stops it.'
        )
    if find_spec("moto") is None:
        raise LocalError(f'There is no moto in {sys.executable}, which the embedded AWS is: pip install "tap[local]".')
    _forget(record)
    instance = secrets.token_hex(4)
    with _listening(port) as listener:
        process = _spawn(listener, instance, log)
        port = listener.getsockname()[1]
    server = Server(pid=process.pid, port=port, instance=instance)
    # Written before the server answers, so that `down` finds the process whatever happens.
    record.write_text(server.model_dump_json())
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _identity(port):
            return server
        time.sleep(0.05)
    process.kill()
    process.wait()
    record.unlink()
    raise LocalError(f"The embedded AWS did not start; its log is {_shown(log)}.")


def down(record: Path = _RECORD) -> Server | None:
    """Stop the server and remove all that belongs to it; None when none was running."""
    with _alone(record):
        server = running(record)
        if server:
            _stop(server.pid)
        _forget(record)
        return server


@contextlib.contextmanager
def _alone(record: Path) -> Iterator[None]:
    """One `up` or `down` at a time, or two of them would start two servers and remember one."""
    record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # outputs and logs are nobody else's
    with record.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _listening(port: int) -> socket.socket:
    # Opened here and handed on, so that a taken port is noticed at once.
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LocalError(
            f"Port {port} of 127.0.0.1 cannot be used: {os.strerror(error.errno or 0)};"
            " give another --port, or none for a free one."
        ) from error
    return listener


def _spawn(listener: socket.socket, instance: str, log: Path) -> "subprocess.Popen[bytes]":
    log.parent.mkdir(parents=True, exist_ok=True)
    # The server talks to nobody, so it gets nothing of the user's account.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tap.local.moto_server", str(listener.fileno()), instance],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def _identity(port: int) -> identity.Identity | None:
    try:
        return identity.of_server(port)
    except TimeoutError as error:
        raise LocalError(
            f"Something on 127.0.0.1:{port} takes connections and does not answer; if it is the embedded AWS,"
            f" end it with `kill PID`, the pid that {_shown(_RECORD)} has."
        ) from error


def _stop(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if _is_gone(pid):
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)


def _is_gone(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # when it is a child of ours it stays a zombie until it is waited for
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _forget(record: Path) -> None:
    """Remove the record and the states that belong to its server: they die with it."""
    with contextlib.suppress(FileNotFoundError, ValidationError):
        gone = Server.model_validate_json(record.read_bytes())
        _forget_states(gone.workspace)
    record.unlink(missing_ok=True)


def _forget_states(workspace_name: str) -> None:
    for workspace in ROOT.glob(f"terraform.*.tfstate.d/{workspace_name}"):
        shutil.rmtree(workspace)
        with contextlib.suppress(OSError):
            workspace.parent.rmdir()  # unless other workspaces' states are in it


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
