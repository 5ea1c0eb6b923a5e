"""`GET /v1/openapi.json`: the OpenAPI document, which a build adds to the function that serves it."""

from functools import cached_property
from pathlib import Path

import orjson
from pydantic import ConfigDict

from chancery.core.web.answers import Answer, AnswerModel
from chancery.core.web.request import Call
from chancery.core.web.routes import OPEN, Route, group


class OpenApiDocument(AnswerModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str


class ApiDescription:
    """The generated description of the API in a folder: `openapi.json`, and `paths.json` with the methods of each path.

    `make build` writes both, since generating them takes every record type's models and services.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def document(self) -> str:
        """The OpenAPI document, as JSON."""
        return (self._folder / "openapi.json").read_text()

    @cached_property
    def methods(self) -> dict[str, list[str]]:
        """Declared path → its methods."""
        paths: dict[str, list[str]] = orjson.loads((self._folder / "paths.json").read_bytes())
        return paths

    def describe(self, _: Call) -> Answer:
        """The OpenAPI document."""
        return Answer(200, self.document)


DESCRIPTION = group(
    "describe_api",
    Route("GET", "/v1/openapi.json", "This document", ApiDescription.describe, OPEN, answers={200: OpenApiDocument}),
)
