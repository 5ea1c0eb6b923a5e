"""The catalogue of audited actions and their triggers, and of the events that are deliberately not logged.

`data/actions.csv` is the inventory (a row a trigger), `added_actions.csv` the actions that it lacked, `exclusions.csv`
the refused events with their reasons, `key_events.csv` the agency's key events with the action of each.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

_DATA = Path(__file__).parent / "data"
_OWN_DOMAIN = "Chancery"
# Resource types that nothing but Chancery has: each action on them is reserved, also one that is not catalogued.
RESERVED_TYPES = frozenset({"archive", "audit_checkpoint", "audit_log", "tenant_settings"})


class Trigger(NamedTuple):
    """What causes an action: words, or a method and a path with `:placeholders`, which chancery-client matches."""

    domain: str
    action: str
    text: str


class Action(NamedTuple):
    """An audited action; `added` where the inventory lacked it."""

    name: str
    triggers: tuple[Trigger, ...]
    added: bool


class Exclusion(NamedTuple):
    """An event that is deliberately not logged, and why."""

    event: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """All actions by name, exclusions by the action names they refuse, key events by name."""

    actions: dict[str, Action]
    exclusions: dict[str, Exclusion]
    key_events: dict[str, str]

    def get(self, action: str) -> Action | None:
        """The catalogued action of that name."""
        return self.actions.get(action)

    def exclusion(self, action: str) -> Exclusion | None:
        """Why an action is deliberately not logged, or None where it is logged."""
        return self.exclusions.get(action)

    def is_reserved(self, action: str) -> bool:
        """Whether only Chancery itself may record an action: it is about Chancery's own routes and records."""
        return action in self.reserved or action.partition(".")[0] in RESERVED_TYPES

    @cached_property
    def reserved(self) -> frozenset[str]:
        """Actions that only Chancery's routes trigger: `skill.updated` is not one of them, since hosts have skills."""
        found = self.actions.values()
        return frozenset(item.name for item in found if {trigger.domain for trigger in item.triggers} == {_OWN_DOMAIN})

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The domains in the inventory's order, then those of added actions."""
        return tuple(dict.fromkeys(trigger.domain for trigger in self._triggers()))

    def actions_of(self, domain: str) -> list[Action]:
        """The actions with a trigger in a domain."""
        names = dict.fromkeys(trigger.action for trigger in self._triggers() if trigger.domain == domain)
        return [self.actions[name] for name in names]

    def as_json(self) -> dict[str, Any]:
        """The answer of `GET /v1/audit-catalog`."""
        return {
            "actions": [_to_response(action, self.is_reserved(name)) for name, action in self.actions.items()],
            "exclusions": [
                {"event": item.event, "reason": item.reason} for item in dict.fromkeys(self.exclusions.values())
            ],
            "keyEvents": [{"event": event, "action": action} for event, action in self.key_events.items()],
            "counts": {
                "actions": sum(not action.added for action in self.actions.values()),
                "triggers": sum(len(action.triggers) for action in self.actions.values() if not action.added),
                "domains": len({t.domain for a in self.actions.values() if not a.added for t in a.triggers}),
                "added": sum(action.added for action in self.actions.values()),
            },
        }

    def _triggers(self) -> Iterator[Trigger]:
        for action in self.actions.values():
            yield from action.triggers


@cache
def catalogue() -> Catalogue:
    """The catalogue of this version, read on first use."""
    actions: dict[str, Action] = {}
    for name, added in (("actions.csv", False), ("added_actions.csv", True)):
        for row in _rows(name):
            trigger = Trigger(row["domain"], row["action"], row["trigger"])
            known = actions.get(row["action"])
            triggers = (*known.triggers, trigger) if known else (trigger,)
            actions[row["action"]] = Action(row["action"], triggers, known.added if known else added)
    return Catalogue(actions, _exclusions(), {row["event"]: row["action"] for row in _rows("key_events.csv")})


def _exclusions() -> dict[str, Exclusion]:
    found: dict[str, Exclusion] = {}
    for row in _rows("exclusions.csv"):
        found |= dict.fromkeys(row["actions"].split(), Exclusion(row["excluded_event"], row["reason"]))
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _to_response(action: Action, reserved: bool) -> dict[str, Any]:
    triggers = [{"domain": trigger.domain, "trigger": trigger.text} for trigger in action.triggers]
    return {"action": action.name, "added": action.added, "reserved": reserved, "triggers": triggers}
