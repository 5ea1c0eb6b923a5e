"""The command line against a small server that answers like the API."""

import json
import re
from typing import Any

import pytest

from chancery.cli.api import Api
from chancery.cli.connection import Connection, find_connection
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.render import plain
from local.ports import free_port
from tests.command_line import Answer, item, page, run_here
from tools.generate.cli_reference import reference


def test_every_option_and_command_is_documented():
    assert not re.search(r": (None|)$", reference(), re.MULTILINE)


def test_search_sends_its_filters_and_prints_one_item_a_line(chancery, service):
    service.on("GET", "/audit-logs", page(item(1), item(2)))

    done = chancery("search", "--action", "blog_post.*", "--resource", "blog_post/p1", "--from", "2026-01-01T00:00:00Z",
                    "--limit", "2", "--json")  # fmt: skip

    assert [json.loads(line)["refId"] for line in done.stdout.splitlines()] == [item(1)["refId"], item(2)["refId"]]
    assert service.asked[0][2] == {
        "action": "blog_post.*",
        "resourceType": "blog_post",
        "resourceId": "p1",
        "from": "2026-01-01T00:00:00Z",
        "limit": "2",
        "order": "desc",
    }
    assert service.headers[0]["Authorization"] == "Bearer t"


def test_impersonation_is_searched_and_printed(chancery, service):
    service.on("GET", "/audit-logs", page(item(1, actorId="omar", onBehalfOfId="sarah")))

    done = chancery("search", "--on-behalf-of", "sarah")

    assert service.asked[0][2]["onBehalfOfId"] == "sarah"
    assert "\tomar for sarah\t" in done.stdout


@pytest.mark.parametrize("truncated", [True, False])
def test_stats_report_that_there_are_more_groups(chancery, service, truncated):
    service.on("GET", "/audit-logs/stats", (200, {"groups": [{"key": "a.b", "count": 3}], "truncated": truncated}, {}))

    done = chancery("stats")

    assert "a.b\t3" in done.stdout
    assert ("there are more" in done.stderr) == truncated


@pytest.mark.parametrize(("sampled", "truncated"), [(1, False), (32, True)])
def test_logs_aggregate_prints_groups_and_says_what_is_estimated_or_cut_off(chancery, service, sampled, truncated):
    durations = {"p50": 3.0, "p95": 20.5, "p99": 31.0}
    groups = [{"key": "/a", "count": 64, "users": 2, "durationMs": durations}]
    groups.append({"key": None, "count": 32, "users": 0, "durationMs": None})
    answer = {"from": "2026-01-01T00:00:00Z", "to": None, "groups": groups, "truncated": truncated}
    service.on("GET", "/logs/app/aggregate", (200, {**answer, "sampledOneIn": sampled}, {}))

    done = chancery("logs", "aggregate", "app", "--group-by", "endpoint", "--level", "warn")

    assert done.stdout.splitlines()[-2:] == ["/a\t64\t2\t3.0\t20.5\t31.0", "\t32\t0\t\t\t"]
    assert service.asked[-1][2] == {"groupBy": "endpoint", "level": "warn"}
    assert ("one line in 32" in done.stderr, "there are more" in done.stderr) == (sampled > 1, truncated)


def test_search_all_follows_the_cursors(chancery, service):
    service.on("GET", "/audit-logs", page(item(1), cursor="c1"), page(item(2), cursor="c2"), page(item(3)))

    done = chancery("search", "--all", "--json")

    assert len(done.stdout.splitlines()) == 3
    assert [asked[2].get("cursor") for asked in service.asked] == [None, "c1", "c2"]


def test_a_table_in_a_pipe_is_whole_and_plain(chancery, service):
    wide = item(1, description="word " * 100, actorName="\x1b[31mred")
    service.on("GET", "/audit-logs", page(wide, item(2, tenantId="globex")))

    done = chancery("search")

    assert "\x1b" not in done.stdout
    assert ("word " * 100).strip() in done.stdout
    assert "globex" in done.stdout


def test_control_characters_are_never_printed():
    assert "\x1b" not in plain("\x1b[2J\u202e text")
    assert plain(None) == ""


def test_a_problem_is_printed_with_all_errors_and_exit_code_1(chancery, service):
    problem = {"title": "Invalid input", "detail": "The query is not valid.", "traceId": "t-1"}
    errors = [{"pointer": "/limit", "detail": "too large"}, {"pointer": "", "detail": "whole"}]
    service.on("GET", "/audit-logs", (422, problem | {"errors": errors}, {}))

    done = chancery("search")

    assert done.returncode == 1
    assert done.stdout == ""
    for text in ("Invalid input", "/limit", "too large", "(body)", "t-1"):
        assert text in done.stderr


def test_an_unreachable_service_is_exit_code_3(chancery):
    done = chancery("health", CHANCERY_API_URL=f"http://127.0.0.1:{free_port()}/v1")

    assert done.returncode == 3
    assert "does not answer" in done.stderr


def test_without_a_deployment_the_message_names_the_next_step(chancery):
    done = chancery("search", CHANCERY_API_URL="", CHANCERY_TOKEN="")

    assert done.returncode == 2
    assert "make up" in done.stderr


def test_a_busy_service_is_retried_after_its_retry_after(service, waits):
    service.on("GET", "/health", (429, {}, {"Retry-After": "7"}), (503, {}, {"Retry-After": "2"}), (200, {"a": 1}, {}))

    assert Api(Connection(service.url, "t")).get("/health") == {"a": 1}
    assert waits == [7.0, 2.0]


def test_a_post_is_retried_with_an_idempotency_key_only(service, waits):
    service.on("POST", "/audit-logs", (503, {"title": "away"}, {}), (201, {"ok": 1}, {}))
    api = Api(Connection(service.url, "t"))

    with pytest.raises(ProblemError):
        api.post("/audit-logs", {})
    service.on("POST", "/audit-logs", (503, {}, {}), (201, {"ok": 1}, {}))
    assert api.post("/audit-logs", {}, "key") == {"ok": 1}


def test_an_answer_that_is_not_json_is_a_problem(service):
    service.on("GET", "/health", (502, b"<html>", {}))

    with pytest.raises(ProblemError) as failure:
        Api(Connection(service.url, None)).get("/health")

    assert failure.value.problem["detail"] == "<html>"


@pytest.mark.parametrize(
    ("body", "detail"), [({}, "gave no reason"), ({"message": "Endpoint request timed out"}, "timed")]
)
def test_a_gateways_error_is_printed_with_its_status(chancery, service, body, detail):
    service.on("GET", "/health", (504, body, {}))

    done = chancery("health")

    assert done.returncode == 1
    assert "Gateway Timeout: " in done.stderr
    assert detail in done.stderr


def test_an_address_of_another_service_or_none_is_reported(chancery, service):
    service.on("GET", "/health", (200, b"<html>", {}))

    assert "is not Chancery's API" in chancery("health").stderr
    wrong = chancery("health", CHANCERY_API_URL="http://a:b/v1")
    assert (wrong.returncode, "--api-url" in wrong.stderr) == (2, True)


def test_a_date_in_retry_after_is_ignored(service, waits):
    date = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    service.on("GET", "/health", (503, {}, date), (200, {"a": 1}, {}))

    assert Api(Connection(service.url, "t")).get("/health") == {"a": 1}
    assert waits == [1]


def test_an_unreachable_service_raises_unreachable():
    with pytest.raises(Unreachable):
        Api(Connection(f"http://127.0.0.1:{free_port()}", None)).get("/health")


def test_record_sends_the_event_and_prints_the_receipt(chancery, service):
    service.on("POST", "/audit-logs", (201, {"refId": "r"}, {}))

    done = chancery("record", "--action", "approved", "--resource", "blog_post/p1", "--actor", "me",
                    "--after", '{"a": 1}', "--idempotency-key", "k", "--json")  # fmt: skip

    assert json.loads(done.stdout) == {"refId": "r"}
    assert service.asked[0][3] == {
        "action": "approved",
        "resourceType": "blog_post",
        "resourceId": "p1",
        "actorId": "me",
        "actorType": "human",
        "after": {"a": 1},
    }
    assert service.headers[0]["Idempotency-Key"] == "k"


def test_record_refuses_incomplete_events_and_invalid_json(chancery):
    assert chancery("record").returncode == 2
    wrong = chancery("record", "--action", "a.b", "--resource", "a/1", "--actor", "me", "--after", "{")
    assert (wrong.returncode, "--after" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--before", "--after", "--metadata"])
@pytest.mark.parametrize("value", ["NaN", '{"n": 1e999}', '{"n": [-Infinity]}', "", '{"a": 1, "a": 2}'])
def test_record_names_an_option_that_is_no_json(chancery, service, option, value):
    done = chancery("record", "--action", "a.b", "--resource", "a/1", "--actor", "me", option, value)

    assert (done.returncode, service.asked) == (2, [])
    assert done.stderr.startswith(option) and "Traceback" not in done.stderr


def test_a_file_of_windows_is_recorded_and_half_an_emoji_is_a_replacement_character(chancery, service, tmp_path):
    service.on("POST", "/audit-logs", (207, {"results": [{"status": 201}] * 2}, {}))
    (tmp_path / "events.ndjson").write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n{"n": "cut \\ud83d"}\r\n')

    assert chancery("record", "--file", "events.ndjson").returncode == 0
    assert [asked[3]["records"] for asked in service.asked] == [[{"n": 1}, {"n": "cut \ufffd"}]]


def test_a_key_twice_is_named_with_its_line(chancery, service, tmp_path):
    (tmp_path / "events.ndjson").write_text('{"n": {"a": 1, "a": 2}}\n')

    done = chancery("record", "--file", "events.ndjson")

    assert (done.returncode, service.asked) == (2, [])
    assert "Line 1 has a key twice: /n/a." in done.stderr


def test_a_file_is_recorded_in_batches_and_each_refusal_has_its_line(chancery, service):
    def answer(_: dict[str, str], body: Any) -> Answer:
        results = [{"status": 422 if event.get("bad") else 201} for event in body["records"]]
        return 207, {"results": results}, {}

    service.routes["POST", "/v1/audit-logs"] = answer
    lines = [json.dumps({"n": number, "bad": number == 700}) for number in range(1200)]

    done = chancery("record", "--file", "-", "--idempotency-key", "k", stdin="\n".join(lines))

    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(asked[3]["records"]) for asked in service.asked] == [500, 500, 200]
    assert [headers["Idempotency-Key"] for headers in service.headers] == ["k-0", "k-1", "k-2"]
    assert [result["line"] for result in results if result["status"] == 422] == [701]
    assert done.returncode == 1
    assert "Recorded 1199, refused 1." in done.stderr


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b'{"action": "\xe9"}\n',
        b"[" * 100_000 + b"\n",
        b'{"n": NaN}\n',
        b'{"n": 1e999}\n',
        b'{"n": -Infinity}\n',
    ],
)
def test_the_lines_before_one_that_is_not_json_are_recorded_and_reported(chancery, service, tmp_path, bad):
    def answer(_: dict[str, str], body: Any) -> Answer:
        return 207, {"results": [{"status": 201, "refId": "r"} for _ in body["records"]]}, {}

    service.routes["POST", "/v1/audit-logs"] = answer
    (tmp_path / "events.ndjson").write_bytes(b'{"n": 1}\n\n{"n": 2}\n' + bad + b'{"n": 3}\n')

    done = chancery("record", "--file", "events.ndjson")

    assert [asked[3]["records"] for asked in service.asked] == [[{"n": 1}, {"n": 2}]]
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == [1, 3]
    assert done.returncode == 2
    assert done.stderr.index("Recorded 2, refused 0.") < done.stderr.index("Line 4 is not valid JSON")
    assert "This line and the following ones were not sent" in done.stderr


def test_events_recorded_before_an_error_are_reported(chancery, service, tmp_path):
    stored = (207, {"results": [{"status": 201}] * 500}, {})
    service.on("POST", "/audit-logs", stored, (413, {"title": "Too large"}, {}))
    (tmp_path / "events.ndjson").write_text('{"n": 1}\n' * 700)

    done = chancery("record", "--file", "events.ndjson")

    assert done.returncode == 1
    assert "Recorded 500, refused 0." in done.stderr
    assert "Too large" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("record", "--file", "nowhere/events"), "nowhere/events cannot be used: No such file or directory."),
        (("export", "-o", "nowhere/x"), "nowhere/x cannot be written: No such file or directory."),
        (("export", "-o", "folder"), "folder is a folder; give a file."),
        (("export", "-o", "new", "--id", "e", "--actor", "a"), "give --id without filters."),
        (("proof", "r", "-o", "folder"), "folder cannot be written: Is a directory."),
    ],
)
def test_an_unusable_file_is_reported_before_any_request(chancery, service, tmp_path, arguments, message):
    (tmp_path / "folder").mkdir()
    service.on("GET", "/audit-logs/r/proof", (200, b"proof", {}))

    done = chancery(*arguments)

    assert done.returncode == 2
    assert done.stderr.endswith(f"{message}\n")
    assert "Traceback" not in done.stderr
    assert [asked[0] for asked in service.asked if asked[0] == "POST"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("command", [("search",), ("search", "--json"), ("health",)])
def test_a_full_disk_is_reported_without_a_traceback(service, process, command):
    service.on("GET", "/audit-logs", page(item(1)))
    service.on("GET", "/health", (200, {"database": "ok"}, {}))

    with open("/dev/full", "wb") as full:
        done = process(*command, stdout=full)

    assert done.returncode == 2
    assert done.stderr == "The output cannot be written: No space left on device.\n"


def test_an_output_without_unicode_gets_escapes(service):
    service.on("GET", "/audit-logs", page(item(1, description="snow \N{SNOWMAN}")))

    done = run_here("search", encoding="latin-1")

    assert done.returncode == 0, done.stderr
    assert "snow \\u2603" in done.stdout
    assert json.loads(run_here("search", "--json", encoding="latin-1").stdout)["description"] == "snow \u2603"


def test_the_console_script_prints_to_a_pipe_and_returns_its_exit_code(service, process):
    service.on("GET", "/audit-logs", page(item(1)))
    service.on("GET", "/health", (422, {"title": "Invalid input"}, {}))

    found, refused = process("search", "--json"), process("health")

    assert (found.returncode, json.loads(found.stdout), found.stderr) == (0, item(1), "")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Invalid input")


def test_the_console_script_reads_a_pipe(service, process):
    service.on("POST", "/audit-logs", (207, {"results": [{"status": 201}]}, {}))

    done = process("record", "--file", "-", input='{"n": 1}\n')

    assert (done.returncode, json.loads(done.stdout)) == (0, {"line": 1, "status": 201})
    assert service.asked[0][3] == {"records": [{"n": 1}]}


@pytest.fixture
def no_deployment(monkeypatch):
    for variable in ("CHANCERY_API_URL", "CHANCERY_TOKEN", "CHANCERY_LOCAL", "CHANCERY_STACK"):
        monkeypatch.delenv(variable, raising=False)


def write_stack(folder, name="http://api/v1"):
    folder.mkdir(parents=True)
    file = folder / "stack.json"
    file.write_text(json.dumps({"apiUrl": name, "tokens": {"user": "u", "producer": "p"}}))
    return file


def test_the_local_stack_is_found_from_a_folder_inside(no_deployment, tmp_path, monkeypatch):
    write_stack(tmp_path / ".local")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)

    assert find_connection(None, None, "producer") == Connection("http://api/v1", "p")
    assert find_connection(None, "own", "user") == Connection("http://api/v1", "own")
    with pytest.raises(UsageError, match="choose from: user, producer"):
        find_connection(None, None, "nobody")


def test_the_local_stack_of_a_variable_is_found_from_any_folder(no_deployment, tmp_path, monkeypatch):
    write_stack(tmp_path / ".local", "http://here/v1")
    file, folder = write_stack(tmp_path / "one", "http://file/v1"), write_stack(tmp_path / "two", "http://folder/v1")
    monkeypatch.chdir(tmp_path)

    assert find_connection(None, None, "user").api_url == "http://here/v1"
    monkeypatch.setenv("CHANCERY_LOCAL", str(folder.parent))
    assert find_connection(None, None, "user").api_url == "http://folder/v1"
    monkeypatch.setenv("CHANCERY_STACK", str(file))
    assert find_connection(None, None, "user").api_url == "http://file/v1"
    monkeypatch.setenv("CHANCERY_STACK", "one/stack.json")
    assert find_connection(None, None, "user").api_url == "http://file/v1"


def test_without_a_stack_the_error_names_the_files_it_looked_for(no_deployment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"no local stack.*CHANCERY_STACK") as nowhere:
        find_connection(None, None, "user")
    monkeypatch.setenv("CHANCERY_STACK", "/nowhere/stack.json")
    with pytest.raises(UsageError, match=r"looked for /nowhere/stack\.json\. "):
        find_connection(None, None, "user")

    assert f"{tmp_path}/.local/stack.json" in str(nowhere.value)
    assert " /.local/stack.json" in str(nowhere.value)


@pytest.mark.parametrize("content", ["", '{"apiUrl": "http', "[1]", "7"])
def test_a_damaged_stack_file_is_an_error_with_the_next_step(no_deployment, tmp_path, monkeypatch, content):
    write_stack(tmp_path / ".local").write_text(content)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"stack\.json cannot be read as JSON; `make up` writes it again"):
        find_connection(None, None, "user")
