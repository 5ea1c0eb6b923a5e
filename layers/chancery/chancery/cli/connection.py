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
_STACK_FILE = "stack.json"


@dataclass(frozen=True, slots=True)
class Connection:
    """An API base URL (ending in /v1), an access token, and the WebSocket URL of the live tail where it is known."""

    api_url: str
    token: str | None
    live_url: str | None = None


def find_connection(api_url: str | None, token: str | None, caller: str) -> Connection:
    """From the options, else CHANCERY_API_URL, CHANCERY_LIVE_URL and CHANCERY_TOKEN, else the local stack's file.

    Raises UsageError where none of them is given.
    """
    api_url = api_url or os.environ.get("CHANCERY_API_URL")
    token = token or os.environ.get("CHANCERY_TOKEN")
    if api_url:
        return Connection(api_url, token, os.environ.get("CHANCERY_LIVE_URL"))
    stack = local_stack()
    if caller not in stack["tokens"]:
        raise UsageError(f"The local stack has no caller {caller!r}; choose from: {', '.join(stack['tokens'])}.")
    return Connection(stack["apiUrl"], token or stack["tokens"][caller], stack.get("liveUrl"))


def local_stack() -> dict[str, Any]:
    """The content of the local stack's `stack.json`. Raises UsageError."""
    file = local_file()
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, TypeError, ValueError) as exc:
        raise UsageError(f"{file} cannot be read as JSON; `make up` writes it again.") from exc


def local_file() -> Path:
    """The local stack's `stack.json`. Raises UsageError with the files it looked for.

    CHANCERY_STACK names the file, else CHANCERY_LOCAL its folder; else it is in `.local` here or in a folder above.
    """
    if named := os.environ.get("CHANCERY_STACK"):
        files = [Path(named)]
    elif named := os.environ.get("CHANCERY_LOCAL"):
        files = [Path(named) / _STACK_FILE]
    else:
        files = [folder / ".local" / _STACK_FILE for folder in (Path.cwd(), *Path.cwd().parents)]
    for file in files:
        if file.is_file():
            return file.absolute()
    raise UsageError(
        f"No deployment is given, and there is no local stack: looked for {', '.join(map(str, files))}. Set "
        "CHANCERY_API_URL and CHANCERY_TOKEN; or run `make up` and set CHANCERY_STACK to the stack.json that it names."
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
