"""Whether what Chancery depends on answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chancery import __version__
from chancery.core.errors import ChanceryError
from chancery.core.mongo import client as mongo
from chancery.core.observability import logger


@dataclass(frozen=True, slots=True)
class Health:
    """Checks made through callables, so that one that is away does not hide the other."""

    database: Callable[[], Any]
    events: Callable[[], Any]
    bus: str

    def report(self) -> dict[str, str]:
        """`{status, database, bus, version}`, each `ok` or `unavailable`; never why, which is in the log."""
        checks = {"database": self._check(self._ping), "bus": self._check(self._describe_bus)}
        status = "ok" if set(checks.values()) == {"ok"} else "unavailable"
        return {"status": status, **checks, "version": __version__}

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
