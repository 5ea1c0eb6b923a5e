"""The command line against a small server that answers as the contract says."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chancery.cli.api import Api, ProblemError, Unreachable
from chancery.cli.connection import Connection, UsageError, find_connection
from chancery.cli.reference import reference
from chancery.cli.render import plain
from local.ports import free_port

Answer = tuple[int, Any, dict[str, str]]
ROOT = Path(__file__).parents[3]


class Service:
    """Answers by (method, path); remembers what was asked."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Callable[[dict[str, str], Any], Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parsed = json.loads(body) if body else None
                service.asked.append((self.command, parts.path, query, parsed))
                service.headers.append(dict(self.headers))
                status, payload, headers = service.routes[self.command, parts.path](query, parsed)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload if isinstance(payload, bytes) else json.dumps(payload).encode())

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        left = list(answers)
        self.routes[method, f"/v1{path}"] = lambda *_: left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def chancery(service: Service, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("chancery")), *arguments]
        variables = {"PATH": "/usr/bin:/bin", "CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t", **environment}
        return subprocess.run(
            command, env=variables, cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=60
        )

    return run


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "refId": f"01J{number:023d}",
        "tenantId": "acme",
        "actorId": "sarah",
        "action": "blog_post.approved",
        "resourceType": "blog_post",
        "resourceId": f"p{number}",
        "createdOn": f"2026-03-01T12:00:{number:02d}.000Z",
        **changes,
    }


def page(*items: dict[str, Any], cursor: str | None = None) -> Answer:
    return 200, {"items": list(items), "nextCursor": cursor}, {}


def test_the_reference_is_what_the_commands_say():
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "run: python -m chancery.cli.reference > docs/cli.md"


def test_every_option_and_command_is_documented():
    assert not re.search(r": (None|)$", reference(), re.MULTILINE)


def test_search_sends_its_filters_and_prints_a_line_an_item(chancery, service):
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


@pytest.mark.parametrize("truncated", [True, False])
def test_stats_say_where_there_are_more_groups(chancery, service, truncated):
    service.on("GET", "/audit-logs/stats", (200, {"groups": [{"key": "a.b", "count": 3}], "truncated": truncated}, {}))

    done = chancery("stats")

    assert "a.b\t3" in done.stdout
    assert ("there are more" in done.stderr) == truncated


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


def test_what_steers_a_terminal_is_never_printed():
    assert "\x1b" not in plain("\x1b[2J\u202e text")
    assert plain(None) == ""


def test_a_problem_is_shown_with_every_field_and_exit_code_1(chancery, service):
    problem = {"title": "Invalid input", "detail": "The query is not valid.", "traceId": "t-1"}
    errors = [{"pointer": "/limit", "detail": "too large"}, {"pointer": "", "detail": "whole"}]
    service.on("GET", "/audit-logs", (422, problem | {"errors": errors}, {}))

    done = chancery("search")

    assert done.returncode == 1
    assert done.stdout == ""
    for text in ("Invalid input", "/limit", "too large", "(body)", "t-1"):
        assert text in done.stderr


def test_nobody_there_is_exit_code_3(chancery):
    done = chancery("health", CHANCERY_API_URL=f"http://127.0.0.1:{free_port()}/v1")

    assert done.returncode == 3
    assert "Nobody answers" in done.stderr


def test_no_deployment_at_all_says_what_to_do(chancery):
    done = chancery("search", CHANCERY_API_URL="", CHANCERY_TOKEN="")

    assert done.returncode == 2
    assert "make up" in done.stderr


def test_a_busy_service_is_asked_again_after_the_time_it_names(service, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    service.on("GET", "/health", (429, {}, {"Retry-After": "7"}), (503, {}, {"Retry-After": "2"}), (200, {"a": 1}, {}))

    assert Api(Connection(service.url, "t")).get("/health") == {"a": 1}
    assert waited == [7.0, 2.0]


def test_a_post_is_repeated_under_an_idempotency_key_only(service, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    service.on("POST", "/audit-logs", (503, {"title": "away"}, {}), (201, {"ok": 1}, {}))
    api = Api(Connection(service.url, "t"))

    with pytest.raises(ProblemError):
        api.post("/audit-logs", {})
    service.on("POST", "/audit-logs", (503, {}, {}), (201, {"ok": 1}, {}))
    assert api.post("/audit-logs", {}, "key") == {"ok": 1}


def test_an_answer_that_is_no_json_is_still_a_problem(service):
    service.on("GET", "/health", (502, b"<html>", {}))

    with pytest.raises(ProblemError) as failure:
        Api(Connection(service.url, None)).get("/health")

    assert failure.value.problem["detail"] == "<html>"


@pytest.mark.parametrize(
    ("body", "said"), [({}, "gave no reason"), ({"message": "Endpoint request timed out"}, "timed")]
)
def test_a_gateways_error_is_told_with_its_status(chancery, service, body, said):
    service.on("GET", "/health", (504, body, {}))

    done = chancery("health")

    assert done.returncode == 1
    assert "Gateway Timeout: " in done.stderr
    assert said in done.stderr


def test_an_address_that_is_another_services_or_none_is_told(chancery, service):
    service.on("GET", "/health", (200, b"<html>", {}))

    assert "is not Chancery's API" in chancery("health").stderr
    wrong = chancery("health", CHANCERY_API_URL="http://a:b/v1")
    assert (wrong.returncode, "--api-url" in wrong.stderr) == (2, True)


def test_a_date_as_retry_after_is_no_crash(service, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    date = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    service.on("GET", "/health", (503, {}, date), (200, {"a": 1}, {}))

    assert Api(Connection(service.url, "t")).get("/health") == {"a": 1}
    assert waited == [1]


def test_an_unreachable_service_is_told_apart():
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


def test_record_refuses_what_it_cannot_send(chancery):
    assert chancery("record").returncode == 2
    wrong = chancery("record", "--action", "a.b", "--resource", "a/1", "--actor", "me", "--after", "{")
    assert (wrong.returncode, "--after" in wrong.stderr) == (2, True)


def test_a_file_is_recorded_in_batches_and_each_refusal_names_its_line(chancery, service):
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


def test_an_export_is_waited_for_downloaded_and_checked(chancery, service, tmp_path):
    content = b'{"a":1}\n'
    finished = {
        "id": "e",
        "state": "done",
        "records": 1,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    service.on("POST", "/audit-exports", (202, {"id": "e", "state": "queued"}, {}))
    service.on(
        "GET",
        "/audit-exports/e",
        (200, finished | {"state": "running"}, {}),
        (200, finished | {"url": f"{service.url}/file"}, {}),
    )
    service.on("GET", "/file", (200, content, {}))

    done = chancery("export", "-o", "out.ndjson", "--format", "ndjson", "--json")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.ndjson").read_bytes() == content
    service.on("GET", "/file", (200, content + b"x", {}))
    damaged = chancery("export", "-o", "other.ndjson")
    assert damaged.returncode == 1
    assert "damaged" in damaged.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


@pytest.fixture
def exported(service) -> dict[str, Any]:
    """An export of one line that is done, with its proof."""
    content = b'{"a":1}\n'
    links = {"url": f"{service.url}/file", "proofUrl": f"{service.url}/proof"}
    finished = {"id": "e", "state": "done", "records": 1, "bytes": 8, "sha256": sha256(content).hexdigest(), **links}
    service.on("POST", "/audit-exports", (202, {"id": "e", "state": "queued"}, {}))
    service.on("GET", "/audit-exports/e", (200, finished, {}))
    service.on("GET", "/file", (200, content, {}))
    service.on("GET", "/proof", (200, b"the proof\n", {}))
    return finished


def test_the_proof_of_an_export_is_downloaded_beside_it(chancery, exported, tmp_path):
    done, shown = chancery("export", "-o", "out.ndjson", "--json"), chancery("export", "-o", "out.ndjson")

    assert json.loads(done.stdout)["proof"] == "out.ndjson.proof"
    assert "out.ndjson.proof" in shown.stdout
    assert (tmp_path / "out.ndjson.proof").read_bytes() == b"the proof\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ndjson", "out.ndjson.proof"]


@pytest.mark.parametrize(("link", "options"), [("http", ["--no-proof"]), (None, [])])
def test_an_export_does_without_a_proof(chancery, service, exported, tmp_path, link, options):
    service.on("GET", "/audit-exports/e", (200, exported | {"proofUrl": link and exported["proofUrl"]}, {}))

    done = chancery("export", "-o", "out.ndjson", "--json", *options)

    assert done.returncode == 0, done.stderr
    assert "proof" not in json.loads(done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


def test_a_proof_that_is_gone_is_an_error_and_the_export_is_there(chancery, service, exported, tmp_path):
    service.on("GET", "/proof", (403, b"expired", {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 3
    assert "out.ndjson.proof could not be downloaded" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


def test_an_export_that_failed_says_why(chancery, service):
    failed = {"id": "e", "state": "failed", "records": 0, "bytes": 0, "error": "The object store refused."}
    service.on("POST", "/audit-exports", (202, {"id": "e"}, {}))
    service.on("GET", "/audit-exports/e", (200, failed, {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 1
    assert "The object store refused." in done.stderr


@pytest.mark.parametrize("bad", [b"not json\n", b'{"action": "\xe9"}\n', b"[" * 100_000 + b"\n"])
def test_the_lines_before_one_that_is_not_json_are_recorded_and_this_is_told(chancery, service, tmp_path, bad):
    def answer(_: dict[str, str], body: Any) -> Answer:
        return 207, {"results": [{"status": 201, "refId": "r"} for _ in body["records"]]}, {}

    service.routes["POST", "/v1/audit-logs"] = answer
    (tmp_path / "events.ndjson").write_bytes(b'{"n": 1}\n\n{"n": 2}\n' + bad + b'{"n": 3}\n')

    done = chancery("record", "--file", "events.ndjson")

    assert [asked[3]["records"] for asked in service.asked] == [[{"n": 1}, {"n": 2}]]
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == [1, 3]
    assert done.returncode == 2
    assert done.stderr.index("Recorded 2, refused 0.") < done.stderr.index("Line 4 is not JSON")
    assert "Nothing from it on was sent" in done.stderr


def test_what_was_recorded_before_the_service_refused_is_told(chancery, service, tmp_path):
    stored = (207, {"results": [{"status": 201}] * 500}, {})
    service.on("POST", "/audit-logs", stored, (413, {"title": "Too large"}, {}))
    (tmp_path / "events.ndjson").write_text('{"n": 1}\n' * 700)

    done = chancery("record", "--file", "events.ndjson")

    assert done.returncode == 1
    assert "Recorded 500, refused 0." in done.stderr
    assert "Too large" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("record", "--file", "nowhere/events"), "nowhere/events cannot be used: No such file or directory."),
        (("export", "-o", "nowhere/x"), "nowhere/x cannot be written: No such file or directory."),
        (("export", "-o", "folder"), "folder is a folder; name a file in it."),
        (("export", "-o", "new", "--id", "e", "--actor", "a"), "give --id without any."),
        (("proof", "r", "-o", "folder"), "folder cannot be written: Is a directory."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_before_anything_is_asked_for(chancery, service, tmp_path, arguments, told):
    (tmp_path / "folder").mkdir()
    service.on("GET", "/audit-logs/r/proof", (200, b"proof", {}))

    done = chancery(*arguments)

    assert done.returncode == 2
    assert done.stderr.endswith(f"{told}\n")
    assert "Traceback" not in done.stderr
    assert [asked[0] for asked in service.asked if asked[0] == "POST"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("command", [("search",), ("search", "--json"), ("health",)])
def test_a_full_disk_is_told_without_a_traceback(service, command, tmp_path):
    service.on("GET", "/audit-logs", page(item(1)))
    service.on("GET", "/health", (200, {"database": "ok"}, {}))
    executable = [str(Path(sys.executable).with_name("chancery")), *command, "--api-url", service.url]

    with open("/dev/full", "wb") as full:
        done = subprocess.run(executable, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr == "The output cannot be written: No space left on device.\n"


def test_an_output_that_takes_no_unicode_gets_what_it_takes(chancery, service):
    service.on("GET", "/audit-logs", page(item(1, description="snow \N{SNOWMAN}")))

    done = chancery("search", PYTHONIOENCODING="latin-1")

    assert done.returncode == 0, done.stderr
    assert "snow \\u2603" in done.stdout
    assert json.loads(chancery("search", "--json", PYTHONIOENCODING="latin-1").stdout)["description"] == "snow \u2603"


def test_an_export_that_takes_too_long_is_told_with_its_id_and_can_be_fetched_later(chancery, exported, service):
    done = service.routes["GET", "/v1/audit-exports/e"]
    service.on("GET", "/audit-exports/e", (200, exported | {"state": "running"}, {}))

    late = chancery("export", "-o", "out.ndjson", "--timeout", "0.01")

    assert late.returncode == 3
    assert "The export e is not done yet; it goes on." in late.stderr
    assert "chancery export --id e -o FILE" in late.stderr
    service.routes["GET", "/v1/audit-exports/e"] = done
    service.asked.clear()
    assert chancery("export", "-o", "out.ndjson", "--id", "e").returncode == 0
    assert not [asked for asked in service.asked if asked[0] == "POST"]


def test_an_export_is_waited_for_while_the_service_is_away(chancery, exported, service, tmp_path):
    service.on("GET", "/audit-exports/e", (502, {}, {}), (200, exported, {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 0
    assert "trying again" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ndjson", "out.ndjson.proof"]


def test_the_local_stack_is_found_from_a_folder_inside(tmp_path, monkeypatch):
    (tmp_path / ".local").mkdir()
    stack = {"apiUrl": "http://api/v1", "tokens": {"user": "u", "producer": "p"}}
    (tmp_path / ".local" / "stack.json").write_text(json.dumps(stack))
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    for variable in ("CHANCERY_API_URL", "CHANCERY_TOKEN", "CHANCERY_LOCAL"):
        monkeypatch.delenv(variable, raising=False)

    assert find_connection(None, None, "producer") == Connection("http://api/v1", "p")
    assert find_connection(None, "own", "user") == Connection("http://api/v1", "own")
    with pytest.raises(UsageError, match="choose from: user, producer"):
        find_connection(None, None, "nobody")


def test_schema_commands_plan_apply_and_print_roles(chancery, mongod, connect):
    connect("admin").drop_collection("audit_settings")

    planned = chancery("schema", "plan", "--uri", mongod.uri("schema"), "--json")
    applied = chancery("schema", "apply", CHANCERY_MONGODB_URI=mongod.uri("schema"))
    again = chancery("schema", "plan", "--uri", mongod.uri("schema"))
    roles = chancery("schema", "roles", "--atlas")

    assert {json.loads(line)["collection"] for line in planned.stdout.splitlines()} == {"audit_settings"}
    assert "create_collection" in applied.stdout
    assert "Nothing to do." in again.stderr
    assert len([json.loads(line) for line in roles.stdout.splitlines()]) == 5


def test_schema_commands_say_what_is_wrong(chancery, mongod, connect):
    away = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200"
    schema, wrong = mongod.uri("schema"), mongod.uri("schema").replace(mongod.passwords["schema"], "secret-word")

    def told(*arguments: str) -> tuple[int, str]:
        done = chancery("schema", "plan", *arguments)
        assert "Traceback" not in done.stderr
        assert "secret-word" not in done.stderr
        return done.returncode, done.stderr

    for arguments, code, text in (
        ((), 2, "Give a MongoDB URI"),
        (("--uri", schema, "--retention", "{"), 2, "--retention: The retention is not JSON"),
        (("--uri", schema, "--retention", "[1]"), 2, "is not a JSON object"),
        (("--uri", schema, "--retention", '{"audit_logs": 30}'), 2, "audit_logs is kept for ever"),
        (("--uri", mongod.uri("reader")), 2, "Use the schema user's URI."),
        (("--uri", wrong), 2, "refused the credentials"),
        (("--uri", "notauri"), 2, "is not a MongoDB URI"),
        (("--uri", "mongodb://u:secret-word@host:port/"), 2, "is not a MongoDB URI"),
        (("--uri", "mongodb+srv://u:secret-word@nowhere.invalid/"), 2, "is not a MongoDB URI that can be used"),
        (("--uri", schema, "--database", "a b"), 2, "--database cannot be 'a b'."),
        (("--uri", away), 3, "does not answer"),
    ):
        returned, message = told(*arguments)
        assert (returned, text in message) == (code, True), message


def test_applying_what_this_user_may_not_is_told(chancery, mongod, connect):
    connect("admin").drop_collection("audit_settings")

    done = chancery("schema", "apply", "--uri", mongod.uri("reader"))

    assert done.returncode == 2
    assert "Use the schema user's URI." in done.stderr
