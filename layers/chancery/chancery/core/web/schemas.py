"""The JSON schemas of the models that routes take and answer with."""

from collections.abc import Sequence
from copy import copy
from functools import cache
from inspect import getdoc
from types import GenericAlias
from typing import Any

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from chancery.core.web.answers import AnswerModel, Content, Declared, PageOf, Problem, Projection
from chancery.core.web.routes import AnyRoute

_REF = "#/components/schemas/{model}"


class _Generator(GenerateJsonSchema):
    def bytes_schema(self, schema: core_schema.BytesSchema) -> dict[str, Any]:
        """Bytes (salts) are answered in hex."""
        count = f"{schema.get('min_length', 0)},{schema.get('max_length', '')}"
        return {"type": "string", "pattern": f"^([0-9a-f]{{2}}){{{count}}}$"}


class Schemas:
    """The schemas of all models that routes take or answer with, each once, in components."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        models: list[type[BaseModel]] = [Problem, *(route.body.model for route in routes if route.body)]
        answers = [declared for route in routes for declared in route.answers.values()]
        for declared in (*answers, *(route.errors.content for route in routes if route.errors)):
            models += [model_of(content) for content in contents_of(declared) if not isinstance(content, str)]
        refs, definitions = models_json_schema(
            [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REF, schema_generator=_Generator
        )
        self._refs = {model: ref for (model, _), ref in refs.items()}
        self.components: dict[str, Any] = _plain(definitions["$defs"])

    def ref(self, content: type[BaseModel] | Projection | PageOf) -> dict[str, Any]:
        """The reference to the schema of a model."""
        return self._refs[model_of(content)]


def _plain(schema: Any) -> Any:
    """A schema of pydantic's without titles, which repeat the names, and without null for what may be left out."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    noise = {"title": isinstance(schema.get("title"), str), "default": schema.get("default", ...) is None}
    return {name: _plain(value) for name, value in schema.items() if not noise.get(name)}


@cache
def model_of(content: type[BaseModel] | Projection | PageOf) -> type[BaseModel]:
    """The pydantic model of declared content."""
    if isinstance(content, PageOf):
        item = model_of(content.item)
        fields: dict[str, Any] = {"items": (GenericAlias(list, item), ...), "next_cursor": (str | None, ...)}
        return create_model(f"{item.__name__.removesuffix('Item')}Page", __base__=AnswerModel, **fields)
    if isinstance(content, Projection):
        return create_model(content.name, __base__=AnswerModel, __doc__=_subject(content.model), **_fields_of(content))
    return content


def _subject(model: type[BaseModel]) -> str:
    """The first paragraph of a stored model's docstring; the others are about its internal fields."""
    return (getdoc(model) or "").partition("\n\n")[0]


def _fields_of(projection: Projection) -> dict[str, Any]:
    named = {field.alias or name: (name, field) for name, field in projection.model.model_fields.items()}
    fields: dict[str, Any] = {}
    for alias in projection.fields:
        name, field = named[alias][0], copy(named[alias][1])
        if projection.narrowed and alias != "refId":
            field.default, field.default_factory = None, None
        fields[name] = (field.annotation, field)
    return fields


def contents_of(declared: Declared) -> tuple[Content, ...]:
    """What a status is declared to answer with: several contents, one or none."""
    return declared if isinstance(declared, tuple) else (declared,)
