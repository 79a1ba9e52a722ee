"""The physical names: within AWS's limits at their longest, and of one environment only."""

import pytest

from tap.settings import Names, Settings, default_names
from tests.support import aws_limits
from tests.support.the_stack import ALARMS, NAMED

LONGEST = Settings(environment_suffix="s" * 20, project_name="p" * 40)


def test_the_limits_know_every_name() -> None:
    assert set(aws_limits.OF_NAMES) == set(NAMED) == set(default_names("tap", "dev"))


@pytest.mark.parametrize("kind", aws_limits.OF_NAMES)
def test_longest_name_is_within_awss_limit(kind: str) -> None:
    name = getattr(LONGEST.names, kind)
    assert aws_limits.OF_NAMES[kind].fullmatch(name), f"{len(name)} characters"
    assert "p" * 40 + "-" + "s" * 20 in name


@pytest.mark.parametrize("kind", aws_limits.OF_NAMES)
def test_name_begins_with_project_and_environment(kind: str) -> None:
    assert default_names("shop", "pr-7")[kind].removeprefix("alias/").startswith("shop-pr-7")


def test_no_two_things_of_a_kind_share_a_name() -> None:
    names = default_names("tap", "dev")
    alarms = [name for kind, name in names.items() if kind.endswith("_alarm")]
    assert len(set(alarms)) == len(alarms) == len(ALARMS)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("tap", "dev"), ("tap", "prod")), (("tap", "dev"), ("shop", "dev"))],
    ids=["environments", "projects"],
)
def test_nothing_is_shared_between(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not set(default_names(*one).values()) & set(default_names(*other).values())


@pytest.mark.parametrize(
    ("setting", "longest", "too_long"),
    [
        ("table", "t" * 255, "t" * 256),
        ("key_alias", "alias/" + "k" * 250, "alias/" + "k" * 251),
        ("topic", "t" * 256, "t" * 257),
        ("dashboard", "d" * 255, "d" * 256),
        *((alarm.setting, "a" * 255, "a" * 256) for alarm in ALARMS),
    ],
)
def test_an_adopted_name_may_be_as_long_as_aws_takes(setting: str, longest: str, too_long: str) -> None:
    names = default_names("tap", "dev")
    assert getattr(Names(**names | {setting: longest}), setting) == longest
    with pytest.raises(ValueError, match=setting):
        Names(**names | {setting: too_long})


def test_the_stack_is_named_as_in_the_seed() -> None:
    assert Settings().stack_name == "TapStackdev"
    assert Settings(environment_suffix="prod").stack_name == "TapStackprod"
