"""Alerts: one message for many events, when so many come within some minutes, and then none for these minutes. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document
from chancery.destinations.events import Event

_MOST_REF_IDS = 10
_EMPTY: Mapping[str, Any] = {"last": [], "counted": 0, "firstRefIds": []}


class Counted(NamedTuple):
    """The window after an event, and the content of the alert that the event triggers."""

    window: Document
    content: Document | None


def counted(window: Mapping[str, Any] | None, event: Event, alert: Mapping[str, int], now: datetime) -> Counted:
    """Counts an event. `alert`: `{count, minutes}`; times are those of the events, `now` at the latest.

    So that the clock of a sender, which may be ahead, cannot silence later alerts.
    """
    window, minutes = window or _EMPTY, timedelta(minutes=alert["minutes"])
    moment = min(event.occurred_on, now)
    last = [*window["last"], {"occurredOn": moment, "refId": event.item.ref_id}][-alert["count"] :]
    after: Document = {
        **window,
        "last": last,
        "counted": window["counted"] + 1,
        "countedFrom": min(window.get("countedFrom") or moment, moment),
        "firstRefIds": [*window["firstRefIds"], event.item.ref_id][:_MOST_REF_IDS],
    }
    times = [item["occurredOn"] for item in last]
    is_reached = len(last) >= alert["count"] and max(times) - min(times) <= minutes
    quiet_until = window.get("quietUntil")
    if not is_reached or (quiet_until is not None and moment < quiet_until):
        return Counted(after, None)
    content = {
        "count": after["counted"],
        "from": to_rfc3339(after["countedFrom"]),
        "to": to_rfc3339(max(times)),
        "firstRefIds": after["firstRefIds"],
    }
    return Counted({**_EMPTY, "quietUntil": moment + minutes}, content)
