"""Functions are thin: parse, call one service, return."""

from pathlib import Path

import pytest

from chancery.wiring.registry import FUNCTIONS
from chancery.wiring.routes import PAGES, ROUTES

NAMES = [function.name for function in FUNCTIONS]
SERVING = {route.function for route in (*ROUTES, *PAGES)}


def source(name: str) -> str:
    return (Path(__file__).parents[2] / "functions" / name / "app.py").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_short_and_holds_no_rule(name: str) -> None:
    assert len(source(name).splitlines()) <= (15 if name in SERVING else 40)
    assert "boto3" not in source(name)
    assert "    try:" not in source(name)


def test_only_functions_of_the_api_import_the_router() -> None:
    importing = {name for name in NAMES if "core.web.responses" in source(name)}

    assert importing == SERVING
