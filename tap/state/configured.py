"""The endpoints that the process environment and the AWS configuration name, resolved as the SDKs do it.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: The services that the stack is made of, and the one that tells the account.
SERVICES = ("cloudwatch", "dynamodb", "kms", "sns", "sts")
#: What the hosts of AWS's own endpoints end in, in all partitions (botocore's data/partitions.json).
AWS_SUFFIXES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "api.aws",
    "api.aws.hci.ic.gov",
    "api.aws.ic.gov",
    "api.aws.scloud",
    "api.cloud-aws.adc-e.uk",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "sc2s.sgov.gov",
)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint's address, and where it was configured: a variable's name, or a profile."""

    url: str
    source: str

    @property
    def is_aws(self) -> bool:
        """Whether it is one of AWS's own hosts; an interface endpoint in a VPC is."""
        try:
            host = (urlsplit(self.url).hostname or "").rstrip(".")
        except ValueError:
            return False
        return any(host.endswith(f".{suffix}") for suffix in AWS_SUFFIXES)


def endpoints(process_environment: Mapping[str, str]) -> list[Endpoint]:
    """The endpoints that are configured for the stack's services, each once; [] when all of them are AWS's default."""
    if process_environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return []
    everywhere = process_environment.get("AWS_ENDPOINT_URL")
    profile = _Profile(process_environment)
    found: dict[Endpoint, None] = {}
    for service in SERVICES:
        variable = f"AWS_ENDPOINT_URL_{service.upper()}"
        if url := process_environment.get(variable):
            found[Endpoint(url, variable)] = None
        elif everywhere:
            found[Endpoint(everywhere, "AWS_ENDPOINT_URL")] = None
        elif url := profile.endpoint(service):
            found[Endpoint(url, profile.source)] = None
    return list(found)


class _Profile:
    """The profile that the SDKs take, with its `services` section; empty if there is none or it can't be read."""

    def __init__(self, process_environment: Mapping[str, str]) -> None:
        name = process_environment.get("AWS_PROFILE") or process_environment.get("AWS_DEFAULT_PROFILE") or "default"
        self.source = f"endpoint_url of the profile {name}"
        self._settings: Mapping[str, str] = {}
        self._services: Mapping[str, str] = {}
        sections = _read(process_environment)
        if sections is None:
            return
        for section in (f"profile {name}", name if name == "default" else ""):
            if sections.has_section(section):
                self._settings = sections[section]
                break
        if sections.has_section(services := f"services {self._settings.get('services', '')}"):
            self._services = sections[services]

    def endpoint(self, service: str) -> str | None:
        """The address for a service: its own in the `services` section, or the profile's."""
        if self._settings.get("ignore_configured_endpoint_urls", "").lower() == "true":
            return None
        for line in self._services.get(service, "").splitlines():  # AWS's nested settings: an indented line each
            setting, _, value = line.partition("=")
            if setting.strip() == "endpoint_url":
                return value.strip()
        return self._settings.get("endpoint_url")


def _read(process_environment: Mapping[str, str]) -> configparser.ConfigParser | None:
    sections = configparser.ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        home = Path(process_environment.get("HOME", ""))
        file = Path(process_environment.get("AWS_CONFIG_FILE") or home / ".aws/config")
        sections.read_string(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):  # none, or not one: Terraform will say so
        return None
    return sections
