"""What a document declares: Terraform JSON, a plan or state as JSON, or a CloudFormation template, in one form.

`resources` is that form: each resource with Terraform's type and arguments, and every reference that can be resolved
from the document alone resolved. `terraform`, `plans` and `cloudformation` read the three kinds, `files` tells which
kind a file is, and `alarms` makes alarms of resources.
"""

from typing import Final

from tap.errors import TapError


class DeclaredError(TapError):
    """A document is not one that can be read here."""


class MalformedError(DeclaredError):
    """A resource, by its address, is malformed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is malformed.")
        self.address = address


#: What reading something malformed raises.
UNREADABLE: Final = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
