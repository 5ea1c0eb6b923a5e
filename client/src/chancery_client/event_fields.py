"""Intake's rules for the fields of an event, from `catalog/event_fields.json`, which the server's model generates."""

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson


class Field(NamedTuple):
    """A field of an event. `kind`: id, text, address, choice, object or time; lengths are in characters."""

    name: str
    kind: str
    min_length: int
    max_length: int
    pattern: re.Pattern[str]
    choices: tuple[str, ...]

    def allows(self, text: str) -> bool:
        """Whether the text has an allowed length and matches the pattern."""
        return self.min_length <= len(text) <= self.max_length and self.pattern.fullmatch(text) is not None


class EventFields(NamedTuple):
    """All fields by API name, the largest integer of free-form values, and what intake refuses besides.

    `hidden`: characters that an identifier must not have. `reserved`: names of `tenants`, `resourceTypes`, `actions`
    and `eventIdPrefixes` that only Chancery itself uses.
    """

    by_name: dict[str, Field]
    largest_integer: int
    hidden: re.Pattern[str]
    reserved: dict[str, tuple[str, ...]]

    def is_reserved_action(self, action: str) -> bool:
        """Whether only Chancery itself records an action."""
        return action in self.reserved["actions"] or action.partition(".")[0] in self.reserved["resourceTypes"]


@cache
def event_fields() -> EventFields:
    """The fields of an audit event; read on first use."""
    declared = orjson.loads(files("chancery_client").joinpath("catalog", "event_fields.json").read_bytes())
    by_name = {name: _field(name, rules) for name, rules in declared["fields"].items()}
    reserved = {name: tuple(values) for name, values in declared["reserved"].items()}
    return EventFields(by_name, declared["largestInteger"], re.compile(declared["hidden"]), reserved)


@cache
def excluded_actions() -> frozenset[str]:
    """The actions that the catalogue excludes; read on first use."""
    return frozenset(action for row in catalogue_rows("exclusions.csv") for action in row["actions"].split())


def catalogue_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file of the catalogue."""
    with files("chancery_client").joinpath("catalog", name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _field(name: str, rules: dict[str, Any]) -> Field:
    lengths = rules.get("minLength", 0), rules.get("maxLength", 0)
    pattern = re.compile(rules.get("pattern", ""), re.DOTALL)
    return Field(name, rules["kind"], *lengths, pattern, tuple(rules.get("enum", ())))
