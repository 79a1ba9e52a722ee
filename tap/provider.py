"""The Terraform provider that the stack is made for, whatever framework writes the JSON."""

from typing import Final

#: With the namespace: OpenTofu, whose registry is another one, then reads the same state.
SOURCE: Final = "hashicorp/aws"
VERSION: Final = "5.100.0"
