"""How far our JSONata agrees with the reference implementation, by its own test suite.

    git clone https://github.com/jsonata-js/jsonata ../jsonata
    python -m benchmarks.jsonata ../jsonata

For each group of the suite it prints how many cases agree (the same result, or an error with the same code), are
refused (an error here where the reference has a result), have an error with another code, and differ (another result,
or a result where the reference has an error). `--cases` prints each case that does not agree. Exits with 1 where a case
differs.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chancery.core.errors import Unavailable
from chancery.integrations.transforms.transformer import Transformer, TransformFailed

KINDS = ("agrees", "refused", "other code", "differs")
_SECONDS = 10.0  # a case; some are slow on purpose
_RUNNERS_OWN = "U1001"  # a limit of the reference's test runner, which is no part of JSONata


class Case(NamedTuple):
    """A case of the suite. `expected`: the result, None where nothing is selected; `code`: of an error, else None."""

    group: str
    name: str
    expression: str
    value: Any
    bindings: Mapping[str, Any]
    expected: Any
    code: str | None
    unordered: bool


def cases(suite: Path) -> Iterator[Case]:
    """The cases of `test/test-suite`, by group."""
    datasets = {path.stem: json.loads(path.read_text()) for path in (suite / "datasets").glob("*.json")}
    for path in sorted((suite / "groups").glob("*/*.json")):
        content = json.loads(path.read_text())
        for at, case in enumerate(content if isinstance(content, list) else [content]):
            expression = case["expr"] if "expr" in case else (path.parent / case["expr-file"]).read_text()
            if case.get("code") == _RUNNERS_OWN:
                continue
            is_result = "result" in case or "undefinedResult" in case
            yield Case(
                group=path.parent.name,
                name=f"{path.name}[{at}]",
                expression=expression,
                value=case["data"] if "data" in case else datasets.get(case.get("dataset")),
                bindings=case.get("bindings") or {},
                expected=case.get("result"),
                code=None if is_result else case.get("code") or case["error"]["code"],
                unordered=bool(case.get("unordered")),
            )


def compare(transformer: Transformer, case: Case) -> tuple[str, str]:
    """One of KINDS, and what came of the case."""
    try:
        result = transformer.transform(case.expression, case.value, bindings=case.bindings)
    except TransformFailed as exc:
        if case.code is None:
            return "refused", exc.detail
        return ("agrees" if exc.code == case.code else "other code"), exc.code
    except (Unavailable, TypeError) as exc:
        return "refused", str(exc)
    if case.code is not None:
        return "differs", repr(result)
    return ("agrees" if _is_same(result, case.expected, case.unordered) else "differs"), repr(result)


def _is_same(one: Any, other: Any, unordered: bool = False) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other or abs(one - other) <= 1e-15 * abs(other)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(*((sorted(one, key=repr), sorted(other, key=repr)) if unordered else (one, other)), strict=False)
        return len(one) == len(other) and all(_is_same(*pair) for pair in pairs)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    return bool(one == other)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path, help="a checkout of github.com/jsonata-js/jsonata")
    parser.add_argument("--cases", action="store_true", help="print each case that does not agree")
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    transformer = Transformer(seconds=_SECONDS)
    for case in cases(options.repository / "test" / "test-suite"):
        kind, came = compare(transformer, case)
        counts.setdefault(case.group, Counter())[kind] += 1
        if options.cases and kind != "agrees":
            expected = case.code or json.dumps(case.expected)
            print(f"{kind}: {case.group}/{case.name}: {case.expression!r}: {expected[:100]} | {came[:100]}")
    transformer.stop()
    _print(counts)
    return 1 if any(count["differs"] for count in counts.values()) else 0


def _print(counts: Mapping[str, Counter[str]]) -> None:
    total: Counter[str] = sum(counts.values(), Counter())
    print(f"{'group':32}{'cases':>7}" + "".join(f"{kind:>12}" for kind in KINDS) + f"{'share':>9}")
    for group, count in [*sorted(counts.items()), ("all", total)]:
        share = count["agrees"] / count.total()
        print(f"{group:32}{count.total():7}" + "".join(f"{count[kind]:12}" for kind in KINDS) + f"{share:9.1%}")


if __name__ == "__main__":
    sys.exit(main())
