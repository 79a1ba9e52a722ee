"""What a document declares: Terraform JSON, a plan or state as JSON, or a CloudFormation template, in one form.

`resources` is that form: each resource with Terraform's type and arguments, and every reference that can be resolved
from the document alone resolved. `terraform`, `plans` and `cloudformation` read the three kinds, `files` tells which
kind a file is, and `alarms` makes alarms of resources.
"""

from tap.errors import TapError


class DeclaredError(TapError):
    """A document is not one that can be read here."""
