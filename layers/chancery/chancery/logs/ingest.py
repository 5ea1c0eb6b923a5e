"""From the line that a caller sent to the line that is stored: validation, then building. No input or output."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from chancery.core.documents import ID, marked, redact_body, refused_fields, without
from chancery.core.errors import FieldError, TooLarge, ValidationFailed
from chancery.core.formats.correlation import Correlation, plain_trace_id
from chancery.core.formats.identifiers import new_ref_id, ref_id_of_item, ref_id_of_name, without_hidden
from chancery.core.formats.json_limits import is_exact, problems
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import PLATFORM
from chancery.core.mongo.client import Document
from chancery.core.redaction import REDACTED, Detector, redact
from chancery.core.web.validation_messages import field_errors
from chancery.logs.fields import FREE_FORM, level_of
from chancery.logs.kinds import LogKind
from chancery.logs.models import entry_model, entry_parser
from chancery.logs.queries import sample_rate

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
_MAX_LINE_BYTES = 256 * 1024  # as JSON; an event on the bus is no longer
_NESTED = (*FREE_FORM, "error")
_NOT_VALID = "The log line is not valid."


class Defaults(NamedTuple):
    """What holds for a line where it does not say so itself.

    `seed` names the request or event, and is the same in every delivery, as `sent_on` is; with the line's `place` in it
    they make the refId. Without a seed, and without an `id`, each delivery is another line.
    """

    created_by: str
    seed: str | None = None
    sent_on: datetime | None = None
    place: int = 0
    correlation: Correlation = Correlation()


class IncomingEntry(NamedTuple):
    """A line as it was sent: parsed JSON and facts about the request or message that it came in.

    `may_hold_credentials` is the prefilter's verdict on the whole text; `text_bytes` its length, 0 where no line in it
    can be too large. `detector`: the tenant's.
    """

    kind: LogKind
    body: Any
    defaults: Defaults
    may_hold_credentials: bool = True
    text_bytes: int = 0
    detector: Detector | None = None


class ValidEntry(NamedTuple):
    """A redacted, valid line: the fields that it has, by their API names."""

    kind: LogKind
    fields: dict[str, Any]
    defaults: Defaults


class ScopedEntry(NamedTuple):
    """A valid line and the tenant that it belongs to (None: the platform)."""

    valid: ValidEntry
    tenant_id: str | None


class EntryValidator(NamedTuple):
    """Redacts and validates lines."""

    clock: Clock = now

    def validate(self, incoming: IncomingEntry) -> ValidEntry:
        """Raises ValidationFailed naming every wrong field, and TooLarge."""
        kind, body, using = incoming.kind, incoming.body, incoming.detector
        if type(body) is not dict:
            raise ValidationFailed("A log line must be a JSON object.", errors=[FieldError("", "send an object")])
        model = entry_model(kind)
        search = incoming.may_hold_credentials or (using is not None and using.is_own)
        clean = redact_body(body, model, using=using) if search else _redacted_by_name(body, using)
        wrong = [
            error
            for name in FREE_FORM
            if name in body and not is_exact(body[name])
            for error in problems(body[name], f"/{name}")
        ]
        if search or REDACTED in clean.values():
            wrong += refused_fields(body, clean, model, using)
        fields = self._parse(kind, clean, wrong)
        if incoming.text_bytes > _MAX_LINE_BYTES and len(orjson.dumps(clean)) > _MAX_LINE_BYTES:
            raise TooLarge(f"The line is larger than {_MAX_LINE_BYTES} bytes; store large content elsewhere.")
        return ValidEntry(kind, fields, incoming.defaults)

    def _parse(self, kind: LogKind, clean: dict[str, Any], wrong: list[FieldError]) -> dict[str, Any]:
        """The fields of a redacted body. Raises ValidationFailed with the errors found before and those found here."""
        fields: dict[str, Any] = {}
        if "level" in clean:
            clean["level"] = level_of(clean["level"])
        try:
            parsed = entry_parser(kind).validator.validate_python(clean)
        except ValidationError as exc:
            wrong += without(field_errors(exc), wrong)
        else:
            fields = parsed if None not in parsed.values() else {n: v for n, v in parsed.items() if v is not None}
            wrong += _hidden_characters(fields, marked(entry_model(kind), ID))
            wrong += self._rule_errors(kind, fields)
        if wrong:
            raise ValidationFailed(_NOT_VALID, errors=wrong)
        if "traceId" in fields:
            fields["traceId"] = plain_trace_id(fields["traceId"])
        if "error" in fields:
            fields["error"] = fields["error"].model_dump(by_alias=True, exclude_none=True)
        return fields

    def _rule_errors(self, kind: LogKind, fields: Mapping[str, Any]) -> list[FieldError]:
        wrong = []
        created_on = fields.get("createdOn")
        if created_on is not None and not EARLIEST <= created_on <= self.clock() + CLOCK_SKEW:
            wrong.append(FieldError("/createdOn", "must lie between 1970 and tomorrow"))
        if fields.get("tenantId") == PLATFORM:
            wrong.append(FieldError("/tenantId", "must be null, not a text, for the platform's own lines"))
        if kind.any_of and not any(name in fields for name in kind.any_of):
            wrong.append(FieldError("", f"must have at least one of {', '.join(kind.any_of)}"))
        return wrong


def _hidden_characters(fields: dict[str, Any], ids: Iterable[str]) -> list[FieldError]:
    """Brings the identifiers of a line to NFC; the errors of those with characters that cannot be seen."""
    given = [name for name in ids if name in fields]
    if "".join([fields[name] for name in given]).isascii():  # most often
        return []
    wrong = []
    for name in given:
        try:
            fields[name] = without_hidden(fields[name])
        except ValueError as exc:
            wrong.append(FieldError(f"/{name}", str(exc)))
    return wrong


def _redacted_by_name(body: Mapping[str, Any], using: Detector | None) -> dict[str, Any]:
    """A body without credentials in its text, redacted by the names in its objects.

    Fields that it should not have, and objects in place of text, are left as they are: the parser refuses them.
    """
    nested = {name: redact(body[name], search_values=False, using=using) for name in _NESTED if name in body}
    return {**body, **nested}


def build_line(entry: ScopedEntry, batch: bytes, stored_on: datetime, expires_on: datetime) -> Document:
    """The line as it is stored. `_id` is its refId, so that no second one with it can be inserted.

    The fields of the entry become the line.
    """
    (kind, fields, defaults), tenant_id = entry
    line, ref_id = fields, _ref_id(tenant_id, fields.pop("id", None), defaults)
    line["_id"] = line["refId"] = ref_id
    line["tenantId"] = tenant_id
    line["createdBy"] = defaults.created_by
    line.setdefault("createdOn", defaults.sent_on or stored_on)
    line.setdefault("level", kind.level)
    trace_id, correlation_id = defaults.correlation
    if trace_id is not None:
        line.setdefault("traceId", trace_id)
    if correlation_id is not None:
        line.setdefault("correlationId", correlation_id)
    line["batch"] = batch
    if (rate := sample_rate(ref_id)) is not None:
        line["sample"] = rate
    line["expiresOn"] = expires_on
    return line


def _ref_id(tenant_id: str | None, own_id: str | None, defaults: Defaults) -> str:
    if own_id is not None:
        return ref_id_of_name(f"{tenant_id or ''}\n{own_id}")
    if defaults.seed is None:
        return new_ref_id()
    source = f"{tenant_id or ''}\n\n{defaults.seed}"  # no id has a line end, so none of a producer is the same
    sent_on = defaults.sent_on or EARLIEST
    return ref_id_of_item(int(sent_on.timestamp() * 1000), source, defaults.place)
