"""`python -m bench.synth`: what a synth costs beside an empty cdktf program, and what everything else costs in synths.

Each comparison runs its two commands in turn. It takes about two minutes, most of it with the bindings as shipped.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# Nothing of tap.infra: its import sets NODE_OPTIONS, which the programs to compare with would inherit.
from bench.deployment import deployed
from bench.measure import ROOT, Command, Comparison, compare, report, run

#: The least that a cdktf program can do.
EMPTY_PROGRAM = """
from cdktf import App, TerraformStack
app = App()
TerraformStack(app, "empty")
app.synth()
"""
#: main.py as it would be if nothing in this project saw to its speed.
AS_SHIPPED = f"""
import gc, os, runpy
gc.disable = gc.freeze = lambda: None
os.environ["TAP_EAGER_BINDINGS"] = "1"
runpy.run_path({str(ROOT / "main.py")!r}, run_name="__main__")
"""


def clean_environment(process_environment: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what changes a synth, and without what slows Python down on some machines."""
    # Without byte code Python would compile this project for each run, which no user's second run does.
    dropped = ("PYTHONDONTWRITEBYTECODE", "AWS_ENDPOINT_URL", "TF_WORKSPACE")
    kept = {
        name: value
        for name, value in process_environment.items()
        if name not in dropped and not name.startswith(("TAP_", "CDKTF_"))
    }
    return {**kept, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}


def synth(folder: Path, environment: Mapping[str, str]) -> Command:
    """`python main.py`, which leaves its cdktf.out in that folder."""
    return Command("synth", (sys.executable, str(ROOT / "main.py")), folder, environment)


def against_empty_program(folder: Path, environment: Mapping[str, str], runs: int) -> Comparison:
    """What the bindings and the stack add to `import cdktf`."""
    empty = Command("empty cdktf program", (sys.executable, "-c", EMPTY_PROGRAM), folder, environment)
    return compare(
        "synth / empty program",
        synth(folder, environment),
        empty,
        runs=runs,
        target="≤ 1.3x, ≤ 150 MB",
    )


def against_bindings_as_shipped(folder: Path, environment: Mapping[str, str], runs: int) -> Comparison:
    """What tap.synth.bindings and main.py save."""
    shipped = Command(
        "bindings as shipped",
        (sys.executable, "-c", AS_SHIPPED),
        folder,
        {**environment, "PYTHONPATH": str(ROOT)},
    )
    ours = synth(folder, environment)
    return compare("as shipped / synth", shipped, ours, runs=runs, warm_ups=0, target="≥ 15x")


def tests_against_synth(folder: Path, environment: Mapping[str, str], runs: int) -> Comparison:
    """What a change costs until the quick tests have passed, in synths."""
    quick = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/snapshot")
    tests = Command("unit and snapshot tests", quick, ROOT, environment)
    return compare("tests / synth", tests, synth(folder, environment), runs=runs, target="≤ 8x")


def deploy_against_apply(
    deploy: Sequence[str], apply: Sequence[str], folder: Path, environment: Mapping[str, str], runs: int
) -> Comparison:
    """What `cdktf deploy` adds to `terraform apply` of the same JSON when there is nothing to change.

    The caller has deployed the stack already, and both commands find its state and its AWS through `environment`.
    """
    return compare(
        "cdktf deploy / terraform apply",
        Command("cdktf deploy, no change", deploy, folder, environment),
        Command("terraform apply, no change", apply, folder, environment),
        runs=runs,
    )


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.synth", description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="turns of a comparison; the slow ones take a third")
    parser.add_argument("--results", type=Path, default=ROOT / "bench-results.json", help="the JSON file to write")
    options = parser.parse_args()
    few = max(2, options.runs // 3)
    environment = clean_environment(os.environ)
    run(Command("priming", (sys.executable, "-m", "tap.synth.prime"), ROOT, environment))
    with tempfile.TemporaryDirectory(prefix="tap-bench-") as name:
        folder = Path(name)
        comparisons = [
            against_empty_program(folder, environment, options.runs),
            against_bindings_as_shipped(folder, environment, few),
            tests_against_synth(folder, environment, few),
        ]
        with deployed(folder, environment) as stack:
            comparisons.append(deploy_against_apply(stack.deploy, stack.apply, ROOT, stack.environment, few))
    report("synth", comparisons, options.results)


if __name__ == "__main__":
    main()
