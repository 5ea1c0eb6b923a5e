"""Wires error groups to the deployment, once an execution environment."""

from functools import cache

from chancery.logs.groups.service import ErrorGroupEditor, ErrorGroupReader
from chancery.logs.groups.store import GroupStore
from chancery.wiring import audit


@cache
def reader() -> ErrorGroupReader:
    return ErrorGroupReader(GroupStore(audit.database()), audit.trail())


@cache
def editor() -> ErrorGroupEditor:
    return ErrorGroupEditor(GroupStore(audit.database()), audit.trail())
