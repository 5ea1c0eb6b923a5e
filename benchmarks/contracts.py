"""Typesetting: a contract of ten pages in a process that is warm, each time with other values."""

import time
from hashlib import sha256

from benchmarks.stage import median, show
from chancery.contracts.default_template import default_template
from chancery.contracts.document import render_input
from chancery.contracts.renderer import Renderer
from tests.contracts import values

PAGES, CLAUSES, WARM, ROUNDS = 10, 35, 5, 60


def bench_contracts() -> None:
    """The 95th percentile of the time for ten pages of the default agreement's clauses, and of the first contract."""
    template = _ten_pages()
    renderer = Renderer()
    began = time.perf_counter()
    rendered = renderer.render(render_input(template, values(), "0" * 26))
    first = time.perf_counter() - began
    assert rendered.pages == PAGES, rendered.pages
    times = sorted([_seconds(renderer, template, place) for place in range(WARM + ROUNDS)][WARM:])
    renderer.stop()
    p95 = times[int(len(times) * 0.95)]
    detail = f"median {median(times) * 1000:.0f} ms, the first {first * 1000:.0f} ms, {len(rendered.pdf) // 1000} KB"
    show("ten-page contract, p95 / 150 ms", p95 / 0.150, "at most 1.00", detail)


def _seconds(renderer: Renderer, template: dict[str, str], place: int) -> float:
    began = time.perf_counter()
    renderer.render(render_input(template, values(tenantName=f"Tenant {place} 株式会社"), f"{place:026d}"))
    return time.perf_counter() - began


def _ten_pages() -> dict[str, str]:
    """The default agreement with its clauses again and again."""
    template = default_template()
    text, end = template["source"].split("#pagebreak(weak: true)", 1)
    head, *clauses = text.split("\n= ")
    source = "\n= ".join([head, *(clauses * 4)[:CLAUSES]]) + "#pagebreak(weak: true)" + end
    return {**template, "source": source, "sha256": sha256(source.encode()).hexdigest()}
