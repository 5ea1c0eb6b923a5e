"""From the event that a caller sent to the record that is stored: validation, then building. No input or output."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from chancery.audit.catalog import catalogue
from chancery.audit.digest import VERSION, digest, new_salts
from chancery.audit.models import FREE_FORM, AuditEvent
from chancery.audit.submitter import Submitter
from chancery.core.documents import redact_body, refused_fields, validated, without
from chancery.core.errors import FieldError, TooLarge, ValidationFailed
from chancery.core.formats.correlation import Correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.json_limits import is_exact, problems
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import PLATFORM
from chancery.core.redaction import REDACTED, Detector
from chancery.core.web.validation_messages import field_errors

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=1)
_MAX_RECORD_BYTES = 2 * 1024 * 1024  # of a record as JSON; as BSON, or in an answer, it is a few times as long
_MEASURED_BYTES = 256 * 1024  # of a request; redaction makes a body a few times longer at most
_VALID_REQUIRED = {"actorId": "-", "action": "any.any", "resourceType": "any", "resourceId": "-"}
_API_NAMES = {name: field.alias or name for name, field in AuditEvent.model_fields.items()}


class Defaults(NamedTuple):
    """Values of fields that an event leaves out. `created_on` has whole milliseconds."""

    event_id: str | None = None
    created_on: datetime | None = None
    correlation: Correlation = Correlation()


class IncomingEvent(NamedTuple):
    """An event as it was sent: parsed JSON, its defaults, and facts about the request or message that it came in.

    `may_hold_credentials` is the prefilter's verdict on the whole text: where it is False no value is searched, unless
    the detector is the tenant's own. `request_bytes` is the length of that text, 0 where no record in it can be too
    large. `detector`: the tenant's, None for the one that all share.
    """

    body: Any
    defaults: Defaults = Defaults()
    may_hold_credentials: bool = True
    request_bytes: int = 0
    detector: Detector | None = None


class ValidEvent(NamedTuple):
    """A redacted, valid event. `exact`: `is_exact` holds for each of its free-form values."""

    event: AuditEvent
    defaults: Defaults
    exact: bool

    def defaulted_fields(self) -> frozenset[str]:
        """The fields that Chancery fills in: a repetition of the event may differ there."""
        event = self.event
        given = {"createdOn": event.created_on, "traceId": event.trace_id, "correlationId": event.correlation_id}
        return frozenset([name for name, value in given.items() if value is None])


class EventValidator(NamedTuple):
    """Redacts and validates events."""

    clock: Clock = now

    def validate(self, incoming: IncomingEvent) -> ValidEvent:
        """Raises ValidationFailed naming every wrong field, and TooLarge."""
        body = incoming.body
        if type(body) is not dict:
            raise ValidationFailed("The audit event must be a JSON object.", errors=[FieldError("", "send an object")])
        exact = all(is_exact(body[field]) for field in FREE_FORM if field in body)
        using = incoming.detector
        search = incoming.may_hold_credentials or (using is not None and using.is_own)
        clean = redact_body(body, AuditEvent, search_values=search, using=using)
        wrong = [] if exact else [error for field in FREE_FORM for error in problems(body.get(field), f"/{field}")]
        if search or REDACTED in clean.values():
            wrong += refused_fields(body, clean, AuditEvent, using)
        event = self._parse(clean, wrong)
        if incoming.request_bytes > _MEASURED_BYTES and len(orjson.dumps(clean)) > _MAX_RECORD_BYTES:
            raise TooLarge(f"The record is larger than {_MAX_RECORD_BYTES} bytes; store large content elsewhere.")
        return ValidEvent(event, incoming.defaults, exact)

    def _parse(self, clean: dict[str, Any], wrong: list[FieldError]) -> AuditEvent:
        """The event of a redacted body. Raises ValidationFailed with the errors found before and those found here."""
        try:
            event = validated(AuditEvent, clean)
        except ValidationError as exc:
            wrong += [*without(field_errors(exc), wrong), *self._errors_of_valid_fields(clean, exc)]
            raise ValidationFailed("The audit event is not valid.", errors=wrong) from None
        wrong += self._rule_errors(event)
        if wrong:
            raise ValidationFailed("The audit event is not valid.", errors=wrong)
        return event

    def _errors_of_valid_fields(self, clean: dict[str, Any], exc: ValidationError) -> list[FieldError]:
        """The errors of rules between fields, for those fields that are valid by themselves."""
        invalid = {str(error["loc"][0]) for error in exc.errors(include_url=False, include_input=False)}
        valid = {name: value for name, value in clean.items() if name not in invalid}
        found = self._rule_errors(validated(AuditEvent, {**_VALID_REQUIRED, **valid}))
        return [error for error in found if error.pointer[1:] in valid]

    def _rule_errors(self, event: AuditEvent) -> list[FieldError]:
        wrong = []
        created_on = event.created_on
        if created_on is not None and not _EARLIEST <= created_on <= self.clock() + _CLOCK_SKEW:
            wrong.append(FieldError("/createdOn", "must lie between 1970 and tomorrow"))
        if event.tenant_id == PLATFORM:
            wrong.append(FieldError("/tenantId", "must be null, not a text, for the platform's own records"))
        if "." not in event.action and len(event.action) + len(event.resource_type) > 127:
            wrong.append(FieldError("/action", "is too long with its resource type; 128 characters in all"))
        if excluded := catalogue().exclusion(event.full_action):
            wrong.append(FieldError("/action", f"is deliberately not logged: {excluded.reason}"))
        return wrong


class RecordBuilder(NamedTuple):
    """Builds records of valid events: ids, times, digest and salts."""

    clock: Clock = now
    new_id: Callable[[], str] = new_ref_id

    def build(self, valid: ValidEvent, tenant_id: str | None, submitter: Submitter) -> dict[str, Any]:
        """The record of an event of a tenant, ready to be stored; fields without a value are left out."""
        event, defaults = valid.event, valid.defaults
        recorded_on, ref_id = self.clock(), self.new_id()
        record = {_API_NAMES[name]: value for name, value in event.__dict__.items() if value is not None}
        record["refId"] = ref_id
        record["tenantId"] = tenant_id
        record.setdefault("eventId", defaults.event_id or ref_id)
        if event.trace_id is None and defaults.correlation.trace_id:
            record["traceId"] = defaults.correlation.trace_id
        if event.correlation_id is None and defaults.correlation.correlation_id:
            record["correlationId"] = defaults.correlation.correlation_id
        record["createdOn"] = event.created_on or defaults.created_on or recorded_on
        record["recordedOn"] = recorded_on
        record["recordedBy"] = submitter.recorded_by
        record["digestVersion"] = VERSION
        record["action"] = event.full_action
        salts = new_salts(record)
        record["digest"] = digest(record, salts, exact=valid.exact)
        record["salts"] = salts
        return record
