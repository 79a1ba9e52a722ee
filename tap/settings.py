"""One environment's settings: typed, validated, one clear sentence for each mistake.

Who wins: `TAP_<SETTING>` in the process environment, then environments.toml, then the default.
`cdktf deploy --var` and `TF_VAR_*` come later still, at deploy (see tap.infra.stack).
"""

import difflib
import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

DEFAULT_SUFFIX = "dev"
OWN_TAGS = ("Environment", "Project", "ManagedBy")
#: Settings that a `TAP_*` variable can set; the nested ones live in environments.toml alone.
FROM_PROCESS_ENVIRONMENT = (
    "project_name",
    "region",
    "alert_email",
    "deletion_protection_enabled",
    "point_in_time_recovery_enabled",
)

#: Regions that botocore knows and hashicorp/aws 5.100.0 refuses at plan ("invalid AWS Region").
NEWER_THAN_PROVIDER = frozenset({"ap-southeast-6", "me-west-1", "sa-west-1", "us-isob-west-1"})


class SettingsError(ValueError):
    """A setting that cannot be used; its text is one sentence for the person who wrote the setting."""


@cache
def aws_regions() -> frozenset[str]:
    """Every region that both the installed botocore (its data/partitions.json) and the pinned provider know."""
    botocore = importlib.util.find_spec("botocore")
    if botocore is None or botocore.origin is None:
        raise SettingsError("botocore is not installed: run `make setup`.")
    partitions = json.loads((Path(botocore.origin).parent / "data/partitions.json").read_bytes())["partitions"]
    names = {region for partition in partitions for region in partition["regions"]}
    return frozenset(name for name in names if not name.endswith("-global")) - NEWER_THAN_PROVIDER


def _matching(pattern: str, allowed: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def _known_region(value: str) -> str:
    if value not in aws_regions():
        near = difflib.get_close_matches(value, sorted(aws_regions()), n=2) or ["us-east-1"]
        raise ValueError(f"an AWS region, such as {' or '.join(near)}")
    return value


def _tag_names(tags: dict[str, str]) -> dict[str, str]:
    if taken := sorted(set(tags) & set(OWN_TAGS)):
        raise ValueError(f"tags of your own, not {taken[0]}, which the stack sets itself")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ValueError("tag names that do not begin with aws:, which AWS keeps for itself")
    if len(tags) > 50 - len(OWN_TAGS):
        raise ValueError(f"at most {50 - len(OWN_TAGS)} tags, since AWS takes 50 and the stack sets three")
    return tags


# The limits are AWS's own: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html.
# None of the character sets holds `$`, `%` or a quote, so a name is never read as a Terraform expression.
_Suffix = Annotated[
    str,
    _matching(
        r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?",
        "1 to 20 lower-case letters, digits and hyphens, with no hyphen at either end",
    ),
]
_Project = Annotated[
    str,
    _matching(
        r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        "1 to 40 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
    ),
]
_Region = Annotated[str, AfterValidator(_known_region)]
#: Without $, %, { and }, so that none is read as an expression; without what RE2, which is Terraform's, lacks.
EMAIL = (
    r"[A-Za-z0-9!#&'*+/=?^_|~.-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
_Email = Annotated[str, _matching(f"|{EMAIL}", 'an e-mail address, or "" for no e-mail')]
_TableName = Annotated[str, _matching(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, _ . and -")]
_Alias = Annotated[
    str,
    _matching(
        r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}",
        "alias/ and 1 to 250 letters, digits, / _ and -, not in alias/aws/",
    ),
]
_TopicName = Annotated[str, _matching(r"[A-Za-z0-9_-]{1,256}", "1 to 256 letters, digits, _ and -")]
_DashboardName = Annotated[str, _matching(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ and -")]
_AlarmName = Annotated[
    str,
    _matching(r"[A-Za-z0-9_.:/()+=@, -]{1,255}", "1 to 255 letters, digits, spaces and _ . : / ( ) + = @ , -"),
]
_TagKey = Annotated[
    str,
    _matching(
        r"(?! )[\w .:/=+@-]{1,128}(?<! )",
        "tag names of 1 to 128 letters, digits, spaces and _ . : / = + - @, with no space at either end",
    ),
]
_TagValue = Annotated[
    str,
    _matching(
        r"(?! )[\w .:/=+@-]{0,256}(?<! )",
        "at most 256 letters, digits, spaces and _ . : / = + - @, with no space at either end",
    ),
]

_StateKey = Annotated[
    str,
    _matching(
        # `….tflock` is where the lock of the state `…` is; `//`, `.` and `..` are not the folders that they look like.
        r"(?!(.*/)?[.]{0,2}(/|$))[A-Za-z0-9!_.*'()/-]{1,1000}(?<!/)(?<![.]tflock)",
        "1 to 1000 letters, digits and ! _ . * ' ( ) / -, with no / at either end, no //, no . or .. between two /"
        " and no .tflock at its end",
    ),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Names(_Model):
    """The physical names of one environment's resources, each within AWS's limits for its kind."""

    table: _TableName
    key_alias: _Alias
    topic: _TopicName
    dashboard: _DashboardName
    throttle_alarm: _AlarmName
    system_error_alarm: _AlarmName
    read_throttle_alarm: _AlarmName
    write_throttle_alarm: _AlarmName


def default_names(project_name: str, environment_suffix: str) -> dict[str, str]:
    """Names under `<project_name>-<environment_suffix>`, so that environments share an account.

    The two arguments may be Terraform expressions.
    """
    prefix = f"{project_name}-{environment_suffix}"
    return {
        "table": f"{prefix}-turnaround-prompts",
        "key_alias": f"alias/{prefix}",
        "topic": f"{prefix}-alerts",
        "dashboard": f"{prefix}-dashboard",
        "throttle_alarm": f"{prefix}-dynamodb-throttle",
        "system_error_alarm": f"{prefix}-dynamodb-system-errors",
        "read_throttle_alarm": f"{prefix}-dynamodb-read-throttle",
        "write_throttle_alarm": f"{prefix}-dynamodb-write-throttle",
    }


class LocalBackend(_Model):
    """State in a file beside main.py."""

    type: Literal["local"] = "local"


class S3Backend(_Model):
    """State in an S3 bucket, locked by a file of its own beside it (Terraform 1.11's `use_lockfile`)."""

    type: Literal["s3"]
    bucket: Annotated[
        str,
        _matching(
            r"(?!.*[.][.])(?!([0-9]+[.]){3}[0-9]+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            "3 to 63 lower-case letters, digits, . and -, with no .. and not an IP address",
        ),
    ]
    key: _StateKey | None = None
    region: _Region | None = None


class Settings(_Model):
    """What one environment's stack is made from; every setting has a default."""

    environment_suffix: _Suffix = DEFAULT_SUFFIX
    project_name: _Project = "tap"
    region: _Region = "us-east-1"
    alert_email: _Email = ""
    deletion_protection_enabled: bool = False
    point_in_time_recovery_enabled: bool = False
    tags: Annotated[dict[_TagKey, _TagValue], AfterValidator(_tag_names)] = {}
    backend: Annotated[LocalBackend | S3Backend, Field(discriminator="type")] = LocalBackend()
    names: Names = Field(
        default_factory=lambda data: Names(**default_names(data["project_name"], data["environment_suffix"]))
    )

    @property
    def stack_name(self) -> str:
        """The stack's name, as in the seed: `TapStack<environment_suffix>`."""
        return f"TapStack{self.environment_suffix}"

    def state_key(self, backend: S3Backend) -> str:
        """Where in the bucket this environment's state is."""
        return backend.key or f"{self.project_name}/{self.environment_suffix}/terraform.tfstate"


def load(file: Path, process_environment: Mapping[str, str]) -> list[Settings]:
    """The environments that this process is about.

    Without the file: one environment, `dev`, with the defaults. With `TAP_ENVIRONMENT_SUFFIX`: that one alone.

    :raises SettingsError: for the first mistake found, before anything is created.
    """
    _refuse_misspelt(process_environment)
    tables = _read(file)
    if (suffix := process_environment.get("TAP_ENVIRONMENT_SUFFIX")) is not None:
        tables = {suffix: tables.get(suffix, {})}
    loaded = [_one(file.name, suffix, table, process_environment) for suffix, table in tables.items()]
    _refuse_shared_names(loaded)
    return loaded


def _refuse_misspelt(process_environment: Mapping[str, str]) -> None:
    """A variable that was meant to be a setting: ignored, it would leave a table unprotected and nobody the wiser."""
    known = ["TAP_ENVIRONMENT_SUFFIX", *(f"TAP_{setting.upper()}" for setting in FROM_PROCESS_ENVIRONMENT)]
    for variable in sorted(process_environment):
        name = variable.upper()
        if variable in known or not variable.startswith("TAP_"):
            continue
        said = f"{variable} = {_shown(process_environment[variable])} is not a setting"
        if near := difflib.get_close_matches(name, known, n=1, cutoff=0.85):
            raise SettingsError(f"{said}; did you mean {near[0]}?")
        if any(word in name for word in ("TAG", "NAMES", "BACKEND", "BUCKET")):
            raise SettingsError(f"{said}; tags, names and the backend are set in environments.toml alone.")
        if any(word in name for word in _SETTINGS_WORDS):
            raise SettingsError(f"{said}; these are: {', '.join(known)}.")


#: Other TAP_* variables are other programs', or tap.store's.
_SETTINGS_WORDS = ("PROTECT", "RECOVER", "PITR", "BACKUP", "MAIL", "ALERT", "REGION", "PROJECT", "SUFFIX", "ENVIRON")


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Windows editors begin with a mark
    except FileNotFoundError:
        return {DEFAULT_SUFFIX: {}}
    except (ValueError, RecursionError) as error:  # also bad UTF-8, and numbers of thousands of digits
        raise SettingsError(f"{file.name} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{file.name} cannot be read: {error.strerror}.") from error
    if not document:
        raise SettingsError(f"{file.name} holds no environment: add a table such as [{DEFAULT_SUFFIX}], or remove it.")
    for key, value in document.items():
        if not isinstance(value, dict):
            raise SettingsError(
                f"{file.name}: {_key(key)} = {_shown(value)} stands outside an environment;"
                f" settings belong into a table such as [{DEFAULT_SUFFIX}]."
            )
    return document


def _one(file: str, suffix: str, table: Mapping[str, Any], process_environment: Mapping[str, str]) -> Settings:
    # The table's name is the suffix: were it a setting as well, the two could disagree.
    if "environment_suffix" in table:
        raise SettingsError(
            f"{file}, [{_key(suffix)}]: environment_suffix = {_shown(table['environment_suffix'])} is not a setting"
            " here; the table's name in brackets is the environment's suffix."
        )
    origin = dict.fromkeys(table, f"{file}, [{_key(suffix)}]")
    values: dict[str, Any] = {"environment_suffix": suffix, **table}
    by_variable = "TAP_ENVIRONMENT_SUFFIX" in process_environment
    origin["environment_suffix"] = "TAP_ENVIRONMENT_SUFFIX" if by_variable else f"{file}, the name of [{_key(suffix)}]"
    for setting in FROM_PROCESS_ENVIRONMENT:
        variable = f"TAP_{setting.upper()}"
        if (text := process_environment.get(variable)) is not None:
            values[setting] = _parsed(setting, text)
            origin[setting] = variable
    if isinstance(own := values.get("names"), dict):
        prefix = (str(values.get("project_name", "tap")), suffix)
        values["names"] = default_names(*prefix) | own
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error.errors()[0], origin)) from error


def _parsed(setting: str, text: str) -> object:
    if Settings.model_fields[setting].annotation is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def _sentence(error: ErrorDetails, origin: Mapping[str, str]) -> str:
    path = [str(part) for part in error["loc"]]
    # pydantic's own additions: which of the backends it took the table for, and that it means a key, not its value.
    if path[0] == "backend":
        del path[1:2]
    if path[0] == "tags":
        del path[2:]
    place = origin.get(path[0], "")
    allowed = {
        "string_type": "a string in quotes",
        "bool_type": "true or false",
        "dict_type": "a table",
        "model_type": "a table",
        "model_attributes_type": "a table",
        "missing": "given",
        "union_tag_invalid": '"local" or "s3"',
        "union_tag_not_found": '"local" or "s3"',
    }
    if error["type"] == "extra_forbidden":
        known = _known_settings(path[:-1])
        if path[0] == "backend" and path[-1] in S3Backend.model_fields:
            setting = f"{_key(*path)} = {_shown(error['input'])}"
            return f'{place}: {setting} is only for type = "s3"; a local state has no settings.'
        near = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}."
        return f"{place}: {_key(*path)} = {_shown(error['input'])} is not a setting; {hint}"
    if error["type"] in ("missing", "union_tag_not_found"):
        setting = _key(*(path if error["type"] == "missing" else [*path, "type"]))
        return f"{place}: {setting} is missing; it must be {allowed[error['type']]}."
    value = error["input"]
    if error["type"] == "union_tag_invalid":
        path, value = [*path, "type"], error["ctx"]["tag"]
    wanted = allowed.get(error["type"]) or str(error.get("ctx", {}).get("error", error["msg"]))
    return f"{place}: {_key(*path)} = {_shown(value)} is not allowed; it must be {wanted}."


def _known_settings(path: list[str]) -> list[str]:
    models: dict[str, list[str]] = {
        "names": list(Names.model_fields),
        "backend": list(S3Backend.model_fields),
    }
    if path:
        return models.get(path[0], [])
    return [name for name in Settings.model_fields if name != "environment_suffix"]


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # an integer of thousands of digits
        text = type(value).__name__
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    length = len(value) if isinstance(value, str) else len(text)
    return text if len(text) <= 80 else f"{text[:60]}… ({length} characters)"


def _key(*path: str) -> str:
    """A TOML key as one would write it: bare where that is possible."""
    return ".".join(part if re.fullmatch("[A-Za-z0-9_-]+", part) else _shown(part) for part in path)


def _refuse_shared_names(environments: list[Settings]) -> None:
    """Two resources that share a physical name in a region would fight over one real thing, and so would two states."""
    owner: dict[tuple[str, ...], tuple[str, str]] = {}
    for settings in environments:
        suffix = settings.environment_suffix
        for setting, place in _claims(settings):
            other_suffix, other_setting = owner.setdefault(place, (suffix, setting))
            if (other_suffix, other_setting) == (suffix, setting):
                continue
            if other_suffix == suffix:
                user, wanted = f"that {other_setting} uses", "each alarm needs a name of its own"
            else:
                user = f"that [{other_suffix}] uses"
                wanted = (
                    "each environment needs one of its own, or, where they are in two accounts,"
                    f" TAP_ENVIRONMENT_SUFFIX={suffix} to be looked at alone"
                )
            raise SettingsError(f"[{suffix}]: {setting} = {_shown(place[-1])} is already the one {user}; {wanted}.")


def _claims(settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The settings that name something outside, each with what AWS tells such things apart by."""
    for kind, name in settings.names.model_dump().items():
        # A dashboard's name is unique in the account, every other one in the region.
        region = "" if kind == "dashboard" else settings.region
        yield f"names.{kind}", ("alarm" if kind.endswith("alarm") else kind, region, name)
    if isinstance(settings.backend, S3Backend):
        yield "backend.key", ("state", settings.backend.bucket, settings.state_key(settings.backend))
