"""TAP: the Task Assignment Platform's stack in CDKTF, and what a team needs to run it."""

__version__ = "0.2.0.dev0"
