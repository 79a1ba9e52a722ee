"""What a document declares: Terraform JSON, a plan or state as JSON, or a CloudFormation template, in one form.

`resources` is that form: each resource with Terraform's type and arguments, and every reference that can be resolved
from the document alone resolved. `terraform`, `plans` and `cloudformation` read the three kinds, `files` tells which
kind a file is, and `alarms` makes alarms of resources.
"""

from typing import Final

from tap.errors import TapError


class DeclaredError(TapError):
    """A document is not one that can be read here."""


class UnreadableError(Exception):
    """A resource, by its address, has something in a place where it doesn't belong."""


#: What is raised while something is read that is not in the form that it should have.
UNREADABLE: Final = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
