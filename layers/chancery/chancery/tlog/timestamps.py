"""The text form of a time in leaves, digests, manifests and answers."""

from datetime import datetime


def to_rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`: UTC with milliseconds. Texts of this form sort as their times do."""
    return moment.replace(tzinfo=None).isoformat("T", "milliseconds") + "Z"  # bson's zones are slow to ask
