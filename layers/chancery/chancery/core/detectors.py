"""Which detector redacts a tenant's records: the one that all share, or one with the tenant's own rules."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from chancery.core.errors import Unavailable
from chancery.core.redaction import Detector
from chancery.core.redaction.text_engine import detector

OwnRules = Mapping[str, Any]  # `redaction` in a tenant's settings; empty where nothing is set
_MOST = 32  # detectors with own rules that are kept; each is a few megabytes


class Detectors:
    """Detectors by tenant. `rules_of` reads a tenant's own rules, from a cache; it raises Unavailable."""

    def __init__(self, rules_of: Callable[[str | None], OwnRules]) -> None:
        self._rules_of = rules_of

    def of(self, tenant_id: str | None) -> Detector:
        """The detector of a tenant's records. Raises Unavailable where its settings cannot be read."""
        return detector_of(self._rules_of(tenant_id))

    def known(self, tenant_id: str | None) -> Detector:
        """As `of`; the detector that all tenants share where the settings cannot be read."""
        try:
            return self.of(tenant_id)
        except Unavailable:
            return detector()


def detector_of(rules: OwnRules) -> Detector:
    """The detector of own rules, made once for the same content."""
    return _made(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)) if rules else detector()


@lru_cache(maxsize=_MOST)
def _made(rules: bytes) -> Detector:
    from chancery.core.redaction.own_rules import own_detector

    return own_detector(orjson.loads(rules))


SHARED = Detectors(lambda _: {})  # for what belongs to no tenant
