"""`python -m tap …`."""

import os
import sys

sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123  (started with its output closed)
if hasattr(sys.stdout, "reconfigure"):
    sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character still gets the rest

try:
    from tap.cli.app import app
except ModuleNotFoundError as error:
    sys.exit(f"There is no {error.name} in {sys.executable}: `make setup`, then `. .venv/bin/activate` in this shell.")

if __name__ == "__main__":
    app(prog_name="python -m tap")
