"""The settings of the environments: what a setting is, how it is read, and how a mistake is worded.

`model` has the settings, `backends` those of where the state is, and `kinds` the values that they take. `reading`
reads environments.toml and the `TAP_…`
variables; `writing` writes it, and `mistakes` turns whatever is wrong into one sentence.
"""

from tap.settings.backends import (
    BACKENDS,
    AssumeRole,
    CloudBackend,
    HttpBackend,
    LocalBackend,
    RemoteBackend,
    S3Backend,
)
from tap.settings.kinds import EMAIL, aws_regions
from tap.settings.mistakes import SettingsError
from tap.settings.model import DEFAULT_SUFFIX, OWN_TAGS, Names, Settings, default_names
from tap.settings.reading import FROM_PROCESS_ENVIRONMENT, load
from tap.settings.writing import write

__all__ = [
    "BACKENDS",
    "DEFAULT_SUFFIX",
    "EMAIL",
    "FROM_PROCESS_ENVIRONMENT",
    "OWN_TAGS",
    "AssumeRole",
    "CloudBackend",
    "HttpBackend",
    "LocalBackend",
    "Names",
    "RemoteBackend",
    "S3Backend",
    "Settings",
    "SettingsError",
    "aws_regions",
    "default_names",
    "load",
    "write",
]
