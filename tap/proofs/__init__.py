"""Proofs from the code alone: that alarms fire and their messages get to a topic, and what policies allow.

`alarms` proves each alarm of a document by its parts: `metrics` (AWS emits what it watches; `tables` has what a table
must have for that), `series` (a synthetic series takes it to ALARM and back) and `delivery` (its message gets to the
topic; `access` has what the policies say). `engine` evaluates policies.
"""

from tap.errors import TapError


class ProofError(TapError):
    """A proof can't be made on this machine."""
