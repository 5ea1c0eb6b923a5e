"""Runs probes against a stack and judges their answers."""

import http.client
import random
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chancery.core.identity.roles import Role
from chancery.wiring.routes import ROUTES
from tests.attack.classes import CLASSES, AttackClass
from tests.attack.probe import Probe, Reply, always
from tests.attack.target import Target, headers_of
from tests.attack.wire import Wire
from tests.contracts import text_of


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
    """Sends a probe: the status of its answer, and what is wrong with it.

    A change whose version is not the newest is sent again with that one.
    """
    authorization = () if probe.token is None else (("Authorization", f"Bearer {probe.token}"),)
    try:
        reply = wire.send(probe.route.method, probe.target, (*authorization, *probe.headers), probe.body)
        if reply.status == 412 and probe.headers == headers_of(probe.route):
            etag = wire.send("GET", probe.target, authorization).headers.get("etag", "")
            reply = wire.send(probe.route.method, probe.target, (*authorization, ("If-Match", etag)), probe.body)
        crosses = probe.token == target.token(Role.SUPER_ADMIN)
        wrong = always(reply, crosses) or probe.rule(reply) or _read_back(target, probe, reply, wire)
    except (OSError, http.client.HTTPException) as exc:
        wire.close()
        return "none", f"has no answer ({type(exc).__name__})"
    return str(reply.status), f"{wrong}: {reply.body[:300]!r}" if wrong else None


def _read_back(target: Target, probe: Probe, reply: Reply, wire: Wire) -> str | None:
    """Reads what a probe of `read_back` has stored, in every form that routes have of it; what is wrong with it."""
    stored = reply.json()
    if not probe.read_back or reply.status != 201 or not isinstance(stored, dict) or "refId" not in stored:
        return None
    for route in ROUTES:
        if route.method == "GET" and route.path.startswith(f"{probe.route.path}/{{refId}}") and route.roles:
            token = target.token(Role.SUPER_ADMIN)
            asked = target.path(route, refId=stored["refId"])
            if wrong := always(_followed(wire.send("GET", asked, [("Authorization", f"Bearer {token}")])), True):
                return f"is stored, and GET {asked} {wrong}"
    return None


def _followed(reply: Reply) -> Reply:
    """The file that an answer redirects to; of a PDF its text."""
    if reply.status != 303:
        return reply
    with urllib.request.urlopen(reply.headers["location"], timeout=30) as file:
        body = file.read()
    return Reply(file.status, {}, text_of(body).encode() if body.startswith(b"%PDF") else body)


def _some(probes: Sequence[Probe], limit: int | None) -> Iterable[Probe]:
    if limit is None or limit >= len(probes):
        return probes
    return random.Random(len(probes)).sample(probes, limit)
