"""Validation messages say how to correct the request, and never quote its values."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from chancery.core.documents import Document, Identifier
from chancery.core.errors import ValidationFailed
from chancery.core.web.validation import parse
from chancery.core.web.validation_messages import _PATTERNS
from chancery.wiring.routes import ROUTES

A_TIME = "must be an RFC 3339 time with its zone, e.g. 2026-01-31T12:00:00Z"
SECRET = "hunter2"


def refuse(_: Any) -> Any:
    raise ValueError("has no text")


class Part(Document):
    """An object in another."""

    text: str


class Whole(Document):
    """A model with everything that callers get wrong."""

    name: Identifier = "x"
    long: Annotated[str, StringConstraints(min_length=3, max_length=4)] = "xxx"
    odd: Annotated[str, StringConstraints(pattern="^odd$")] = "odd"
    kind: Literal["one", "two", "three"] = "one"
    yes: bool = Field(False, strict=True)
    count: int = Field(1, ge=1, le=5)
    price: float = 1.0
    when: AwareDatetime | None = None
    part: Part | None = None
    more: dict[str, Any] | None = None
    items: list[str] = Field(["x"], min_length=1, max_length=2)
    own: Annotated[str, AfterValidator(refuse)] | None = None


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"name": 7}, "/name", "must be text"),
        ({"name": ""}, "/name", "must not be empty"),
        ({"name": SECRET * 40}, "/name", "must have at most 255 characters"),
        ({"name": f"{SECRET}\n"}, "/name", "must not have control characters in it"),
        ({"long": "x"}, "/long", "must have at least 3 characters"),
        ({"odd": SECRET}, "/odd", "does not match its pattern in GET /v1/openapi.json"),
        ({"kind": SECRET}, "/kind", "must be one of: one, two, three"),
        ({"yes": "yes"}, "/yes", "must be true or false"),
        ({"yes": 1}, "/yes", "must be true or false"),
        ({"count": SECRET}, "/count", "must be a whole number"),
        ({"count": 1.5}, "/count", "must be a whole number"),
        ({"count": None}, "/count", "must be a whole number"),
        ({"count": 0}, "/count", "must be at least 1"),
        ({"count": 6}, "/count", "must be at most 5"),
        ({"price": []}, "/price", "must be a number"),
        ({"when": SECRET}, "/when", A_TIME),
        ({"when": "2026-01-31"}, "/when", A_TIME),
        ({"when": "2026-01-31T12:00:00"}, "/when", A_TIME),
        ({"when": []}, "/when", A_TIME),
        ({"part": SECRET}, "/part", "must be an object"),
        ({"part": {}}, "/part/text", "is required"),
        ({"more": [SECRET]}, "/more", "must be an object"),
        ({"items": SECRET}, "/items", "must be a list"),
        ({"items": []}, "/items", "must not be empty"),
        ({"items": ["x", SECRET, "x"]}, "/items", "must have at most 2 items"),
        ({"own": SECRET}, "/own", "has no text"),
        ({"surprise": SECRET}, "/surprise", "is not known; see GET /v1/openapi.json"),
        (SECRET, "", "must be an object"),
        (None, "", "must be an object"),
    ],
)
def test_an_error_is_in_plain_words_and_never_quotes_the_value(body, pointer, detail):
    with pytest.raises(ValidationFailed) as refused:
        parse(Whole, body)

    assert [(error.pointer, error.detail) for error in refused.value.errors] == [(pointer, detail)]


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a JSON Schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for item in schema.values():
            yield from patterns(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from patterns(item)


def test_every_pattern_of_the_api_has_its_words_and_no_other_has():
    models = {route.query for route in ROUTES if route.query}
    models |= {route.body.model for route in ROUTES if route.body}
    asked = {pattern for model in models for pattern in patterns(model.model_json_schema())}

    assert asked <= _PATTERNS.keys()
    assert _PATTERNS.keys() - asked <= {r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"}  # a role in a path
