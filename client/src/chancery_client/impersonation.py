"""Impersonation: a token whose `act` claim names who acts, while its subject is for whom (RFC 8693 section 4.1)."""

from collections.abc import Mapping
from typing import Any

from chancery_client.conformance import UNKNOWN


def with_impersonation(actor: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event, from those of a token's subject and the token's `act`: `{"sub": ..., "name": ...}`.

    Without an `act` the subject acts. An `act` inside of it is an earlier actor, which the RFC leaves out of account.
    An `act` without a `sub` is an unknown actor, never the subject.
    """
    fields = {name: value for name, value in actor.items() if name != "act"}
    act = actor.get("act")
    if act is None:
        return fields
    claims = act if isinstance(act, Mapping) else {}
    subject_id, subject_name = (fields.pop(name, None) for name in ("actorId", "actorName"))
    return fields | {
        "actor_id": claims.get("sub") or UNKNOWN,
        "actor_name": claims.get("name"),
        "on_behalf_of_id": fields.get("actor_id", subject_id),
        "on_behalf_of_name": fields.get("actor_name", subject_name),
    }
