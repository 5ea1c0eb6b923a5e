"""Generated files and blocks are up to date, and declarations that do not fit are refused."""

from pathlib import Path

import pytest

from chancery.core.aws.declarations import Function, Queue
from chancery.core.identity.roles import READERS, Role
from chancery.core.web.routes import OPEN, AnyRoute, Route
from chancery.wiring.registry import FUNCTIONS, QUEUES
from tools.generate.api import MixedFunction, api_block
from tools.generate.function_blocks import functions_block
from tools.generate.marks import MarkMissing, fill_markdown, fill_yaml
from tools.generate.outputs import ROOT, outputs
from tools.generate.queue_blocks import queues_block


@pytest.mark.parametrize("path", outputs(), ids=lambda path: path.name)
def test_generated_text_is_up_to_date(path: Path) -> None:
    assert path.read_text() == outputs()[path], "run: make generate"


def test_every_function_has_a_declaration_and_a_folder() -> None:
    assert sorted(item.name for item in FUNCTIONS) == sorted(
        path.parent.name for path in (ROOT / "functions").glob("*/app.py")
    )


def test_queues_that_functions_name_are_declared() -> None:
    named = {name for item in FUNCTIONS for name in (*item.sends_to, item.consumes) if name}

    assert named == {queue.name for queue in QUEUES}


def test_a_queue_without_its_consumer_is_refused() -> None:
    with pytest.raises(LookupError, match="No function consumes notes"):
        queues_block([Queue("notes", "alarm")], [])


def test_a_function_that_consumes_an_undeclared_queue_is_refused() -> None:
    with pytest.raises(KeyError, match="notes"):
        functions_block([Function("consume_notes", "stores notes", consumes="notes")], {}, frozenset())


def test_a_function_serves_either_open_routes_or_others() -> None:
    def route(roles: frozenset[Role] | None) -> AnyRoute:
        return Route("GET", "/v1/notes", "Notes", lambda _service, _call: {}, roles, {200: dict}, function="read_notes")

    with pytest.raises(MixedFunction, match="read_notes"):
        api_block([route(OPEN), route(READERS)])


def test_a_block_is_written_between_its_marks_at_their_indentation() -> None:
    text = "a:\n  # --- generated: b (make generate) ---\n  old: 1\n  # --- end ---\nc: 2\n"

    assert fill_yaml(text, "b", "new:\n  - 3\n\n") == (
        "a:\n  # --- generated: b (make generate) ---\n  new:\n    - 3\n  # --- end ---\nc: 2\n"
    )
    assert fill_markdown("<!-- generated: t (make generate) -->\n<!-- end -->\n", "t", "| x |") == (
        "<!-- generated: t (make generate) -->\n| x |\n<!-- end -->\n"
    )


def test_a_missing_mark_is_named() -> None:
    with pytest.raises(MarkMissing, match="functions"):
        fill_yaml("a: 1\n", "functions", "")
