"""Answers of the HTTP API: the values that handlers return, and how a route declares what they look like.

Nothing here knows the router; `chancery.core.web.responses` sends what handlers return.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from chancery.core.documents import Document
from chancery.core.errors import ChanceryError
from chancery.core.mongo.collections import Collection

JSON = "application/json"
PROBLEM = "application/problem+json"  # RFC 9457
TEXT = "text/plain; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"
BYTES = "application/octet-stream"


class Answer(NamedTuple):
    """An HTTP answer: status, body, headers, media type.

    A body of `str` or `bytes` is sent as it is, None sends none, anything else is serialized as JSON. With `etag` the
    answer is conditional: 304 for a caller whose `If-None-Match` names the tag, else with `ETag`, and cacheable by the
    caller after revalidation (RFC 9110 section 13.1.2). Other answers are never cached unless `headers` say so.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}
    media_type: str = JSON
    etag: str | None = None


NO_CONTENT = Answer(204)


def redirect(url: str, status: int = 307) -> Answer:
    """A temporary redirect: 307 to the same resource elsewhere, 303 to another one that answers (RFC 9110)."""
    return Answer(status, headers={"Location": url})


class AnswerModel(Document):
    """Base of the models of answers: the OpenAPI document and the tests use them, no answer is built from them.

    A field without a default is always there; `X | None` means that its value may be null.
    """


ABSENT: Any = Field(None)
"""The default of an answer's field that may be absent, but is never null."""


RefId = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")]  # a ULID
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]


class FieldProblem(AnswerModel):
    """A wrong field: a JSON pointer into the body, or `/name` of a parameter, and what to do."""

    pointer: str
    detail: str


class Problem(AnswerModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    detail: str
    status: Count = ABSENT
    instance: str = ABSENT
    errors: list[FieldProblem] = ABSENT
    violated_policies: Annotated[list[str], Field(alias="violated-policies", description="limits of a 429")] = ABSENT
    trace_id: str = ABSENT


@dataclass(frozen=True, slots=True)
class Projection:
    """The answer model that has some fields of a stored document, by their API names.

    `narrowed`: the parameter `fields` may leave out any of them but `refId`.
    """

    name: str
    model: type[BaseModel]
    fields: tuple[str, ...]
    narrowed: bool = False


@dataclass(frozen=True, slots=True)
class PageOf:
    """The answer model `{items, nextCursor}` of a list."""

    item: "type[BaseModel] | Projection"


def document_without(name: str, collection: Collection, *internal: str) -> Projection:
    """A document as it is stored, without its internal fields."""
    aliases = (field.alias or name for name, field in collection.model.model_fields.items())
    return Projection(name, collection.model, tuple(alias for alias in aliases if alias not in internal))


def listed(name: str, collection: Collection) -> Projection:
    """A document with the fields that lists have of it, all of them."""
    return Projection(name, collection.model, collection.list_fields)


def list_item(name: str, collection: Collection) -> Projection:
    """An item of a list that the parameter `fields` may narrow."""
    return Projection(name, collection.model, collection.list_fields, narrowed=True)


type Content = type[BaseModel] | Projection | PageOf | str
"""What an answer holds: a model of its JSON, or another media type."""

type Declared = Content | tuple[Content, ...]
"""The contents that an answer of one status may have; `()` for none."""


class ErrorFormat(NamedTuple):
    """How a route answers with errors where a protocol demands another format than problem+json.

    `answer` makes the answer of an error to a request with these headers (names in lower case). `invalid`: its status
    of invalid input.
    """

    content: Declared
    answer: Callable[[ChanceryError, Mapping[str, str]], Answer]
    invalid: int
