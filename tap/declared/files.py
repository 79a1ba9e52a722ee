"""Which kind of document a file is, and what it declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap.declared import DeclaredError, cloudformation, plans, terraform
from tap.declared.resources import Document

_KINDS = (
    "Terraform JSON (cdk.tf.json), a plan or a state as `terraform show -json` writes it, or a CloudFormation template"
)


def read(file: Path) -> Document:
    """What a file declares.

    :raises DeclaredError: when it can't be read, or is none of the kinds that are known.
    """
    if file.exists() and not (file.is_file() or file.is_fifo()):
        raise DeclaredError(f"{file} can't be read: it is not a file.")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not text"
        raise DeclaredError(f"{file} can't be read: {reason}.") from error
    document = _parsed(text)
    if isinstance(document, Mapping):
        try:
            if plans.is_plan(document):
                return plans.read(document)
            if cloudformation.is_template(document):
                return cloudformation.read(document)
            if isinstance(document.get("resource", document.get("module")), Mapping | list):
                return terraform.read(document)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise DeclaredError(f"{file} is not well-formed ({type(error).__name__}). It must be {_KINDS}.") from error
    raise DeclaredError(f"{file} is none of the documents that can be read here: {_KINDS}.")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        pass
    import yaml  # late: only a template in YAML needs it

    from tap.declared.yaml_templates import parsed

    try:
        return parsed(text)
    except (yaml.YAMLError, RecursionError):
        return None
