"""The API or the database that a command connects to, and its credentials."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chancery.cli.errors import UsageError

if TYPE_CHECKING:
    from pymongo import MongoClient

_SCHEMES = ("mongodb://", "mongodb+srv://")  # the driver takes any other text for a host name
_LOCAL_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Connection:
    """An API base URL (ending in /v1) and an access token."""

    api_url: str
    token: str | None


def find_connection(api_url: str | None, token: str | None, caller: str) -> Connection:
    """From the options, else CHANCERY_API_URL and CHANCERY_TOKEN, else the local stack's file and its `caller`.

    Raises UsageError where none of them is given.
    """
    api_url = api_url or os.environ.get("CHANCERY_API_URL")
    token = token or os.environ.get("CHANCERY_TOKEN")
    if api_url:
        return Connection(api_url, token)
    stack = local_stack()
    if caller not in stack["tokens"]:
        raise UsageError(f"The local stack has no caller {caller!r}; choose from: {', '.join(stack['tokens'])}.")
    return Connection(stack["apiUrl"], token or stack["tokens"][caller])


def local_stack() -> dict[str, Any]:
    """The content of the local stack's `stack.json`. Raises UsageError."""
    return dict(json.loads(local_folder().joinpath("stack.json").read_text()))


def local_folder() -> Path:
    """The local stack's folder: CHANCERY_LOCAL, else `.local` here or in a folder above. Raises UsageError."""
    named = os.environ.get("CHANCERY_LOCAL")
    folders = [Path(named)] if named else [folder / ".local" for folder in (Path.cwd(), *Path.cwd().parents)]
    for folder in folders:
        if (folder / "stack.json").exists():
            return folder
    raise UsageError(
        "No deployment is given. Set CHANCERY_API_URL and CHANCERY_TOKEN, or start the local stack: make up"
    )


def local_aws(stack: dict[str, Any]) -> dict[str, Any]:
    """The options of a boto3 client for the local stack."""
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return {"endpoint_url": stack["awsEndpointUrl"], "region_name": _LOCAL_REGION, **credentials}


def open_mongo(uri: str, option: str, timeout_ms: int = 8000) -> "MongoClient[dict[str, Any]]":
    """A client that connects on first use. Raises UsageError, which never contains the URI: it has a password."""
    from pymongo.errors import PyMongoError

    from chancery.core.mongo.client import connect

    try:
        if uri.startswith(_SCHEMES):
            return connect(uri, timeout_ms)
        cause = None
    except (PyMongoError, TypeError, ValueError) as exc:
        cause = exc
    raise UsageError(
        f"{option} is not a usable MongoDB URI: mongodb://user:password@host:port/ or "
        "mongodb+srv://user:password@host/, user and password percent-encoded."
    ) from cause
