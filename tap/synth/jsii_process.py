"""Start jsii's program early, and as one Node process instead of two.

As shipped, Python imports jsii and then waits for a Node process, which waits for a second one that runs the program;
all that the first one does is to check its own version and to carry messages. The program needs no more than a file
descriptor for the messages and a reader for what it prints, and Python can give it both before it imports jsii. The
other half of this is jsii_program.cjs, which also makes the program remember the digests of the packages.
"""

import atexit
import json
import os
import platform
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from tap.synth.bindings import SWITCH

#: The jsii that this was verified with, and the only one that it is used with.
VERIFIED = "1.142.0"
PROGRAM = Path(__file__).with_name("jsii_program.cjs")


def start_early(process_environment: Mapping[str, str] = os.environ) -> bool:
    """Start Node, and import jsii meanwhile; True when jsii will take this Node process for its own.

    False, and jsii stays as shipped, where this is switched off, the user has set another runtime, jsii is not the
    verified one or cdktf has been imported before.
    """
    node = shutil.which(process_environment.get("JSII_NODE", "node"))
    package = _verified_jsii()
    unwanted = process_environment.get(SWITCH) or "JSII_RUNTIME" in process_environment or "constructs" in sys.modules
    if unwanted or node is None or package is None or os.name != "posix":
        return False
    try:
        started = _start(node, package / "_embedded/jsii", process_environment)
    except OSError:  # jsii tells about it, should it have the same trouble
        return False
    _hand_over(*started)
    return True


def _verified_jsii() -> Path | None:
    jsii = find_spec("jsii")
    if jsii is None or jsii.origin is None:
        return None
    package = Path(jsii.origin).parent
    try:
        metadata = json.loads((package / "_metadata.json").read_bytes())
        return package if metadata["jsii-runtime"]["version"] == VERIFIED else None
    except (OSError, ValueError, LookupError):
        return None


def _start(
    node: str, embedded: Path, process_environment: Mapping[str, str]
) -> tuple["subprocess.Popen[bytes]", threading.Thread]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            # jsii's own two options: Python gives the first one, the process that is left out here adds the second.
            [node, "--max-old-space-size=4069", "--preserve-symlinks", PROGRAM, embedded, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**process_environment, "JSII_AGENT": f"Python/{platform.python_version()}"},
            pass_fds=[theirs.fileno()],
        )
        # For a Python that ends before jsii has taken the process over; jsii's own end of it comes first.
        atexit.register(_end, process)
        printed: dict[str, Any] = {"stdout": process.stdout, "stderr": process.stderr}
        reader = threading.Thread(target=_pass_on, args=(printed,), daemon=True)
        reader.start()
        # Where jsii writes and reads its messages. The last of the two to be closed closes the socket.
        process.stdin, process.stdout = ours.makefile("wb"), ours.makefile("rb")
    return process, reader


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _hand_over(process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
    from jsii._kernel.providers.process import _NodeProcess

    as_shipped = _NodeProcess.start

    def start(self: Any) -> None:
        _NodeProcess.start = as_shipped  # type: ignore[method-assign]
        self._process, self.sink_thread = process, reader
        try:
            self.handshake()
        except Exception as error:  # noqa: BLE001  (whatever it is, the way as shipped may work)
            warnings.warn(f"jsii is started once more, as shipped: {error!r}", stacklevel=2)
            _end(process)
            self.start()
        else:
            atexit.register(self.stop)

    _NodeProcess.start = start  # type: ignore[method-assign]


def _pass_on(printed: Mapping[str, IO[bytes]]) -> None:
    # Through Python's own streams, as jsii does, so that it stays in order with what Python prints.
    with selectors.DefaultSelector() as selector:
        for name, pipe in printed.items():
            selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                    printed[key.data].close()
                    continue
                try:
                    getattr(sys, key.data).buffer.write(chunk)
                except Exception:  # noqa: BLE001  (as jsii does: somebody put another object in the stream's place)
                    sys.stderr.write(f"{chunk!r}\n")
