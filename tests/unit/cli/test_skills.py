"""`chancery skills list`, `show` and `seed`: requests, output and exit codes."""

import json
from typing import Any

from typer.testing import CliRunner

from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.main import app
from tests.command_line import shorten_database_timeout

FILE = "---\nname: A\ncategory: sop\nassignedAgentRoles: []\nisClientContext: false\n---\ntext\n"


def invoke(*arguments: str) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["skills", *arguments])
    return done.exit_code, done.stdout, done.exception


def item(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "refId": f"01J-{name}",
        "tenantId": "acme",
        "name": name,
        "category": "sop",
        "assignedAgentRoles": ["a", "b"],
        "isClientContext": False,
        "version": 2,
        "contentBytes": 99,
        **changes,
    }


def test_list_prints_all_pages_and_sends_its_filters(service):
    pages = (
        {"items": [item("one")], "nextCursor": "c1"},
        {"items": [item("two", tenantId="global", isClientContext=True)], "nextCursor": None},
    )
    service.on("GET", "/skills", *((200, page, {}) for page in pages))

    status, text, _ = invoke("list", "--role", "a", "--category", "sop", "-q", "warm", "--tenant", "acme")

    assert status == 0
    assert [line.split() for line in text.splitlines()][1:] == [
        ["one", "sop", "acme", "a,", "b", "2", "99", "01J-one"],
        ["two", "sop", "global", "all", "2", "99", "01J-two"],
    ]
    asked = {"role": "a", "category": "sop", "q": "warm", "tenantId": "acme", "limit": "50"}
    assert [query for _, _, query, _ in service.asked] == [asked, asked | {"cursor": "c1"}]


def test_list_as_json_is_one_item_a_line_up_to_the_limit(service):
    service.on("GET", "/skills", (200, {"items": [item("one"), item("two")], "nextCursor": "c1"}, {}))

    assert [json.loads(line)["name"] for line in invoke("list", "--json", "--limit", "2")[1].splitlines()] == [
        "one",
        "two",
    ]
    assert len(service.asked) == 1


def test_show_prints_the_content_as_it_is_stored(service):
    service.on("GET", "/skills/r1", (200, item("one", content="# Text\n\n\tmore\x9b2J\n"), {}))
    service.on("GET", "/skills/r1/versions/1", (200, {"version": 1, "content": "older"}, {}))
    service.on("GET", "/skills/r2", (404, {"title": "Not found"}, {}))

    assert invoke("show", "r1")[1] == "# Text\n\n\tmore\x9b2J\n"
    assert invoke("show", "r1", "--version", "1")[1] == "older"
    assert json.loads(invoke("show", "r1", "--json")[1])["name"] == "one"
    assert isinstance(invoke("show", "r2")[2], ProblemError)


def test_seed_reports_a_broken_file_before_it_connects(tmp_path):
    tmp_path.joinpath("a.md").write_text(FILE.replace("sop", "poem"))

    error = invoke("seed", "--folder", str(tmp_path), "--uri", "mongodb://127.0.0.1:9", "--bus", "b")[2]

    assert isinstance(error, UsageError)
    assert "a.md: category" in str(error)


def test_seed_reports_missing_options_and_an_unreachable_server(tmp_path, monkeypatch):
    shorten_database_timeout(monkeypatch)
    tmp_path.joinpath("a.md").write_text(FILE)
    for variable in ("CHANCERY_MONGODB_URI", "CHANCERY_EVENT_BUS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CHANCERY_LOCAL", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    unreachable = "mongodb://127.0.0.1:9/?directConnection=true"

    without_stack = invoke("seed")[2]
    without_bus = invoke("seed", "--uri", unreachable)[2]
    without_server = invoke("seed", "--folder", str(tmp_path), "--uri", unreachable, "--bus", "b")[2]

    assert isinstance(without_stack, UsageError) and "make up" in str(without_stack)
    assert isinstance(without_bus, UsageError) and "--bus" in str(without_bus)
    assert isinstance(without_server, Unreachable)
