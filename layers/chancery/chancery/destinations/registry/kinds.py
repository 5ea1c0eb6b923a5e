"""Kinds of destinations: which settings each takes, and which it needs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chancery.core.errors import FieldError
from chancery.destinations.models import Format, Kind
from chancery.destinations.registry.models import DestinationRequest, DestinationSettings
from chancery.destinations.senders.http import MESSAGE_HEADERS

# Set by what has credentials besides; without a token these are a destination's own to set.
_CREDENTIALS = frozenset(("authorization", "dd-api-key"))


class KindRules(NamedTuple):
    """Settings of a kind besides those that all have. `options`: members of `options`."""

    takes: frozenset[str]
    needs: frozenset[str] = frozenset()
    formats: tuple[Format, ...] = ("json", "ocsf")
    options: frozenset[str] = frozenset()
    credential_headers: bool = False


_STREAM = frozenset(("orderedBy", "maxAgeSeconds"))
_OVER_HTTP = _STREAM | {"headers", "token"}
_IN_AWS = _STREAM | {"roleArn"}
KINDS: Mapping[Kind, KindRules] = {
    "webhook": KindRules(
        frozenset(("headers", "orderedBy", "alert", "signing")),
        formats=("json", "ocsf", "slack"),
        credential_headers=True,
    ),
    "splunk_hec": KindRules(
        _OVER_HTTP | {"options"}, frozenset(("token",)), options=frozenset(("index", "host", "sourcetype"))
    ),
    "datadog": KindRules(
        _OVER_HTTP | {"options"}, frozenset(("token",)), options=frozenset(("service", "hostname", "tags"))
    ),
    "otlp": KindRules(_OVER_HTTP, credential_headers=True),
    "s3": KindRules(_IN_AWS | {"options"}, frozenset(("roleArn",)), options=frozenset(("region",))),
    "eventbridge": KindRules(_IN_AWS, frozenset(("roleArn",))),
}
_SEALED = frozenset(("token",))  # stays where a change does not name it
_DEPENDING = frozenset(("headers", "token", "orderedBy", "alert", "signing", "maxAgeSeconds", "roleArn"))


def misplaced(kind: Kind, given: DestinationSettings) -> Iterator[FieldError]:
    """The settings that a kind of destination does not take, and those that it needs."""
    rules = KINDS[kind]
    values = given.model_dump(by_alias=True, exclude_none=True)
    for name in sorted(values.keys() & (_DEPENDING | {"options"}) - rules.takes):
        yield FieldError(f"/{name}", f"is nothing that destinations of the kind {kind} have")
    stored = frozenset() if isinstance(given, DestinationRequest) else _SEALED
    for name in sorted(rules.needs - values.keys() - stored):
        yield FieldError(f"/{name}", f"is required for the kind {kind}")
    if given.format not in rules.formats:
        yield FieldError("/format", f"must be one of: {', '.join(rules.formats)}, for the kind {kind}")
    if "options" in rules.takes:
        for name in sorted(values.get("options", {}).keys() - rules.options):
            yield FieldError(f"/options/{name}", f"is no option of the kind {kind}")
    yield from _set_by_sender(rules, given.headers or {})


def _set_by_sender(rules: KindRules, headers: Mapping[str, str]) -> Iterator[FieldError]:
    taken = MESSAGE_HEADERS - (_CREDENTIALS if rules.credential_headers else frozenset())
    for name in headers:
        if name.lower() in taken:
            yield FieldError(f"/headers/{name}", "is set by the sender")
