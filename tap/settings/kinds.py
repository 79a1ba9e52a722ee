"""The kinds of value that settings take, each with the sentence that says what is allowed.

The limits are AWS's own: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html.
No kind allows `$`, `%` or a quote, so Terraform never reads a value as an expression.
"""

import difflib
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from tap.settings.mistakes import SettingsError

#: Regions that botocore knows and hashicorp/aws 5.100.0 refuses at plan ("invalid AWS Region").
NEWER_THAN_PROVIDER = frozenset({"ap-southeast-6", "me-west-1", "sa-west-1", "us-isob-west-1"})


@cache
def aws_regions() -> frozenset[str]:
    """Every region that both the installed botocore (its data/partitions.json) and the pinned provider know."""
    names = {region for partition in _partitions() for region in partition["regions"]}
    return frozenset(name for name in names if not name.endswith("-global")) - NEWER_THAN_PROVIDER


def partition_of(region: str) -> str:
    """The partition that a region is in: `aws`, `aws-cn`, …"""
    return next(str(one["id"]) for one in _partitions() if region in one["regions"])


@cache
def _partitions() -> Any:
    botocore = importlib.util.find_spec("botocore")
    if botocore is None or botocore.origin is None:
        raise SettingsError("botocore is not installed: run `make setup`.")
    return json.loads((Path(botocore.origin).parent / "data/partitions.json").read_bytes())["partitions"]


def matching(pattern: str, allowed: str) -> AfterValidator:
    """A check that the whole text matches the pattern; `allowed` completes the sentence "it must be …"."""
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


Suffix = Annotated[
    str,
    matching(
        r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?",
        "1 to 20 lower-case letters, digits and hyphens, with no hyphen at either end",
    ),
]
AccountId = Annotated[str, matching(r"[0-9]{12}", "an account's number, 12 digits in quotes")]
Project = Annotated[
    str,
    matching(
        r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        "1 to 40 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
    ),
]
Region = Annotated[str, AfterValidator(_known_region)]
#: Also the pattern of the Terraform variable, so without what Terraform's RE2 lacks; without $, %, { and }.
EMAIL = (
    r"[A-Za-z0-9!#&'*+/=?^_|~.-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
Email = Annotated[str, matching(f"|{EMAIL}", 'an e-mail address, or "" for no e-mail')]
TableName = Annotated[str, matching(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, _ . and -")]
KeyAlias = Annotated[
    str,
    matching(
        r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}",
        "alias/ and 1 to 250 letters, digits, / _ and -, not in alias/aws/",
    ),
]
TopicName = Annotated[str, matching(r"[A-Za-z0-9_-]{1,256}", "1 to 256 letters, digits, _ and -")]
DashboardName = Annotated[str, matching(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ and -")]
AlarmName = Annotated[
    str,
    matching(r"[A-Za-z0-9_.:/()+=@, -]{1,255}", "1 to 255 letters, digits, spaces and _ . : / ( ) + = @ , -"),
]
TagKey = Annotated[
    str,
    matching(
        r"(?! )[\w .:/=+@-]{1,128}(?<! )",
        "tag names of 1 to 128 letters, digits, spaces and _ . : / = + - @, with no space at either end",
    ),
]
TagValue = Annotated[
    str,
    matching(
        r"(?! )[\w .:/=+@-]{0,256}(?<! )",
        "at most 256 letters, digits, spaces and _ . : / = + - @, with no space at either end",
    ),
]
Bucket = Annotated[
    str,
    matching(
        r"(?!.*[.][.])(?!([0-9]+[.]){3}[0-9]+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "3 to 63 lower-case letters, digits, . and -, with no .. and not an IP address",
    ),
]
StateKey = Annotated[
    str,
    matching(
        # `….tflock` is where the lock of the state `…` is; `//`, `.` and `..` are not the folders that they look like.
        r"(?!(.*/)?[.]{0,2}(/|$))[A-Za-z0-9!_.*'()/-]{1,1000}(?<!/)(?<![.]tflock)",
        "1 to 1000 letters, digits and ! _ . * ' ( ) / -, with no / at either end, no //, no . or .. between two /"
        " and no .tflock at its end",
    ),
]
StatePrefix = Annotated[
    str,
    matching(
        r"(?!(.*/)?[.]{0,2}(/|$))[A-Za-z0-9!_.*'()/-]{1,500}(?<!/)",
        "1 to 500 letters, digits and ! _ . * ' ( ) / -, with no / at either end, no //, no . or .. between two /",
    ),
]
Profile = Annotated[
    str,
    matching(
        "[A-Za-z0-9_.@+=:/ -]{0,128}", "a profile's name, at most 128 letters, digits, spaces and _ . @ + = : / -"
    ),
]
RoleArn = Annotated[
    str,
    matching(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}",
        'a role\'s ARN, such as "arn:aws:iam::111122223333:role/deploy"',
    ),
]
SessionName = Annotated[str, matching("[A-Za-z0-9_+=,.@-]{2,64}", "2 to 64 letters, digits and _ + = , . @ -")]
ExternalId = Annotated[str, matching("[A-Za-z0-9_+=,.@:/-]{2,1224}", "2 to 1224 letters, digits and _ + = , . @ : / -")]
KeyId = Annotated[
    str,
    matching(
        r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:)?(key/)?[A-Za-z0-9-]{1,128}"
        r"|(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:)?alias/[A-Za-z0-9/_-]{1,250}",
        "a key's id, ARN or alias/…",
    ),
]
Address = Annotated[
    str,
    matching(
        r"https?://(?![/?#])[A-Za-z0-9.:\[\]_-]+(/([A-Za-z0-9._~!*'(),;:@/?&=+-]|[{]environment[}])*)?",
        "an http:// or https:// address, with no $, % or space in it",
    ),
]
HttpMethod = Annotated[str, matching("[A-Z]{3,12}", "an HTTP method in capitals, such as POST")]
Organization = Annotated[str, matching("[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, _ and -")]
Workspace = Annotated[str, matching("[A-Za-z0-9_-]{1,90}", "1 to 90 letters, digits, _ and -")]
Host = Annotated[str, matching(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?", "a host's name")]


def _minutes(value: int) -> int:
    if value % 60 or not 60 <= value <= 86_400:
        raise ValueError("whole minutes in seconds, from 60 to 86400")
    return value


def _positive(value: int) -> int:
    if not 1 <= value <= 1_000_000_000:
        raise ValueError("a whole number from 1 to 1000000000")
    return value


#: CloudWatch's: DynamoDB's metrics come once a minute, and one evaluation takes a day at most.
AlarmPeriod = Annotated[int, AfterValidator(_minutes)]
Threshold = Annotated[int, AfterValidator(_positive)]
