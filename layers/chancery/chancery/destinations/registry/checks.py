"""What is checked of a destination's settings before they are stored, besides their form."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import problems, reference
from chancery.core.outbound.urls import UrlPolicy, require_free, url_form
from chancery.core.redaction import Detector, redact_text
from chancery.core.redaction.findings import redact_and_find
from chancery.destinations.filters import FilterRefused, compiled
from chancery.destinations.models import Kind
from chancery.destinations.registry.kinds import misplaced
from chancery.destinations.registry.models import DestinationSettings
from chancery.destinations.registry.secrets import Secrets

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9!_.*'()/=-]{0,500})?")
_BUS = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]{1,32}:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[A-Za-z0-9+=,.@_/-]{1,512}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}")
_ENCRYPTED = ("url", "headers", "token")


@dataclass(frozen=True, slots=True)
class DestinationChecks:
    """Refuses settings that no message could be sent with, and secrets where they are not encrypted.

    `account`: the deployment's own AWS account, whose roles a tenant must not use; None where it may.
    """

    urls: UrlPolicy
    account: str | None

    def check(self, kind: Kind, given: DestinationSettings, url: str | None, most_rate: int, using: Detector) -> None:
        """`url`: None where the stored one stays. Raises ValidationFailed naming every wrong field."""
        wrong = [
            *misplaced(kind, given),
            *(self._url(kind, url) if url is not None else ()),
            *self._role(kind, given),
            *_headers(given),
            *_filter(given.filter),
            *_secrets(given, using),
        ]
        if given.rate_per_second is not None and given.rate_per_second > most_rate:
            wrong.append(FieldError("/ratePerSecond", f"must be at most {most_rate}, the tenant's limit"))
        if wrong:
            raise ValidationFailed("The destination cannot be stored.", errors=wrong)

    def _url(self, kind: Kind, url: str) -> Iterator[FieldError]:
        if kind == "s3":
            if not _BUCKET.fullmatch(url):
                yield FieldError("/url", "must be a bucket as s3://bucket/prefix")
        elif kind == "eventbridge":
            if not _BUS.fullmatch(url):
                yield FieldError("/url", "must be the ARN of an event bus")
        else:
            try:
                problem = self.urls.problem(url_form(url))
            except ValueError as exc:
                problem = str(exc)
            if problem:
                yield FieldError("/url", problem)

    def _role(self, kind: Kind, given: DestinationSettings) -> Iterator[FieldError]:
        """A bucket or bus is written with a role of its owner: the deployment's own rights are no tenant's to use."""
        region = given.options.region if given.options else None
        if region is not None and not _REGION.fullmatch(region):
            yield FieldError("/options/region", "must be a region as eu-central-1")
        if kind not in ("s3", "eventbridge") or given.role_arn is None:
            return
        role = _ROLE.fullmatch(given.role_arn)
        if role is None:
            yield FieldError("/roleArn", "must be the ARN of a role")
        elif role[1] == self.account:
            yield FieldError("/roleArn", "must be a role of another account than this deployment's")


def require_given_again(stored: Secrets, given: DestinationSettings, url: str) -> None:
    """Refuses to send the stored token or headers to another origin. Raises ValidationFailed."""
    if _origin(url) == _origin(stored.url):
        return
    moved = [name for name in ("token", "headers") if getattr(stored, name) and getattr(given, name) is None]
    if moved:
        errors = [FieldError(f"/{name}", "is required where the URL is another host's") for name in moved]
        raise ValidationFailed("Stored secrets are not sent to another host.", errors=errors)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL. Source: RFC 6454, section 4."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _headers(given: DestinationSettings) -> Iterator[FieldError]:
    seen = set[str]()
    for name in given.headers or {}:
        try:
            require_free(name)
        except ValueError as exc:
            yield FieldError(f"/headers/{reference(name)}", str(exc))
        if name.lower() in seen:
            yield FieldError(f"/headers/{reference(name)}", "is there twice")
        seen.add(name.lower())


def _filter(given: Mapping[str, Any] | None) -> Iterator[FieldError]:
    if given is None:
        return
    if wrong := list(problems(given, "/filter")):
        yield from wrong
        return
    try:
        compiled(given)
    except FilterRefused as exc:
        yield FieldError("/filter" + "/".join(map(redact_text, exc.pointer.split("/"))), str(exc))


def _secrets(given: DestinationSettings, using: Detector) -> Iterator[FieldError]:
    """Secrets in the settings that are stored and shown as they are."""
    values = given.model_dump(by_alias=True, exclude_none=True, mode="json")
    plain = {name: item for name, item in values.items() if name not in _ENCRYPTED}
    _, findings = redact_and_find(plain | {"headerNames": list(given.headers or ())}, using)
    for finding in findings:
        detail = f"holds what looks like a {finding.kind}; only url, headers and token are encrypted"
        yield FieldError("/headers" if finding.pointer.startswith("/headerNames") else finding.pointer, detail)
