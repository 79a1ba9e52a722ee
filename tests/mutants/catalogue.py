"""Small breakages of the stack and its settings, as somebody in a hurry might make them.

Each old text must occur exactly once in its file: when the code has moved on, the run stops and says so.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One breakage: in this file, instead of the old text the new one."""

    name: str
    file: str
    old: str
    new: str


def _in(file: str, *mutants: tuple[str, str, str]) -> list[Mutant]:
    return [Mutant(name, file, old, new) for name, old, new in mutants]


MUTANTS = [
    *_in(
        "tap/infra/alarms.py",
        ("UserErrors gets the table's dimension", '(Series("UserErrors", {}),)', '(Series("UserErrors", per_table),)'),
        (
            "SystemErrors per table alone",
            'by_operation("SystemErrors", table),',
            '(Series("SystemErrors", per_table),),',
        ),
        (
            "read throttles without the table",
            'per_table = Series(metric, {"TableName": table})',
            "per_table = Series(metric, {})",
        ),
        (
            "write alarm watches reads",
            'by_index("WriteThrottleEvents", table, index)',
            'by_index("ReadThrottleEvents", table, index)',
        ),
        (
            "a metric that does not exist",
            'by_index("ReadThrottleEvents", table, index)',
            'by_index("ReadThrottles", table, index)',
        ),
        (
            "the index not watched",
            'return (per_table, Series(metric, {"TableName": table, "GlobalSecondaryIndexName": index}))',
            "return (per_table,)",
        ),
        (
            "the index watched without its table",
            '{"TableName": table, "GlobalSecondaryIndexName": index}',
            '{"GlobalSecondaryIndexName": index}',
        ),
        ("an operation that does not exist", '    "Scan",', '    "ScanTable",'),
        ("an operation forgotten", '    "TransactWriteItems",\n', ""),
        (
            "an eleventh operation",
            '    "TransactWriteItems",\n',
            '    "TransactWriteItems",\n    "ExecuteStatement",\n',
        ),
        ("two alarms' names swapped", 'names["throttle_alarm"],', 'names["system_error_alarm"],'),
        ("an alarm renamed", '"DynamoDBReadThrottleAlarm",', '"ReadThrottleAlarm",'),
        ("another namespace", 'NAMESPACE = "AWS/DynamoDB"', 'NAMESPACE = "AWS/DDB"'),
        ("alarm at the first lost request", 'thresholds["system_error_alarm"]', "1"),
        ("dimension Operation misspelt", '"Operation": operation}', '"OperationName": operation}'),
    ),
    *_in(
        "tap/infra/alarm_resources.py",
        ("nobody hears that it is over", "        ok_actions=[topic_arn],\n", ""),
        ("nobody hears of it", "        alarm_actions=[topic_arn],\n", ""),
        ("the comparison turned round", '"GreaterThanOrEqualToThreshold"', '"LessThanOrEqualToThreshold"'),
        ("one above the threshold", '"GreaterThanOrEqualToThreshold"', '"GreaterThanThreshold"'),
        ("silence is an alarm", 'treat_missing_data="notBreaching"', 'treat_missing_data="breaching"'),
        ("the sum without FILL", 'f"FILL({id_}, 0)"', "id_"),
        ("the sum leaves the first out", "for id_ in ids),", "for id_ in list(ids)[1:]),"),
        ("the sum is not returned", "        return_data=True,\n", ""),
        ("average instead of sum", 'statistic=None if more else "Sum"', 'statistic=None if more else "Average"'),
        (
            "alarms without tags",
            "        ok_actions=[topic_arn],\n        tags=tags,\n",
            "        ok_actions=[topic_arn],\n",
        ),
        ("all alarms in one period of a day", "evaluation_periods=1", "evaluation_periods=288"),
        ("dimensions dropped", "dimensions=None if more else first.dimensions or None", "dimensions=None"),
    ),
    *_in(
        "tap/policies/resources.py",
        (
            "anybody may use the key",
            '"Principal": {"AWS": place.arn("iam", "root", region="")}',
            '"Principal": {"AWS": "*"}',
        ),
        ("no account-root statement", '"Action": "kms:*"', '"Action": "kms:Describe*"'),
        ("CloudWatch may do all with the key", '["kms:Decrypt", "kms:GenerateDataKey*"]', '["kms:*"]'),
        ("CloudWatch may not decrypt", '["kms:Decrypt", "kms:GenerateDataKey*"]', '["kms:GenerateDataKey*"]'),
        ("GenerateDataKey without its star", '"kms:GenerateDataKey*"', '"kms:GenerateDataKey"'),
        (
            "another account's alarms use the key",
            '"Resource": "*",\n                "Condition": _only_alarms_of(place),',
            '"Resource": "*",',
        ),
        (
            "another account's alarms publish",
            '"Resource": topic_arn,\n                "Condition": _only_alarms_of(place),',
            '"Resource": topic_arn,',
        ),
        ("no SourceAccount", '"StringEquals": {"aws:SourceAccount": place.account},', ""),
        ("any source of the account", '"alarm:*"', '"*"'),
        ("any region's alarms", 'place.arn("cloudwatch", "alarm:*")', 'place.arn("cloudwatch", "alarm:*", region="*")'),
        ("TLS denied instead of demanded", '"aws:SecureTransport": "false"', '"aws:SecureTransport": "true"'),
        ("the TLS deny is an allow", '"Effect": "Deny"', '"Effect": "Allow"'),
        (
            "the TLS deny for CloudWatch only",
            '"Principal": {"AWS": "*"}',
            '"Principal": {"Service": "cloudwatch.amazonaws.com"}',
        ),
        (
            "CloudWatch may do all with the topic",
            '"Action": "sns:Publish",\n                "Resource": topic_arn,\n                "Condition": _only',
            '"Action": "sns:*",\n                "Resource": topic_arn,\n                "Condition": _only',
        ),
        (
            "another service publishes",
            '"Sid": "AlarmsPublish",\n                "Effect": "Allow",\n                "Principal": {"Service": "cloudwatch.',
            '"Sid": "AlarmsPublish",\n                "Effect": "Allow",\n                "Principal": {"Service": "events.',
        ),
    ),
    *_in("tap/place.py", ("a literal partition", "arn:{self.partition}:", "arn:aws:")),
    *_in(
        "tap/policies/roles.py",
        (
            "a reader that reads every table",
            '["BatchGetItem", "GetItem", "Scan"])], target.table_arn',
            '["BatchGetItem", "GetItem", "Scan"])], "*"',
        ),
        ("a worker that may delete", '"dynamodb:Scan", "dynamodb:UpdateItem"]', '"dynamodb:*"]'),
        ("any key, not through DynamoDB alone", ', "StringLike": {"kms:ViaService": service}', ""),
        ("keys of other stacks", 'return {} if target.key_arn else {"StringEquals"', 'return {} or {"StringLike"'),
        (
            "a deployer of all topics",
            '_statement("ChangeTopic", _of("sns", topic), target.topic_arn)',
            '_statement("ChangeTopic", _of("sns", topic), "*")',
        ),
        (
            "anybody's new key",
            '"MakeKey", ["kms:CreateKey"], "*", StringEquals=tags',
            '"MakeKey", ["kms:CreateKey"], "*"',
        ),
    ),
    *_in(
        "tap/infra/table.py",
        (
            "a protected table that a plan may destroy",
            "lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None",
            "lifecycle=None",
        ),
        ("the claim index always there", "_CLAIM_KEYS if claim_index else ()", "_CLAIM_KEYS"),
        ("a claim index that does not say what is finished", '("status", "task_type"', '("task_type"'),
        ("no encryption under our key", "enabled=True, kms_key_arn=key_arn", "enabled=True"),
        (
            "no encryption block",
            "        server_side_encryption=DynamodbTableServerSideEncryption(enabled=True, kms_key_arn=key_arn),\n",
            "",
        ),
        (
            "no recovery block",
            "        point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=point_in_time_recovery),\n",
            "",
        ),
        ("recovery on the other condition", "enabled=point_in_time_recovery)", "enabled=deletion_protection)"),
        ("always protected", "deletion_protection_enabled=deletion_protection,", "deletion_protection_enabled=True,"),
        ("TTL on another attribute", 'attribute_name="ttl"', 'attribute_name="expires_at"'),
        ("TTL off", 'attribute_name="ttl", enabled=True', 'attribute_name="ttl", enabled=False'),
        ("the stream without old images", '"NEW_AND_OLD_IMAGES"', '"NEW_IMAGE"'),
        ("no stream", "stream_enabled=True", "stream_enabled=False"),
        ("ids are numbers", 'type="S"', 'type="N"'),
        ("provisioned", '"PAY_PER_REQUEST"', '"PROVISIONED"'),
        ("the table without tags", "        tags=tags,\n", ""),
        ("the table renamed", '"TurnAroundPromptTable",', '"PromptTable",'),
    ),
    *_in(
        "tap/infra/key.py",
        (
            "a protected key that a plan may destroy",
            "lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None",
            "lifecycle=None",
        ),
        ("rotation off", "enable_key_rotation=True", "enable_key_rotation=False"),
        ("a month until the key is gone", "deletion_window_in_days=7", "deletion_window_in_days=30"),
        ("the alias by ARN", "target_key_id=key.key_id", "target_key_id=key.arn"),
        ("the key without its policy", "        policy=json.dumps(key_policy(place)),\n", ""),
        ("the key without tags", "        tags=tags,\n", ""),
        (
            "no lockout check",
            "        tags=tags,\n",
            "        tags=tags,\n        bypass_policy_lockout_safety_check=True,\n",
        ),
    ),
    *_in(
        "tap/infra/topic.py",
        ("the topic not encrypted", "kms_master_key_id=key_arn, ", ""),
        ("the topic under AWS's key", "kms_master_key_id=key_arn", 'kms_master_key_id="alias/aws/sns"'),
        ("the topic without tags", ", tags=tags)", ")"),
        ("the subscription's condition turned round", '== "" ? 0 : 1', '== "" ? 1 : 0'),
        (
            "a subscription always",
            '    subscription.add_override("count", f\'${{{alert_email.fqn} == "" ? 0 : 1}}\')\n',
            "",
        ),
        ("the mail as a text message", 'protocol="email"', 'protocol="sms"'),
        (
            "the topic without its policy",
            '    policy = SnsTopicPolicy(scope, "SNSTopicPolicy", arn=topic.arn, policy=json.dumps(document))\n',
            "    policy = topic\n",
        ),
    ),
    *_in(
        "tap/infra/dashboard.py",
        (
            "two widgets overlap",
            '            graph(\n                12,\n                5,\n                "Throttled',
            '            graph(\n                10,\n                5,\n                "Throttled',
        ),
        (
            "a widget off the grid",
            "            graph(\n                12,\n                11,",
            "            graph(\n                18,\n                11,",
        ),
        ("a literal region in the graphs", '"region": region', '"region": "us-east-1"'),
        (
            "the red line at another number",
            '{"UserErrors": thresholds["UserErrors"]}',
            '{"UserErrors": 50}',
        ),
        ("the alarms not shown", '"alarms": list(alarm_arns)', '"alarms": list(alarm_arns)[:3]'),
        ("latency as a sum", "                    stat=statistic,\n", ""),
        ("capacity not per second", "{id_}/PERIOD({id_})", "{id_}"),
        (
            "latency per table alone",
            'for series in by_operation("SuccessfulRequestLatency", table)\n                        if series.dimensions["Operation"] in latency_of',
            'for series in [Series("SuccessfulRequestLatency", {"TableName": table})]',
        ),
        ("no units", '"label": unit, ', ""),
    ),
    *_in(
        "tap/infra/parts.py",
        ("an output renamed", "KMSKeyArn=(", "KmsKeyArn=("),
        ("an output of another thing", "KMSKeyId=(key.key_id,", "KMSKeyId=(key.arn,"),
        (
            "two outputs swapped",
            "TurnAroundPromptTableStreamArn=(table.stream_arn,",
            "TurnAroundPromptTableStreamArn=(table.arn,",
        ),
        (
            "two conditions swapped",
            "deletion_protection=conditions.deletion_protection_enabled.boolean_value",
            "deletion_protection=conditions.point_in_time_recovery_enabled.boolean_value",
        ),
        (
            "protection decided at synth",
            "point_in_time_recovery=conditions.point_in_time_recovery_enabled.boolean_value",
            "point_in_time_recovery=False",
        ),
        (
            "alarms on a table of the default name",
            "alarm_definitions(names, thresholds, index)",
            'alarm_definitions({**names, "table": f"tap-{environment_suffix}-turnaround-prompts"}, thresholds, index)',
        ),
        (
            "the address of a dashboard of the default name",
            "#dashboards:name={names['dashboard']}",
            "#dashboards:name=tap-{environment_suffix}-dashboard",
        ),
        ("the table outlives its alarms in a destroy", "policy, subscription, board]", "policy, subscription]"),
        ("China's console is everybody's", '"aws-cn": "console.amazonaws.cn"', '"aws-cn": "console.aws.amazon.com"'),
        (
            "GovCloud's console misspelt",
            '"aws-us-gov": "console.amazonaws-us-gov.com"',
            '"aws-gov": "console.amazonaws-us-gov.com"',
        ),
        (
            "alarms shown in another order of things",
            "alarm_arns=[alarm.arn for alarm in made]",
            "alarm_arns=[topic.arn for alarm in made]",
        ),
    ),
    *_in(
        "tap/infra/stack.py",
        (
            "a literal region for the provider",
            '        "aws",\n        region=settings.region,',
            '        "aws",\n        region="us-east-1",',
        ),
        (
            "any account allowed",
            "list(settings.allowed_account_ids) or None",
            "None",
        ),
        (
            "names in the settings ignored",
            "names=settings.names.model_dump(),",
            "names=config.default_names(settings.project_name, settings.environment_suffix),",
        ),
        ("a tag missing", '                "ManagedBy": "cdktf",\n', ""),
        ("a tag's value swapped", '"Project": settings.project_name', '"Project": settings.environment_suffix'),
        ("the environment's own tags forgotten", "                **settings.tags,\n", ""),
        ("an absolute path to the state", 'state = f"../../../terraform', 'state = f"/var/lib/terraform'),
        ("one state for all environments", 'terraform.{settings.stack_name}.tfstate"', 'terraform.tfstate"'),
        (
            "no lock on the state in S3",
            '    stack.add_override("terraform.backend.s3.use_lockfile", True)\n',
            "",
        ),
        ("the state in S3 not encrypted", "        encrypt=True,\n", ""),
        ("the backend's region ignored", "region=backend.region or settings.region", "region=settings.region"),
        (
            "null for a toggle",
            '            type="bool",\n            nullable=False,\n            default=settings.deletion_protection_enabled',
            '            type="bool",\n            nullable=True,\n            default=settings.deletion_protection_enabled',
        ),
        ("a variable required", "            default=settings.alert_email,\n", ""),
        (
            "a variable's default forgets the settings",
            "default=settings.point_in_time_recovery_enabled",
            "default=False",
        ),
        ("no validation of the address", '|| can(regex("^{config.EMAIL}$", var.alert_email))', "|| true"),
        ("the address's expression loosened", 'regex("^{config.EMAIL}$"', 'regex("{config.EMAIL}"'),
        (
            "an endpoint in the JSON",
            '        "aws",\n        region=settings.region,',
            '        "aws",\n        region=settings.region,\n        skip_credentials_validation=True,',
        ),
        (
            "the process environment in the JSON",
            '                "ManagedBy": "cdktf",\n',
            '                "ManagedBy": "cdktf",\n                "User": __import__("os").environ.get("USER", ""),\n',
        ),
    ),
    *_in(
        "tap/settings/kinds.py",
        ("a suffix with capitals", 'r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?"', 'r"[A-Za-z0-9]([a-z0-9-]{0,18}[a-z0-9])?"'),
        ("a suffix too long", "{0,18}", "{0,38}"),
        ("a suffix ends with a hyphen", 'r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?"', 'r"[a-z0-9]([a-z0-9-]{0,19})?"'),
        ("search for fullmatch", "compiled.fullmatch(value)", "compiled.match(value)"),
        ("any project name", 'r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"', 'r".*"'),
        ("an address without a host", 'matching(f"|{EMAIL}"', 'matching("|.+@.*"'),
        ("an address with any characters", "[A-Za-z0-9!#&'*+/=?^_|~.-]{1,64}@", ".{1,64}@"),
        ("regions that the provider does not know", '{"ap-southeast-6", "me-west-1", ', '{"ap-southeast-6", '),
        ("a tag's name too long", ".:/=+@-]{1,128}", ".:/=+@-]{1,300}"),
        ("a tag too long", ".:/=+@-]{0,256}", ".:/=+@-]{0,300}"),
        ("a state's key too long", "()/-]{1,1000}", "()/-]{1,2000}"),
        ("a state where another's lock is", "(?<![.]tflock)", ""),
        ("a state elsewhere", "(?!(.*/)?[.]{0,2}(/|$))[A-Za-z0-9!_.*'()/-]{1,1000}", "[A-Za-z0-9!_.*'()/-]{1,1000}"),
        ("any region", "if value not in aws_regions():", "if not value:"),
        ("a table name too long", 'matching(r"[A-Za-z0-9_.-]{3,255}"', 'matching(r"[A-Za-z0-9_.-]{3,256}"'),
        ("an alias of AWS's own", "(?!aws/)", ""),
    ),
    *_in(
        "tap/settings/model.py",
        ("unknown settings let through", 'extra="forbid"', 'extra="ignore"'),
        ("a number for a text, a text for a toggle", ", strict=True", ""),
        ("settings may change later", "frozen=True, ", ""),
        (
            "a setting of the stack's own tags",
            "    if taken := sorted(set(tags) & set(OWN_TAGS)):",
            "    if taken := []:",
        ),
        ("fifty tags of one's own", "if len(tags) > 50 - len(OWN_TAGS):", "if len(tags) > 50:"),
        (
            "protected by default",
            "deletion_protection_enabled: bool = False",
            "deletion_protection_enabled: bool = True",
        ),
        ("another default region", 'region: Region = "us-east-1"', 'region: Region = "us-west-2"'),
        (
            "names without the project",
            'prefix = f"{project_name}-{environment_suffix}"',
            'prefix = f"tap-{environment_suffix}"',
        ),
        (
            "names without the environment",
            'prefix = f"{project_name}-{environment_suffix}"',
            'prefix = f"{project_name}"',
        ),
        ("two alarms by one name", '_called("{}-dynamodb-write-throttle")', '_called("{}-dynamodb-read-throttle")'),
        (
            "the stack's name with a hyphen",
            'f"TapStack{self.environment_suffix}"',
            'f"TapStack-{self.environment_suffix}"',
        ),
        (
            "one state in S3 for all",
            "{self.project_name}/{self.environment_suffix}/terraform.tfstate",
            "{self.project_name}/terraform.tfstate",
        ),
    ),
    *_in(
        "tap/settings/reading.py",
        ("a misspelt variable is ignored", "    _refuse_misspelt(process_environment)\n", ""),
        ("variables meant for settings ignored", "if any(word in name for word in _SETTINGS_WORDS):", "if not name:"),
        ("Windows's mark refused", 'encoding="utf-8-sig"', 'encoding="utf-8"'),
        (
            "the file beats the variable",
            "is not None:\n            values[setting] = _parsed",
            "is not None and setting not in table:\n            values[setting] = _parsed",
        ),
        ("a variable forgotten", "in (str, bool, int, float) and", "in (str, int, float) and"),
        (
            "the suffix variable adds an environment",
            "tables = {suffix: tables.get(suffix, {})}",
            "tables = {**tables, suffix: tables.get(suffix, {})}",
        ),
        ("the suffix variable forgets the file", "tables = {suffix: tables.get(suffix, {})}", "tables = {suffix: {}}"),
        ("any text switches a toggle off", ".get(text.lower(), text)", ".get(text.lower(), False)"),
        ("environments may share names", "    _refuse_shared_names(loaded)\n", ""),
        (
            "dashboards told apart by region",
            'region = "" if kind == "dashboard" else settings.region',
            "region = settings.region",
        ),
        ("alarms of two kinds may share a name", '"alarm" if kind.endswith("alarm") else kind', "kind"),
        ("two states in one place", 'yield f"backend.{setting}"', 'return; yield f"backend.{setting}"'),
        (
            "no file is an error",
            "        return {DEFAULT_SUFFIX: {}}",
            '        raise SettingsError("There is no file.") from None',
        ),
        ("a table may name itself", '    if "environment_suffix" in table:', '    if "environment_suffix" in []:'),
        (
            "a mistake shows pydantic",
            "raise SettingsError(sentence(first, place, _known_settings(path[:-1]), of_backends)) from error",
            "raise SettingsError(str(error)) from error",
        ),
    ),
    *_in(
        "tap/settings/mistakes.py",
        ("a sentence of two lines", "char if char.isprintable() else ascii(char)[1:-1]", "char"),
    ),
    *_in(
        "main.py",
        ("a mistake with a traceback", "    sys.exit(str(error))", "    raise"),
        (
            "cdktf before the settings",
            "import os\nimport sys\n",
            "import os\nimport sys\nfrom cdktf import App as _App\n_App().synth()\n",
        ),
    ),
]
