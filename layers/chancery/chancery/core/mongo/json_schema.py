"""MongoDB's `$jsonSchema` from a pydantic model, so that the server refuses what the model would."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_TYPES = {"string": "string", "object": "object", "array": "array", "boolean": "bool", "null": "null"}
_KEPT = ("enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")


def mongo_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The validator of a collection of `model`: field types, limits and required fields, nothing undeclared.

    Source: https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/ (draft 4 with `bsonType`).
    """
    source = model.model_json_schema(by_alias=True, mode="serialization")
    definitions = source.get("$defs", {})
    schema = _convert(source, definitions)
    schema["properties"] = {"_id": {}, **schema["properties"]}
    return schema


def _convert(source: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in source:
        return _convert(definitions[source["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in source:
        return _union([_convert(branch, definitions) for branch in source["anyOf"]])
    target: dict[str, Any] = {key: source[key] for key in _KEPT if key in source}
    if "const" in source:
        target["enum"] = [source["const"]]
    if bson_type := _bson_type(source):
        target["bsonType"] = bson_type
    if "properties" in source:
        target["properties"] = {name: _convert(item, definitions) for name, item in source["properties"].items()}
        if source.get("required"):  # MongoDB takes no empty list
            target["required"] = sorted(source["required"])
        target["additionalProperties"] = False
    if "items" in source:
        target["items"] = _convert(source["items"], definitions)
    return target


def _bson_type(source: Mapping[str, Any]) -> str | list[str] | None:
    if source.get("format") == "date-time":
        return "date"
    if source.get("format") == "binary":
        return "binData"
    kind = source.get("type")
    if kind in ("integer", "number"):
        return ["int", "long"] if kind == "integer" else "number"
    return _TYPES.get(kind) if kind else None


def _union(branches: list[dict[str, Any]]) -> dict[str, Any]:
    """`X | None` becomes X with null among its types; limits apply to their own type only, so they may stay."""
    merged: dict[str, Any] = {}
    types: list[str] = []
    for branch in branches:
        found = branch.pop("bsonType", [])
        types += [found] if isinstance(found, str) else found
        merged |= branch
    if "enum" in merged and "null" in types:
        merged["enum"] = [*merged["enum"], None]
    return {"bsonType": types, **merged}
