"""An endpoint that a checkout takes for AWS itself: its hosts have AWS's names, and a proxy leads them to the endpoint.

So what is refused where an endpoint is not AWS's own can be tried as it is there.
"""

from pathlib import Path

from tests.support.environment import terraform_environment

#: Services, and what AWS calls their hosts.
HOSTS = {"cloudwatch": "monitoring", **{name: name for name in ("dynamodb", "kms", "s3", "sns", "sts")}}
_KEYS = "region = us-east-1\naws_access_key_id = test\naws_secret_access_key = test"


def profile(name: str) -> str:
    """That profile, for an AWS configuration file."""
    services = "".join(
        f"{one} =\n  endpoint_url = http://{host}.us-east-1.amazonaws.com\n" for one, host in HOSTS.items()
    )
    return f"[profile {name}]\nservices = {name}s\n{_KEYS}\n[services {name}s]\n{services}"


def environment(url: str, configuration: Path, name: str) -> dict[str, str]:
    """The variables of a process whose AWS, by that profile of the configuration, is the endpoint at `url`."""
    return terraform_environment(configuration.with_name("terraform.rc")) | {
        "AWS_CONFIG_FILE": str(configuration),
        "AWS_PROFILE": name,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "3",
        "HTTP_PROXY": url,
        "http_proxy": url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
