"""Runs probes against a stack and judges their answers."""

import http.client
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chancery.core.identity.roles import Role
from tests.attack.classes import CLASSES, AttackClass
from tests.attack.probe import Probe, always
from tests.attack.target import Target
from tests.attack.wire import Wire


@dataclass
class Outcome:
    """The answers to the probes of a class: how many of each status, and what is wrong."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def probes(self) -> int:
        return self.statuses.total()


def run(
    target: Target,
    wire: Wire,
    classes: Iterable[AttackClass] = CLASSES,
    limit: int | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Outcome]:
    """Class → outcome. `limit`: so many probes of each class, chosen evenly. `report` gets a line for each failure."""
    outcomes = {}
    for attack in classes:
        outcome = outcomes[attack.name] = Outcome()
        for probe in _some([*attack.probes(target)], limit):
            status, wrong = judge(target, probe, wire)
            outcome.statuses[status] += 1
            if wrong:
                outcome.failures.append(f"{attack.name}: {probe} {wrong}")
                report(outcome.failures[-1])
        report(f"{attack.name}: {outcome.probes} probes, {dict(sorted(outcome.statuses.items()))}")
    return outcomes


def judge(target: Target, probe: Probe, wire: Wire) -> tuple[str, str | None]:
    """Sends a probe: the status of its answer, and what is wrong with it."""
    authorization = () if probe.token is None else (("Authorization", f"Bearer {probe.token}"),)
    try:
        reply = wire.send(probe.route.method, probe.target, (*authorization, *probe.headers), probe.body)
    except (OSError, http.client.HTTPException) as exc:
        wire.close()
        return "none", f"has no answer ({type(exc).__name__})"
    wrong = always(reply, probe.token == target.token(Role.SUPER_ADMIN)) or probe.rule(reply)
    return str(reply.status), f"{wrong}: {reply.body[:300]!r}" if wrong else None


def _some(probes: Sequence[Probe], limit: int | None) -> Iterable[Probe]:
    if limit is None or limit >= len(probes):
        return probes
    return random.Random(len(probes)).sample(probes, limit)
