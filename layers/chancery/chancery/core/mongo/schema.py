"""Brings a database to the declared collections: nothing else creates collections, validators, indexes, views."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo.database import Database

from chancery.core.mongo.collections import Collection, Index, View
from chancery.core.mongo.json_schema import mongo_schema

# Every write is validated, and one that does not match is refused.
_ENFORCED = {"validationLevel": "strict", "validationAction": "error"}
_LONGEST_COMMAND = 840  # seconds, for an index of a large collection; the function has 900


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    `kind` is create_collection, change_validator, create_index, change_ttl, replace_index, create_view or change_view.
    """

    kind: str
    collection: str
    detail: str
    commands: tuple[dict[str, Any], ...]


def plan(
    database: Database[dict[str, Any]], collections: Iterable[Collection], retention: Mapping[str, int] | None = None
) -> list[Step]:
    """What differs between the declarations and the database, in the order to do it. Changes nothing.

    Collections and indexes that are not declared are left alone.
    """
    existing, collections = {info["name"]: info for info in database.list_collections()}, tuple(collections)
    steps = [
        step
        for collection in collections
        for step in _steps(database, collection, existing.get(collection.name), retention or {})
    ]
    for collection in collections:
        for view in collection.views:
            steps += _view_step(collection.name, view, existing.get(view.name))
    return steps


def apply(database: Database[dict[str, Any]], steps: Iterable[Step]) -> None:
    """Carries a plan out. Each command is idempotent, so a plan cut short is planned and applied again."""
    with pymongo.timeout(_LONGEST_COMMAND):
        for step in steps:
            for command in step.commands:
                database.command(command)


def _steps(
    database: Database[dict[str, Any]],
    collection: Collection,
    info: Mapping[str, Any] | None,
    retention: Mapping[str, int],
) -> Iterator[Step]:
    name = collection.name
    validation = {"validator": {"$jsonSchema": mongo_schema(collection.model)}, **_ENFORCED}
    if info is None:
        yield Step("create_collection", name, "with its validator", ({"create": name, **validation},))
    elif any(info["options"].get(option) != value for option, value in validation.items()):
        yield Step("change_validator", name, "to the model's", ({"collMod": name, **validation},))
    present = {} if info is None else {index["name"]: index for index in database[name].list_indexes()}
    for index in collection.all_indexes(retention):
        yield from _index_step(name, index, present.get(index.name) or _in_its_place(index, present))


def _view_step(collection: str, view: View, info: Mapping[str, Any] | None) -> Iterator[Step]:
    wanted = {"viewOn": collection, "pipeline": list(view.pipeline)}
    if info is None:
        yield Step("create_view", view.name, f"over {collection}", ({"create": view.name, **wanted},))
    elif any(info["options"].get(option) != value for option, value in wanted.items()):
        yield Step("change_view", view.name, f"over {collection}", ({"collMod": view.name, **wanted},))


def _in_its_place(index: Index, present: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The text index over other fields, of which a collection has one at most."""
    if not index.is_text:
        return None
    return next((other for other in present.values() if "textIndexVersion" in other), None)


def _index_step(collection: str, index: Index, present: Mapping[str, Any] | None) -> Iterator[Step]:
    wanted = index.definition()
    create = {"createIndexes": collection, "indexes": [wanted]}
    if present is None:
        yield Step("create_index", collection, index.name, (create,))
    elif (present["name"], bool(present.get("unique")), present.get("partialFilterExpression")) != (
        index.name,
        index.unique,
        wanted.get("partialFilterExpression"),
    ):
        drop = {"dropIndexes": collection, "index": present["name"]}
        yield Step("replace_index", collection, index.name, (drop, create))
    elif present.get("expireAfterSeconds") != index.expire_after:
        change = {"collMod": collection, "index": {"name": index.name, "expireAfterSeconds": index.expire_after}}
        yield Step("change_ttl", collection, f"{index.name} to {index.expire_after} s", (change,))
