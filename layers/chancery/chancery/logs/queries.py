"""Queries of lines that their indexes serve; see docs/adr for what each filter reads."""

from typing import Any

from chancery.logs.fields import levels_from

SEVERE = levels_from("warn")  # an index has these levels only: few lines, which are searched most


def at_least(level: str) -> dict[str, Any]:
    """Lines of a level and above.

    For a level in `SEVERE` the query names all of `SEVERE` too: MongoDB uses a partial index for the very list that it
    is declared with, and not for a part of it.
    """
    wanted = {"level": {"$in": list(levels_from(level))}}
    return {"$and": [wanted, {"level": {"$in": list(SEVERE)}}]} if level in SEVERE else wanted
