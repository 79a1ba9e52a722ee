"""Shared by all tests."""

import os
from collections import Counter

import pytest

# Node's nag about its own age would hide real warnings.
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

#: What the folders hold, in the order of the summary.
KINDS = {
    "unit": "unit",
    "snapshot": "snapshot",
    "validation": "validation",
    "store": "prompt store",
    "commands": "commands",
    "browser": "in a browser",
    "package": "package",
    "docs": "documents",
    "integration": "end to end",
    "slow": "bindings",
    "cdktn": "under cdktn",
}

#: The files that take longest start first, or the others are done long before them. The rest keep their order.
LONGEST = (
    *("docs/test_commands.py", "integration/test_faults.py", "integration/test_backends.py"),
    *("store/test_faults.py", "store/test_faults_by_index.py", "integration/test_module.py"),
    *("integration/test_adopt.py", "commands/test_local_and_demo.py", "docs/test_ci_example.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files."""
    order = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.split("::")[0].removeprefix("tests/"), len(order)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of each kind ran, and on which endpoint."""
    ran: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport) and (report.when == "call" or outcome == "skipped"):
                kind = KINDS.get(report.nodeid.split("/")[1], report.nodeid)
                where = dict(report.user_properties).get("endpoint", "")
                ran[kind, f"{outcome}{f' on {where}' if where else ''}"] += 1
    terminalreporter.section("tests by kind")
    for kind in KINDS.values():
        counts = [f"{count} {what}" for (of, what), count in sorted(ran.items()) if of == kind]
        if counts:
            terminalreporter.write_line(f"{kind:>14}: {', '.join(counts)}")
