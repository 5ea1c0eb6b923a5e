"""Parses tool calls: redaction first, then validation. Pure: no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from chancery.content.tool_calls.models import PARTS, Part, ToolCallRequest
from chancery.core.body_redaction import JSON, TEXT, RedactedBody, redact_bytes
from chancery.core.documents import redact_body, refused_fields, validated, without
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.redaction import REDACTED, Detector
from chancery.core.web.validation_messages import field_errors

_FULL: dict[Part, str] = {"input": "fullInput", "output": "fullOutput"}
_UPLOAD: dict[Part, str] = {"input": "inputUploadId", "output": "outputUploadId"}


@dataclass(frozen=True, slots=True)
class ParsedToolCall:
    """A valid tool call with its redacted bodies, and the ids of uploads that are bodies."""

    request: ToolCallRequest
    bodies: Mapping[Part, RedactedBody]
    uploads: Mapping[Part, str]


def parse_tool_call(body: Any, *, search_values: bool = True, using: Detector | None = None) -> ParsedToolCall:
    """The tool call in a parsed JSON body. `search_values=False`: see `may_hold_credentials`; `using`: its tenant's.

    A JSON body becomes compact JSON in UTF-8 with its keys in their order; text stays as it is. Raises ValidationFailed
    naming every wrong field.
    """
    if type(body) is not dict:
        raise ValidationFailed("The tool call must be a JSON object.", errors=[FieldError("", "send an object")])
    wrong = [error for field in _FULL.values() for error in problems(body.get(field), f"/{field}", in_bson=False)]
    for part in PARTS:
        if body.get(_FULL[part]) is not None and body.get(_UPLOAD[part]) is not None:
            wrong.append(FieldError(f"/{_UPLOAD[part]}", f"cannot go with {_FULL[part]}; leave one of them out"))
    search_values = search_values or (using is not None and using.is_own)
    clean, refused = redacted(body, search_values=search_values, using=using)
    wrong += refused
    if search_values or REDACTED in clean.values():
        wrong += refused_fields(body, clean, ToolCallRequest, using)
    try:
        request = validated(ToolCallRequest, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
        raise ValidationFailed("The tool call is not valid.", errors=wrong) from None
    if wrong:
        raise ValidationFailed("The tool call is not valid.", errors=wrong)
    whole = {"input": request.full_input, "output": request.full_output}
    uploads = {"input": request.input_upload_id, "output": request.output_upload_id}
    return ParsedToolCall(
        request,
        {part: _encoded(whole[part]) for part in PARTS if whole[part] is not None},
        {part: upload for part in PARTS if (upload := uploads[part]) is not None},
    )


def redacted(
    body: Mapping[str, Any], *, search_values: bool = True, using: Detector | None = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """The redacted call, and an error for each text that cannot be redacted, which is replaced whole."""
    texts = {field: body[field] for field in _FULL.values() if isinstance(body.get(field), str)}
    others = {**body, **dict.fromkeys(texts)}
    clean = redact_body(others, ToolCallRequest, search_values=search_values, using=using)
    wrong = list[FieldError]()
    for field, text in texts.items():
        try:
            clean[field] = b"".join(redact_bytes(text.encode(), using)).decode()
        except ValidationFailed as exc:
            clean[field] = REDACTED
            wrong += [FieldError(f"/{field}", error.detail) for error in exc.errors]
    return clean, wrong


def _encoded(value: Any) -> RedactedBody:
    if isinstance(value, str):
        return RedactedBody(value.encode(), TEXT)
    return RedactedBody(orjson.dumps(value), JSON)
