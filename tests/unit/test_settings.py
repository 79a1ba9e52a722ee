"""environments.toml and TAP_* variables: who wins, and what a mistake is told."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tap.settings import FROM_PROCESS_ENVIRONMENT, LocalBackend, S3Backend, Settings, SettingsError, load
from tests.support.the_stack import THRESHOLDS
from tests.unit.mistakes import BAD_FILES, BAD_VARIABLES, SHARED, two_states

REPOSITORY = Path(__file__).parents[2]
NOTHING: Mapping[str, str] = {}

Loader = Callable[..., list[Settings]]


@pytest.fixture
def loaded(tmp_path: Path) -> Loader:
    """Loads a text as environments.toml; without a text there is no file."""

    def load_text(text: str | None = None, process_environment: Mapping[str, str] = NOTHING) -> list[Settings]:
        file = tmp_path / "environments.toml"
        if text is not None:
            file.write_text(text, encoding="utf-8")
        return load(file, process_environment)

    return load_text


class TestDefaults:
    def test_no_file_is_the_seeds_stack(self, loaded: Loader) -> None:
        (dev,) = loaded()
        plain = {setting: default for setting, *_, default in PRECEDENCE}
        nested = {"tags": {}, "backend": {"type": "local"}, "thresholds": THRESHOLDS, "allowed_account_ids": []}
        nested |= {"assume_role": None, "default_tags": {}}
        assert dev.model_dump(exclude={"names"}) == {"environment_suffix": "dev"} | plain | nested, ADD_IT

    def test_an_empty_table_is_the_same(self, loaded: Loader) -> None:
        assert loaded("[dev]") == loaded()

    def test_the_file_that_ships_is_the_defaults(self) -> None:
        assert load(REPOSITORY / "environments.toml", {}) == [Settings()]


#: A setting, its TOML, its TAP_ variable: two values that differ from each other and from the default.
PRECEDENCE = [
    ("project_name", 'project_name = "shop"', "shop", "mall", "mall", "tap"),
    ("region", 'region = "eu-west-1"', "eu-west-1", "ap-south-1", "ap-south-1", "us-east-1"),
    ("alert_email", 'alert_email = "a@example.com"', "a@example.com", "b@example.com", "b@example.com", ""),
    ("deletion_protection_enabled", "deletion_protection_enabled = true", True, "false", False, False),
    ("point_in_time_recovery_enabled", "point_in_time_recovery_enabled = true", True, "false", False, False),
    ("claim_index_enabled", "claim_index_enabled = true", True, "false", False, False),
    ("iam_policies_enabled", "iam_policies_enabled = true", True, "false", False, False),
    ("alarm_period", "alarm_period = 600", 600, "60", 60, 300),
    ("profile", 'profile = "shop"', "shop", "mall", "mall", ""),
]
ADD_IT = "A new setting needs its row in PRECEDENCE, in tests/unit/test_settings.py."


class TestWhoWins:
    def test_every_variable_is_tried_here(self) -> None:
        assert {row[0] for row in PRECEDENCE} == set(FROM_PROCESS_ENVIRONMENT), ADD_IT

    @pytest.mark.parametrize(("setting", "toml", "of_toml", "text", "of_variable", "default"), PRECEDENCE)
    def test_variable_then_file_then_default(
        self, loaded: Loader, setting: str, toml: str, of_toml: object, text: str, of_variable: object, default: object
    ) -> None:
        variable = {f"TAP_{setting.upper()}": text}
        assert getattr(loaded("[dev]")[0], setting) == default
        assert getattr(loaded(f"[dev]\n{toml}")[0], setting) == of_toml
        assert getattr(loaded(f"[dev]\n{toml}", variable)[0], setting) == of_variable
        assert getattr(loaded("[dev]", variable)[0], setting) == of_variable

    @pytest.mark.parametrize("setting", [row[0] for row in PRECEDENCE if row[-1] is False])
    @pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("True", True), ("false", False)])
    def test_a_variable_switches_on_and_off(self, loaded: Loader, setting: str, text: str, value: bool) -> None:
        (dev,) = loaded(f"[dev]\n{setting} = {str(not value).lower()}", {f"TAP_{setting.upper()}": text})
        assert getattr(dev, setting) is value

    def test_an_empty_variable_is_a_value(self, loaded: Loader) -> None:
        assert loaded('[dev]\nalert_email = "a@example.com"', {"TAP_ALERT_EMAIL": ""})[0].alert_email == ""

    def test_a_variable_is_for_every_environment(self, loaded: Loader) -> None:
        both = loaded('[dev]\n[prod]\nregion = "eu-west-1"', {"TAP_REGION": "ap-south-1"})
        assert [one.region for one in both] == ["ap-south-1", "ap-south-1"]

    def test_other_variables_do_nothing(self, loaded: Loader) -> None:
        others = {"AWS_REGION": "eu-west-1", "REGION": "eu-west-1", "TAP_EAGER_BINDINGS": "1", "tap_region": "x"}
        assert loaded("[dev]", others) == [Settings()]


class TestEnvironments:
    def test_each_table_is_one_in_the_files_order(self, loaded: Loader) -> None:
        assert [one.environment_suffix for one in loaded("[prod]\n[dev]\n[pr-7]")] == ["prod", "dev", "pr-7"]

    def test_the_suffix_variable_leaves_that_one_alone(self, loaded: Loader) -> None:
        text = '[dev]\n[prod]\nregion = "eu-west-1"'
        (prod,) = loaded(text, {"TAP_ENVIRONMENT_SUFFIX": "prod"})
        assert (prod.environment_suffix, prod.region) == ("prod", "eu-west-1")

    def test_the_suffix_variable_needs_no_edit(self, loaded: Loader) -> None:
        (throw_away,) = loaded("[dev]\nregion = 'eu-west-1'", {"TAP_ENVIRONMENT_SUFFIX": "pr-7"})
        assert throw_away == Settings(environment_suffix="pr-7")

    def test_the_suffix_variable_alone(self, loaded: Loader) -> None:
        (throw_away,) = loaded(None, {"TAP_ENVIRONMENT_SUFFIX": "pr-7"})
        assert throw_away == Settings(environment_suffix="pr-7")
        assert throw_away.names.table == "tap-pr-7-turnaround-prompts"

    def test_a_name_of_its_own_leaves_the_others(self, loaded: Loader) -> None:
        (prod,) = loaded('[prod.names]\ntable = "TurnAroundPromptTableprod"', {"TAP_PROJECT_NAME": "shop"})
        assert prod.names.table == "TurnAroundPromptTableprod"
        assert prod.names.topic == "shop-prod-alerts"


class TestBackend:
    def test_state_in_s3_has_a_place_of_its_own(self, loaded: Loader) -> None:
        both = loaded('[dev.backend]\ntype = "s3"\nbucket = "states"\n[prod.backend]\ntype = "s3"\nbucket = "states"')
        keys = [one.state_key(one.backend) for one in both if isinstance(one.backend, S3Backend)]
        assert keys == ["tap/dev/terraform.tfstate", "tap/prod/terraform.tfstate"]

    def test_a_key_of_ones_own(self, loaded: Loader) -> None:
        (dev,) = loaded('[dev.backend]\ntype = "s3"\nbucket = "states"\nkey = "a/b"\nregion = "eu-west-1"')
        assert isinstance(dev.backend, S3Backend)
        assert (dev.state_key(dev.backend), dev.backend.region) == ("a/b", "eu-west-1")

    def test_local_is_the_default(self, loaded: Loader) -> None:
        assert loaded('[dev.backend]\ntype = "local"') == loaded()
        assert isinstance(loaded()[0].backend, LocalBackend)


class TestTags:
    def test_ones_own(self, loaded: Loader) -> None:
        assert loaded('[dev.tags]\nCostCenter = "1234"\n"Kosten:Stelle" = ""')[0].tags == {
            "CostCenter": "1234",
            "Kosten:Stelle": "",
        }

    def test_as_many_as_aws_takes(self, loaded: Loader) -> None:
        def text(count: int) -> str:
            return "[dev.tags]\n" + "\n".join(f'tag{index} = "x"' for index in range(count))

        assert len(loaded(text(47))[0].tags) == 47
        with pytest.raises(SettingsError, match="at most 47 tags"):
            loaded(text(48))


def one_sentence(error: SettingsError) -> str:
    text = str(error)
    assert text.splitlines() == [text]
    assert text.endswith((".", "?"))
    assert "Traceback" not in text
    assert "pydantic" not in text
    return text


class TestMistakes:
    @pytest.mark.parametrize(("text", "expected"), BAD_FILES.values(), ids=BAD_FILES)
    def test_in_the_file(self, loaded: Loader, text: str, expected: list[str]) -> None:
        with pytest.raises(SettingsError) as caught:
            loaded(text)
        sentence = one_sentence(caught.value)
        assert [part for part in expected if part not in sentence] == [], sentence

    @pytest.mark.parametrize(("variables", "expected"), BAD_VARIABLES.values(), ids=BAD_VARIABLES)
    def test_in_a_variable(self, loaded: Loader, variables: dict[str, str], expected: list[str]) -> None:
        with pytest.raises(SettingsError) as caught:
            loaded("[dev]", variables)
        sentence = one_sentence(caught.value)
        assert [part for part in expected if part not in sentence] == [], sentence

    def test_a_variable_is_blamed_only_for_its_own(self, loaded: Loader) -> None:
        with pytest.raises(SettingsError, match=r"environments\.toml, \[dev\]: region"):
            loaded('[dev]\nregion = "mars"', {"TAP_ALERT_EMAIL": "ops@example.com"})

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "environments.toml").mkdir()
        with pytest.raises(SettingsError, match=r"environments\.toml cannot be read") as caught:
            load(tmp_path / "environments.toml", {})
        one_sentence(caught.value)

    def test_another_encoding(self, tmp_path: Path) -> None:
        file = tmp_path / "environments.toml"
        file.write_bytes("[dev] # für uns".encode("latin-1"))
        with pytest.raises(SettingsError, match="not valid TOML") as caught:
            load(file, {})
        one_sentence(caught.value)

    def test_the_mark_that_windows_editors_begin_with(self, tmp_path: Path) -> None:
        (file := tmp_path / "environments.toml").write_bytes("\ufeff[prod]".encode())
        assert load(file, {}) == [Settings(environment_suffix="prod")]

    @pytest.mark.parametrize("address", ["ops@example.com", "o'b+x@a-b.example.co", "1@2.eu", "a" * 64 + "@x.yy"])
    def test_addresses_that_people_have(self, loaded: Loader, address: str) -> None:
        assert loaded(f'[dev]\nalert_email = "{address}"') == [Settings(alert_email=address)]

    @pytest.mark.parametrize("bucket", ["123456789012", "1.2.3.4.5", "a.b-c"])
    def test_buckets_that_s3_takes(self, loaded: Loader, bucket: str) -> None:
        (one,) = loaded(f'[dev.backend]\ntype = "s3"\nbucket = "{bucket}"\nkey = "a/.b/..c/d.tfstate"')
        assert one.backend == S3Backend(type="s3", bucket=bucket, key="a/.b/..c/d.tfstate")

    def test_the_longest_tags(self, loaded: Loader) -> None:
        tags = {"k" * 128: "v" * 256, "a b": "c d", "e": ""}
        text = "\n".join(f'"{key}" = "{value}"' for key, value in tags.items())
        assert loaded(f"[dev.tags]\n{text}") == [Settings(tags=tags)]

    def test_settings_cannot_be_changed_later(self) -> None:
        setting = "region"
        with pytest.raises(ValueError, match="frozen"):
            setattr(Settings(), setting, "eu-west-1")


class TestDefault:
    """The table [default] is every environment's."""

    def test_its_settings_are_every_environments_unless_they_have_their_own(self, loaded: Loader) -> None:
        dev, prod = loaded(
            '[default]\nregion = "eu-west-1"\nproject_name = "shop"\n[dev]\n[prod]\nregion = "us-west-2"'
        )
        assert (dev.region, prod.region) == ("eu-west-1", "us-west-2")
        assert (dev.names.table, prod.names.table) == ("shop-dev-turnaround-prompts", "shop-prod-turnaround-prompts")

    def test_tables_are_put_together(self, loaded: Loader) -> None:
        (dev,) = loaded(
            '[default.tags]\nTeam = "a"\nCost = "1"\n[default.thresholds]\nthrottle_alarm = 50\n'
            '[default.backend]\ntype = "s3"\nbucket = "states"\n'
            '[dev.tags]\nCost = "2"\n[dev.thresholds]\nread_throttle_alarm = 60\n[dev.backend]\nregion = "eu-west-1"'
        )
        assert dev.tags == {"Team": "a", "Cost": "2"}
        assert dev.thresholds.model_dump() == THRESHOLDS | {"throttle_alarm": 50, "read_throttle_alarm": 60}
        assert dev.backend == S3Backend(type="s3", bucket="states", region="eu-west-1")

    def test_another_kind_of_backend_replaces_it(self, loaded: Loader) -> None:
        text = '[default.backend]\ntype = "s3"\nbucket = "states"\n[dev.backend]\ntype = "local"\n[prod]'
        dev, prod = loaded(text)
        assert (dev.backend, prod.backend) == (LocalBackend(), S3Backend(type="s3", bucket="states"))

    def test_an_environment_that_is_not_in_the_file_has_them_too(self, loaded: Loader) -> None:
        text = '[default.backend]\ntype = "s3"\nbucket = "states"\n[dev]'
        (throw_away,) = loaded(text, {"TAP_ENVIRONMENT_SUFFIX": "pr-7"})
        assert isinstance(throw_away.backend, S3Backend)
        assert throw_away.state_key(throw_away.backend) == "tap/pr-7/terraform.tfstate"
        assert loaded('[default]\nregion = "eu-west-1"', {"TAP_ENVIRONMENT_SUFFIX": "pr-7"})[0].region == "eu-west-1"

    def test_a_variable_wins_over_it(self, loaded: Loader) -> None:
        assert loaded('[default]\nregion = "eu-west-1"\n[dev]', {"TAP_REGION": "us-west-2"})[0].region == "us-west-2"


class TestSharedNames:
    @pytest.mark.parametrize(("text", "expected"), SHARED.values(), ids=SHARED)
    def test_are_refused(self, loaded: Loader, text: str, expected: list[str]) -> None:
        with pytest.raises(SettingsError, match="already the one") as caught:
            loaded(text)
        sentence = one_sentence(caught.value)
        assert [part for part in expected if part not in sentence] == [], sentence

    @pytest.mark.parametrize(
        "text",
        [
            '[dev]\n[prod]\nregion = "eu-west-1"\nnames = { table = "tap-dev-turnaround-prompts" }',
            '[dev.names]\ntable = "same"\ntopic = "same"\ndashboard = "same"',
            two_states("b-1", "b-2"),
        ],
        ids=["of-two-regions", "of-different-kinds", "of-two-buckets"],
    )
    def test_are_fine_where_aws_tells_them_apart(self, loaded: Loader, text: str) -> None:
        assert loaded(text)

    def test_are_fine_when_only_one_of_them_is_meant(self, loaded: Loader) -> None:
        text = '[dev]\n[prod.names]\ntable = "tap-dev-turnaround-prompts"'
        assert len(loaded(text, {"TAP_ENVIRONMENT_SUFFIX": "prod"})) == 1


def test_every_setting_has_a_default() -> None:
    required: list[Any] = [name for name, field in Settings.model_fields.items() if field.is_required()]
    assert required == []
