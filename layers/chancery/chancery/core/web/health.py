"""`GET /v1/health`: whether the database and the event bus respond."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from chancery import __version__
from chancery.core.errors import ChanceryError
from chancery.core.mongo import client as mongo
from chancery.core.observability import logger
from chancery.core.web.answers import Answer, AnswerModel
from chancery.core.web.request import Call
from chancery.core.web.routes import OPEN, Route, group

State = Literal["ok", "unavailable"]


class HealthReport(AnswerModel):
    """Whether the database and the event bus respond, and the version."""

    status: State
    database: State
    bus: State
    version: str


@dataclass(frozen=True, slots=True)
class Health:
    """Checks the dependencies through callables, so that one that cannot be built does not hide the other."""

    database: Callable[[], Any]
    events: Callable[[], Any]
    bus: str

    def report(self, _: Call) -> Answer:
        """200 with `{status, database, bus, version}`, 503 where one is `unavailable`; only the log has the reason."""
        checks = {"database": self._check(self._ping), "bus": self._check(self._describe_bus)}
        is_ok = set(checks.values()) == {"ok"}
        report = {"status": "ok" if is_ok else "unavailable", **checks, "version": __version__}
        return Answer(200, report) if is_ok else Answer(503, report, {"Retry-After": "5"})

    def _ping(self) -> None:
        with mongo.translated():
            self.database().command("ping")

    def _describe_bus(self) -> None:
        self.events().describe_event_bus(Name=self.bus)

    def _check(self, check: Callable[[], None]) -> str:
        try:
            check()
        except ChanceryError as exc:
            logger.warning("HEALTH_CHECK_FAILED", reason=exc.detail)
            return "unavailable"
        except Exception as exc:
            logger.warning("HEALTH_CHECK_FAILED", error=type(exc).__name__)
            return "unavailable"
        return "ok"


HEALTH = group(
    "check_health",
    Route("GET", "/v1/health", "Health", Health.report, OPEN, answers={200: HealthReport, 503: HealthReport}),
)
