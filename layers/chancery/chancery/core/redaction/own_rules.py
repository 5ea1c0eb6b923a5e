"""A tenant's own rules, from its settings to a detector: names, patterns, and what is found in free text."""

from collections.abc import Mapping, Sequence
from typing import Any

from .free_text import FINDERS
from .name_rules import OWN, Rules, literals, words_of
from .own_patterns import OwnPatterns
from .sensitive_names import Kind
from .text_engine import Detector, detector


def own_detector(settings: Mapping[str, Any]) -> Detector:
    """The detector of a tenant's settings: `{"names": [...], "patterns": [{"name", "pattern"}], "freeText": {...}}`.

    Raises UnfitPattern.
    """
    names = settings.get("names") or []
    base = Detector(Rules(names), own_literals(names)) if names else detector()
    patterns = {item["name"]: item["pattern"] for item in settings.get("patterns") or []}
    wanted = [option for option, chosen in (settings.get("freeText") or {}).items() if chosen]
    return base.extended(
        patterns=[OwnPatterns(patterns)] if patterns else [],
        free_text=[FINDERS[option] for option in wanted],
    )


def is_fit_name(name: str) -> bool:
    """Whether a name can be a tenant's own: it has letters, and does not say what another member means (`value`)."""
    rule = Rules([name])[name]
    return bool(words_of(name)) and rule is not None and rule.kind is OWN


def own_literals(names: Sequence[str]) -> list[bytes]:
    """What a text holds where it holds one of the names, in any spelling."""
    spelled = [name.lower().encode() for name in names]
    return sorted({*literals([Kind("", " ".join(words_of(name))) for name in names]), *map(bytes.lower, spelled)})
