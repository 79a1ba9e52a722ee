"""The command line: `tap …`, or `python -m tap …`."""

import errno
import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line; it needs the extra `cli`."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123  (started with its output closed)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character still gets the rest
    try:
        from tap.cli.app import app
        from tap.cli.signals import stop_printing
    except ModuleNotFoundError as error:
        sys.exit(
            f'There is no {error.name} in {sys.executable}, which the command line needs: pip install "tap[cli]"'
            " (in a checkout: `make setup`, then `. .venv/bin/activate` in this shell)."
        )
    try:
        try:
            app(prog_name="tap" if Path(sys.argv[0]).name == "tap" else "python -m tap")
        finally:
            sys.stdout.flush()  # what doesn't fit is to be told here, not by Python as it ends
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        stop_printing()
        sys.exit(f"Error: Standard output can't be written: {error.strerror}.")
    except SystemExit as end:
        asks_for_help = len(sys.argv) == 1 or "--help" in sys.argv
        if asks_for_help and isinstance(end.__context__, BrokenPipeError):
            sys.exit(0)  # `tap --help | head -1`: whoever stops reading has seen enough
        raise


if __name__ == "__main__":
    main()
