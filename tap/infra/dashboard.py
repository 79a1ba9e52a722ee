"""The dashboard as a resource; what it shows is in dashboard_body.py."""

import json
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from constructs import Construct


def dashboard(scope: Construct, *, name: str, body: dict[str, Any]) -> CloudwatchDashboard:
    """CloudWatchDashboard with the body that `dashboard_body` made."""
    return CloudwatchDashboard(scope, "CloudWatchDashboard", dashboard_name=name, dashboard_body=json.dumps(body))
