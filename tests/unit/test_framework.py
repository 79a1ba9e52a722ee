"""cdktf, or cdktn under its names: this runs in an environment with one of them (`make test`, `make test-cdktn`)."""

import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

import tap.infra  # noqa: F401 -- it decides which one
from tap.synth.framework import CDKTF, CDKTN, installed


def test_what_is_installed_is_used() -> None:
    here = [names for names in (CDKTF, CDKTN) if names[0] in sys.modules or find_spec(names[0])]
    assert installed() in here
    name, prefix, _ = installed()
    assert import_module("cdktf").App is import_module(name).App
    key = import_module(f"{prefix}aws.kms_key")
    assert import_module("cdktf_cdktf_provider_aws.kms_key").KmsKey is key.KmsKey
    # A module knows itself by its own name, or its relative imports would break.
    assert key.__spec__ is not None
    assert key.__spec__.name == f"{prefix}aws.kms_key"


def test_what_neither_has_is_missing_by_the_name_that_was_asked_for() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_service"):
        import_module("cdktf_cdktf_provider_aws.no_such_service")
