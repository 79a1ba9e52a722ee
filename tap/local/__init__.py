"""What makes the stack run on this machine: the embedded AWS, Terraform with its provider, and Node."""

from pathlib import Path

from tap.errors import TapError


def _checkout() -> Path:
    """The folder of main.py and environments.toml: the checkout, or where an installed `tap` is run."""
    beside = Path(__file__).parents[2]
    return beside if (beside / "cdktf.json").is_file() else Path.cwd()


ROOT = _checkout()
#: What the commands leave behind between two calls; git ignores it.
WORK = ROOT / ".tap"
#: The outputs of what was deployed to the embedded AWS; those of a real deployment are the user's own file.
OUTPUTS = WORK / "outputs.json"


class LocalError(TapError):
    """Something on this machine is not as it must be; its text is one sentence that says what to do."""
