"""Proofs from the code alone: that alarms fire and their messages get to a topic, and what policies allow.

`alarms` proves each alarm of a document by its parts: `metrics` (AWS emits what it watches), `series` (a synthetic
series takes it to ALARM and back) and `delivery` (the policies let its message through). `engine` evaluates policies.
"""

from tap.errors import TapError


class ProofError(TapError):
    """A proof can't be made on this machine."""
