"""`python -m tap …`."""

import sys

try:
    from tap.cli.app import app
except ModuleNotFoundError as error:
    sys.exit(f"There is no {error.name} in {sys.executable}: `make setup`, then `. .venv/bin/activate` in this shell.")

if __name__ == "__main__":
    app(prog_name="python -m tap")
