"""Recall, precision and cost of redaction: `python -m benchmarks.redaction`.

Recall: samples, made up at run time, in five places each. One counts as redacted if no six characters in a row of it
are left. Precision: lines of real documentation that are altered, each of which is printed. Cost: 1 MB of text each.
"""

import ast
import base64
import difflib
import json
import random
import re
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import pairwise
from pathlib import Path

from benchmarks.credential_types import TYPES
from benchmarks.stage import show
from chancery.core.redaction import redact, redact_text
from chancery.core.redaction.credential_formats import FORMATS
from local.settings import ROOT
from tests.credential_samples import card, from_pattern, sample, secret_in

SAMPLES, LEFT, MEGABYTE, LIMIT, ROUNDS = 20, 6, 1_000_000, 50, 3
PLACES: dict[str, Callable[[str], str]] = {
    "alone": redact_text,
    "sentence": lambda secret: redact_text(f"We found {secret} in the log of today."),
    "URL": lambda secret: redact_text(f"wss://app.example/page?from=mail&x={secret}&lang=en"),
    "list": lambda secret: redact_text(f"- first\n- {secret}\n- last, {secret}, other"),
    "neutral name": lambda secret: json.dumps(redact({"note": secret}), ensure_ascii=False),
}
Sampler = Callable[[random.Random], tuple[str, str]]  # the text, and the secret in it


def bench_redaction() -> None:
    """Everything, with samples of this run alone."""
    numbers = random.Random()
    bench_recall("credential types", {name: _of_type(pattern) for name, pattern in TYPES.items()}, numbers, 0.97)
    bench_recall("formats", {form.name: _of_format(index) for index, form in enumerate(FORMATS)}, numbers, 0.97)
    bench_recall(
        "payment cards",
        {f"{start}, {length} digits": _of_card(start, length) for start, length in CARDS},
        numbers,
        0.97,
    )
    for name, documents in (("docs", _docs()), ("docstrings", _docstrings()), ("packages", _packages())):
        bench_precision(name, documents)
    bench_cost(numbers)


CARDS = [("4", 16), ("4", 19), ("51", 16), ("2221", 16), ("37", 15), ("36", 14), ("6011", 16), ("3528", 16), ("62", 19)]


def bench_recall(corpus: str, types: dict[str, Sampler], numbers: random.Random, least: float) -> None:
    """The part of samples that is redacted, by type where that is not all of them, and by place."""
    places = dict.fromkeys(PLACES, 0)
    below = {}
    for name, make in types.items():
        redacted = 0
        for _ in range(SAMPLES):
            text, secret = make(numbers)
            for place, put in PLACES.items():
                found = is_gone(secret, put(text))
                redacted += found
                places[place] += found
        if redacted < SAMPLES * len(PLACES):
            below[name] = redacted / SAMPLES / len(PLACES)
    all_of_place = SAMPLES * len(types)
    detail = ", ".join(f"{place} {count / all_of_place:.1%}" for place, count in places.items())
    recall = sum(places.values()) / all_of_place / len(PLACES)
    show(f"recall, {len(types)} {corpus}", recall, f"at least {least}", detail)
    for name, part in sorted(below.items(), key=lambda item: item[1]):
        print(f"    {name:<48}{part:6.1%}")


def is_gone(secret: str, text: str) -> bool:
    """Whether a text holds no six characters in a row of a secret."""
    return not any(secret[at : at + LEFT] in text for at in range(max(1, len(secret) - LEFT + 1)))


def _of_type(pattern: str) -> Sampler:
    def make(numbers: random.Random) -> tuple[str, str]:
        text = from_pattern(pattern, numbers)
        match = re.fullmatch(pattern, text)
        return text, match[1] if match and match.lastindex else text

    return make


def _of_format(index: int) -> Sampler:
    def make(numbers: random.Random) -> tuple[str, str]:
        text = sample(FORMATS[index], numbers)
        return text, secret_in(FORMATS[index], text)

    return make


def _of_card(start: str, length: int) -> Sampler:
    def make(numbers: random.Random) -> tuple[str, str]:
        number = card(numbers, start, length)
        cuts = (0, 4, 10, length) if length < 16 else (*range(0, length, 4), length)
        text = numbers.choice(" -.\u00a0\u2011").join(number[start:end] for start, end in pairwise(cuts))
        return text, text

    return make


def bench_precision(name: str, documents: Iterator[str]) -> None:
    """Lines that are altered in 10,000, and each of them."""
    lines, altered = 0, []
    for document in documents:
        lines += document.count("\n") + 1
        clean = redact_text(document)
        if clean != document:
            altered += _altered(document.splitlines(), clean.splitlines())
    show(
        f"precision, {name}", len(altered) / lines * 10_000, "at most 5", f"lines altered in 10,000, of {lines:,} lines"
    )
    for before, after in altered:
        same = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
        begin = max(0, same - 60)
        print(f"    {before[begin : same + 80].strip()}\n  → {after[begin : same + 40].strip()}")


def _altered(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind != "equal":
            new = after[new_start:new_end]
            yield from ((line, new[min(at, len(new) - 1)] if new else "") for at, line in enumerate(before[start:end]))


def _docs() -> Iterator[str]:
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("client/*.md")]):
        yield path.read_text()


def _docstrings() -> Iterator[str]:
    """Of the standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if {"site-packages", "test", "tests"}.isdisjoint(path.relative_to(library).parts):
            yield from _docstrings_of(path)


def _docstrings_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring


def _packages() -> Iterator[str]:
    """The descriptions, mostly READMEs, of the packages that are installed here."""
    for package in metadata.distributions():
        description = package.metadata.get_payload()  # type: ignore[attr-defined]
        if isinstance(description, str) and description.strip():
            yield description


def bench_cost(numbers: random.Random) -> None:
    """Processor time for 1 MB of each kind of text, the least of a few rounds."""
    costs = {}
    for name, text in _texts(numbers).items():
        costs[name] = min(_milliseconds(text[:MEGABYTE]) for _ in range(ROUNDS))
    slowest = max(costs, key=lambda name: costs[name])
    show("cost, slowest kind of text", costs[slowest], f"at most {LIMIT} ms/MB", slowest)
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        print(f"    {name:<48}{cost:6.1f} ms")


def _milliseconds(text: str) -> float:
    began = time.process_time()
    redact_text(text)
    return (time.process_time() - began) * 1000


def _texts(numbers: random.Random) -> dict[str, str]:
    record = json.dumps({"id": "%032x", "action": "blog_post.approved", "at": "2025-11-21T10:00:00Z", "words": 950})
    kinds: dict[str, str] = {
        "prose": " ".join(_docs()),
        "source": Path(difflib.__file__).read_text() + Path(ast.__file__).read_text(),
        "records in JSON": "\n".join(record % numbers.getrandbits(128) for _ in range(1000)),
        "log lines": "2025-11-21 10:00:00,123 INFO app.worker: job 4711 done in 35 ms status=200 path=/v1/records\n",
        "links": "https://www.example.com/blog/2025/why-seo-matters?utm_source=mail&page=2#top\n",
        "base64": base64.b64encode(numbers.randbytes(30_000)).decode(),
        "hexadecimal": numbers.randbytes(30_000).hex(),
        "UUIDs": "\n".join(
            f"{numbers.getrandbits(128):032x}"[:8] + "-4a1b-8c2d-93e4-0123456789ab" for _ in range(1000)
        ),
        "decimals": " ".join(f"{numbers.random():.6f}" for _ in range(5000)),
        "ids of 16 digits": "\n".join(str(numbers.randrange(4 * 10**15, 6 * 10**15)) for _ in range(3000)),
        "groups of four digits": "4111 ",
        "numbers of cards": "4111 1111 1111 1112\n",
        "markup": '<p class="a">A <b>bold</b> word &amp; more</p>\n',
        "names with values": "user=ada&lang=en&password=hunter2&page=2\n",
        "names alone": "password ",
        "beginnings of tokens": "sk-ant- ghp_ eyJ AKIA xoxb- ",
        "beginnings of JOSE": "eyJhbGciOiJIUzI1NiJ9.",
        "schemes": "Bearer Basic bearer basic ",
        "quotation marks and backslashes": '\\"{\\"a\\":[',
        "brackets": "[{(",
        "one letter": "a",
        "beyond ASCII": "密码はとても大切です。",
    }
    return {name: text * (MEGABYTE // len(text) + 1) for name, text in kinds.items()}


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    bench_redaction()
