"""docs/data-dictionary.md: collections, their fields, indexes and rights, and the names of the source systems."""

from collections.abc import Iterator

from chancery.core.mongo.collections import ROLE_CLASSES, Collection, Index
from chancery.core.mongo.json_schema import mongo_schema
from chancery.wiring.registry import COLLECTIONS
from tools.generate.source_names import as_tables, source_names

_HEAD = """# Data dictionary

Generated from the declared collections (`make generate`).
Field names are camelCase in MongoDB and JSON, snake_case in Python. [What each name of the source systems
became](#names-of-the-source-systems) stands at the end.

## Retention and rights

`insert` without `update` or `remove` means that nobody who has these credentials can change a record.
"""

_NAMES = """## Names of the source systems

Names came in camelCase or snake_case. Here they are camelCase, and a time ends with `On`.
"""


def data_dictionary() -> str:
    """The whole document."""
    names = as_tables(source_names(), frozenset(item.name for item in COLLECTIONS))
    sections = (line for item in COLLECTIONS for line in _section(item))
    return "\n".join((_HEAD, *_overview(), *sections, "", _NAMES.rstrip(), *names)) + "\n"


def _overview() -> Iterator[str]:
    kinds = [kind for kind in ROLE_CLASSES if kind != "schema"]
    yield "| collection | kept | " + " | ".join(kinds) + " |"
    yield "|---|---|" + "---|" * len(kinds)
    for item in COLLECTIONS:
        rights = [", ".join(item.access.get(kind, ())) or "-" for kind in kinds]
        yield f"| `{item.name}` | {_kept(item)} | " + " | ".join(rights) + " |"


def _kept(item: Collection) -> str:
    """How long documents stay: `expire_after` of 0 means the moment that stands in the document."""
    until = next((f"until `{index.keys[0][0]}`" for index in item.indexes if index.expire_after == 0), "for ever")
    return until if item.retention_days is None else f"{item.retention_days} days"


def _section(item: Collection) -> Iterator[str]:
    schema = mongo_schema(item.model)
    yield from ("", f"## {item.name}", "", (item.model.__doc__ or "").strip().splitlines()[0], "")
    yield from ("| field | type | required | in lists |", "|---|---|---|---|")
    for name, field in schema["properties"].items():
        if name != "_id":
            kinds = field.get("bsonType", "any")
            required = "yes" if name in schema["required"] else ""
            listed = "yes" if name in item.list_fields else ""
            yield f"| `{name}` | {kinds if isinstance(kinds, str) else ', '.join(kinds)} | {required} | {listed} |"
    yield from ("", "Indexes:", "")
    yield from (f"- {_described(index)}" for index in item.all_indexes({}))


def _described(index: Index) -> str:
    keys = ", ".join(f"{name} {direction}" for name, direction in index.keys)
    notes = ["unique"] if index.unique else []
    notes += [f"only with {index.only_with}"] if index.only_with else []
    if index.expire_after is not None:
        notes.append(f"TTL {index.expire_after // 86_400} days" if index.expire_after else "TTL")
    return f"`{keys}`" + (f" ({', '.join(notes)})" if notes else "")
