"""Whether what is deployed is what the code promises: asked of AWS's own interfaces, without Terraform or a state.

The promises are the stack's Terraform JSON with its references resolved; a file for each part asks and compares.
"""

from tap.checks.lines import Line
from tap.checks.run import check

__all__ = ["Line", "check"]
