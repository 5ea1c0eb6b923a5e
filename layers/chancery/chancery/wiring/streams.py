"""Wires activity streams to the deployment, once an execution environment."""

from functools import cache

from chancery.content.streams.service import StreamReader, StreamWriter
from chancery.content.streams.store import StreamStore
from chancery.wiring import audit


@cache
def writer() -> StreamWriter:
    return StreamWriter(StreamStore(audit.database()))


@cache
def reader() -> StreamReader:
    return StreamReader(StreamStore(audit.database()), audit.trail())
