"""The process's own client, configured by environment variables, and what flushes it in a Lambda function."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from chancery.client.sender import AuditClient

_FLUSH_SECONDS = 2.0


_made: dict[str, AuditClient] = {}


def default_client() -> AuditClient:
    """The client of CHANCERY_EVENT_BUS (default `default`), CHANCERY_SOURCE and CHANCERY_SPILL_DIR (default: none)."""
    return _made.get("client") or _made.setdefault("client", _client())  # one, however many ask for it first


def _client() -> AuditClient:
    return AuditClient(
        os.environ.get("CHANCERY_EVENT_BUS", "default"),
        os.environ.get("CHANCERY_SOURCE", "chancery.client"),
        spill_dir=os.environ.get("CHANCERY_SPILL_DIR"),
    )


def write_audit_log(*given: Any, **fields: Any) -> None:
    """Writes an audit event in the background; see `AuditClient.write`. Never raises, never waits."""
    with suppress(Exception):  # the one promise of this function; what could be counted has been
        default_client().write(*given, **fields)


def flush_audit_log(timeout: float = 5.0) -> bool:
    """Waits until what was written so far is sent or on disk; whether that was in time."""
    return default_client().flush(timeout)


def lambda_flush[H: Callable[..., Any]](handler: H) -> H:
    """A Lambda handler that flushes at the end of every invocation: the environment is frozen right after it."""

    @wraps(handler)
    def flushing(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        finally:
            flush_audit_log(_FLUSH_SECONDS)

    return flushing  # type: ignore[return-value]
