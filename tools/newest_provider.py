"""Renew tests/validation/newest_provider.json: what the newest hashicorp/aws takes, for the types in use.

python tools/newest_provider.py BINDINGS PULUMI

BINDINGS is the folder of the newest bindings (`cdktn_provider_aws` of `cdktn-provider-aws`, in `.venv-cdktn`), whose
jsii description is a schema: names, nesting, what is required. It takes a gigabyte, hence the small file. PULUMI is the
folder of the newest `pulumi_aws`, which alone says on PyPI what is deprecated.
"""

import json
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "tests/validation/newest_provider.json"
#: Terraform's types, as the bindings call their modules and as pulumi calls its files and classes.
TYPES = {
    "aws_cloudwatch_dashboard": ("cloudwatchDashboard", "cloudwatch/dashboard.py", "Dashboard"),
    "aws_cloudwatch_metric_alarm": ("cloudwatchMetricAlarm", "cloudwatch/metric_alarm.py", "MetricAlarm"),
    "aws_dynamodb_table": ("dynamodbTable", "dynamodb/table.py", "Table"),
    "aws_iam_policy": ("iamPolicy", "iam/policy.py", "Policy"),
    "aws_kms_alias": ("kmsAlias", "kms/alias.py", "Alias"),
    "aws_kms_key": ("kmsKey", "kms/key.py", "Key"),
    "aws_sns_topic": ("snsTopic", "sns/topic.py", "Topic"),
    "aws_sns_topic_policy": ("snsTopicPolicy", "sns/topic_policy.py", "TopicPolicy"),
    "aws_sns_topic_subscription": ("snsTopicSubscription", "sns/topic_subscription.py", "TopicSubscription"),
    "data.aws_caller_identity": ("dataAwsCallerIdentity", "get_caller_identity.py", ""),
    "data.aws_partition": ("dataAwsPartition", "get_partition.py", ""),
    "data.aws_region": ("dataAwsRegion", "get_region.py", ""),
}
_DEPRECATED = re.compile(r'@_utilities\.deprecated\("""(.*?)"""\)\s+def (\w+)\(self', re.DOTALL)


def main(bindings: Path, pulumi: Path) -> None:
    (archive,) = (bindings / "_jsii").glob("*.tgz")
    with tarfile.open(archive) as package:
        description = package.extractfile("package/.jsii")
        assert description is not None  # noqa: S101 -- every jsii package has it
        types: dict[str, Any] = json.load(description)["types"]
    made = {
        kind: {
            "arguments": _arguments(types, f"{module}.{_class(module)}Config"),
            "attributes": sorted(_attributes(types, f"{module}.{_class(module)}")),
            "deprecated": dict(sorted(_deprecated(pulumi, file, name))),
        }
        for kind, (module, file, name) in TYPES.items()
    }
    (version,) = set(re.findall(r"hashicorp/aws/([0-9.]+)/docs", json.dumps(types)))
    OUT.write_text(json.dumps({"version": version, "types": made}, indent=1, sort_keys=True) + "\n")


def _class(module: str) -> str:
    return module[0].upper() + module[1:]


def _find(types: Mapping[str, Any], name: str) -> Any:
    return types[f"@cdktn/provider-aws.{name}"]


def _arguments(types: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Each argument: whether it is required, what kind it is, and, of a block, its own arguments."""
    found: dict[str, Any] = {}
    for one in _find(types, name).get("properties", []):
        text = json.dumps(one.get("docs", {}))
        terraform = re.search(r"docs/[a-z-]+/\w+#(\w+) ", text)
        if not terraform:
            continue  # one of the framework's own
        described: dict[str, Any] = {"required": not one.get("optional", False)}
        nested = re.search(r'"fqn": "@cdktn/provider-aws\.([^"]+)"', json.dumps(one["type"]))
        if nested:
            described["block"] = _arguments(types, nested[1])
        else:
            collection = re.search(r'"kind": "(map|array)"', json.dumps(one["type"]))
            described["kind"] = {"map": "map", "array": "list"}[collection[1]] if collection else "scalar"
        found[terraform[1]] = described
    return found


def _attributes(types: Mapping[str, Any], name: str) -> Iterator[str]:
    for one in _find(types, name)["properties"]:
        if not one.get("static") and not one["name"].endswith("Input"):
            yield re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", one["name"])


def _deprecated(pulumi: Path, file: str, name: str) -> Iterator[tuple[str, str]]:
    """Deprecated arguments and attributes by their paths, with what to use instead."""
    for message, argument in _DEPRECATED.findall((pulumi / file).read_text()):
        yield argument, message
    inputs = (pulumi / file).with_name("_inputs.py")
    if not name or not inputs.exists():
        return
    for part in re.split(r"\n(?=@pulumi\.input_type)", inputs.read_text()):
        if nested := re.search(rf"class {name}(\w+)Args:", part):
            block = re.sub("(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", nested[1]).lower()
            for message, argument in _DEPRECATED.findall(part):
                yield f"{block}.{argument}", message


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
