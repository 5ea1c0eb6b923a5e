"""How tables look on a terminal, and in a pipe."""

import io
import json

import pytest
from rich.console import Console

from chancery.cli import render
from tests.command_line import item

WORDS = "a description of what was done, and to what, and why it was done " * 3


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    """A terminal of 80 columns."""
    screen = io.StringIO()
    monkeypatch.setattr(render, "out", Console(file=screen, width=80, force_terminal=True, color_system=None))
    return screen


def test_a_refid_stays_on_one_line(terminal):
    records = [
        item(number, description=WORDS, actorName="Sarah of Marketing", tenantId=f"t{number}") for number in (1, 2)
    ]

    render.print_records(records)

    lines = terminal.getvalue().splitlines()
    for record in records:
        assert sum(record["refId"] in line for line in lines) == 1
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("columns", [["refId", "action"], ["id", "month"]])
def test_ids_stay_on_one_line_in_other_tables(terminal, columns):
    render.print_table(columns, [("01J" + "0" * 23, WORDS)])

    assert "01J" + "0" * 23 in terminal.getvalue()


def test_empty_columns_are_omitted(terminal, capsys, monkeypatch):
    render.print_records([item(1)])

    assert terminal.getvalue().split()[:5] == ["when", "actor", "action", "resource", "refId"]
    monkeypatch.undo()
    render.print_records([item(1)], every_column=True)
    assert capsys.readouterr().out.splitlines()[0].split("\t")[4:] == ["description", "refId"]


def test_a_table_in_a_pipe_has_no_padding(capsys):
    rows = [("short", "x"), ("long " * 2000, "y"), ("two\nlines", "z")]

    render.print_table(["a", "b"], rows)

    assert capsys.readouterr().out == f"a\tb\nshort\tx\n{'long ' * 2000}\ty\ntwo lines\tz\n"


def test_fields_in_a_pipe_are_one_a_line(capsys):
    render.print_fields({"refId": "r", "before": {"a": [1, 2]}})

    assert capsys.readouterr().out == 'refId\tr\nbefore\t{"a": [1, 2]}\n'


def test_brackets_are_text_not_markup(capsys):
    render.err.print("--retention '[1]' and [bold]this[/bold]")
    render.print_problem({"title": "[red]", "detail": "\x1b[2J"})

    errors = capsys.readouterr().err
    assert "'[1]' and [bold]this[/bold]" in errors
    assert "[red]: \N{REPLACEMENT CHARACTER}[2J" in errors


def test_json_is_escaped_for_an_output_without_unicode(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(render.sys, "stdout", narrow)

    render.print_json({"name": "Zoë \N{SNOWMAN}"})

    assert json.loads(narrow.buffer.getvalue()) == {"name": "Zoë \N{SNOWMAN}"}
