"""AWS's limits on names and tags, written down from its documentation and not from our code."""

import re

from tap.settings import Settings
from tests.support.the_stack import ALARMS

#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
TABLE = re.compile(r"[a-zA-Z0-9_.-]{3,255}", re.ASCII)
#: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html (256 with its prefix)
KEY_ALIAS = re.compile(r"(?!alias/aws/)(?=.{7,256}$)alias/[a-zA-Z0-9/_-]+", re.ASCII)
#: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
TOPIC = re.compile(r"[a-zA-Z0-9_-]{1,256}", re.ASCII)
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
DASHBOARD = re.compile(r"[a-zA-Z0-9_-]{1,255}", re.ASCII)
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
ALARM = re.compile(r".{1,255}")
#: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.IGNORECASE)
TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)

OF_NAMES = {
    "table": TABLE,
    "key_alias": KEY_ALIAS,
    "topic": TOPIC,
    "dashboard": DASHBOARD,
    **{alarm.setting: ALARM for alarm in ALARMS},
}


def broken(settings: Settings) -> list[str]:
    """Which of AWS's limits these settings exceed; [] when AWS takes them all."""
    names = settings.names.model_dump()
    found = [f"names.{kind} = {name}" for kind, name in names.items() if not OF_NAMES[kind].fullmatch(name)]
    # The stack adds three of its own; a resource takes fifty.
    if len(settings.tags) + 3 > 50:
        found.append(f"{len(settings.tags)} tags")
    for key, value in settings.tags.items():
        if not TAG_KEY.fullmatch(key) or not TAG_VALUE.fullmatch(value):
            found.append(f"tags.{key} = {value}")
    if settings.backend.type == "s3" and not BUCKET.fullmatch(settings.backend.bucket):
        found.append(f"backend.bucket = {settings.backend.bucket}")
    return found
