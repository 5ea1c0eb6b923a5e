"""The table of docs/destinations.md: which class and activity of OCSF each event is."""

from collections.abc import Iterator

from chancery.audit.catalog import catalogue
from chancery.destinations.senders.ocsf_classes import (
    API_ACTIVITY,
    HTTP_ACTIVITY,
    OTHER,
    Mapped,
    of_action,
    of_log,
    of_type,
)
from chancery.logs.kinds import KINDS

_REPORTED = ("checkpoint.sealed", "contract.issued", "destination.alert", "destination.test")


def ocsf_table() -> str:
    """A row for each class and activity, with the events that are mapped to it."""
    found: dict[tuple[int, int], tuple[Mapped, list[str]]] = {}
    for mapped, event in _mapped():
        kept = mapped._replace(name="Other") if mapped.activity == OTHER else mapped
        _, events = found.setdefault((mapped.of.uid, mapped.activity), (kept, []))
        if event not in events:
            events.append(event)
    head = "| class | activity | `type_uid` | events |\n|---|---|---|---|\n"
    return head + "".join(_row(*found[key]) for key in sorted(found))


def _row(mapped: Mapped, events: list[str]) -> str:
    cells = (f"{mapped.of.name} ({mapped.of.uid})", mapped.name, f"`{mapped.of.uid * 100 + mapped.activity}`")
    return f"| {' | '.join(cells)} | {', '.join(events)} |\n"


def _mapped() -> Iterator[tuple[Mapped, str]]:
    """Each event with its class; of API Activity the last word of the actions, which are many."""
    for action in sorted(catalogue().actions):
        mapped = of_action(action)
        if mapped.of is not API_ACTIVITY:
            yield mapped, f"`audit.{action}`"
        elif mapped.activity != OTHER:
            yield mapped, f"`audit.*{action.rpartition('.')[2].rpartition('_')[2]}`"
    yield Mapped(API_ACTIVITY, OTHER, "Other"), "all other actions"
    for kind in KINDS:
        yield of_log(kind.name, {}), f"`log.{kind.name}`"
    for activity, caption in HTTP_ACTIVITY.activities.items():
        yield Mapped(HTTP_ACTIVITY, activity, caption), f"`exchange.completed`, {caption.upper()}"
    yield Mapped(HTTP_ACTIVITY, OTHER, "Other"), "`exchange.completed`, other methods"
    for type_ in _REPORTED:
        yield of_type(type_), f"`{type_}`"
