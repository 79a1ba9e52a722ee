"""Which kind of document a file is, and what it declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap.declared import UNREADABLE, DeclaredError, MalformedError, cloudformation, plans, terraform
from tap.declared.resources import Document

_KINDS = (
    "Terraform JSON (cdk.tf.json), a plan or a state as `terraform show -json` writes it, or a CloudFormation template"
)
_SHOWN = "Write it as JSON: terraform show -json FILE > plan.json"


def read(file: Path) -> Document:
    """What a file declares.

    :raises DeclaredError: when it can't be read, or is none of the kinds that are known.
    """
    try:
        if file.exists() and not (file.is_file() or file.is_fifo()):
            raise DeclaredError(f"{file} can't be read: it is not a file.")
        content = file.read_bytes()
    except OSError as error:
        raise DeclaredError(f"{file} can't be read: {error.strerror}.") from error
    if content.startswith(b"PK"):
        raise DeclaredError(f"{file} is a saved plan. {_SHOWN}")
    try:
        text = content.decode(json.detect_encoding(content))  # or UTF-16, as PowerShell's `>` writes it
    except ValueError as error:
        raise DeclaredError(f"{file} can't be read: it is not text in UTF-8.") from error
    document = _parsed(text, file)
    if isinstance(document, Mapping):
        try:
            if "\\ud" in text.lower():  # half a character, which could not be printed
                json.dumps(document, ensure_ascii=False).encode()
            return _read(document, file)
        except MalformedError as error:
            raise DeclaredError(f"{file} is not well-formed at {error.address}.") from error
        except (*UNREADABLE, RecursionError) as error:
            raise DeclaredError(f"{file} is not well-formed. It must be {_KINDS}.") from error
    raise DeclaredError(f"{file} is none of the documents that can be read here: {_KINDS}.")


def _read(document: Mapping[str, Any], file: Path) -> Document:
    if plans.is_plan(document):
        return plans.read(document)
    if cloudformation.is_template(document):
        return cloudformation.read(document)
    if isinstance(document.get("resource", document.get("module")), Mapping | list):
        return terraform.read(document)
    if "lineage" in document:
        raise DeclaredError(f"{file} is a state file. {_SHOWN}")
    raise DeclaredError(f"{file} is none of the documents that can be read here: {_KINDS}.")


def _parsed(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return None
    except ValueError as error:
        of_json = error
    if not text.strip():
        raise DeclaredError(f"{file} is empty.")
    if file.suffix == ".tf":
        raise DeclaredError(f"{file} is Terraform's own language. Make a plan of it: {_SHOWN}")
    import yaml  # late: only a template in YAML needs it

    from tap.declared.yaml_templates import parsed

    try:
        return parsed(text)
    except yaml.MarkedYAMLError as error:
        if text.lstrip().startswith(("{", "[")):
            raise DeclaredError(f"{file} is no valid JSON: {of_json}.") from error
        at = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DeclaredError(f"{file} is no valid YAML{at}: {error.problem}.") from error
    except (yaml.YAMLError, *UNREADABLE, RecursionError):
        return None
