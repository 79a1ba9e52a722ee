"""How the settings are read: `TAP_<SETTING>` in the process environment, then environments.toml, then the default.

`cdktf deploy --var` and `TF_VAR_*` come later still, at deploy (see tap.infra.stack).
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tap.settings.backends import BACKENDS, AssumeRole, Endpoints, HttpBackend, S3Backend
from tap.settings.mistakes import SettingsError, key, sentence, shown
from tap.settings.model import DEFAULT_SUFFIX, Names, Settings, Thresholds, default_names

#: Settings that a `TAP_*` variable can set, which are those of one plain value; the others live in the file alone.
FROM_PROCESS_ENVIRONMENT = tuple(
    name
    for name, field in Settings.model_fields.items()
    if field.annotation in (str, bool, int, float) and name != "environment_suffix"
)
#: Words by which a variable is taken for a mistyped setting; other TAP_* variables are other programs', or tap.store's.
_SETTINGS_WORDS = (
    *("PROTECT", "RECOVER", "PITR", "BACKUP", "MAIL", "ALERT", "REGION", "PROJECT", "SUFFIX", "ENVIRON"),
    *("INDEX", "ALARM", "PERIOD"),
)

#: The table of what all environments have in common.
SHARED = "default"
#: Settings that are tables: an environment's own entries come on top of the shared ones.
_MERGED = ("tags", "default_tags", "thresholds", "backend")


def load(file: Path, process_environment: Mapping[str, str]) -> list[Settings]:
    """The environments that this process is about.

    Without the file: one environment, `dev`, with the defaults. With `TAP_ENVIRONMENT_SUFFIX`: that one alone, whether
    or not it is in the file. The settings in `[default]` are every environment's, unless it has its own.

    :raises SettingsError: for the first mistake found, before anything is created.
    """
    _refuse_misspelt(process_environment)
    tables = _read(file)
    shared = tables.pop(SHARED, {})
    if (suffix := process_environment.get("TAP_ENVIRONMENT_SUFFIX")) is not None:
        tables = {suffix: tables.get(suffix, {})}
    elif not tables:
        raise SettingsError(
            f"{file.name} holds no environment beside [{SHARED}]: add a table such as [{DEFAULT_SUFFIX}], or set"
            " TAP_ENVIRONMENT_SUFFIX."
        )
    loaded = [_one(file.name, suffix, shared, table, process_environment) for suffix, table in tables.items()]
    _refuse_shared_names(loaded)
    return loaded


def _refuse_misspelt(process_environment: Mapping[str, str]) -> None:
    """Refuse a variable that was meant to be a setting: ignored, it would leave a table unprotected without a word."""
    known = ["TAP_ENVIRONMENT_SUFFIX", *(f"TAP_{setting.upper()}" for setting in FROM_PROCESS_ENVIRONMENT)]
    for variable in sorted(process_environment):
        name = variable.upper()
        if variable in known or not variable.startswith("TAP_"):
            continue
        said = f"{variable} = {shown(process_environment[variable])} is not a setting"
        if near := difflib.get_close_matches(name, known, n=1, cutoff=0.85):
            raise SettingsError(f"{said}; did you mean {near[0]}?")
        if any(word in name for word in ("TAG", "NAMES", "BACKEND", "BUCKET", "THRESHOLD")):
            raise SettingsError(f"{said}; tags, names, thresholds and the backend are set in environments.toml alone.")
        if any(word in name for word in _SETTINGS_WORDS):
            raise SettingsError(f"{said}; these are: {', '.join(known)}.")


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
    for name, value in document.items():
        if not isinstance(value, dict):
            raise SettingsError(
                f"{file.name}: {key(name)} = {shown(value)} stands outside an environment;"
                f" settings belong in a table such as [{DEFAULT_SUFFIX}]."
            )
    return document


def _one(
    file: str, suffix: str, shared: Mapping[str, Any], table: Mapping[str, Any], process_environment: Mapping[str, str]
) -> Settings:
    by_variable = "TAP_ENVIRONMENT_SUFFIX" in process_environment
    if suffix == SHARED:
        raise SettingsError(
            f"TAP_ENVIRONMENT_SUFFIX: {SHARED} is not an environment: in {file} its table is what all of them share."
        )
    origin: dict[tuple[str, ...], str] = {}
    values: dict[str, Any] = {"environment_suffix": suffix}
    for name, settings in ((SHARED, shared), (suffix, table)):
        place = f"{file}, [{key(name)}]"
        _refuse_misplaced(place, name, settings)
        for setting, value in settings.items():
            values[setting] = _merged(setting, values.get(setting), value)
            origin[setting,] = place
            if isinstance(value, dict):
                origin |= {(setting, inner): place for inner in value}
    origin["environment_suffix",] = "TAP_ENVIRONMENT_SUFFIX" if by_variable else f"{file}, the name of [{key(suffix)}]"
    for setting in FROM_PROCESS_ENVIRONMENT:
        variable = f"TAP_{setting.upper()}"
        if (text := process_environment.get(variable)) is not None:
            values[setting] = _parsed(setting, text)
            origin[setting,] = variable
    if isinstance(own := values.get("names"), dict):
        prefix = (str(values.get("project_name", "tap")), suffix)
        values["names"] = default_names(*prefix) | own
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        places = [origin[path[0], part] for part in path[1:] if (path[0], part) in origin]
        place = places[0] if places else origin.get((path[0],), "")
        of_backends = {kind: list(model.model_fields) for kind, model in BACKENDS.items()}
        raise SettingsError(sentence(first, place, _known_settings(path[:-1]), of_backends)) from error


def _merged(setting: str, shared: Any, own: Any) -> Any:
    """An environment's own value, on top of the shared one where both are tables of that kind."""
    if setting not in _MERGED or not isinstance(shared, dict) or not isinstance(own, dict):
        return own
    if setting == "backend" and own.get("type", shared.get("type")) != shared.get("type"):
        return own  # another kind of backend has settings of its own
    return {**shared, **own}


def _refuse_misplaced(place: str, name: str, table: Mapping[str, Any]) -> None:
    # The table's name is the suffix: were it a setting as well, the two could disagree.
    if "environment_suffix" in table:
        raise SettingsError(
            f"{place}: environment_suffix = {shown(table['environment_suffix'])} is not a setting"
            " here; the table's name in brackets is the environment's suffix."
        )
    if name == SHARED and "names" in table:
        raise SettingsError(
            f"{place}: names = {shown(table['names'])} can't be shared; each environment needs names of its own,"
            f" in a table such as [{DEFAULT_SUFFIX}.names]."
        )


def _parsed(setting: str, text: str) -> object:
    """The value that a variable's text stands for; the text itself if it is none of the setting's type."""
    wanted = Settings.model_fields[setting].annotation
    if wanted is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return wanted(text) if wanted in (int, float) else text
    except ValueError:
        return text


def _known_settings(path: list[str]) -> list[str]:
    """The settings in the table at that path, in which pydantic names the kind of backend after `backend`."""
    models: dict[str, type[BaseModel]] = {
        "names": Names,
        "thresholds": Thresholds,
        "assume_role": AssumeRole,
        "endpoints": Endpoints,
        **BACKENDS,
    }
    if path:
        return list(models[path[-1]].model_fields) if path[-1] in models else []
    return [name for name in Settings.model_fields if name != "environment_suffix"]


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
            raise SettingsError(f"[{suffix}]: {setting} = {shown(place[-1])} is already the one {user}; {wanted}.")


def _claims(settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The settings that name something outside, each with what AWS tells such things apart by."""
    for kind, name in settings.names.model_dump().items():
        # A dashboard's name is unique in the account, every other one in the region.
        region = "" if kind == "dashboard" else settings.region
        yield f"names.{kind}", ("alarm" if kind.endswith("alarm") else kind, region, name)
    if settings.state_place:
        setting = {S3Backend: "key", HttpBackend: "address"}.get(type(settings.backend), "workspace")
        yield f"backend.{setting}", ("state", *settings.state_place)
