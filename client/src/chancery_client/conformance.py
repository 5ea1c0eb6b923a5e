"""Makes an event conform to the rules of intake, so that the server does not refuse what the bus has accepted.

What can be degraded is: cut, converted to text, hashed, replaced, left out (see `Degradation`). An event is rejected
only where a change could store it as something else: for another tenant, or as another action.
"""

import re
import socket
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson

from chancery_client.degradation import MARK, Degradation
from chancery_client.encoding import new_event_id
from chancery_client.event_fields import Field, event_fields, excluded_actions
from chancery_client.event_format import ENVELOPE_BYTES, MAX_BYTES, EventFormat, EventRejected, single_entries
from chancery_client.json_values import is_storable, storable
from chancery_client.redaction import REDACTED, redact, redact_text

UNKNOWN = "unknown"  # the actor of an event that names none
NO_ID = "-"  # the resource id of an event that names none
_EXACT = ("tenantId", "action", "resourceType")  # never changed, but for their type
_MAX_ACTION = 128  # characters, with its resource type
_HASH, _SHORT_HASH = 16, 8  # hex digits; the short one does not lead back to a card number
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d{1,5})?|(?P<v4>[0-9.]+):\d{1,5}")


def conform(event: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    """An event (parsed JSON), redacted and as intake accepts it; adds to `changes`. Raises EventRejected."""
    fields = event_fields().by_name
    event = _completed({name: value for name, value in event.items() if value is not None}, changes)
    clean: dict[str, Any] = {}
    for name, value in event.items():
        conformed = conformed_field(fields[name], value, changes)
        if conformed is not None:
            clean[name] = conformed
    for name, default in (("actorId", UNKNOWN), ("resourceId", NO_ID)):
        if name not in clean:
            clean[name] = default
            changes.add("replaced", name)
    _check_action(clean)
    return clean


def conformed_field(field: Field, value: Any, changes: Degradation) -> Any:
    """The value of a field, redacted and as intake accepts it; None where it is left out. Raises EventRejected."""
    return _BY_KIND[field.kind](field, value, changes)


def to_detail(event: dict[str, Any], changes: Degradation, limit: int) -> bytes:
    """The conforming event with its changes as JSON of at most `limit` bytes.

    Of the largest free-form fields only size and hash are stored where it is longer. Raises EventRejected.
    """
    summarized: set[str] = set()
    while len(detail := orjson.dumps(_marked(event, changes))) > limit:
        objects = {name: orjson.dumps(value) for name, value in event.items() if isinstance(value, dict)}
        sizes = {name: len(body) for name, body in objects.items() if name not in summarized}
        if not sizes:
            raise EventRejected(f"is longer than {limit} bytes")
        largest = max(sizes, key=sizes.__getitem__)
        event[largest] = {"bytes": sizes[largest], "sha256": sha256(objects[largest]).hexdigest()}
        summarized.add(largest)
        changes.add("removed", largest)
    return detail


def redacted(event: dict[str, Any]) -> dict[str, Any]:
    """A redacted copy of an event that does not conform. Fields of events are not redacted by their own names."""
    known = event_fields().by_name
    others: dict[str, Any] = redact({name: value for name, value in event.items() if name not in known})
    return {name: redact(value) for name, value in event.items() if name in known} | others


def _completed(event: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    """With unknown fields in `metadata`, and with the resource type that the action names where it has no valid one."""
    fields = event_fields().by_name
    known = {name: value for name, value in event.items() if name in fields}
    if others := {name: value for name, value in event.items() if name not in fields}:
        known["metadata"] = {**others, **_as_object(known.get("metadata", {}), "metadata", changes)}
        for name in others:
            changes.add("moved", redact_text(name))
    resource_type, _, verb = str(event.get("action")).partition(".")
    given = event.get("resourceType")
    if verb and not (isinstance(given, str) and fields["resourceType"].allows(given)):
        known["resourceType"] = resource_type
        if given is not None:
            changes.add("replaced", "resourceType")
    return known


def _check_action(event: dict[str, Any]) -> None:
    """Raises EventRejected where intake refuses the action, or there is none."""
    for name in ("action", "resourceType"):
        if name not in event:
            raise EventRejected(f"{name} is missing")
    action = event["action"]
    full = action if "." in action else f"{event['resourceType']}.{action}"
    if len(full) > _MAX_ACTION:
        raise EventRejected("action is too long with its resource type")
    if full in excluded_actions():
        raise EventRejected("action is deliberately not logged")
    if event_fields().is_reserved_action(full):
        raise EventRejected("action is reserved for Chancery itself")


def _as_id(field: Field, value: Any, changes: Degradation) -> str | None:
    text = _as_text(field, value, changes)
    is_changed = field.name in changes.get("replaced", ()) or not isinstance(value, str | int)
    if _is_valid_id(field, text) and not (is_changed and field.name == "tenantId"):
        return text
    if field.name in _EXACT:
        raise EventRejected(f"{field.name} is not valid")
    if not text:
        changes.add("removed", field.name)
        return None
    if not _is_sensitive(text):
        seen = event_fields().hidden.sub("\N{REPLACEMENT CHARACTER}", text)
        legible = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in seen)
        fitting = _cut_id(field, legible)
        if _is_valid_id(field, fitting):
            changes.add("cut" if fitting != legible else "replaced", field.name)
            return fitting
    changes.add("hashed", field.name)
    return new_event_id() if field.name == "eventId" else f"redacted~{_hash(text)[:_SHORT_HASH]}"


def _cut_id(field: Field, text: str) -> str:
    """The beginning of a text that is too long, and a hash that differs where its end does."""
    if len(text) <= field.max_length:
        return text
    return f"{text[: field.max_length - _HASH - 1]}~{_hash(text)[:_HASH]}"


def _is_valid_id(field: Field, text: str) -> bool:
    rules = event_fields()
    if field.name == "tenantId" and text in rules.reserved["tenants"]:
        return False
    if field.name == "eventId" and text.startswith(rules.reserved["eventIdPrefixes"]):
        return False
    if not text.isascii() and rules.hidden.search(text):
        return False
    return field.allows(text) and text.isprintable() and not _is_sensitive(text)


def _is_sensitive(text: str) -> bool:
    return text == REDACTED or redact_text(text) != text


def _as_free_text(field: Field, value: Any, changes: Degradation) -> str:
    text = redact_text(_as_text(field, redact(value), changes))
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        changes.add("replaced", field.name)
    if len(text) > field.max_length:
        changes.add("cut", field.name)
    return text[: field.max_length]


def _as_choice(field: Field, value: Any, changes: Degradation) -> str | None:
    if isinstance(value, str) and value in field.choices:
        return value
    changes.add("removed", field.name)
    return None


def _as_address(field: Field, value: Any, changes: Degradation) -> str | None:
    if isinstance(value, str):
        if _is_address(field, value):
            return value
        if (found := _WITH_PORT.fullmatch(value)) and _is_address(field, found["v6"] or found["v4"]):
            changes.add("cut", field.name)
            return found["v6"] or found["v4"]
    changes.add("removed", field.name)
    return None


def _is_address(field: Field, text: str) -> bool:
    address, zone, _ = text.partition("%")
    family = socket.AF_INET6 if zone or ":" in address else socket.AF_INET
    try:
        socket.inet_pton(family, address)
    except (OSError, ValueError):
        return False
    return field.allows(text) and not _is_sensitive(text)


def _as_free_form(field: Field, value: Any, changes: Degradation) -> Any:
    value = _as_object(value, field.name, changes)
    if not is_storable(value):
        value = storable(value)
        changes.add("replaced", field.name)
    return redact(value)


def _as_object(value: Any, name: str, changes: Degradation) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    changes.add("wrapped", name)
    return {"value": value}


def _as_text(field: Field, value: Any, changes: Degradation) -> str:
    if isinstance(value, str):
        return value
    changes.add("text", field.name)
    return orjson.dumps(value).decode()


def _as_time(field: Field, value: Any, changes: Degradation) -> str | None:
    """The text that `write` has made of a time."""
    if isinstance(value, str):
        return value
    changes.add("removed", field.name)
    return None


def _marked(event: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    return {**event, "metadata": {**event.get("metadata", {}), MARK: changes}} if changes else event


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


_BY_KIND: dict[str, Callable[[Field, Any, Degradation], Any]] = {
    "id": _as_id,
    "text": _as_free_text,
    "choice": _as_choice,
    "address": _as_address,
    "object": _as_free_form,
    "time": _as_time,
}


def _audit_detail(event: dict[str, Any], changes: Degradation) -> bytes:
    return to_detail(conform(event, changes), changes, MAX_BYTES - ENVELOPE_BYTES)


AUDIT_EVENTS = EventFormat("AUDIT", "Record Audit Event", _audit_detail, redacted, single_entries)
