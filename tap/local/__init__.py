"""What makes the stack run on this machine: the embedded AWS, and Terraform with its provider."""

from pathlib import Path

#: The checkout: where main.py, cdktf.json and environments.toml are.
ROOT = Path(__file__).parents[2]
#: What the commands below leave behind between two calls; git ignores it.
WORK = ROOT / ".tap"
#: The outputs of what was deployed to the embedded AWS; those of a real deployment are the user's own file.
OUTPUTS = WORK / "outputs.json"

#: What the Terraform workspaces of embedded servers are called, before the server's id.
WORKSPACE_PREFIX = "embedded-"


class LocalError(Exception):
    """Something on this machine is not as it must be; its text is one sentence that says what to do."""
