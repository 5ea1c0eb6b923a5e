"""Reading tool calls: lists and heads, and their bodies, each view of which is audited."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chancery.content.tool_calls.body_store import CallBodies, place_of
from chancery.content.tool_calls.collections import SHOWN
from chancery.content.tool_calls.models import Part
from chancery.content.tool_calls.queries import ToolCallSearch
from chancery.core.aws.objects import LINK_SECONDS
from chancery.core.errors import Conflict, FieldError, NotFound, RangeNotSatisfiable, ValidationFailed
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import READERS, Role
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.web.listing import to_response
from chancery.core.web.validation import TenantChoice, parse

MOST_BYTES = 4 * 1024 * 1024  # of an answer: in base64 a Lambda function answers with at most 6 MB
_AS_TEXT = 64 * 1024  # what is no larger goes as text, whose escapes fit into an answer whatever they are
SENSITIVE_READERS = READERS - {Role.AUDITOR}
_RANGE = re.compile(r"bytes=(?:([0-9]{1,12})-([0-9]{1,12})?|-([0-9]{1,12}))")
_ALWAYS = {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class BodyAnswer:
    """A body, or a part of it (206), or where it is (`location`)."""

    status: int
    content: str | bytes
    content_type: str
    headers: Mapping[str, str]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallReader:
    """Lists and shows tool calls. `days`: how long they are kept."""

    reader: DocumentReader
    bodies: CallBodies
    days: int

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{items, nextCursor}`: calls without their bodies, newest first."""
        asked = parse(ToolCallSearch, parameters, principal)
        return self.reader.page(principal, asked, asked.filters())

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One call with the heads of its bodies."""
        tenant_id = parse(TenantChoice, parameters).tenant_id
        return to_response(self.reader.get(principal, ref_id, tenant_id, fields=SHOWN))

    def body(
        self, principal: Principal, ref_id: str, part: Part, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> BodyAnswer:
        """A body of a call, byte for byte; `headers` in lower case, of which `range` and `accept` count.

        Sensitive ones are not for auditors. Raises NotFound, Forbidden, Conflict while an upload is being redacted,
        RangeNotSatisfiable, ValidationFailed for a sensitive body that needs a range, and what the stores raise.
        """
        tenant_id = parse(TenantChoice, parameters).tenant_id
        call, scope = self.reader.find(principal, ref_id, tenant_id)
        said, kept = call.get(part), call.get(f"{part}Kept", {})
        _require_readable(principal, call, part)
        assert said is not None
        length: int = said["bytes"]
        span = _span(headers.get("range"), length) if "accept" in headers else None  # a part is bytes
        start, end = span or (0, length)
        in_clear_in_s3 = not call["sensitive"] and "key" in kept
        linked = in_clear_in_s3 and (length > MOST_BYTES or "accept" not in headers)
        if not linked and end - start > _AS_TEXT:
            _require_fitting(span, length, headers)
            end = min(end, start + MOST_BYTES)
        details = {"sensitive": call["sensitive"], "bytes": length, "from": start, "to": end}
        self.reader.trail.record(principal, scope, f"tool_call.{part}_viewed", ref_id, details, always=True)
        if linked:
            seconds = self._seconds_left(call)
            return BodyAnswer(307, b"", said["contentType"], {}, self.bodies.link(said, kept, seconds))
        found = self.bodies.read(place_of(call, part), said, kept, start, end)
        as_text = span is None and len(found) <= _AS_TEXT
        ranged = {} if span is None else {"Content-Range": f"bytes {start}-{end - 1}/{length}"}
        content = found.decode() if as_text else found
        return BodyAnswer(206 if span else 200, content, said["contentType"], _ALWAYS | ranged)

    def _seconds_left(self, call: Mapping[str, Any]) -> int:
        """A link does not outlive the call."""
        left = call["createdOn"] + timedelta(days=self.days) - self.reader.documents.clock()
        return max(1, min(LINK_SECONDS, int(left.total_seconds())))


def _require_readable(principal: Principal, call: Mapping[str, Any], part: Part) -> None:
    said = call.get(part)
    if said is None:
        raise NotFound(f"This tool call has no {part}.")
    if call["sensitive"]:
        principal.require(SENSITIVE_READERS)
    if said["state"] == "pending":
        raise Conflict(f"The {part} is still being redacted; try again.", retry_after=5)
    if said["state"] == "failed":
        raise Conflict(f"There is no {part} to read: the upload {said['reason']}.")


def _require_fitting(span: tuple[int, int] | None, length: int, headers: Mapping[str, str]) -> None:
    """What is sensitive cannot be linked to, so it is read in parts where it is larger than an answer."""
    wrong = []
    if "accept" not in headers:
        wrong.append(FieldError("/Accept", "send Accept: */*, or the API answers in base64"))
    if span is None and length > MOST_BYTES:
        wrong.append(FieldError("/Range", f"has {length} bytes: read them in parts, Range: bytes=0-{MOST_BYTES - 1}"))
    if wrong:
        raise ValidationFailed("The body does not fit into one answer.", errors=wrong)


def _span(header: str | None, length: int) -> tuple[int, int] | None:
    """[start, end) of a Range of one part (RFC 9110 section 14.2). Any other is ignored, as the section says."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    first, last, suffix = found.groups()
    start = max(0, length - int(suffix)) if suffix else int(first)
    end = length if suffix or last is None else min(int(last) + 1, length)
    if start >= length or (suffix and int(suffix) == 0):
        raise RangeNotSatisfiable(length)
    return (start, end) if start < end else None
