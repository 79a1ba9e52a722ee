#!/bin/sh
# lock.sh: renew Pipfile.lock from the Pipfile, without naming an index: that is the user's own configuration.
set -eu
export PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_VERBOSITY=-1
.venv-pipenv/bin/pipenv lock
.venv-pipenv/bin/python - <<'PYTHON'
import json
from pathlib import Path

file = Path("Pipfile.lock")
lock = json.loads(file.read_text())
lock["_meta"]["sources"] = []
for category, packages in lock.items():
    if category != "_meta":
        for package in packages.values():
            package.pop("index", None)
file.write_text(json.dumps(lock, indent=4, sort_keys=True) + "\n")
PYTHON
