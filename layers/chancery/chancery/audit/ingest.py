"""From what a caller sent to the document that is stored: redaction, limits, validation, digest. No input or output."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from chancery.audit.catalog import catalogue
from chancery.audit.digest import digest, new_salts
from chancery.audit.models import FREE_FORM, AuditEvent
from chancery.core.documents import field_errors, redact_body, refused_ids, validated, without
from chancery.core.errors import FieldError, TooLarge, ValidationFailed
from chancery.core.formats.correlation import Correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.json_limits import is_exact, problems
from chancery.core.formats.times import Clock, now, to_milliseconds
from chancery.core.identity.principal import PLATFORM
from chancery.core.redaction import REDACTED

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=1)
_MOST_BYTES = 2 * 1024 * 1024  # of a record as JSON; as BSON, or in an answer, it is a few times as long
_ANY = {"actorId": "-", "action": "any.any", "resourceType": "any", "resourceId": "-"}
_API_NAMES = {name: field.alias or name for name, field in AuditEvent.model_fields.items()}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an event takes where it says nothing itself."""

    event_id: str | None = None
    created_on: datetime | None = None
    correlation: Correlation = Correlation()


@dataclass(frozen=True, slots=True)
class Intake:
    """Makes records; `clock` and `new_id` are fixed in tests."""

    clock: Clock = now
    new_id: Callable[[], str] = new_ref_id

    def record(
        self,
        body: Any,
        tenant_of: Callable[[AuditEvent], str | None],
        defaults: Defaults = Defaults(),
        *,
        search_values: bool = True,
        measure: bool = False,
    ) -> dict[str, Any]:
        """The record of a parsed JSON body, ready to insert. `search_values=False`: see `may_hold_credentials`.

        `measure`: it came in a body so large that the record may be too large. Raises ValidationFailed naming every
        wrong field, TooLarge, and what `tenant_of` raises.
        """
        if type(body) is not dict:
            raise ValidationFailed("The audit event must be a JSON object.", errors=[FieldError("", "send an object")])
        exact = all(is_exact(body[field]) for field in FREE_FORM if field in body)
        clean = redact_body(body, AuditEvent, search_values=search_values)
        event = self._validate(body, clean, exact, search_values)
        if measure and len(orjson.dumps(clean)) > _MOST_BYTES:
            raise TooLarge(f"The record is larger than {_MOST_BYTES} bytes; keep what is large elsewhere and name it.")
        return self._record(event, tenant_of(event), defaults, exact)

    def _record(self, event: AuditEvent, tenant_id: str | None, defaults: Defaults, exact: bool) -> dict[str, Any]:
        recorded_on = self.clock()
        ref_id = self.new_id()
        record = {_API_NAMES[name]: value for name, value in event.__dict__.items() if value is not None}
        record["refId"] = ref_id
        record["tenantId"] = tenant_id
        record.setdefault("eventId", defaults.event_id or ref_id)
        if event.trace_id is None and defaults.correlation.trace_id:
            record["traceId"] = defaults.correlation.trace_id
        if event.correlation_id is None and defaults.correlation.correlation_id:
            record["correlationId"] = defaults.correlation.correlation_id
        record["createdOn"] = to_milliseconds(event.created_on or defaults.created_on or recorded_on)
        record["recordedOn"] = recorded_on
        if "." not in event.action:
            record["action"] = f"{event.resource_type}.{event.action}"
        salts = new_salts(record)
        record["digest"] = digest(record, salts, exact=exact)
        record["salts"] = salts
        return record

    def _validate(self, body: dict[str, Any], clean: dict[str, Any], exact: bool, search_values: bool) -> AuditEvent:
        wrong: list[FieldError] = []
        if not exact:
            wrong += [error for field in FREE_FORM if field in body for error in problems(body[field], f"/{field}")]
        if search_values or REDACTED in clean.values():
            wrong += refused_ids(body, clean, AuditEvent)
        try:
            event = validated(AuditEvent, clean)
        except ValidationError as exc:
            wrong += [*without(field_errors(exc), wrong), *self._refusals_of_the_rest(clean, exc)]
            raise ValidationFailed("The audit event is not valid.", errors=wrong) from None
        wrong += self._refusals(event)
        if wrong:
            raise ValidationFailed("The audit event is not valid.", errors=wrong)
        return event

    def _refusals_of_the_rest(self, clean: dict[str, Any], exc: ValidationError) -> list[FieldError]:
        """What else is wrong with an event of which some fields are not valid."""
        invalid = {str(error["loc"][0]) for error in exc.errors(include_url=False, include_input=False)}
        rest = {name: value for name, value in clean.items() if name not in invalid}
        found = self._refusals(validated(AuditEvent, {**_ANY, **rest}))
        return [error for error in found if error.pointer[1:] in rest]

    def _refusals(self, event: AuditEvent) -> list[FieldError]:
        wrong = []
        created_on = event.created_on
        if created_on is not None and not _EARLIEST <= created_on <= self.clock() + _CLOCK_SKEW:
            wrong.append(FieldError("/createdOn", "must lie between 1970 and tomorrow"))
        if event.tenant_id == PLATFORM:
            wrong.append(FieldError("/tenantId", "must be null, not a text, for the platform's own records"))
        if "." not in event.action and len(event.action) + len(event.resource_type) > 127:
            wrong.append(FieldError("/action", "is too long with its resource type; 128 characters in all"))
        action = event.action if "." in event.action else f"{event.resource_type}.{event.action}"
        if excluded := catalogue().exclusion(action):
            wrong.append(FieldError("/action", f"is deliberately not logged: {excluded.reason}"))
        return wrong
