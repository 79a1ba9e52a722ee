"""Settings written into environments.toml: comments, order and everything else in it stay as they are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap.settings.mistakes import SettingsError
from tap.settings.model import Settings, default_names
from tap.settings.reading import load


def write(file: Path, environment: str, wanted: Mapping[str, Any]) -> str:
    """Have the environment's settings be these, where they are not already; the change as a diff, "" for none.

    `wanted` may have `names`, a mapping of which each is compared with what the other settings make of it.

    :raises SettingsError: when one of them is not allowed; the file is then as it was.
    """
    import tomlkit  # late: only this needs it
    from tomlkit.items import InlineTable

    original = file.read_bytes() if file.exists() else b""
    mark = "\ufeff" if original.startswith(b"\xef\xbb\xbf") else ""  # Windows editors begin with it
    before = original.decode("utf-8-sig")
    document = tomlkit.parse(before)
    table = document.get(environment)
    if table is None:
        table = document[environment] = tomlkit.table()
    empty = tomlkit.inline_table if isinstance(table, InlineTable) else tomlkit.table
    current = _current(file, environment)
    for setting, value in wanted.items():
        if setting != "names" and getattr(current, setting) != value:
            table[setting] = value
    project = str(wanted.get("project_name", current.project_name))
    effective = default_names(project, environment) | dict(table.get("names", {}))
    if own := {name: value for name, value in wanted.get("names", {}).items() if effective[name] != value}:
        if "names" not in table:
            table["names"] = empty()
        table["names"].update(own)
    after = tomlkit.dumps(document)
    after += "" if after.endswith("\n") else "\n"
    if after.strip() == before.strip():
        return ""
    file.write_bytes((mark + after).encode())
    try:
        load(file, {})
        load(file, {"TAP_ENVIRONMENT_SUFFIX": environment})
    except SettingsError:
        file.write_bytes(original)
        raise
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), file.name, file.name, n=2
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _current(file: Path, environment: str) -> Settings:
    (current,) = load(file, {"TAP_ENVIRONMENT_SUFFIX": environment})
    return current
