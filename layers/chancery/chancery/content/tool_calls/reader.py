"""Reading tool calls: lists, heads, and bodies; each view of a body is audited."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chancery.content.tool_calls.body_store import CallBodies, owner_of
from chancery.content.tool_calls.collections import CALL_FIELDS
from chancery.content.tool_calls.models import Part, ToolCallSearch
from chancery.core.aws.objects import LINK_SECONDS
from chancery.core.errors import Conflict, FieldError, NotFound, RangeNotSatisfiable, ValidationFailed
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import SENSITIVE_READERS
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.web.answers import Answer, redirect
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

MOST_BYTES = 4 * 1024 * 1024  # of an answer: in base64 a Lambda function answers with at most 6 MB
_AS_TEXT = 64 * 1024  # bytes; up to here a body is answered as text, which fits however it is escaped
_RANGE = re.compile(r"bytes=(?:([0-9]{1,12})-([0-9]{1,12})?|-([0-9]{1,12}))")
_ALWAYS = {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class ToolCallReader:
    """Reads tool calls. `days`: how long they are stored."""

    reader: DocumentReader
    bodies: CallBodies
    days: int

    def search(self, call: Call[ToolCallSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`: calls without their bodies, newest first."""
        return self.reader.page(call.principal, call.query, call.query.filters())

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """One call with the heads of its bodies. Raises NotFound."""
        return to_response(
            self.reader.get(call.principal, call.path["refId"], call.query.tenant_id, fields=CALL_FIELDS)
        )

    def input(self, call: Call[TenantChoice]) -> Answer:
        """The input of a call, as `_body` has it."""
        return self._body(call, "input")

    def output(self, call: Call[TenantChoice]) -> Answer:
        """The output of a call, as `_body` has it."""
        return self._body(call, "output")

    def _body(self, call: Call[TenantChoice], part: Part) -> Answer:
        """200 with a body, byte for byte; 206 with the range that is asked for; 307 to S3 where it is too large.

        Auditors do not read sensitive bodies. Raises NotFound, Forbidden, Conflict while an upload is being redacted,
        RangeNotSatisfiable, ValidationFailed for a sensitive body that needs a range, and what the stores raise.
        """
        principal, ref_id, headers = call.principal, call.path["refId"], call.request.headers
        found, scope = self.reader.find(principal, ref_id, call.query.tenant_id)
        description, location = found.get(part), found.get(f"{part}Location", {})
        _require_readable(principal, found, part)
        assert description is not None
        length: int = description["bytes"]
        span = _span(headers.get("range"), length) if "accept" in headers else None  # a part is bytes
        start, end = span or (0, length)
        in_clear_in_s3 = not found["sensitive"] and "key" in location
        linked = in_clear_in_s3 and (length > MOST_BYTES or "accept" not in headers)
        if not linked and end - start > _AS_TEXT:
            _require_fitting(span, length, headers)
            end = min(end, start + MOST_BYTES)
        details = {"sensitive": found["sensitive"], "bytes": length, "from": start, "to": end}
        self.reader.trail.record(principal, scope, f"tool_call.{part}_viewed", ref_id, details, always=True)
        if linked:
            return redirect(self.bodies.link(description, location, self._seconds_left(found)))
        body = self.bodies.read(owner_of(found, part), description, location, start, end)
        as_text = span is None and len(body) <= _AS_TEXT
        ranged = {} if span is None else {"Content-Range": f"bytes {start}-{end - 1}/{length}"}
        content = body.decode() if as_text else body
        return Answer(206 if span else 200, content, _ALWAYS | ranged, description["contentType"])

    def _seconds_left(self, call: Mapping[str, Any]) -> int:
        """A link does not outlive the call."""
        left = call["createdOn"] + timedelta(days=self.days) - self.reader.documents.clock()
        return max(1, min(LINK_SECONDS, int(left.total_seconds())))


def _require_readable(principal: Principal, call: Mapping[str, Any], part: Part) -> None:
    description = call.get(part)
    if description is None:
        raise NotFound(f"This tool call has no {part}.")
    if call["sensitive"]:
        principal.require(SENSITIVE_READERS)
    if description["state"] == "pending":
        raise Conflict(f"The {part} is still being redacted; try again.", retry_after=5)
    if description["state"] == "failed":
        raise Conflict(f"There is no {part} to read: the upload {description['reason']}.")


def _require_fitting(span: tuple[int, int] | None, length: int, headers: Mapping[str, str]) -> None:
    """Sensitive bodies have no link, so one that is larger than an answer is read in ranges."""
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
