"""What a redaction finds in a JSON value, where and why: for people who try it out.

Not on the path of any record: the value is redacted as always, and compared with what came of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import counts
from .credential_formats import FORMATS
from .json_walk import redact, rule_named
from .name_rules import REDACTED, Rule
from .text_engine import FREE_TEXT, OWN_PATTERN, Detector, edits_of_original, kind_and_group
from .values import is_sensitive

Reason = Literal["name", "layout", "format", "pattern", "freeText"]
_OF_GROUP: dict[str, Reason] = {OWN_PATTERN: "pattern", FREE_TEXT: "freeText"}
_FORMATS = frozenset((*(form.name for form in FORMATS), "payment card"))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is redacted. `start` and `end`: code points of the string at the pointer, None for other values.

    `in_name`: it is in the name of the member at the pointer, not in its value.
    """

    pointer: str
    start: int | None
    end: int | None
    kind: str
    reason: Reason
    in_name: bool = False


def redact_and_find(value: Any, using: Detector) -> tuple[Any, Iterator[Finding]]:
    """The redacted value, and each finding, in order. Neither is counted."""
    with counts.uncounted():
        clean = redact(value, using=using)
    return clean, _Comparison(using).findings(value, clean, "")


class _Comparison:
    """Compares values with their redacted form."""

    def __init__(self, using: Detector) -> None:
        self._using = using

    def findings(self, value: Any, clean: Any, pointer: str, named: Rule | None = None) -> Iterator[Finding]:
        """`named`: the rule of the name that the value stands under, whatever says so."""
        if named and named.kind and clean == REDACTED and value != REDACTED and is_sensitive(named, value):
            end = len(value) if isinstance(value, str) else None
            yield Finding(pointer, None if end is None else 0, end, named.kind.name, "name")
        elif type(value) is str:
            yield from self._in_text(value, pointer)
        elif type(value) is dict and type(clean) is dict:
            yield from self._in_object(value, clean, pointer)
        elif type(value) is list and type(clean) is list:
            for at, (item, after) in enumerate(zip(value, clean, strict=True)):
                yield from self.findings(item, after, f"{pointer}/{at}", self._named_before(value, at))
        elif value != clean:
            edits = self._using.edits(str(value).encode())
            kind, reason = _kind_and_reason(edits[0].kind if edits else "payment card")
            yield Finding(pointer, None, None, kind, reason)

    def _in_object(self, source: dict[str, Any], clean: dict[str, Any], pointer: str) -> Iterator[Finding]:
        rules = self._using.rules
        named = next((rule for key, value in source.items() if (rule := rule_named(key, value, self._using))), None)
        for (key, value), (shown, after) in zip(source.items(), clean.items(), strict=True):
            place = f"{pointer}/{shown.replace('~', '~0').replace('/', '~1')}"
            if key != shown:
                yield from self._in_text(key, place, in_name=True)
            rule = rules[key]
            of_key = rule is not None and rule.kind is not None and is_sensitive(rule, value)
            yield from self.findings(value, after, place, rule if of_key else named)

    def _named_before(self, items: Sequence[Any], at: int) -> Rule | None:
        """The rule of the name before an element, as in `["Cookie", "sid=1"]`."""
        name = items[at - 1] if at % 2 else None
        return self._using.rules[name] if isinstance(name, str) else None

    def _in_text(self, text: str, pointer: str, *, in_name: bool = False) -> Iterator[Finding]:
        body = text.encode(errors="surrogatepass")
        characters = at = 0
        for edit in edits_of_original(body, self._using):
            start = characters + _length(body[at : edit.start])
            end = start + _length(body[edit.start : edit.end])
            kind, reason = _kind_and_reason(edit.kind)
            yield Finding(pointer, start, end, kind, reason, in_name)
            characters, at = end, edit.end


def _kind_and_reason(kind: str) -> tuple[str, Reason]:
    plain, group = kind_and_group(kind)
    return plain, _OF_GROUP.get(group) or ("format" if kind in _FORMATS else "layout")


def _length(piece: bytes) -> int:
    return len(piece.decode(errors="surrogatepass"))
