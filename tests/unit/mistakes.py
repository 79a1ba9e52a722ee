"""Every mistake in the settings that we know of, and what the sentence about it must hold."""


def two_states(*buckets: str) -> str:
    """Two environments whose states have one key, in these buckets."""
    tables = zip(("dev", "prod"), buckets, strict=True)
    return "\n".join(f'[{name}.backend]\ntype = "s3"\nbucket = "{bucket}"\nkey = "k"' for name, bucket in tables)


SUFFIX = "1 to 20 lower-case letters, digits and hyphens"
PROJECT = "1 to 40 lower-case letters, digits and hyphens"
TAGS = "letters, digits, spaces and _ . : / = + - @, with no space at either end"
EMAIL = 'an e-mail address, or ""'

#: TOML, then what the sentence must hold: where, which setting, which value, what is allowed.
BAD_FILES: dict[str, tuple[str, list[str]]] = {
    "suffix-with-capitals": ("[Prod]", ["environments.toml", 'environment_suffix = "Prod"', SUFFIX]),
    "suffix-with-a-space": ('["my dev"]', ['environment_suffix = "my dev"', SUFFIX]),
    "suffix-of-40": (f"[{'x' * 40}]", ["x" * 40, SUFFIX]),
    "suffix-of-21": (f"[{'x' * 21}]", ["x" * 21, SUFFIX]),
    "suffix-empty": ('[""]', ['environment_suffix = ""', SUFFIX]),
    "suffix-begins-with-a-hyphen": ("[-dev]", ['environment_suffix = "-dev"', SUFFIX]),
    "suffix-ends-with-a-hyphen": ("[dev-]", ['environment_suffix = "dev-"', SUFFIX]),
    "suffix-with-an-underscore": ("[my_dev]", ['environment_suffix = "my_dev"', SUFFIX]),
    "suffix-of-another-alphabet": ('["дев"]', ['environment_suffix = "дев"', SUFFIX]),
    "suffix-with-a-line-break": ('["dev\\n"]', ['environment_suffix = "dev\\n"', SUFFIX]),
    "nothing-but-what-all-share": (
        '[default]\nregion = "eu-west-1"',
        ["no environment beside [default]", "[dev]", "TAP_ENVIRONMENT_SUFFIX"],
    ),
    "shared-wrong": ('[default]\nregion = "mars"\n[dev]', ["[default]: region", '"mars"', "an AWS region"]),
    "shared-tag-wrong": ('[default.tags]\na = "$"\n[dev.tags]\nb = "c"', ["[default]: tags.a", '"$"']),
    "own-tag-wrong": ('[default.tags]\na = "c"\n[dev.tags]\nb = "$"', ["[dev]: tags.b", '"$"']),
    "shared-bucket-wrong": (
        '[default.backend]\ntype = "s3"\nbucket = "States"\n[dev.backend]\nkey = "k"',
        ["[default]: backend.bucket", '"States"'],
    ),
    "shared-unknown": ("[default]\nregoin = 5\n[dev]", ["[default]: regoin = 5 is not a setting", "region?"]),
    "shared-suffix": ('[default]\nenvironment_suffix = "x"\n[dev]', ["[default]: environment_suffix", "brackets"]),
    "shared-names": ('[default.names]\ntable = "one"\n[dev]', ["[default]: names", "names of its own"]),
    "shared-state-key": (
        '[default.backend]\ntype = "s3"\nbucket = "states"\nkey = "k"\n[dev]\n[prod]',
        ["[prod]", 'backend.key = "k"', "[dev]"],
    ),
    "threshold-of-nought": (
        "[dev.thresholds]\nthrottle_alarm = 0",
        ["thresholds.throttle_alarm = 0", "a whole number from 1"],
    ),
    "threshold-in-quotes": (
        '[dev.thresholds]\nthrottle_alarm = "10"',
        ['thresholds.throttle_alarm = "10"', "a whole number"],
    ),
    "threshold-of-no-alarm": (
        "[dev.thresholds]\nthrotle_alarm = 9",
        ["thresholds.throtle_alarm = 9 is not a setting", "did you mean throttle_alarm?"],
    ),
    "account-of-11-digits": (
        '[dev]\nallowed_account_ids = ["11112222333"]',
        ['"11112222333"', "allowed_account_ids", "12 digits in quotes"],
    ),
    "account-a-number": ("[dev]\nallowed_account_ids = [111122223333]", ["111122223333", "a string in quotes"]),
    "account-no-list": ('[dev]\nallowed_account_ids = "111122223333"', ['"111122223333"', "a list"]),
    "period-of-90-seconds": ("[dev]\nalarm_period = 90", ["alarm_period = 90", "whole minutes in seconds"]),
    "period-of-nought": ("[dev]\nalarm_period = 0", ["alarm_period = 0", "from 60 to 86400"]),
    "period-of-two-days": ("[dev]\nalarm_period = 172800", ["alarm_period = 172800", "from 60 to 86400"]),
    "suffix-as-a-setting": ('[dev]\nenvironment_suffix = "prod"', ['[dev]: environment_suffix = "prod"', "brackets"]),
    "project-with-capitals": ('[dev]\nproject_name = "TAP"', ['[dev]: project_name = "TAP"', PROJECT]),
    "project-of-41": (f'[dev]\nproject_name = "{"p" * 41}"', ["project_name", "p" * 41, PROJECT]),
    "project-empty": ('[dev]\nproject_name = ""', ['project_name = ""', PROJECT]),
    "project-begins-with-a-digit": ('[dev]\nproject_name = "7up"', ['project_name = "7up"', "beginning with a letter"]),
    "project-a-number": ("[dev]\nproject_name = 7", ["project_name = 7", "a string in quotes"]),
    "project-an-expression": ('[dev]\nproject_name = "${var.x}"', ['project_name = "${var.x}"', PROJECT]),
    "project-a-date": ("[dev]\nproject_name = 2025-01-01", ["project_name", "2025-01-01", "a string in quotes"]),
    "region-that-does-not-exist": (
        '[dev]\nregion = "us-eest-1"',
        ['region = "us-eest-1"', "an AWS region", "us-east-1"],
    ),
    **{
        f"region-newer-than-the-provider-{region}": (f'[dev]\nregion = "{region}"', [region, "an AWS region"])
        for region in ("ap-southeast-6", "me-west-1", "sa-west-1", "us-isob-west-1")
    },
    **{
        f"state-key-{what}": (f'[dev.backend]\ntype = "s3"\nbucket = "states"\nkey = "{key}"', [f'"{key[:9]}', wanted])
        for what, key, wanted in (
            ("begins-with-a-slash", "/tap", "no / at either end"),
            ("of-1001", "k" * 1001, "1 to 1000"),
            ("that-is-a-lock", "tap.tflock", "no .tflock"),
            ("leads-elsewhere", "../tap", "no . or .."),
            ("leads-nowhere", "a/./b", "no . or .."),
            ("with-two-slashes", "a//b", "no //"),
        )
    },
    "state-key-with-a-slash-at-its-end": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nkey = "tap/"',
        ['backend.key = "tap/"', "no / at either end"],
    ),
    "region-empty": ('[dev]\nregion = ""', ['region = ""', "an AWS region"]),
    "region-a-list": ('[dev]\nregion = ["us-east-1"]', ['region = ["us-east-1"]', "a string in quotes"]),
    "region-that-is-none": ('[dev]\nregion = "aws-global"', ['region = "aws-global"', "an AWS region"]),
    "email-without-a-host": ('[dev]\nalert_email = "ops@"', ['alert_email = "ops@"', EMAIL]),
    "email-without-a-name": ('[dev]\nalert_email = "@example.com"', ['alert_email = "@example.com"', EMAIL]),
    "email-without-a-dot": ('[dev]\nalert_email = "ops@example"', ['alert_email = "ops@example"', EMAIL]),
    "email-twice": ('[dev]\nalert_email = "a@example.com b@example.com"', ["alert_email", "b@example.com", EMAIL]),
    "email-with-a-line-break": ('[dev]\nalert_email = "a@example.com\\n"', ['"a@example.com\\n"', EMAIL]),
    **{
        f"email-{what}": (f'[dev]\nalert_email = "{address}@example.com"', ["alert_email", EMAIL])
        for what, address in (
            ("an-expression", "${var.x}"),
            ("a-token-of-cdktf", "${TfToken[TOKEN.0]}"),
            ("a-directive", "%{if}"),
            ("with-a-control-character", "a\\u0007"),
            ("with-a-null", "a\\u0000"),
            ("with-an-invisible-space", "a\u200b"),
            ("with-a-scheme", "mailto:a"),
            ("two", "a,b"),
            ("in-brackets", "<a>"),
            ("too-long", "a" * 65),
        )
    },
    "email-of-a-host-with-an-empty-part": ('[dev]\nalert_email = "a@b..cc"', ['"a@b..cc"', EMAIL]),
    "email-of-a-host-with-a-hyphen-first": ('[dev]\nalert_email = "a@-b.cc"', ['"a@-b.cc"', EMAIL]),
    "email-false": ("[dev]\nalert_email = false", ["alert_email = false", "a string in quotes"]),
    "toggle-in-quotes": (
        '[dev]\ndeletion_protection_enabled = "true"',
        ['deletion_protection_enabled = "true"', "true or false"],
    ),
    "toggle-a-number": (
        "[dev]\npoint_in_time_recovery_enabled = 1",
        ["point_in_time_recovery_enabled = 1", "true or false"],
    ),
    "unknown-key": ("[dev]\nregoin = 5", ["[dev]: regoin = 5 is not a setting", "did you mean region?"]),
    "unknown-key-like-none": (
        "[dev]\nzzz = 5",
        ["[dev]: zzz = 5 is not a setting", "project_name, region, alert_email"],
    ),
    "unknown-key-s3": ("[dev]\ns3 = 1", ["[dev]: s3 = 1 is not a setting"]),
    "unknown-key-local": ("[dev]\nlocal = 1", ["[dev]: local = 1 is not a setting"]),
    "unknown-key-in-brackets": ('[dev]\n"[key]" = 1', ['[dev]: "[key]" = 1 is not a setting']),
    "unknown-key-with-a-line-break": ('[dev]\n"a\\nb" = 1', ['[dev]: "a\\nb" = 1 is not a setting']),
    "unknown-name": (
        '[dev.names]\ntabel = "prompts"',
        ['names.tabel = "prompts" is not a setting', "did you mean table?"],
    ),
    "unknown-backend-key": (
        '[dev.backend]\ntype = "s3"\nbucket = "b-1"\nbukcet = "b"',
        ['backend.bukcet = "b"', "did you mean bucket?"],
    ),
    "names-not-a-table": ("[dev]\nnames = 5", ["names = 5", "a table"]),
    "name-too-long": (f'[dev.names]\ntable = "{"t" * 256}"', ["names.table", "(256 characters)", "3 to 255"]),
    "name-with-a-space": ('[dev.names]\ntopic = "my topic"', ['names.topic = "my topic"', "1 to 256 letters"]),
    "name-a-number": ("[dev.names]\ntopic = 5", ["names.topic = 5", "a string in quotes"]),
    "alias-without-its-prefix": ('[dev.names]\nkey_alias = "tap"', ['names.key_alias = "tap"', "alias/"]),
    "alias-of-awss-own": (
        '[dev.names]\nkey_alias = "alias/aws/sns"',
        ['names.key_alias = "alias/aws/sns"', "not in alias/aws/"],
    ),
    "alarm-with-an-expression": (
        '[dev.names]\nthrottle_alarm = "${var.x}"',
        ['names.throttle_alarm = "${var.x}"', "1 to 255"],
    ),
    "tag-of-the-stacks-own": ('[dev.tags]\nManagedBy = "me"', ["ManagedBy", "tags of your own"]),
    "tag-of-awss-own": ('[dev.tags]\n"aws:x" = "1"', ["aws:x", "AWS keeps for itself"]),
    "tag-of-awss-own-in-capitals": ('[dev.tags]\n"AWS:x" = "1"', ["AWS:x", "AWS keeps for itself"]),
    "tag-with-a-strange-name": ('[dev.tags]\n"a{b}" = "1"', ['tags."a{b}"', "tag names of 1 to 128 " + TAGS]),
    "tag-with-an-expression": ('[dev.tags]\na = "${var.x}"', ['tags.a = "${var.x}"', "at most 256 " + TAGS]),
    "tag-name-of-129": (f'[dev.tags]\n{"k" * 129} = "1"', ["k" * 60, "1 to 128"]),
    "tag-name-begins-with-a-space": ('[dev.tags]\n" a" = "1"', ['tags." a"', "no space at either end"]),
    "tag-of-257": (f'[dev.tags]\na = "{"v" * 257}"', ["tags.a", "(257 characters)", "at most 256"]),
    "tag-ends-with-a-space": ('[dev.tags]\na = "b "', ['tags.a = "b "', "no space at either end"]),
    "tag-called-s3": ("[dev.tags]\ns3 = 5", ["tags.s3 = 5", "a string in quotes"]),
    "tags-a-list": ('[dev]\ntags = ["a"]', ['tags = ["a"]', "a table"]),
    "backend-unknown": (
        '[dev.backend]\ntype = "gcs"',
        ['backend.type = "gcs"', '"local", "s3", "http", "cloud" or "remote"'],
    ),
    "backend-without-a-type": ('[dev.backend]\nbucket = "b-1"', ["backend.type is missing", '"local", "s3"']),
    "backend-without-a-bucket": ('[dev.backend]\ntype = "s3"', ["backend.bucket is missing"]),
    "bucket-for-a-local-state": (
        '[dev.backend]\ntype = "local"\nbucket = "states"',
        ['backend.bucket = "states"', 'only for type = "s3"'],
    ),
    "address-for-a-bucket": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\naddress = "https://x.example"',
        ["backend.address", 'only for type = "http"'],
    ),
    "backend-key-misspelt-in-a-role": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nassume_role = { rolearn = "x" }',
        ["backend.assume_role.role_arn is missing"],
    ),
    "role-with-something-else": (
        '[dev.assume_role]\nrole_arn = "arn:aws:iam::111122223333:role/x"\nexternalid = "y"',
        ['assume_role.externalid = "y" is not a setting', "did you mean external_id?"],
    ),
    "role-that-is-none": (
        '[dev.assume_role]\nrole_arn = "deploy"',
        ['assume_role.role_arn = "deploy"', "a role's ARN"],
    ),
    "role-not-a-table": ('[dev]\nassume_role = "arn:aws:iam::111122223333:role/x"', ["assume_role", "a table"]),
    "session-with-a-space": (
        '[dev.assume_role]\nrole_arn = "arn:aws:iam::111122223333:role/x"\nsession_name = "a b"',
        ['session_name = "a b"', "2 to 64 letters"],
    ),
    "profile-an-expression": ('[dev]\nprofile = "${x}"', ['profile = "${x}"', "a profile's name"]),
    "default-tag-of-the-stacks-own": ('[dev.default_tags]\nProject = "me"', ["default_tags", "tags of your own"]),
    "tags-too-many-together": (
        "[dev.default_tags]\n"
        + "\n".join(f'a{number} = "x"' for number in range(40))
        + "\n[dev.tags]\n"
        + "\n".join(f'b{number} = "x"' for number in range(8)),
        ["default_tags", "at most 47 tags together with `tags`"],
    ),
    "state-key-of-kms": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nkms_key_id = "a b"',
        ['backend.kms_key_id = "a b"', "a key's id, ARN or alias/"],
    ),
    "state-prefix-leads-elsewhere": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nworkspace_key_prefix = "../x"',
        ['backend.workspace_key_prefix = "../x"', "no . or .."],
    ),
    "path-style-in-quotes": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nuse_path_style = "yes"',
        ['backend.use_path_style = "yes"', "true or false"],
    ),
    "endpoint-of-s3-without-a-scheme": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nendpoints = { s3 = "minio:9000" }',
        ['backend.endpoints.s3 = "minio:9000"', "an http:// or https:// address"],
    ),
    "endpoint-of-another-service": (
        '[dev.backend]\ntype = "s3"\nbucket = "states"\nendpoints = { kinesis = "https://x.example" }',
        ["backend.endpoints.kinesis", "the settings are s3, sts"],
    ),
    "http-without-an-address": ('[dev.backend]\ntype = "http"', ["backend.address is missing"]),
    "http-with-an-expression": (
        '[dev.backend]\ntype = "http"\naddress = "https://x.example/${y}"',
        ["backend.address", "an http:// or https:// address"],
    ),
    "http-method-in-small-letters": (
        '[dev.backend]\ntype = "http"\naddress = "https://x.example/"\nlock_method = "post"',
        ['backend.lock_method = "post"', "in capitals"],
    ),
    "http-state-of-two": (
        '[default.backend]\ntype = "http"\naddress = "https://x.example/state"\n[dev]\n[prod]',
        ["[prod]", 'backend.address = "https://x.example/state"', "[dev]"],
    ),
    "cloud-without-an-organization": ('[dev.backend]\ntype = "cloud"', ["backend.organization is missing"]),
    "cloud-workspace-of-two": (
        '[default.backend]\ntype = "cloud"\norganization = "o"\nworkspace = "w"\n[dev]\n[prod]',
        ["[prod]", 'backend.workspace = "w"', "[dev]"],
    ),
    "backend-not-a-table": ('[dev]\nbackend = "s3"', ['backend = "s3"', "a table"]),
    "bucket-with-capitals": ('[dev.backend]\ntype = "s3"\nbucket = "States"', ['backend.bucket = "States"', "3 to 63"]),
    "bucket-with-two-dots": ('[dev.backend]\ntype = "s3"\nbucket = "my..states"', ['"my..states"', "no .."]),
    "bucket-an-address": ('[dev.backend]\ntype = "s3"\nbucket = "10.0.0.1"', ['"10.0.0.1"', "not an IP address"]),
    "bucket-region": (
        '[dev.backend]\ntype = "s3"\nbucket = "b-1"\nregion = "mars"',
        ['backend.region = "mars"', "an AWS region"],
    ),
    "state-key-with-a-space": (
        '[dev.backend]\ntype = "s3"\nbucket = "b-1"\nkey = "a b"',
        ['backend.key = "a b"', "1 to 1000"],
    ),
    "outside-an-environment": (
        'region = "eu-west-1"',
        ['region = "eu-west-1"', "stands outside an environment", "[dev]"],
    ),
    "a-list-of-environments": ("[[dev]]", ["dev = [{}]", "stands outside an environment"]),
    "no-environment": ("# nothing", ["holds no environment", "[dev]"]),
    "broken-toml": ("[dev]\nregion = us", ["environments.toml is not valid TOML", "line 2"]),
    "number-of-5000-digits": (f"[dev]\nregion = {'9' * 5000}", ["environments.toml is not valid TOML"]),
    "hex-number-of-5000-digits": (f"[dev]\nregion = 0x{'f' * 5000}", ["[dev]: region = int", "a string in quotes"]),
    "nested-too-deeply": (f"[dev]\nregion = {'[' * 5000}{']' * 5000}", ["environments.toml is not valid TOML"]),
}

BAD_VARIABLES: dict[str, tuple[dict[str, str], list[str]]] = {
    "suffix-that-means-all": ({"TAP_ENVIRONMENT_SUFFIX": "default"}, ["default is not an environment", "all of them"]),
    "suffix": ({"TAP_ENVIRONMENT_SUFFIX": "My Dev"}, ["TAP_ENVIRONMENT_SUFFIX", '"My Dev"', SUFFIX]),
    "suffix-empty": ({"TAP_ENVIRONMENT_SUFFIX": ""}, ["TAP_ENVIRONMENT_SUFFIX", '""', SUFFIX]),
    "suffix-not-unicode": ({"TAP_ENVIRONMENT_SUFFIX": "\udc80"}, ["TAP_ENVIRONMENT_SUFFIX", "\\udc80", SUFFIX]),
    "project": ({"TAP_PROJECT_NAME": "TAP"}, ["TAP_PROJECT_NAME", '"TAP"', PROJECT]),
    "region": ({"TAP_REGION": "us-eest-1"}, ["TAP_REGION", '"us-eest-1"', "an AWS region"]),
    "email": ({"TAP_ALERT_EMAIL": "ops@"}, ["TAP_ALERT_EMAIL", '"ops@"', EMAIL]),
    "toggle": (
        {"TAP_DELETION_PROTECTION_ENABLED": "yes"},
        ["TAP_DELETION_PROTECTION_ENABLED", '"yes"', "true or false"],
    ),
    "name-misspelt": (
        {"TAP_DELETION_PROTECTION_ENABLE": "true"},
        ["TAP_DELETION_PROTECTION_ENABLE = ", '"true"', "did you mean TAP_DELETION_PROTECTION_ENABLED?"],
    ),
    **{
        f"meant-for-a-setting-{name}": ({name: "true"}, [f'{name} = "true" is not a setting', "these are: TAP_"])
        for name in (
            "TAP_PITR_ENABLED",
            "TAP_PROTECTION_ENABLED",
            "TAP_AWS_REGION",
            "TAP_EMAIL",
            "TAP_PROJECT",
            "TAP_SUFFIX",
            "TAP_CLAIM_INDEX",
            "TAP_PERIOD",
        )
    },
    **{
        f"in-the-file-alone-{name}": ({name: "s3"}, [f'{name} = "s3" is not a setting', "environments.toml alone"])
        for name in ("TAP_BACKEND", "TAP_BACKEND_BUCKET", "TAP_NAMES", "TAP_TAGS", "TAP_THRESHOLDS")
    },
    "in-lower-case": (
        {"TAP_deletion_protection_enabled": "true"},
        ['TAP_deletion_protection_enabled = "true"', "did you mean TAP_DELETION_PROTECTION_ENABLED?"],
    ),
    "toggle-empty": (
        {"TAP_POINT_IN_TIME_RECOVERY_ENABLED": ""},
        ["TAP_POINT_IN_TIME_RECOVERY_ENABLED", '""', "true or false"],
    ),
}

#: Two environments, or two alarms of one, after the same real thing.
SHARED: dict[str, tuple[str, list[str]]] = {
    "table": (
        '[dev]\n[prod.names]\ntable = "tap-dev-turnaround-prompts"',
        ["[prod]", "names.table", "[dev]", "TAP_ENVIRONMENT_SUFFIX=prod"],
    ),
    "key-alias": ('[dev]\n[prod.names]\nkey_alias = "alias/tap-dev"', ["[prod]", "names.key_alias", "[dev]"]),
    "topic": ('[dev]\n[prod.names]\ntopic = "tap-dev-alerts"', ["[prod]", "names.topic", "[dev]"]),
    "dashboard": ('[dev]\n[prod.names]\ndashboard = "tap-dev-dashboard"', ["[prod]", "names.dashboard", "[dev]"]),
    "dashboard-of-another-region": (
        '[dev]\n[prod]\nregion = "eu-west-1"\nnames = { dashboard = "tap-dev-dashboard" }',
        ["[prod]", "names.dashboard", "[dev]"],
    ),
    "alarm-of-another-kind": (
        '[dev]\n[prod.names]\nread_throttle_alarm = "tap-dev-dynamodb-write-throttle"',
        ["[prod]", "names.read_throttle_alarm", "[dev]"],
    ),
    "alarms-of-one-environment": (
        '[dev.names]\nread_throttle_alarm = "a"\nwrite_throttle_alarm = "a"',
        ["[dev]", "names.write_throttle_alarm", "names.read_throttle_alarm"],
    ),
    "prefix-put-together-otherwise": (
        '[b-c]\nproject_name = "a"\n[c]\nproject_name = "a-b"',
        ["[c]", "names.table", "[b-c]"],
    ),
    "state": (
        two_states("b-1", "b-1"),
        ["[prod]", 'backend.key = "k"', "[dev]"],
    ),
}
