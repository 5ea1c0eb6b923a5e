"""Which deployment a command talks to, and as whom."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STACK_FILE = Path(".local") / "stack.json"


class UsageError(Exception):
    """The command cannot run as it was called; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An API base URL (ending in /v1) and an access token."""

    api_url: str
    token: str | None


def find_connection(api_url: str | None, token: str | None, caller: str) -> Connection:
    """From options, else CHANCERY_API_URL and CHANCERY_TOKEN, else the local stack's file as its demo `caller`.

    Raises UsageError where there is neither.
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
    """The content of `.local/stack.json` here or in a folder above. Raises UsageError."""
    return dict(json.loads(local_folder().joinpath("stack.json").read_text()))


def local_folder() -> Path:
    """The folder of the local stack's files: CHANCERY_LOCAL, else `.local` here or above. Raises UsageError."""
    named = os.environ.get("CHANCERY_LOCAL")
    candidates = [Path(named)] if named else [folder / ".local" for folder in (Path.cwd(), *Path.cwd().parents)]
    for folder in candidates:
        if (folder / "stack.json").exists():
            return folder
    raise UsageError(
        "There is no deployment to talk to. Set CHANCERY_API_URL and CHANCERY_TOKEN, or start the local stack: make up"
    )
