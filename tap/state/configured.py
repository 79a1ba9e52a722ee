"""The endpoints that the process environment and the AWS configuration name, resolved as the SDKs do it.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import configparser
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: The services that the stack is made of, and the one that tells the account.
SERVICES = ("cloudwatch", "dynamodb", "kms", "sns", "sts")
#: Variables that only Terraform reads, before the SDK's for the service and after it.
#: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/custom-service-endpoints
#: https://developer.hashicorp.com/terraform/language/backend/s3
TERRAFORMS_OWN = {
    "dynamodb": (("TF_AWS_DYNAMODB_ENDPOINT", "AWS_DYNAMODB_ENDPOINT"), ()),
    "sts": (("TF_AWS_STS_ENDPOINT", "AWS_STS_ENDPOINT"), ()),
    "s3": ((), ("AWS_S3_ENDPOINT",)),
}
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

    @property
    def is_ip_address(self) -> bool:
        """Whether its host is an IP address and not a name."""
        return self._ip_address is not None

    @property
    def is_on_this_machine(self) -> bool:
        """Whether its host is this machine's loopback."""
        if self._ip_address is not None:
            return self._ip_address.is_loopback
        return urlsplit(self.url).hostname == "localhost"

    @property
    def _ip_address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(urlsplit(self.url).hostname or "")
        except ValueError:
            return None


def endpoints(process_environment: Mapping[str, str]) -> list[Endpoint]:
    """The endpoints that are configured for the stack's services, each once; [] when all of them are AWS's default."""
    resolver = _Resolver(process_environment)
    return list(dict.fromkeys(filter(None, map(resolver.endpoint, SERVICES))))


def endpoint_of(service: str, process_environment: Mapping[str, str]) -> Endpoint | None:
    """The endpoint that is configured for one service, `s3` for the backend's; None for AWS's default."""
    return _Resolver(process_environment).endpoint(service)


def with_profile(process_environment: Mapping[str, str], profile: str | None) -> Mapping[str, str]:
    """The variables as they are where the settings name a profile: it wins over AWS_PROFILE."""
    return {**process_environment, "AWS_PROFILE": profile} if profile else process_environment


def is_elsewhere(endpoint: Endpoint | None) -> bool:
    """Whether it is not AWS's own."""
    return endpoint is not None and not endpoint.is_aws


def needs_s3_path_style(process_environment: Mapping[str, str]) -> bool:
    """Whether a bucket must stand in the path: LocalStack and its like have no DNS name for each bucket.

    SDKs do so by themselves where the host is an IP address.
    """
    endpoint = endpoint_of("s3", process_environment)
    return endpoint is not None and not endpoint.is_aws and not endpoint.is_ip_address


class _Resolver:
    def __init__(self, process_environment: Mapping[str, str]) -> None:
        self._variables = process_environment
        self._profile = _Profile(process_environment)

    def endpoint(self, service: str) -> Endpoint | None:
        before, after = TERRAFORMS_OWN.get(service, ((), ()))
        ignored = self._variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
        of_the_sdk = () if ignored else (f"AWS_ENDPOINT_URL_{service.upper()}",)
        everywhere = () if ignored else ("AWS_ENDPOINT_URL",)
        for variable in (*before, *of_the_sdk, *after, *everywhere):
            if url := self._variables.get(variable):
                return Endpoint(url, variable)
        url = None if ignored else self._profile.endpoint(service)
        return Endpoint(url, self._profile.source) if url else None


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
