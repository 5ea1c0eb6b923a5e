"""From what a caller or an event sends to the fields of a stored exchange: redaction first, then validation. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from chancery.core.body_redaction import RedactedBody
from chancery.core.documents import Document, redact_body, refused_fields, validated, without
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.formats.times import to_milliseconds
from chancery.core.redaction import Detector, redact_signatures
from chancery.core.web.validation_messages import field_errors
from chancery.integrations.exchanges.bodies import Part, redacted_body
from chancery.integrations.exchanges.models import ClosedExchange, ExchangeRecord, OpenedExchange

DEFAULT_TIMEOUT = timedelta(minutes=15)
LONGEST_TIMEOUT = timedelta(days=7)
CLOCK_SKEW = timedelta(days=1)
_NOT_VALID = "The exchange is not valid."
_BODIES: tuple[tuple[Part, str], ...] = (("request", "requestBody"), ("response", "responseBody"))
_OPEN_ONLY = frozenset(field.alias or "" for field in OpenedExchange.model_fields.values()) - {"tenantId"}
_CLOSE_ONLY = frozenset(field.alias or "" for field in ClosedExchange.model_fields.values()) - {"tenantId"}
_NOT_STORED = ("tenantId", "timeoutMs", "requestBodyBytes", "responseBodyBytes")


@dataclass(frozen=True, slots=True)
class SentBody:
    """A redacted body, and its length before the sender cut it, where it has."""

    content: RedactedBody
    cut_from: int | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A valid request. `fields`: as they are stored, apart from the body. `digest`: of all that was sent."""

    request_id: str
    tenant_id: str | None
    fields: Mapping[str, Any]
    timeout: timedelta
    body: SentBody | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """A valid end. `fields`: as they are stored, apart from the body. `digest`: of all that was sent."""

    tenant_id: str | None
    fields: Mapping[str, Any]
    body: SentBody | None
    digest: bytes


class _Times(NamedTuple):
    """The present, and the time at which an exchange begins or ends that says none."""

    now: datetime
    default: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What an event has of an exchange: its start, its end, or both."""

    request_id: str
    tenant_id: str | None
    opening: Opening | None
    closing: Closing | None


def parse_opening(body: Any, now: datetime, using: Detector | None = None, *, search: bool = True) -> Opening:
    """The request in a JSON object; a body in it may be Python's bytes.

    Raises ValidationFailed naming every wrong field. `using`: the tenant's detector. `search`: False where
    `may_hold_credentials` has cleared the whole text.
    """
    valid, clean, bodies = _parsed(OpenedExchange, body, using, search=search)
    return _opening(valid, clean, bodies, _Times(now, now))


def parse_closing(body: Any, now: datetime, using: Detector | None = None, *, search: bool = True) -> Closing:
    """The end in a JSON object, as `parse_opening` reads it."""
    valid, clean, bodies = _parsed(ClosedExchange, body, using, search=search)
    return _closing(valid, clean, bodies, _Times(now, now))


def parse_record(
    body: Any, now: datetime, happened: datetime, using: Detector | None = None, *, search: bool = True
) -> Record:
    """The detail of a `Record Exchange` event, as `parse_opening` reads it. `happened`: the default of its times."""
    valid, clean, bodies = _parsed(ExchangeRecord, body, using, search=search)
    times = _Times(now, happened)
    opens = clean.get("systemCode") is not None
    closes = clean.get("status") is not None or not opens
    wrong = [
        FieldError(f"/{name}", f"cannot go without {'systemCode' if not opens else 'status'}")
        for name in clean
        if (not opens and name in _OPEN_ONLY - {"requestId"}) or (not closes and name in _CLOSE_ONLY)
    ]
    if opens:
        wrong += [FieldError(f"/{name}", "is missing") for name in ("httpMethod", "requestUrl") if name not in clean]
    if wrong:
        raise ValidationFailed(_NOT_VALID, errors=wrong)
    start = {name: value for name, value in clean.items() if name not in _CLOSE_ONLY}
    end = {name: value for name, value in clean.items() if name not in _OPEN_ONLY}
    return Record(
        valid.request_id,
        valid.tenant_id,
        _opening(valid, start, bodies, times) if opens else None,
        _closing(valid, end, bodies, times) if closes else None,
    )


def _parsed[M: Document](
    model: type[M], body: Any, using: Detector | None, *, search: bool
) -> tuple[M, dict[str, Any], dict[Part, SentBody]]:
    """The valid model, its redacted fields without the bodies, and the redacted bodies."""
    if type(body) is not dict:
        raise ValidationFailed("The exchange must be a JSON object.", errors=[FieldError("", "send an object")])
    search = search or (using is not None and using.is_own)
    given = {name: value for name, value in body.items() if value is not None}
    others = {name: value for name, value in given.items() if name not in ("requestBody", "responseBody")}
    wrong = [
        error for name in ("requestHeaders", "responseHeaders") for error in problems(others.get(name), f"/{name}")
    ]
    clean = redact_body(others, model, search_values=search, using=using)
    redact_signed(clean)
    wrong += refused_fields(others, clean, model, using)
    try:
        valid = validated(model, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
    bodies = dict[Part, SentBody]()
    for part, name in _BODIES:
        if name not in given:
            continue
        if name not in _names(model):
            wrong.append(FieldError(f"/{name}", "is not known"))
            continue
        encoding, cut_from = others.get(f"{name}Encoding"), others.get(f"{name}Bytes")
        try:
            content = redacted_body(given[name], encoding, f"/{name}", using, search=search)
        except ValidationFailed as exc:
            wrong += exc.errors
        else:
            assert content is not None
            bodies[part] = SentBody(content, cut_from)
    if wrong:
        raise ValidationFailed(_NOT_VALID, errors=wrong)
    return valid, clean, bodies


def redact_signed(clean: dict[str, Any]) -> None:
    """Redacts signatures of URLs where a redacted exchange may have them: its URL, messages about it, and headers."""
    for name in ("requestUrl", "requestHeaders", "responseHeaders", "error"):
        if name in clean:
            clean[name] = redact_signatures(clean[name])


def _names(model: type[Document]) -> frozenset[str]:
    return frozenset(field.alias or "" for field in model.model_fields.values())


def _opening(
    valid: OpenedExchange | ExchangeRecord, clean: Mapping[str, Any], bodies: Mapping[Part, SentBody], times: _Times
) -> Opening:
    started, wrong = valid.started_at or to_milliseconds(times.default), list[FieldError]()
    if valid.started_at and valid.started_at > times.now + CLOCK_SKEW:
        wrong.append(FieldError("/startedAt", "lies more than a day in the future"))
    timeout = DEFAULT_TIMEOUT if valid.timeout_ms is None else timedelta(milliseconds=valid.timeout_ms)
    if valid.deadline is not None:
        timeout = valid.deadline - started
        if valid.timeout_ms is not None:
            wrong.append(FieldError("/timeoutMs", "cannot go with deadline; leave one of them out"))
        if not timedelta() <= timeout <= LONGEST_TIMEOUT:
            wrong.append(FieldError("/deadline", "must lie within seven days after startedAt"))
    if wrong:
        raise ValidationFailed(_NOT_VALID, errors=wrong)
    fields = _stored(valid, clean, _OPEN_ONLY)
    fields |= {"attemptNumber": valid.attempt_number, "httpMethod": str(valid.http_method).upper()}
    fields["startedAt"] = started
    body = bodies.get("request")
    return Opening(valid.request_id, valid.tenant_id, fields, timeout, body, _digest(clean, body))


def _closing(
    valid: ClosedExchange | ExchangeRecord, clean: Mapping[str, Any], bodies: Mapping[Part, SentBody], times: _Times
) -> Closing:
    fields = _stored(valid, clean, _CLOSE_ONLY)
    error, code = fields.get("error"), valid.response_status
    status = valid.status
    if status is None:
        if code is None and error is None:
            raise ValidationFailed(
                _NOT_VALID, errors=[FieldError("/status", "is missing; send it, responseStatus, or error")]
            )
        status = "FAILED" if error or (code is not None and code >= 400) else "SUCCESS"
    if valid.completed_at and valid.completed_at > times.now + CLOCK_SKEW:
        raise ValidationFailed(_NOT_VALID, errors=[FieldError("/completedAt", "lies more than a day in the future")])
    if error and "stackTrace" in error:
        fields["errorStack"] = error.pop("stackTrace")
    fields |= {"status": status, "isSuccess": status == "SUCCESS"}
    fields["completedAt"] = valid.completed_at or to_milliseconds(times.default)
    body = bodies.get("response")
    return Closing(valid.tenant_id, fields, body, _digest(clean, body))


def _stored(valid: Document, clean: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The given fields as they are stored; objects without a field are left out."""
    fields = valid.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    return {
        name: value
        for name, value in fields.items()
        if name in names and name in clean and name not in _NOT_STORED and not name.endswith("Encoding") and value != {}
    }


def _digest(clean: Mapping[str, Any], body: SentBody | None) -> bytes:
    """The SHA-256 of what was sent, redacted; without the tenant, which may be left out."""
    sent: dict[str, Any] = {name: value for name, value in clean.items() if name != "tenantId"}
    content = sha256(body.content.body).hexdigest() if body else None
    return sha256(orjson.dumps([sent, content], option=orjson.OPT_SORT_KEYS)).digest()
