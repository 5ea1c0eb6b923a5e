"""A MongoDB client of the URI that a command was given."""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from chancery.cli.connection import UsageError
from chancery.core.mongo.client import connect

_SCHEMES = ("mongodb://", "mongodb+srv://")  # the driver would take anything else for the name of a host


def open_client(uri: str, option: str, timeout_ms: int = 8000) -> MongoClient[dict[str, Any]]:
    """Connects when it is first used. Raises UsageError naming the option; the URI, which has a password, never."""
    try:
        if uri.startswith(_SCHEMES):
            return connect(uri, timeout_ms)
        cause = None
    except (PyMongoError, TypeError, ValueError) as exc:
        cause = exc
    raise UsageError(
        f"{option} is not a MongoDB URI that can be used: mongodb://user:password@host:port/ or "
        "mongodb+srv://user:password@host/, user and password percent-encoded."
    ) from cause
