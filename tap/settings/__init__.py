"""The settings of the environments: what a setting is, how it is read, and how a mistake is worded.

`model` has the settings and `kinds` the values that they take; `reading` reads environments.toml and the `TAP_…`
variables; `writing` writes it, and `mistakes` turns whatever is wrong into one sentence.
"""

from tap.settings.kinds import EMAIL, aws_regions
from tap.settings.mistakes import SettingsError
from tap.settings.model import DEFAULT_SUFFIX, OWN_TAGS, LocalBackend, Names, S3Backend, Settings, default_names
from tap.settings.reading import FROM_PROCESS_ENVIRONMENT, load
from tap.settings.writing import write

__all__ = [
    "DEFAULT_SUFFIX",
    "EMAIL",
    "FROM_PROCESS_ENVIRONMENT",
    "OWN_TAGS",
    "LocalBackend",
    "Names",
    "S3Backend",
    "Settings",
    "SettingsError",
    "aws_regions",
    "default_names",
    "load",
    "write",
]
